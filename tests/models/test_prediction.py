"""From raw input to named predictions: the same by every way, a week later too, and an error where an answer would be nonsense."""

import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.io import wavfile

import hackbook as hb
from hackbook.core import load_keras

keras = load_keras()
RNG = np.random.default_rng(0)


def fitted(data, *layers, loss=None, epochs=2, to=None):
    """A run of a small model."""
    splits = hb.split(data, 0.2, 0.2)
    hb.set_seed(0)
    dtype = "string" if data.kind == "text" else None
    model = keras.Sequential([keras.Input(data.x.shape[1:], dtype=dtype), *layers])
    return hb.fit(model, splits, epochs, loss=loss, to=to), splits


@pytest.fixture(scope="module")
def digits():
    splits = hb.split(hb.data.digits())
    hb.set_seed(0)
    return hb.fit(hb.models.cnn(splits, filters=(8,)), splits, epochs=3, to=None), splits


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Photos of two classes, bright and dark, of many sizes; one lies on its side."""
    to = tmp_path_factory.mktemp("photos")
    for i in range(24):
        name, low = (("bright", 130), ("dark", 0))[i % 2]
        (to / name).mkdir(exist_ok=True)
        a = RNG.integers(low, low + 120, (12 + i, 20, 3), dtype="uint8")
        picture = Image.fromarray(a)
        exif = picture.getexif()
        if i == 3:
            exif[0x0112] = 6
        picture.save(to / name / f"{i:02}.png", exif=exif)
    return to


@pytest.fixture(scope="module")
def photos(folder, tmp_path_factory):
    data = hb.data.images(folder, size=(10, 12))
    layers = [keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(2, "softmax")]
    run, splits = fitted(data, *layers, epochs=4, to=tmp_path_factory.mktemp("runs"))
    return run, splits, data


@pytest.fixture(scope="module")
def table():
    x = pd.DataFrame({"age": RNG.integers(20, 60, 80), "dose": RNG.random(80).astype("float32"), "smokes": RNG.random(80) < 0.5})
    data = hb.Dataset(x, np.where(x.dose > 0.5, "ill", "well"))
    run, splits = fitted(data, keras.layers.Normalization(mean=[40, 0.5, 0.5], variance=[100, 0.1, 0.2]), keras.layers.Dense(2, "softmax"))
    return run, splits, data


@pytest.fixture(scope="module")
def texts():
    x = np.array([f"{word} {i}" for i in range(20) for word in ("so good", "so bad")], object)
    words = keras.layers.TextVectorization(output_mode="multi_hot", vocabulary=["good", "bad", "so"])
    return fitted(hb.Dataset(x, ["yes", "no"] * 20), words, keras.layers.Dense(2, "softmax"))


@pytest.fixture(scope="module")
def numbers():
    x = RNG.normal(size=(60, 3)).astype("float32")
    data = hb.Dataset(x, x.sum(axis=1), task=replace(hb.data.as_task("regression"), unit="€"))
    return fitted(data, keras.layers.Dense(1))


def refused(says):
    return pytest.raises(hb.HackbookError, match=says)


# The same answers


def test_training_form_is_answered_as_by_the_model(digits):
    run, splits = digits
    x = splits.validation.x
    found = run.predict(x)
    expected = run.model.predict(x, verbose=0)
    assert np.allclose(found.probabilities, expected, atol=1e-5)
    assert found.predicted.tolist() == [splits.class_names[i] for i in expected.argmax(axis=1)] == found.frame.predicted.tolist()
    assert np.allclose(found.probabilities, run.predict(splits.validation).probabilities, atol=1e-6)
    assert np.allclose(found.probabilities, hb.evaluate(run, splits.validation).probabilities, atol=1e-5)
    assert list(found.classes) == splits.class_names and len(found) == len(x)


@pytest.mark.parametrize("form", [lambda x: x[0], lambda x: x[0, ..., None], lambda x: x[:1], lambda x: x[0].tolist(), lambda x: x[0].astype("float32"),
                                  lambda x: [x[0]], lambda x: x[:1, ..., None], lambda x: x[0].astype("int64")])
def test_one_example_in_any_form(digits, form):
    run, splits = digits
    x = splits.validation.x
    one = run.predict(form(x))
    assert len(one) == 1 and np.allclose(one.probabilities, run.predict(x)[:1].probabilities, atol=1e-6)
    assert one.captions[0].startswith(one.best_guess[0]) and one._repr_html_() and one.plot()


def test_path_array_and_dataset_agree(photos, folder):
    run, splits, data = photos
    by_data = run.predict(data)
    order = sorted(folder.rglob("*.png"))
    by_path = run.predict(order)
    by_folder = run.predict(folder)
    assert by_path.names == [str(p) for p in order] and by_folder.names == [p.relative_to(folder).as_posix() for p in order]
    assert np.allclose(by_path.probabilities, by_folder.probabilities, atol=1e-6)
    assert sorted(map(tuple, by_path.x.reshape(24, -1).tolist())) == sorted(map(tuple, data.x.reshape(24, -1).tolist()))
    one = run.predict(str(order[5]))
    raw = np.asarray(Image.open(order[5]))
    assert len(one) == 1 and np.allclose(one.probabilities, by_path.probabilities[5:6], atol=1e-6)
    assert np.allclose(run.predict(raw).probabilities, one.probabilities, atol=1e-6) and "brought to 10 × 12 pixels" in one.notes[0]
    assert np.allclose(by_data.probabilities, run.model.predict(data.x, verbose=0), atol=1e-5)


def test_lazy_images(photos, folder):
    run, _, data = photos
    lazy = hb.data.images(folder, size=(10, 12), lazy=True)
    assert np.allclose(run.predict(lazy).probabilities, run.predict(data).probabilities, atol=0.02)
    assert run.predict(lazy)[:3].plot()
    with refused("read them with size="):
        run.predict(hb.data.images(folder, size=(9, 9), lazy=True))


def test_a_run_of_lazy_images_takes_files(folder):
    lazy = hb.data.images(folder, size=(10, 12), lazy=True)
    run, _ = fitted(lazy, keras.layers.Flatten(), keras.layers.Dense(2, "softmax"), epochs=1)
    assert len(run.predict(folder)) == 24


def test_gray_of_16_bits_is_read_as_in_training(tmp_path):
    for i in range(12):
        (tmp_path / "ab"[i % 2]).mkdir(exist_ok=True)
        Image.fromarray(RNG.integers(0, 4096, (8, 8), dtype="uint16")).save(tmp_path / "ab"[i % 2] / f"{i}.png")
    data = hb.data.images(tmp_path, size=(8, 8))
    run, _ = fitted(data, keras.layers.Flatten(), keras.layers.Dense(2, "softmax"), epochs=1)
    assert sorted(run.predict(tmp_path).x.reshape(12, -1).tolist()) == sorted(data.x.reshape(12, -1).tolist())


def test_gray_of_16_bits_is_refused_where_training_had_8(photos, tmp_path):
    Image.fromarray(RNG.integers(0, 4096, (8, 8), dtype="uint16")).save(tmp_path / "deep.png")
    with refused("deep.png must be a picture.*more than 8 bits of gray"):
        photos[0].predict(tmp_path / "deep.png")


def test_rows_in_any_form_and_order(table, tmp_path):
    run, splits, data = table
    expected = run.predict(data)
    assert np.allclose(expected.probabilities, run.model.predict(data.x.to_numpy("float32"), verbose=0), atol=1e-5)
    turned = data.x[["smokes", "dose", "age"]].assign(city="Bern")
    turned.to_csv(tmp_path / "rows.csv", index=False)
    rows = turned.to_dict("records")
    for form in (turned, rows, data.x.to_numpy("float32"), tmp_path / "rows.csv", turned.convert_dtypes()):
        found = run.predict(form)
        assert np.allclose(found.probabilities, expected.probabilities, atol=1e-6)
        assert isinstance(form, np.ndarray) or "city" in found.notes[0]
    for one in (rows[3], turned.iloc[3], rows[3:4], data.x.to_numpy("float32")[3]):
        assert np.allclose(run.predict(one).probabilities, expected.probabilities[3:4], atol=1e-6)


def test_texts_in_any_form(texts):
    run, splits = texts
    forms = [["so good", "bad"], ("so good", "bad"), pd.Series(["so good", "bad"], index=[7, 3]), np.array(["so good", "bad"])]
    answers = [run.predict(form).probabilities for form in forms]
    assert all(np.array_equal(a, answers[0]) for a in answers) and len(run.predict("so good")) == 1
    assert np.allclose(run.predict("bad").probabilities, answers[0][1:], atol=1e-6)
    assert len(run.predict(splits.validation)) == len(splits.validation) and run.predict("bad").plot() is None


def test_numbers_come_with_their_unit(numbers):
    run, splits = numbers
    x = splits.validation.x
    found = run.predict(x)
    assert np.allclose(found.predicted, run.model.predict(x, verbose=0)[:, 0], atol=1e-5)
    assert list(found.frame) == ["predicted"] and found.unit == "€" and found.captions[0].endswith(" €") and "€" in found._repr_html_()
    with refused("predicts numbers"):
        run.predict(x, threshold=0.5)
    with refused("try .predicted"):
        found.probabilities


@pytest.mark.parametrize("stored, written", [("float32", "int16"), ("int16", "float32"), ("int16", "int16")])
def test_sounds_are_resampled_and_cut(tmp_path, stored, written):
    def tone(pitch, rate, seconds, dtype):
        wave = 0.5 * np.sin(2 * np.pi * pitch * np.arange(int(rate * seconds)) / rate)
        return (wave * 32767).astype("int16") if dtype == "int16" else wave.astype("float32")

    for i in range(12):
        name = ("low", "high")[i % 2]
        (tmp_path / "tones" / name).mkdir(parents=True, exist_ok=True)
        wavfile.write(tmp_path / "tones" / name / f"{i}.wav", 8000, tone((200, 900)[i % 2] + i, 8000, 0.1, stored))
    data = hb.data.sounds(tmp_path / "tones")
    assert data.x.dtype == stored
    run, _ = fitted(data, keras.layers.Dense(2, "softmax"), epochs=1)
    assert np.array_equal(np.sort(run.predict(tmp_path / "tones").x, axis=0), np.sort(data.x, axis=0))
    wavfile.write(tmp_path / "new.wav", 16000, tone(200, 16000, 0.3, written))
    found = run.predict(tmp_path / "new.wav")
    assert found.x.shape == (1, 800) and found.x.dtype == stored and "8,000 samples per second" in found.notes[0]
    expected = tone(200, 8000, 0.1, stored)
    assert np.abs(found.x[0, 50:-50] - expected[50:-50].astype("float64")).max() < 0.02 * np.abs(expected).max()
    with refused("sample_rate=8000"):
        run.predict(hb.Dataset(data.x, data.y, sample_rate=16000))
    with refused("do not divide it|on the scale"):
        run.predict((data.x / 32768).astype("float32") if stored == "int16" else (data.x * 32768).astype("int16"))


# A week later


def test_the_same_in_a_fresh_process(photos, folder, tmp_path):
    run, _, data = photos
    run.record["temperature"] = 2.0
    hb.core.save_record(run.record, run.folder / "run.json")
    expected = run.predict(folder, threshold=0.6)
    code = f"import hackbook as hb; hb.load_run({str(run.folder)!r}).predict({str(folder)!r}, threshold=.6).frame.to_csv({str(tmp_path / 'a.csv')!r}, index=False)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    frame = pd.read_csv(tmp_path / "a.csv")
    assert frame.predicted.tolist() == expected.predicted.tolist() and frame.file.tolist() == expected.names
    assert np.allclose(frame[["P(bright)", "P(dark)"]], expected.probabilities, atol=1e-5)
    del run.record["temperature"]
    hb.core.save_record(run.record, run.folder / "run.json")


@pytest.mark.parametrize("fixture", ["digits", "table", "texts", "numbers"])
def test_every_kind_is_the_same_after_saving(fixture, request, tmp_path):
    run, splits, *_ = request.getfixturevalue(fixture)
    again = hb.load_run(hb.Run(run.model, run.history, run.record).save(tmp_path))
    assert np.allclose(again.predict(splits.validation).outputs, run.predict(splits.validation).outputs, atol=1e-6)


def test_a_run_saved_before_answers_arrays_and_says_what_it_lacks():
    old = hb.load_run(ROOT / "tests/saved/classes")
    x = hb.data.digits().x[:5]
    found = old.predict(x)
    assert np.allclose(found.probabilities, old.model.predict(x, verbose=0), atol=1e-6) and found.class_names == list("0123456789")
    assert len(old.predict(x[0])) == 1 and found.plot()
    with refused("saved before records said how files are read.*as in training"):
        old.predict(ROOT / "README.md")
    numbers = hb.load_run(ROOT / "tests/saved/numbers")
    assert numbers.predict(np.zeros((4, 3), "float32")).predicted.shape == (4,)


# Temperature and threshold


def test_temperature_acts_as_in_evaluate(digits):
    run, splits = digits
    plain = run.predict(splits.validation).probabilities
    cool = hb.Run(run.model, run.history, run.record | {"temperature": 0.5, "threshold": 0.9})
    found = cool.predict(splits.validation)
    assert np.allclose(found.probabilities, hb.evaluation.tempered(plain, 0.5), atol=1e-4)
    assert np.allclose(found.probabilities, hb.evaluate(cool, splits.validation).probabilities, atol=1e-4)
    assert found.threshold == 0.9 and cool.predict(splits.validation, threshold=0).threshold == 0
    assert hb.evaluation.tempered is hb.models.tempered


def test_below_the_threshold_it_is_not_sure(digits):
    run, splits = digits
    found = run.predict(splits.validation, threshold=0.8)
    unsure = found.probability < 0.8
    assert 0 < unsure.sum() < len(found) and (found.predicted[unsure] == "not sure").all()
    assert (found.predicted[~unsure] == found.best_guess[~unsure]).all() and "not sure" not in set(found.best_guess)
    assert f"{unsure.sum()} not sure below 80 %" in found._repr_html_()
    for threshold in (-0.1, 1.1, "0.5", np.nan, True):
        with refused("threshold"):
            run.predict(splits.validation, threshold=threshold)


def test_an_index_gives_one_and_a_slice_several(digits):
    run, splits = digits
    found = run.predict(splits.validation)
    assert len(found[3]) == 1 and found[3].predicted[0] == found.predicted[3] and found[-1].predicted[0] == found.predicted[-1]
    assert len(found[2:5]) == 3 and len(found[found.probability > 0.9]) == (found.probability > 0.9).sum()
    assert [p.best_guess[0] for p in found[:4]] == found.best_guess[:4].tolist()


def test_markup_is_shown_as_text(folder, tmp_path):
    x = RNG.integers(0, 255, (20, 6, 6), dtype="uint8")
    run, _ = fitted(hb.Dataset(x, ["<b>a</b>", "<script>b"] * 10), keras.layers.Flatten(), keras.layers.Dense(2, "softmax"), epochs=1)
    Image.fromarray(x[0]).save(tmp_path / "<i>x.png")
    for found in (run.predict(x), run.predict(x[0]), run.predict(tmp_path), run.predict(x, threshold=1)):
        assert not any(tag in found._repr_html_() for tag in ("<b>", "<script", "<i>"))


# What is refused


def test_pictures_on_another_scale(digits, photos):
    run, splits = digits
    x = splits.validation.x
    for wrong, says in ((x / 16, "do not divide it"), (x * 15.9, "on the scale of training, 0 to 16"), (x[0] / 16, "do not divide it"), (x.astype("float32") - 300, "on the scale")):
        with refused(says):
            run.predict(wrong)
    with refused("do not divide it"):
        photos[0].predict(photos[2].x / 255)
    for fair in (x * 2, np.zeros((2, 8, 8)), np.zeros((8, 8), "uint8"), (x > 8).astype("uint8")):
        assert len(run.predict(fair))
    with refused("from 0 to 255"):
        photos[0].predict(np.full((10, 12, 3), 300.0))


@pytest.mark.parametrize("change, says", [
    (lambda x: x.drop(columns="dose"), "no column 'dose'"), (lambda x: x.assign(age="old"), "column 'age' must be numbers.*got \\['old'"),
    (lambda x: x.assign(age=np.nan), "column 'age' must be complete"), (lambda x: x.assign(age=np.inf), "column 'age'"),
    (lambda x: x.assign(age=pd.Timestamp("2026-01-01")), "column 'age' must be numbers"), (lambda x: x.iloc[:0], "at least one row"),
    (lambda x: x[["age", "dose"]].to_numpy("float32"), r"\(3,\) or \(examples, …\).*age, dose, smokes"), (lambda x: pd.concat([x, x[["age"]]], axis=1), "two columns 'age'"),
    (lambda x: {"age": [1, 2], "dose": [1, 2], "smokes": [0, 1]}, "column"), (lambda x: [{"age": 3}, {}], "no column"), (lambda x: {}, "no column"),
    (lambda x: "nowhere.csv", "is the path right"), (lambda x: ["a.csv", "b.csv"], "path|array")])
def test_rows_that_do_not_fit(table, change, says):
    with refused(says):
        table[0].predict(change(table[2].x.head(4)))


def test_far_outside_is_noted_and_answered(table):
    found = table[0].predict({"age": 900, "dose": 0.5, "smokes": 0})
    assert "age 900 is far outside of training" in found.notes[0] and "far outside" in repr(found)


def test_far_outside_without_columns(numbers):
    assert "x 1e+06 is far outside" in numbers[0].predict(np.array([0, 1e6, 0], "float32")).notes[0]
    assert numbers[0].predict(numbers[1].validation).notes == []


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A run on what a pipeline made of words, dates, gaps and numbers, the raw splits, and those that it was trained on."""
    rng = np.random.default_rng(3)
    x = pd.DataFrame({"age": rng.integers(20, 60, 90).astype(float), "town": rng.choice(["Bern", "Chur", "Genf"], 90), "dose": rng.normal(size=90) * 500,
                      "since": pd.Timestamp(2026, 1, 1) + pd.to_timedelta(rng.integers(0, 90, 90), "D")})
    x.loc[::9, "age"] = np.nan
    raw = hb.split(hb.Dataset(x, (x.dose > 0).astype(int), ["low", "high"]), 0.2, 0.2)
    splits = hb.features.transform(raw, hb.features.scale(raw))
    model = keras.Sequential([keras.Input(splits.train.x.shape[1:]), keras.layers.Dense(8, "relu"), keras.layers.Dense(2, "softmax")])
    return hb.fit(model, splits, 3, to=tmp_path_factory.mktemp("prepared")), raw, splits


