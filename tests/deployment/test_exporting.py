"""Exported files predict as Keras does on examples that the check has never seen, and what does not is not left behind."""

from dataclasses import replace

import numpy as np
import pytest

import hackbook as hb
from hackbook.core import load_record
from hackbook.deployment import exporting, formats

EXACT = 1e-4


@pytest.fixture(scope="module")
def run():
    splits = hb.split(hb.data.digits().take(np.arange(400)))
    hb.set_seed(0)
    return hb.fit(hb.models.cnn(splits, filters=(8, 16)), splits, epochs=2, to=None)


@pytest.fixture(scope="module")
def others():
    return hb.data.digits().x[500:540]


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    return hb.export(run, tmp_path_factory.mktemp("exported") / "export", quantize=("int8", "float16"))


def by_onnx(path, x):
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def by_litert(path, x):
    from ai_edge_litert.interpreter import Interpreter

    made = Interpreter(str(path))
    made.resize_tensor_input(made.get_input_details()[0]["index"], x.shape)
    made.allocate_tensors()
    made.set_tensor(made.get_input_details()[0]["index"], x)
    made.invoke()
    return made.get_tensor(made.get_output_details()[0]["index"])


def by_keras(path, x):
    import keras

    return keras.saving.load_model(path).predict(x, verbose=0)


def by_tensorflow(path, x):
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    return loaded.serve(x).numpy()


READERS = {"keras": by_keras, "onnx": by_onnx, "litert": by_litert, "saved_model": by_tensorflow}


@pytest.mark.parametrize("name", READERS)
def test_each_file_predicts_as_keras_does(exported, run, others, name):
    expected = run.model.predict(others, verbose=0)
    rows = exported.frame[exported.frame.format == name]
    assert rows.made.all() and len(rows) == {"onnx": 2, "litert": 3}.get(name, 1)
    for file, row in rows.iterrows():
        found = READERS[name](exported.folder / file, others)
        room = 0.1 if row.quantized else EXACT
        assert found.shape == expected.shape and np.abs(found - expected).max() < room, file


def test_what_is_quantized_is_smaller(exported):
    size = exported.frame.kilobytes
    for file, row in exported.frame[exported.frame.quantized != ""].iterrows():
        plain = exported.frame.index[(exported.frame.format == row.format) & (exported.frame.quantized == "")]
        assert size[file] < size[plain[0]]
    assert (exported.frame.single_ms > 0).all() and (exported.frame[exported.frame.quantized == ""].difference < EXACT).all()


def test_what_a_program_needs_stands_beside(exported, run):
    told = load_record(exported.folder / "labels.json")
    assert told["classes"] == list("0123456789") and told["input"]["shape"] == [8, 8] and told["input"]["type"] == "uint8"
    assert set(told["files"]) == set(exported.frame.index[exported.frame.made])


def test_a_file_that_predicts_otherwise_is_not_left(run, tmp_path, monkeypatch):
    def wrong(model, path, signature):
        import keras

        other = keras.models.clone_model(model)
        for weight in other.weights:
            weight.assign(weight + 0.5)
        other.save(path)

    changed = [replace(f, write=wrong) if f.name == "keras" else f for f in formats.FORMATS]
    monkeypatch.setattr(exporting, "FORMATS", changed)
    report = hb.export(run, tmp_path / "export", formats=("keras", "onnx"))
    row = report.frame.loc[report.frame.format == "keras"].iloc[0]
    assert not row.made and "differ" in row.note and not list((tmp_path / "export").glob("*.keras"))
    assert [p.suffix for p in report.files] == [".onnx"]


def test_a_gru_and_what_cannot_be_converted(tmp_path):
    from keras import Input, Sequential, layers

    hb.set_seed(0)
    gru = Sequential([Input((12, 2)), layers.GRU(4), layers.Dense(3, "softmax")])
    x = np.random.default_rng(0).normal(size=(8, 12, 2)).astype("float32")
    report = hb.export(gru, tmp_path / "gru", examples=x)
    made = report.frame.made.groupby(report.frame.format).all()
    assert made["keras"] and made["onnx"] and made["saved_model"]
    assert np.abs(by_onnx(tmp_path / "gru" / report.frame.index[report.frame.format == "onnx"][0], x) - gru.predict(x, verbose=0)).max() < EXACT
    mel = Sequential([Input((4000,)), layers.MelSpectrogram(sampling_rate=8000), layers.Flatten(), layers.Dense(2)])
    sound = np.random.default_rng(0).normal(size=(4, 4000)).astype("float32")
    report = hb.export(mel, tmp_path / "mel", formats=("keras", "onnx"), examples=sound)
    row = report.frame[report.frame.format == "onnx"].iloc[0]
    assert not row.made and row.note and not list((tmp_path / "mel").glob("*.onnx"))


def test_texts_keep_to_what_takes_texts(tmp_path):
    from keras import Sequential, layers

    words = layers.TextVectorization(output_sequence_length=4)
    words.adapt(["a good day", "a bad day"])
    model = Sequential([words, layers.Embedding(10, 3), layers.GlobalAveragePooling1D(), layers.Dense(2, "softmax")])
    texts = np.array(["good day", "bad"], object)
    model(texts.astype(str))
    report = hb.export(model, tmp_path / "texts", examples=texts)
    made = report.frame.made.groupby(report.frame.format).all()
    assert made["keras"] and not made["onnx"] and report.frame.note[~report.frame.made].str.len().min() > 20


def test_a_missing_extra_is_named(run, tmp_path, monkeypatch):
    import builtins

    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] in ("onnx", "tf2onnx", "onnxruntime"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *args, **kwargs)

    for name in [n for n in __import__("sys").modules if n.split(".")[0] in ("onnx", "tf2onnx", "onnxruntime")]:
        monkeypatch.delitem(__import__("sys").modules, name)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(hb.HackbookError, match=r"hackbook\[export\]"):
        hb.export(run, tmp_path / "export", formats="onnx")


def test_a_full_disk_leaves_the_old_files(run, tmp_path, monkeypatch):
    to = tmp_path / "export"
    hb.export(run, to, formats="keras")
    old = {p.name: p.read_bytes() for p in to.iterdir()}

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting, "move", full)
    with pytest.raises(hb.HackbookError, match="intact"):
        hb.export(run, to, formats="keras")
    assert {p.name: p.read_bytes() for p in to.iterdir()} == old


@pytest.mark.parametrize("arguments, words", [
    ({"formats": "pmml"}, "formats"), ({"formats": ()}, "formats"), ({"quantize": "int4"}, "quantize"),
    ({"formats": "keras", "quantize": "int8"}, "none, for these formats"), ({"to": "model.onnx"}, "a folder"), ({"examples": np.zeros((0, 8, 8), "uint8")}, "at least one")])
def test_bad_arguments(run, tmp_path, arguments, words):
    with pytest.raises(hb.HackbookError, match=words):
        hb.export(run, **{"to": tmp_path / "export"} | arguments)
    assert not list(tmp_path.iterdir())


def test_only_a_network_is_exported(tmp_path):
    with pytest.raises(hb.HackbookError, match="run"):
        hb.export("a run", tmp_path / "export")
