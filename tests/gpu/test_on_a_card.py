"""What only a card can tell. `pytest tests/gpu` on a machine with an NVIDIA card; skipped elsewhere."""

import subprocess
import sys
import warnings
from time import perf_counter

import numpy as np
import pytest
from conftest import ROOT

import hackbook as hb
from hackbook.core import load_keras
from hackbook.devices import bits_repeat, cards_now, examine, has_card, training_device, usual_batch_size

pytestmark = pytest.mark.skipif(not has_card() or not training_device().is_gpu, reason="there is no GPU that TensorFlow can use")


@pytest.fixture(scope="module")
def splits():
    return hb.split(hb.data.digits())


def net(splits, seed=0, **options):
    hb.set_seed(seed)
    return hb.models.cnn(splits, **options)


def python(script, cwd):
    shown = subprocess.run([sys.executable, "-c", script], cwd=cwd, env=None, capture_output=True, text=True, timeout=600)
    assert shown.returncode == 0, shown.stderr[-2000:]
    return shown.stdout


def test_the_device_is_described(splits):
    device = training_device()
    assert device.name and device.driver and device.memory > 10**9 and device.capability
    run = hb.fit(net(splits), splits, epochs=1, to=None)
    assert run.record["machine"]["device"]["kind"] == "GPU"


def test_memory_grows(tmp_path):
    """The digits take a small part of the card: less than 4 GB more than before."""
    script = """
import hackbook as hb
from hackbook.devices import cards_now
before = cards_now()[0].free
splits = hb.split(hb.data.digits())
hb.fit(hb.models.cnn(splits), splits, epochs=1, to=None)
assert before - cards_now()[0].free < 4e9, (before, cards_now())
"""
    python(script, tmp_path)


def test_too_late_for_growth_is_said(tmp_path):
    script = """
import warnings, tensorflow as tf
tf.constant(1.) + 1
import hackbook as hb
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter('always')
    hb.core.load_keras()
assert any('before the first operation' in str(w.message) for w in said), said
"""
    python(script, tmp_path)


def test_a_fork_is_warned(tmp_path):
    script = """
import os, warnings, hackbook as hb
hb.core.load_keras()
if (child := os.fork()) == 0:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter('always')
        hb.core.load_keras()
    os._exit(0 if any('spawn' in str(w.message) for w in said) else 1)
assert os.waitpid(child, 0)[1] == 0
"""
    python(script, tmp_path)


def test_a_short_run_does_not_compile_and_a_long_one_does(splits, monkeypatch):
    model = net(splits)
    assert "xla" not in hb.fit(model, splits, epochs=2, to=None).record
    monkeypatch.setattr("hackbook.devices.compiling.compile_seconds", lambda layers: 0.0)
    run = hb.fit(model, splits, epochs=4, batch_size=64, to=None)
    assert run.record["xla"]["from_epoch"] == 2 and run.history.val_accuracy.max() > 0.9


def test_a_picture_network_that_crashed_the_compiler(tmp_path):
    """filters=(16, 32, 64) on 64 × 64 colored pictures: XLA crashed at the first validation."""
    rng = np.random.default_rng(0)
    data = hb.Dataset(rng.integers(0, 255, (600, 64, 64, 3), "uint8"), rng.integers(0, 3, 600).astype(str))
    parts = hb.split(data)
    assert hb.fit(hb.models.cnn(parts, filters=(16, 32, 64)), parts, epochs=2, to=None).record["status"] == "finished"


def test_deterministic_runs_have_equal_bits(splits):
    assert not bits_repeat(training_device()) and bits_repeat(training_device(), True)
    weights = [hb.fit(net(splits), splits, epochs=3, deterministic=True, to=None).model.get_weights() for _ in range(2)]
    assert all((a == b).all() for a, b in zip(*weights))


def test_live_rewinds_to_equal_bits(splits):
    session = hb.live.Session(net(splits), splits, 2, deterministic=True)
    session.start()
    session.wait()
    first = [w.copy() for w in session.model.get_weights()]
    session.rewind(1)
    session.start()
    session.wait()
    assert all((a == b).all() for a, b in zip(first, session.model.get_weights()))
    session.close()


def test_out_of_memory_is_a_sentence_and_the_next_run_works(splits):
    keras = load_keras()
    often = int(1.5 * training_device().memory / (64 * 64 * 4))  # a batch of 64 fills the card one and a half times
    middle = [keras.layers.Flatten(), keras.layers.RepeatVector(often), keras.layers.GlobalAveragePooling1D()]
    huge = keras.Sequential([keras.Input((8, 8)), *middle, keras.layers.Dense(10, "softmax")])
    with pytest.raises(hb.models.OutOfMemory, match="try batch_size=32"):
        hb.fit(huge, splits, epochs=1, batch_size=64, to=None)
    assert hb.fit(net(splits), splits, epochs=1, to=None).record["status"] == "finished"