def test_the_pipeline_is_part_of_the_run(prepared, tmp_path):
    """Raw rows in every form get the answers of the transformed ones, also after the run was saved, and in an evaluation."""
    run, raw, splits = prepared
    x = raw.validation.x
    x.to_csv(tmp_path / "rows.csv", index=False)
    expected = run.model.predict(splits.validation.x, verbose=0)
    again = hb.load_run(run.folder)
    forms = (x, x.to_dict("records"), tmp_path / "rows.csv", raw.validation, splits.validation, splits.validation.x, x[::-1].iloc[::-1], x[list(x)[::-1]])
    for form in forms:
        for r in (run, again):
            np.testing.assert_allclose(r.predict(form).probabilities, expected, atol=1e-5)
    np.testing.assert_allclose(again.predict(x.iloc[1]).probabilities, expected[1:2], atol=1e-5)
    results = [hb.evaluate(again, part) for part in (raw.validation, splits.validation)]
    assert results[0].accuracy == results[1].accuracy
    assert hb.evaluate(run, raw.test, reason="raw rows of the sealed part").accuracy == hb.evaluate(run, splits.test, reason="the same").accuracy


def test_what_the_pipeline_cannot_use_is_told(prepared):
    run, raw, _ = prepared
    row = raw.validation.x.iloc[0].to_dict()
    assert "town was never 'Ulm'" in repr(run.predict(row | {"town": "Ulm"})) and "dose 1e+06 is far outside" in repr(run.predict(row | {"dose": 1e6}))
    assert len(run.predict(row | {"age": None, "town": None})) == 1
    for x, says in (({"age": 3}, "no column 'town'"), (row | {"age": "old"}, "'age'.*numbers"), (row | {"since": "soon"}, "'since'.*dates"), (np.zeros((3, 4)), "held words or dates"), ([], "examples|rows")):
        with refused(says):
            run.predict(x)


