"""Each exported file predicts what Keras predicts, or is not left; a failure leaves what was there before."""

import dataclasses
import errno
import importlib
import json
import os

import numpy as np
import pytest

import hackbook as hb
from hackbook.deployment import exporting, formats

KERAS = hb.core.load_keras()
L = KERAS.layers
ALL = ["model.keras", "model.onnx", "model.tflite", "saved_model"]


@pytest.fixture(scope="module")
def splits():
    return hb.split(hb.data.digits().take(np.arange(400)))


@pytest.fixture(scope="module")
def run(splits):
    hb.set_seed(0)
    return hb.fit(hb.models.cnn(splits, filters=(8, 16)), splits, epochs=2, to=None)


@pytest.fixture(scope="module")
def written(run, splits, tmp_path_factory):
    return hb.export(run, tmp_path_factory.mktemp("jury") / "export", quantize=["int8", "float16"], examples=splits.validation)


def by_onnx(path, x):
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path))
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def by_litert(path, x):
    """One example after the other, as a phone does it."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    rows = []
    for i in range(len(x)):
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x[i : i + 1])
        interpreter.invoke()
        rows.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0])
    return np.array(rows)


def by_keras(path, x):
    return KERAS.models.load_model(path).predict(x, verbose=0)


def by_tensorflow(path, x):
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    return loaded.serve(tf.constant(x)).numpy()


READERS = {"model.keras": by_keras, "model.onnx": by_onnx, "model.tflite": by_litert, "saved_model": by_tensorflow}


@pytest.mark.parametrize("file", ALL)
def test_a_file_predicts_other_examples_as_keras_does(written, run, splits, file):
    x = splits.train.x[:40]
    assert x.dtype == np.uint8
    assert np.abs(READERS[file](written.folder / file, x) - run.model.predict(x, verbose=0)).max() < 1e-5


@pytest.mark.parametrize("file, exact", [("model.int8.onnx", "model.onnx"), ("model.int8.tflite", "model.tflite"), ("model.float16.tflite", "model.tflite")])
def test_rounded_weights_are_smaller_and_nearly_the_same(written, run, splits, file, exact):
    x = splits.train.x[:40]
    outputs = READERS[exact](written.folder / file, x)
    expected = run.model.predict(x, verbose=0)
    assert 0 < np.abs(outputs - expected).max() < 0.1 and (outputs.argmax(1) == expected.argmax(1)).mean() >= 0.9
    assert os.path.getsize(written.folder / file) < 0.7 * os.path.getsize(written.folder / exact)


def test_the_table_says_what_the_files_say(written, run, splits):
    frame = written.frame
    assert frame.made.all() and len(frame) == 7 and (frame[["single_ms", "batch_ms", "kilobytes"]] > 0).all(axis=None)
    assert frame.kilobytes["model.onnx"] == os.path.getsize(written.folder / "model.onnx") / 1000
    x = splits.validation.x[np.linspace(0, len(splits.validation) - 1, min(128, len(splits.validation))).astype(int)]
    expected = run.model.predict(x, verbose=0)
    outputs = by_onnx(written.folder / "model.int8.onnx", x)
    assert np.isclose(frame.difference["model.int8.onnx"], np.abs(outputs - expected).max(), rtol=0.01)
    assert frame.changed["model.int8.onnx"] == (outputs.argmax(1) != expected.argmax(1)).mean()
    assert "digits validation" in written.examples and "model.onnx" in repr(written) and "\n" not in repr(written)


def test_what_stands_beside_the_files(written, run, splits):
    import onnx

    about = hb.core.load_record(written.folder / "labels.json")
    assert about["input"]["type"] == "uint8" and about["input"]["shape"] == [8, 8] and about["outputs"] == "probabilities"
    assert about["classes"] == [str(c) for c in splits.class_names] and set(about["files"]) == set(written.frame.index)
    for file in ("model.onnx", "model.int8.onnx"):
        noted = {p.key: json.loads(p.value) for p in onnx.load(written.folder / file).metadata_props}
        assert noted["classes"] == about["classes"] and noted["input"] == about["input"]


def test_temperature_threshold_and_hostile_names_are_kept(tmp_path):
    x = np.random.default_rng(0).normal(size=(60, 3)).astype("float32")
    splits = hb.split(hb.Dataset(x, (x[:, 0] > 0).astype(int), ["<b>", "\u202eא"], name="<script>"))
    hb.set_seed(0)
    model = KERAS.Sequential([KERAS.Input((3,)), L.Dense(2, "softmax")])
    run = hb.fit(model, splits, epochs=1, to=None)
    run.record |= {"temperature": 1.5, "threshold": 0.7}
    report = hb.export(run, tmp_path / "out", ["onnx"], examples=splits.validation)
    about = hb.core.load_record(tmp_path / "out/labels.json")
    assert (about["temperature"], about["threshold"], about["classes"]) == (1.5, 0.7, ["<b>", "\u202eא"])
    assert "<script>" not in report._repr_html_() and "&lt;script&gt;" in report._repr_html_()


def normalized():
    x = np.random.default_rng(0).normal(5, 3, size=(50, 4)).astype("float32")
    scale = L.Normalization()
    scale.adapt(x)
    return KERAS.Sequential([KERAS.Input((4,)), scale, L.Dense(8, "relu"), L.Dense(1), L.Rescaling(1e5)]), x


def recurrent():
    x = np.random.default_rng(0).normal(size=(20, 6, 2)).astype("float32")
    return KERAS.Sequential([KERAS.Input((6, 2)), L.GRU(4), L.Dense(3, "softmax")]), x


def subclassed():
    class Own(KERAS.Model):
        def __init__(self, **options):
            super().__init__(**options)
            self.dense = L.Dense(3, "softmax")

        def call(self, x):
            return self.dense(x)

    x = np.random.default_rng(0).normal(size=(20, 4)).astype("float32")
    model = Own()
    model(x)
    return model, x


@pytest.mark.parametrize("build", [normalized, recurrent])
def test_other_families(tmp_path, build):
    hb.set_seed(0)
    model, x = build()
    report = hb.export(model, tmp_path / "out", examples=x[:10])
    assert report.frame.made.all()
    expected = model.predict(x[10:], verbose=0)
    for file in report.frame.index:
        outputs = READERS[file](report.folder / file, x[10:])
        assert np.abs(outputs - expected).max() < 1e-5 * max(1, np.abs(expected).max()), file
    assert ("one example per call" in report.frame.note["model.tflite"]) == (build is recurrent)
    if build is normalized:  # Keras goes on as before
        assert np.array_equal(model.predict(x[10:], verbose=0), expected) and report.frame.changed.isna().all()


def test_a_class_of_your_own(tmp_path):
    model, x = subclassed()
    report = hb.export(model, tmp_path / "out", ["keras", "onnx"], examples=x)
    expected = model.predict(x, verbose=0)
    assert np.abs(by_onnx(tmp_path / "out/model.onnx", x) - expected).max() < 1e-5
    made, note = report.frame.made["model.keras"], report.frame.note["model.keras"]
    assert note and (made or not (tmp_path / "out/model.keras").exists())


def test_random_examples_are_like_those_of_training(run):
    facts = run.record["data"]["input"]
    x = hb.deployment.random_examples(run.model, facts)
    assert x.dtype == np.uint8 and x.shape == (128, 8, 8) and x.min() >= facts["low"] and x.max() <= facts["high"]
    assert np.array_equal(x, hb.deployment.random_examples(run.model, facts)) and x.std() > 0


def test_a_batch_that_proves_nothing_is_named(tmp_path):
    model = KERAS.Sequential([KERAS.Input((3,)), L.Dense(2, "softmax", kernel_initializer="zeros")])
    assert "the same prediction" in hb.export(model, tmp_path / "out", "keras").examples


def sabotage(monkeypatch, file, load):
    monkeypatch.setattr(exporting, "FORMATS", [dataclasses.replace(f, load=load) if f.file == file else f for f in formats.FORMATS])


@pytest.mark.parametrize("wrong", [lambda y: y[:, ::-1], lambda y: y + np.nan, lambda y: y[:, :1], lambda y: y + 0.001], ids=["order", "NaN", "shape", "little"])
def test_a_file_that_predicts_wrongly_is_not_left(run, splits, tmp_path, monkeypatch, wrong):
    sabotage(monkeypatch, "model.onnx", lambda path: lambda x, f=formats.load_onnx(path): wrong(f(x)))
    report = hb.export(run, tmp_path / "out", ["keras", "onnx"], examples=splits.validation)
    assert not report.frame.made["model.onnx"] and "something else than Keras" in report.frame.note["model.onnx"]
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"model.keras", "labels.json"}
    assert "not made: model.onnx" in repr(report)


def test_an_older_file_stays_and_is_named(run, splits, tmp_path, monkeypatch):
    (tmp_path / "model.onnx").write_text("before")
    (tmp_path / "saved_model").mkdir()
    (tmp_path / "saved_model/old").touch()
    sabotage(monkeypatch, "model.onnx", lambda path: lambda x: np.zeros((len(x), 10)))
    report = hb.export(run, tmp_path, ["onnx", "saved_model"], examples=splits.validation)
    assert "from before" in report.frame.note["model.onnx"] and (tmp_path / "model.onnx").read_text() == "before"
    assert not (tmp_path / "saved_model/old").exists() and (tmp_path / "saved_model/saved_model.pb").exists()


def content(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("place", ["write", "error of TensorFlow", "labels.json", "move"])
def test_a_full_disk_leaves_what_was_there(run, splits, tmp_path, monkeypatch, place):
    hb.export(run, tmp_path, ["keras", "saved_model"], examples=splits.validation)
    before = content(tmp_path)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def said(*_):
        raise RuntimeError("RESOURCE_EXHAUSTED: write failed: No space left on device")

    kept = exporting.move
    if place == "labels.json":
        monkeypatch.setattr(exporting, "save_record", full)
    elif place == "move":
        monkeypatch.setattr(exporting, "move", lambda a, b: full() if b == tmp_path / "labels.json" and "before" not in a.parts else kept(a, b))
    else:
        write = full if place == "write" else said
        monkeypatch.setattr(exporting, "FORMATS", [dataclasses.replace(f, write=write) if f.name == "saved_model" else f for f in formats.FORMATS])
    with pytest.raises(hb.HackbookError, match="intact: free some space"):
        hb.export(run, tmp_path, ["keras", "saved_model"], examples=splits.train)
    assert content(tmp_path) == before


def test_what_is_missing_is_named(run, splits, tmp_path, monkeypatch):
    def without(name, *rest):
        if name == "tf2onnx":
            raise ImportError("No module named 'tf2onnx'")
        return importlib.import_module(name, *rest)

    monkeypatch.setattr(formats, "import_module", without)
    with pytest.raises(hb.HackbookError, match=r'pip install "hackbook\[export\]"'):
        hb.export(run, tmp_path / "out", "onnx", examples=splits.validation)
    with pytest.raises(hb.HackbookError, match=r'pip install "hackbook\[export\]"'):
        hb.deployment.to_onnx(run.model, tmp_path / "a.onnx", splits.validation.x)
    report = hb.export(run, tmp_path / "out", ["keras", "onnx"], examples=splits.validation)
    assert "hackbook[export]" in report.frame.note["model.onnx"] and report.frame.made["model.keras"]
    assert not (tmp_path / "a.onnx").exists()


def test_nothing_is_printed(run, splits, tmp_path, capfd):
    hb.export(run, tmp_path / "out", ["onnx", "litert"], "int8", splits.validation)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("options, says", [
    ({"formats": "h5"}, "formats must be one or several of keras, onnx"), ({"formats": []}, "formats must be"), ({"formats": [1]}, "formats must be"),
    ({"quantize": "int4"}, "quantize must be one or several of int8, float16"), ({"formats": "keras", "quantize": "int8"}, "quantize must be none"),
    ({"to": "model.onnx"}, "to must be a folder"), ({"examples": np.zeros((0, 8, 8))}, "example"), ({"examples": np.zeros((3, 5))}, "x must be of shape"),
    ({"examples": "no/such.png"}, "there is no file")])
def test_bad_arguments(run, tmp_path, monkeypatch, options, says):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(hb.HackbookError, match=says):
        hb.export(run, **options)
    assert list(tmp_path.iterdir()) == []


def test_only_a_run_or_a_model_and_no_sealed_part(run, splits, tmp_path):
    with pytest.raises(hb.InvalidValue, match="run must be a keras.Model"):
        hb.export(splits, tmp_path / "out")
    with pytest.raises(hb.InvalidValue, match="one part of Splits"):
        hb.export(run, tmp_path / "out", examples=splits.test)
    two = KERAS.Model([a := KERAS.Input((2,)), b := KERAS.Input((2,))], L.Add()([a, b]))
    with pytest.raises(hb.HackbookError):
        hb.export(two, tmp_path / "out")
    with pytest.raises(hb.InvalidValue, match="an array of examples"):
        hb.deployment.to_onnx(run.model, tmp_path / "a.onnx", [[1]])
    assert list(tmp_path.iterdir()) == []