def test_the_largest_batch(splits):
    run = hb.fit(net(splits), splits, epochs=2, batch_size="largest", to=None)
    assert run.record["parameters"]["batch_size"] >= 64


def test_a_short_search_finishes_trials(splits, tmp_path):
    """60 seconds: it was 0 trials, and 4 with the first fixes. The trials are printed."""
    study = hb.tune(hb.models.cnn, splits, {"learning_rate": (1e-3, 1e-1, "log")}, budget="60 s", epochs=6, to=tmp_path / "study.db", runs=None)
    print(study.frame.status.value_counts().to_dict(), f"best {study.frame.score.max():.4f}")
    assert (study.frame.status == "finished").sum() >= 2


def test_two_workers_share_the_card(splits, tmp_path):
    study = hb.tune(hb.models.cnn, splits, {"learning_rate": (1e-3, 1e-1, "log")}, budget=4, workers=2, epochs=2, finalists=0, to=tmp_path / "study.db", runs=None)
    assert (study.frame.status != "failed").all() and study.frame.worker.nunique() == 2


def test_lazy_pictures_keep_up(tmp_path):
    """At least 0.8 of the pictures per second of the same data in memory."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for i in range(2000):
        path = tmp_path / "pictures" / "ab"[i % 2] / f"{i}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (64, 64, 3), "uint8")).save(path)
    seconds = {}
    for lazy in True, False:
        parts = hb.split(hb.data.images(tmp_path / "pictures", lazy=lazy))
        with warnings.catch_warnings():
            warnings.filterwarnings("error", "Your input ran out of data")
            run = hb.fit(hb.models.cnn(parts, filters=(16, 32, 64)), parts, epochs=4, to=None)
        seconds[lazy] = run.history.seconds[1:].median()
    assert seconds[False] >= 0.8 * seconds[True], seconds


def test_texts_keep_up(monkeypatch):
    """At least 0.8 of the texts per second of the same texts as numbers; the times with and without the input pipeline are printed."""
    keras, rng = load_keras(), np.random.default_rng(0)
    words = np.array([f"word{i}" for i in range(3000)])
    drawn = rng.integers(0, 3000, (20_000, 40))
    x, y = np.array([" ".join(words[row]) for row in drawn]), (drawn[:, 0] % 2).astype(str)
    first = keras.layers.TextVectorization(max_tokens=2000, output_sequence_length=40)
    first.adapt(x)

    def seconds(data, *begin):
        parts = hb.split(data)
        after = [keras.layers.Embedding(2000, 32), keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(2, "softmax")]
        return hb.fit(keras.Sequential([*begin, *after]), parts, epochs=4, batch_size=64, to=None).history.seconds[1:].median()

    numbers = seconds(hb.Dataset(np.asarray(first(x)), y), keras.Input((40,), dtype="int64"))
    texts = seconds(hb.Dataset(x, y), keras.Input((), dtype="string"), first)
    monkeypatch.setattr("hackbook.devices.feeding.device_of", lambda model: None)
    within = seconds(hb.Dataset(x, y), keras.Input((), dtype="string"), first)
    print(f"seconds per epoch: numbers {numbers:.2f}, texts {texts:.2f}, vectorized within the step {within:.2f}")
    assert numbers >= 0.8 * texts


def test_mnist_in_four_seconds(real_data, monkeypatch):
    """The recipe of the benchmarks with the batch size of the card; it took 10 s with batches of 128. Time and accuracy are printed."""
    monkeypatch.setenv("HACKBOOK_DATA", str(real_data))
    monkeypatch.syspath_prepend(str(ROOT / "tests/bench"))
    from run import GOAL, RECIPE

    parts = hb.split(hb.data.mnist(), validation=0.1, test=hb.data.mnist("test"))
    begin = perf_counter()
    options = {k: v for k, v in RECIPE["fit"].items() if k not in ("batch_size", "learning_rate")}
    run = hb.fit(net(parts, **RECIPE["cnn"]), parts, to=None, **options)
    seconds = perf_counter() - begin
    accuracy = hb.evaluate(run, parts.test, reason="a check on a card").accuracy
    print(f"{seconds:.1f} s (goal 4), accuracy {accuracy:.4f} (goal {GOAL}), batches of {run.record['parameters']['batch_size']}")
    assert run.record["parameters"]["batch_size"] == usual_batch_size(training_device(), len(parts.train)) == 512
    assert accuracy > GOAL - 0.002


def test_the_doctor_measures():
    report = examine()
    print(report)
    assert {"trains on", "free memory", "driver", "XLA", "mixed_bfloat16"} <= set(report.facts) and cards_now() and ROOT