def test_numbers_with_the_names_of_before_are_raw(tmp_path):
    """A scaler leaves the columns' names: without the pipeline, raw rows would be answered wrongly and with certainty."""
    rng = np.random.default_rng(0)
    x = pd.DataFrame({"a": rng.normal(1000, 50, 120), "b": rng.normal(0, 0.01, 120)})
    raw = hb.split(hb.Dataset(x, (x.b > 0).astype(int), ["no", "yes"]), 0.2, 0.2)
    splits = hb.features.transform(raw, hb.features.scale(raw))
    assert splits.train.features == ["a", "b"]
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, "softmax")])
    run = hb.fit(model, splits, 20, learning_rate=0.1, to=None)
    expected = run.model.predict(splits.validation.x, verbose=0)
    for form in (raw.validation.x, raw.validation.x.to_numpy(), raw.validation, splits.validation):
        np.testing.assert_allclose(run.predict(form).probabilities, expected, atol=1e-5)
    assert (run.predict(raw.validation.x).best_guess == np.array(["no", "yes"])[raw.validation.y]).mean() > 0.8


def test_pipelines_after_each_other_texts_and_pictures():
    rng = np.random.default_rng(1)
    texts = np.array([f"{a} {b}" for a, b in rng.choice(["tea", "milk", "honey", "lemon", "rum"], (80, 2))], object)
    words = hb.split(hb.Dataset(texts, ["tea" in t for t in texts]), 0.2, 0.2)
    digits = hb.split(hb.data.digits().take(np.arange(200)), 0.2, 0.2)
    for raw, *steps in ((words, hb.features.scale), (digits, hb.features.scale, lambda s: hb.features.pca(s, 5))):
        splits = raw
        for step in steps:
            splits = hb.features.transform(splits, step(splits))
        outputs = len(raw.class_names)
        run = hb.fit(keras.Sequential([keras.Input(splits.train.x.shape[1:]), keras.layers.Dense(outputs, "softmax")]), splits, 1, to=None)
        found = run.predict(raw.validation.x)
        np.testing.assert_allclose(found.probabilities, run.model.predict(splits.validation.x, verbose=0), atol=1e-5)
    assert found.kind == "image" and found.plot() is not None
    assert len(run.predict(np.zeros((40, 30), "uint8"))) == 1  # a picture of another size


