"""Synthetic words, the network for sounds, spectrograms and back, words in recordings, and words that are made."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
from conftest import call, ROOT
from scipy.io import wavfile

import hackbook as hb
from hackbook.speech import griffin_lim, judge, listen, log_mel, spoken_words, spot, train_speaker, with_background
from hackbook.testing import until


@pytest.fixture(scope="module")
def words():
    return spoken_words(voices=5, repeats=4, seed=3)


@pytest.fixture(scope="module")
def splits(words):
    return hb.split(with_background(words, unknown=["oy"]), validation=0.2, test=0.2)


@pytest.fixture(scope="module")
def run(splits, tmp_path_factory):
    hb.set_seed(0)
    return hb.fit(hb.models.sound(splits, augment=0.3), splits, epochs=30, batch_size=16, to=tmp_path_factory.mktemp("runs"), seed=0)


def test_words_are_the_same_again_and_voices_stay_apart(words, splits):
    assert words.fingerprint == spoken_words(voices=5, repeats=4, seed=3).fingerprint != spoken_words(voices=5, repeats=4, seed=4).fingerprint
    assert "synthetic" in words.origin and words.x.dtype == "int16" and (np.abs(words.x.astype(int)).max(axis=1) > 3000).all()
    assert not set(splits.train.groups) & set(splits.validation.groups)
    assert spoken_words(voices=1, repeats=1, sample_rate=16000, seconds=1.0).x.shape == (10, 16000)


def test_a_voice_that_was_never_heard_is_harder():
    """The nearest neighbor is far above chance for a new voice, and below its score for voices that it knows: that gap is the lesson."""
    from hackbook.speech.generation import _aligned
    from sklearn.model_selection import GroupKFold, KFold, cross_val_score
    from sklearn.neighbors import KNeighborsClassifier

    words = spoken_words(voices=5, repeats=4, seed=4)
    x = log_mel(_aligned(words.x), 8000, 24)[:, :, 20:60:4]
    x = (x - x.mean(axis=(1, 2), keepdims=True)).reshape(len(words), -1)
    model = KNeighborsClassifier(1)
    known = cross_val_score(model, x, words.y, cv=KFold(5, shuffle=True, random_state=0)).mean()
    unseen = cross_val_score(model, x, words.y, groups=words.groups, cv=GroupKFold(5)).mean()
    assert 0.4 < unseen < known - 0.05


def test_a_saved_network_needs_no_hackbook(run, splits):
    x = splits.validation.x[:3]
    code = ("import sys; sys.modules['hackbook'] = None\nimport json, keras, numpy as np\n"
            f"model = keras.saving.load_model({str(run.folder / 'model.keras')!r})\n"
            f"print(json.dumps(model.predict(np.array({x.tolist()}, 'int16'), verbose=0).tolist()))")
    told = json.loads(call(sys.executable, "-c", code).stdout.splitlines()[-1])
    assert np.allclose(told, run.model.predict(x, verbose=0), atol=1e-4)


def test_a_saved_run_answers_alike_in_another_process(run, splits, tmp_path):
    x = splits.validation.x[:5]
    np.save(tmp_path / "x.npy", x)
    code = ("import json, numpy as np, hackbook as hb\n"
            f"run = hb.load_run({str(run.folder)!r})\n"
            f"print(json.dumps(run.predict(np.load({str(tmp_path / 'x.npy')!r})).probabilities.tolist()))")
    told = json.loads(call(sys.executable, "-c", code, PYTHONPATH=ROOT).stdout.splitlines()[-1])
    assert np.allclose(told, run.predict(x).probabilities, atol=1e-5)


def test_a_prediction_depends_on_neither_loudness_nor_neighbors(run, splits):
    x = splits.validation.x[:4]
    alone = np.concatenate([run.model.predict(row[None], verbose=0) for row in x])
    loud = np.concatenate([x, np.full_like(x[:1], 32767)])
    assert np.allclose(run.model.predict(loud, verbose=0)[:4], alone, atol=1e-4)
    assert np.allclose(run.model.predict((x / 32768 * 0.5 * 32768).astype("int16"), verbose=0), alone, atol=0.05)


def test_augmentation_acts_in_training_alone_and_hangs_on_one_hyperparameter(splits):
    model = hb.models.sound(splits)
    x = splits.train.x[:4]
    assert np.array_equal(model(x, training=False), model(x, training=False))
    live = hb.training.attach(model)
    assert live["augment"] == 1.0 and {"augment", "dropout"} <= set(live)
    live.update({"augment": 0.0, "dropout": 0.0})
    first = np.asarray(model(x, training=True))
    assert np.allclose(first, model(x, training=True), atol=1e-4)   # batch statistics, but no chance
    live["augment"] = 1.0
    assert not np.allclose(first, model(x, training=True), atol=1e-2)
    assert [s.kind for s in hb.training.sites.find_sites(hb.models.sound(splits, augment=0.0))].count("augment") == 0


def test_the_slider_of_live_strengthens_the_augmentation_while_it_trains(words):
    parts = hb.split(words, validation=0.2, test=0.2, by="class")
    hb.set_seed(0)
    live = hb.Live(hb.models.sound(parts, dropout=0.0), parts, epochs=40, batch_size=16, learning_rate=0.005, start=False)
    live.panel.session.set("augment", 0.0)
    live.start()
    until(lambda: live.panel.session.state()["epoch"] > 25)
    live.panel.session.set("augment", 3.0)
    live.wait()
    rows = pd.DataFrame(live.panel.session.timeline.rows()).set_index("epoch")
    step = live.panel.session.timeline.changes()[-1][0]
    epoch = -(-step // live.panel.session.state()["steps"])   # the one in which it was moved
    assert rows.loss[epoch + 1] > rows.loss[epoch - 1] + 0.3, rows.loss.tolist()
    live.panel.session.close()


@pytest.mark.parametrize("shape, rate", [((40, 200), 1000), ((40, 3000), 44100), ((40, 24000), 16000)])
def test_any_length_rate_and_type(shape, rate):
    rng = np.random.default_rng(0)
    for dtype in ("int16", "float32"):
        x = (rng.normal(size=shape) * (3000 if dtype == "int16" else 0.1)).astype(dtype)
        splits = hb.split(hb.Dataset(x, np.arange(40) % 2, sample_rate=rate))
        model = hb.models.sound(splits, filters=(4, 4, 4, 4, 4))
        assert np.isfinite(model.predict(np.concatenate([x[:2], np.zeros_like(x[:1])]), verbose=0)).all()
        assert np.isfinite(model(x[:4], training=True)).all()


def test_back_from_a_spectrogram(words):
    mels = log_mel(words.x[:20], 8000)
    again = griffin_lim(mels, 8000, words.x.shape[1])
    loud = mels > mels.max(axis=(1, 2), keepdims=True) - 40
    assert np.abs(log_mel(again, 8000) - mels)[loud].mean() < 3 and np.abs(again).max() <= 1
    assert np.array_equal(again, griffin_lim(mels, 8000, words.x.shape[1]))
    assert np.abs(griffin_lim(np.full((1, 48, 81), -80.0), 8000, 5120)).max() < 1e-3     # silence stays silence


def test_errors_are_heard_with_what_was_heard_instead(run, splits):
    result = hb.evaluate(run, splits.validation)
    heard = listen(result, most=5)
    worst = result.worst(5)
    assert heard.rows == list(worst.index) and all(", heard as " in caption for caption in heard.captions)
    hostile = hb.Dataset(splits.train.x[:4], np.array([0, 1, 0, 1]), ["<script>", "b"], sample_rate=8000)
    assert "<script>" not in listen(hostile)._repr_html_() and listen(hostile)._repr_html_().count("<audio") == 4


def recording(data, said, seed=0):
    """Words with pauses in between and a little noise, and the middle of each in seconds."""
    rng, parts, middles, place = np.random.default_rng(seed), [], [], 0
    for word in said:
        row = rng.choice(np.flatnonzero(data.y == data.class_names.index(word)))
        pause = np.zeros(rng.integers(4000, 8000), "int16")
        parts += [pause, data.x[row]]
        middles.append((place + len(pause) + data.x.shape[1] / 2) / 8000)
        place += len(pause) + data.x.shape[1]
    return np.concatenate(parts) + rng.normal(0, 40, place).astype("int16"), middles


def test_words_are_found_at_their_times(run, splits, tmp_path):
    said = ["ah", "ee", "eye", "you", "oo", "ow", "ah", "ee"]
    x, middles = recording(splits.train, said)
    found = spot(run, x)
    right = sum(any(w.word == word and abs(w.at - middle) < 0.35 for w in found.frame.itertuples()) for word, middle in zip(said, middles))
    assert right >= 6 and len(found) <= len(said) + 2
    assert found.frame["at"].is_monotonic_increasing and not set(found.frame.word) & {"silence", "unknown"}
    wavfile.write(tmp_path / "it.wav", 8000, x)
    assert spot(run, tmp_path / "it.wav").frame.equals(found.frame)
    assert len(spot(run, x, threshold=1.0)) < len(found)


@pytest.mark.parametrize("content, says", [(b"hello", "not a wav file"), (b"", "wav"), (b"RIFF....WAVE", "header is incomplete")])
def test_a_file_that_is_no_recording_is_refused(run, tmp_path, content, says):
    (tmp_path / "it.wav").write_bytes(content)
    with pytest.raises(hb.InvalidValue, match=says):
        spot(run, tmp_path / "it.wav")
    with pytest.raises(hb.NotFound):
        spot(run, tmp_path / "other.wav")


def test_silence_and_short_recordings_have_no_words(run):
    assert len(spot(run, np.zeros(600 * 8000, "int16"))) == 0
    assert len(spot(run, np.zeros(1, "int16"))) == 0
    assert len(spot(run, np.random.default_rng(0).normal(0, 200, 40_000).astype("int16"))) == 0


def test_a_made_word_is_understood_by_a_network_that_never_heard_the_speaker(words):
    parts = hb.split(words, validation=0.25, test=0.25, by="class")
    speaker = train_speaker(parts.train, epochs=60)
    hb.set_seed(1)
    other = hb.split(parts.test.open(reason="a test"), validation=0.2, test=0.2, by="class")
    listener = hb.fit(hb.models.sound(other, augment=0.0), other, epochs=30, batch_size=16, to=None, seed=1)
    judged = judge(speaker, listener, parts.validation, each=6)
    assert judged.frame.index.tolist() == ["generated", "through Griffin-Lim", "recorded"]
    assert judged.frame.accuracy["generated"] > 0.3 and (judged.frame.low < judged.frame.accuracy + 1e-9).all()
    assert np.allclose(speaker.voice_at(), speaker.embedding.mean(axis=0))
    assert judge(speaker, listener, parts.validation, each=6).frame.equals(judged.frame)


def test_sliders_say_the_chosen_word_in_the_moved_voice(words):
    speaker = train_speaker(words.take(np.arange(0, len(words), 4)), epochs=2, units=4)
    word, first, second, shown = speaker.sliders(2).children
    said = [shown.value]
    for control, value in ((first, 1.5), (second, -2.0), (word, words.class_names[3])):
        control.value = value
        said.append(shown.value)
    assert len(set(said)) == 4 and all(value.count("<audio") == 1 for value in said)
    assert words.class_names[0] in said[0] and words.class_names[3] in said[-1]
    with pytest.raises(hb.InvalidValue, match="directions must be 1 to 4"):
        speaker.sliders(9)