def test_a_pipeline_that_cannot_be_stored_is_missed(tmp_path):
    raw = hb.split(hb.data.digits().take(np.arange(200)), 0.2, 0.2)
    splits = hb.features.transform(raw, hb.features.autoencoder(raw, codes=4, epochs=1))
    run = hb.fit(keras.Sequential([keras.Input((4,)), keras.layers.Dense(10, "softmax")]), splits, 1, to=tmp_path)
    assert len(run.predict(raw.validation.x)) == len(raw.validation)
    again = hb.load_run(run.folder)
    with refused("pipeline between raw examples and the model is missing.*not stored"):
        again.predict(raw.validation.x)
    assert len(again.predict(splits.validation)) == len(splits.validation)


@pytest.mark.parametrize("x, says", [([], "at least one"), (np.zeros((0, 8, 8)), "at least one"), (None, "image data of shape"), (object(), "image data"), ("nowhere.png", "is the path right"),
                                     (np.zeros((2, 9, 7)), "or .examples"), (np.full((8, 8), np.nan), "example 0"), ("", "is the path right"), ("a\0b", "is the path right"), ("x" * 9000, "is the path right"),
                                     ({"a": 1}, "image data"), (["a", 1], "image data"), (np.zeros((8, 8), complex), "image data"), (b"abc", "image data"), ([np.zeros((8, 8)), np.zeros((3, 3))], "one shape")])
def test_what_is_no_picture(digits, x, says):
    with refused(says):
        digits[0].predict(x)


def test_files_that_cannot_be_read(photos, tmp_path, folder):
    run = photos[0]
    (tmp_path / "half.png").write_bytes((folder / "bright/00.png").read_bytes()[:300])
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/notes.txt").write_text("none")
    for x, says in ((tmp_path / "half.png", "half.png must be a picture"), (tmp_path, "half.png must be a picture"), (tmp_path / "sub", "a folder with files that end in"),
                    (tmp_path / "sub/notes.txt", "notes.txt must be a picture"), ([folder / "bright/00.png", tmp_path / "gone.png"], "gone.png")):
        with refused(says):
            run.predict(x)


def test_texts_that_are_none(texts):
    for x, says in ((["a", None], "texts alone"), ([], "at least one"), (5, "a text or a list"), (pd.DataFrame({"a": ["b"]}), "one column"), (Path("a.txt"), "a text or a list"), ([b"a"], "texts alone")):
        with refused(says):
            texts[0].predict(x)


def test_the_sealed_test_set_stays_closed(digits):
    run, splits = digits
    for x in (splits.test, splits):
        with refused("opens the test set"):
            run.predict(x)
    assert len(splits.test.openings) == 0


# Logits


def logits(*layers):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return fitted(hb.data.digits(), keras.layers.Rescaling(1 / 16), keras.layers.Flatten(), *layers, loss=loss, epochs=4)


def test_logits_are_recognized_by_the_loss(tmp_path):
    run, splits = logits(keras.layers.Dense(10))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = hb.evaluate(run, splits.validation)
    raw = run.model.predict(splits.validation.x, verbose=0)
    assert result.accuracy == (raw.argmax(axis=1) == splits.validation.y).mean() == pytest.approx(run.history.val_accuracy[run.best_epoch - 1], abs=1e-6)
    assert np.allclose(result.probabilities.sum(axis=1), 1, atol=1e-5) and np.allclose(result.probabilities, np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True), atol=1e-5)
    found = run.predict(splits.validation)
    assert np.allclose(found.probabilities, result.probabilities, atol=1e-5) and any("softmax" in note for note in found.notes)
    again = hb.load_run(run.save(tmp_path))
    assert np.allclose(again.predict(splits.validation).probabilities, found.probabilities, atol=1e-5)


def test_logits_without_a_loss_that_says_so():
    run, splits = logits(keras.layers.Dense(10))
    plain = keras.Sequential([keras.Input((8, 8)), keras.layers.Rescaling(1 / 16), keras.layers.Flatten(), keras.layers.Dense(10)])
    plain.set_weights(run.model.get_weights())
    with pytest.warns(UserWarning, match="softmax made probabilities"):
        result = hb.evaluate(plain, splits.validation)
    assert np.allclose(result.probabilities, hb.evaluate(run, splits.validation).probabilities, atol=1e-5)


def test_neither_probabilities_nor_logits(digits):
    _, splits = digits
    model = keras.Sequential([keras.Input((8, 8)), keras.layers.Flatten(), keras.layers.Dense(10, "sigmoid")])
    with refused("end the model with Dense"):
        hb.evaluate(model, splits.validation)
    with refused("end the model with Dense"):
        hb.models.predictions_of(model, {"data": {"classes": splits.class_names}}, splits.validation.x)


@keras.saving.register_keras_serializable("tests")
class Own(keras.Model):
    """A subclassed model; with or without softmax."""

    def __init__(self, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.activation = activation
        self.flat, self.last = keras.layers.Flatten(), keras.layers.Dense(10, activation)

    def call(self, x):
        return self.last(self.flat(x))

    def get_config(self):
        return {"activation": self.activation}


@pytest.mark.parametrize("activation", [None, "softmax"])
def test_a_subclassed_model(activation, tmp_path):
    splits = hb.split(hb.data.digits())
    hb.set_seed(0)
    loss = None if activation else keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    run = hb.fit(Own(activation), splits, 2, loss=loss, to=tmp_path)
    found = run.predict(splits.validation)
    assert np.allclose(found.probabilities.sum(axis=1), 1, atol=1e-5) and len(run.predict(splits.validation.x[0])) == 1
    assert found.predicted.tolist() == [splits.class_names[i] for i in run.model.predict(splits.validation.x, verbose=0).argmax(axis=1)]
    assert np.allclose(hb.load_run(run.folder).predict(splits.validation).probabilities, found.probabilities, atol=1e-5)


def test_a_subclassed_model_without_a_record():
    model = Own()
    model(np.zeros((1, 8, 8), "float32"))
    with refused("neither the record nor the model"):
        hb.models.predictions_of(model, {}, np.zeros((1, 8, 8)))


def test_a_record_of_other_classes(digits):
    run, splits = digits
    with refused("predictions must be of shape"):
        hb.models.predictions_of(run.model, {"data": {"classes": ["a", "b"]}}, splits.validation.x)


# Whatever comes

LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-300, 300), st.floats(), st.text(max_size=4), st.binary(max_size=3), st.just(2**70), st.just(Path("/nowhere")))
SHAPES = st.sampled_from([(), (0,), (3,), (2, 3), (8, 8), (3, 8, 8), (8, 8, 1), (8, 8, 3), (2, 8, 8, 1), (2, 5, 6, 3), (1, 3), (9, 9), (2, 0, 8), (10, 12, 3)])
DTYPES = st.sampled_from(["u1", "i2", "i8", "f2", "f4", "f8", "?", "c8", "U3", "S2", "M8[D]", "O", "g"])


@st.composite
def anything(draw):
    kind = draw(st.integers(0, 5))
    if kind == 0:
        return draw(LEAVES)
    if kind == 1:
        return draw(st.lists(LEAVES, max_size=4))
    if kind == 2:
        values = draw(st.lists(st.integers(-2, 300), min_size=1, max_size=5))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.resize(np.array(values), draw(SHAPES)).astype(draw(DTYPES))
    row = st.dictionaries(st.sampled_from(["age", "dose", "smokes", "x", 5]), LEAVES, max_size=5)
    if kind == 3:
        return draw(st.one_of(row, st.lists(row, max_size=3)))
    columns = draw(st.dictionaries(st.sampled_from(["age", "dose", "smokes", "z", 5]), st.lists(LEAVES, min_size=3, max_size=3), max_size=5))
    frame = pd.DataFrame({name: pd.Series(values, dtype=object).infer_objects() for name, values in columns.items()})
    if kind == 4:
        return frame
    return draw(st.sampled_from([{1, 2}, iter([1]), range(3), np.array(3.0), pd.Series([1, 2, 3]), pd.Series(["a"]), frame.iloc[0] if len(frame) else None, object, 1j, np.float32("nan")]))


@given(anything(), st.sampled_from(["digits", "table", "texts", "numbers", "photos"]), st.sampled_from([None, None, 0.5, 2, "x"]))
def test_predictions_or_a_reason(request, x, name, threshold):
    run = request.getfixturevalue(name)[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = run.predict(x, threshold)
        except hb.HackbookError as e:
            assert str(e)
            return
    assert len(found) and len(found.frame) == len(found) and repr(found) and found._repr_html_() and np.isfinite(found.outputs).all()
    assert len(found[0]) == 1 and len(found.captions) == len(found)


@pytest.mark.parametrize("name", ["classification", "regression"])
def test_predictions_of_mixed_precision_are_not_kept_in_16_bits(name):
    import warnings

    import keras

    units, end = (3, "softmax") if name == "classification" else (1, None)
    x = np.random.default_rng(0).normal(size=(30, 4)).astype("float32")
    data = hb.Dataset(x, np.arange(30) % 3 if units == 3 else np.arange(30) * 1.0, task=name)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(units, end, dtype="mixed_float16")])
    record = {"data": {"classes": data.class_names, "shape": [4]}}
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        predicted = hb.models.predictions_of(model, record, x)
        predicted._repr_html_()
    result = hb.evaluate(model, data)
    assert predicted.outputs.dtype == "float32"
    assert (result.probabilities if units == 3 else result.predicted).dtype == "float32"


def test_a_series_is_sent_to_the_forecast():
    from hackbook.models.raw_input import _read

    with pytest.raises(hb.InvalidValue, match=r"shape \(54, 6\), got .*; hb.cases.forecast\(run, series\) forecasts what comes after a series"):
        _read([object()], {"kind": "numbers", "shape": (54, 6), "plan": {"length": 48}})
