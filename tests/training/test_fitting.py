"""Runs that are killed, starved of disk and time, or fed nonsense: what was learned is never lost."""

import json
import os
import random
import resource
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import hackbook as hb
from hackbook.training.checkpoints import load_checkpoint
from hackbook.training.loop import Training
from hackbook.training.options import TrainingOptions

NURSERY = """
import os, sys, numpy as np, hackbook as hb, hackbook.training.fitting
hb.core.load_keras()
splits = hb.split(hb.data.digits().take(range(600)))
for line in sys.stdin:                       # each line is a folder: a child trains in it, and ends there
    if child := os.fork():
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        continue
    os.chdir(line.strip())
    hb.set_seed(0)
    model = hb.models.cnn(splits, filters=(4, 8), dropout=.3)
    run = hb.fit(model, splits, epochs=12, to="runs", resume=True, deterministic=True)
    np.savez("weights.npz", *run.model.get_weights())
    os._exit(0)
"""


@pytest.fixture(scope="module")
def splits():
    return hb.split(hb.data.digits())


@pytest.fixture
def nursery():
    """A process that has imported TensorFlow once, and whose children train: folder → the child's number; then its exit status comes."""
    process = subprocess.Popen([sys.executable, "-c", NURSERY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                               env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "TF_NUM_INTRAOP_THREADS": "0"})  # as many threads as there are: the same bits all the same

    def train(folder):
        folder.mkdir(exist_ok=True)
        print(folder, file=process.stdin, flush=True)
        return int(process.stdout.readline())

    train.ended = lambda: int(process.stdout.readline())
    train.output = process.stdout
    yield train
    process.kill()
    process.wait()


def final(path):
    with np.load(path) as arrays:
        return [arrays[k] for k in arrays]


def test_killed_at_random_moments(nursery, tmp_path):
    """kill -9 twelve times, every other one as soon as a checkpoint is being written: the end is the same to the last bit."""
    nursery(tmp_path / "a")
    assert nursery.ended() == 0
    rng, kills, halves, finished, b = random.Random(0), 0, 0, 0, tmp_path / "b"
    writing = lambda: list(b.glob("runs/*/checkpoints/.*.npz"))
    while kills < 12:
        child, before = nursery(b), epochs_done(b / "runs")
        left_over, until = set(writing()), time.monotonic() + (rng.uniform(0, 2) if kills % 2 else 60)
        while time.monotonic() < until and not (kills % 2 == 0 and set(writing()) - left_over):
            if select.select([nursery.output], [], [], 0.0005)[0]:
                break
        else:
            with suppress(ProcessLookupError):  # it had just ended
                os.kill(child, signal.SIGKILL)
                kills += 1
        ended, half = nursery.ended(), set(writing()) - left_over
        halves += bool(half)
        assert ended in (0, -signal.SIGKILL) and epochs_done(b / "runs") >= before  # a finished epoch stays finished
        for file in b.glob("runs/*/checkpoints/epoch-*.npz"):
            load_checkpoint(file)
        for file in b.glob("runs/*/*.json"):
            json.loads(file.read_text())
        if ended == 0:
            check_same(tmp_path)
            finished += 1
            (b / "runs").rename(tmp_path / f"done-{finished}")
    assert halves > 0, "no kill came while a checkpoint was written"
    nursery(b)
    assert nursery.ended() == 0
    check_same(tmp_path)


def epochs_done(folder):
    files = sorted(folder.glob("*/checkpoints/epoch-*.npz"))
    return load_checkpoint(files[-1])[1]["epoch"] if files else 0


def check_same(tmp_path):
    ours, theirs = final(tmp_path / "a/weights.npz"), final(tmp_path / "b/weights.npz")
    assert all((x == y).all() for x, y in zip(ours, theirs, strict=True))


def test_no_room_on_the_disk(splits, tmp_path):
    """Files may not grow beyond 60 kB: a clear error, and what was there before is intact."""
    hb.set_seed(0)
    run = hb.fit(hb.models.cnn(splits, filters=(4,)), splits, epochs=1, to=tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, hard))
    try:
        with pytest.raises(hb.HackbookError, match="could not be written.*free some space"):
            hb.fit(hb.models.cnn(splits), splits, epochs=2, to=tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(hb.load_run(run.folder).history) == 1 and load_checkpoint(next(run.folder.glob("checkpoints/*.npz")))
    assert not [p for p in tmp_path.rglob(".*")]


def test_divergence_in_a_later_epoch_gives_back_the_last_good_weights(splits, tmp_path):
    keras = hb.core.load_keras()

    def explode(epoch, logs):
        if epoch == 2:
            model.layers[3].kernel.assign(np.full(model.layers[3].kernel.shape, np.inf))

    hb.set_seed(0)
    model = hb.models.cnn(splits)
    with pytest.raises(hb.HackbookError, match="in epoch 3.*the weights of epoch 2 are back") as caught:
        hb.fit(model, splits, epochs=5, to=tmp_path, callbacks=[keras.callbacks.LambdaCallback(on_epoch_begin=explode)])
    run = caught.value.run
    assert len(run.history) == 2 and run.record["status"] == "diverged in epoch 3"
    score = model.evaluate(splits.validation.x, splits.validation.y, verbose=0)[0]
    assert score == pytest.approx(run.history.val_loss.iloc[-1], abs=1e-5)
    assert hb.list_runs(tmp_path).status.tolist() == ["diverged in epoch 3"]


@pytest.mark.parametrize("fault, names", [("gradient", "the gradient of layer 'first' in step 1"), ("output", "the output of layer 'odd' in step 1")])
def test_names_the_layer_that_broke(splits, fault, names):
    """The root of 0² is a number, but its slope is not; the logarithm of a negative number is none."""
    keras = hb.core.load_keras()
    from keras import layers

    @keras.saving.register_keras_serializable()
    class Odd(layers.Layer):
        def call(self, x):
            return keras.ops.sqrt(keras.ops.square(x)) if fault == "gradient" else keras.ops.log(x - 100.0)

    hb.set_seed(0)
    inputs = keras.Input((8, 8))
    h = layers.Dense(8, activation="relu", name="first")(layers.Flatten()(layers.Rescaling(1 / 16)(inputs)))
    model = keras.Model(inputs, layers.Dense(10, activation="softmax")(Odd(name="odd")(h)))
    with pytest.raises(hb.HackbookError, match=names):
        hb.fit(model, splits, epochs=3, to=None)


def test_resume_refuses_another_model(splits, tmp_path):
    hb.set_seed(0)
    run = hb.fit(hb.models.cnn(splits, filters=(4,)), splits, epochs=2, to=tmp_path, budget="0.01 s")
    assert run.record["status"] == "stopped by the budget"
    other = hb.fit(hb.models.cnn(splits, filters=(8,)), splits, epochs=1, to=tmp_path, resume=True)
    assert other.folder != run.folder and other.record["status"] == "finished"


def test_a_run_killed_after_its_last_epoch_is_finished_without_training(splits, tmp_path):
    """All epochs are kept as checkpoints, but run.json still says 'training': there is nothing left to train."""
    make = lambda **more: hb.fit(hb.models.cnn(splits, filters=(4,)), splits, epochs=2, to=tmp_path, **more)
    run = make()
    record = json.loads((run.folder / "run.json").read_text())
    (run.folder / "run.json").write_text(json.dumps(record | {"status": "training"}))
    (run.folder / "model.keras").unlink()
    again = make(resume=True)
    assert again.folder == run.folder and again.record["status"] == "finished" and len(again.history) == 2
    assert all(np.array_equal(a, b) for a, b in zip(again.model.get_weights(), run.model.get_weights(), strict=True))
    assert (run.folder / "model.keras").is_file()


def test_budget_holds(splits, monkeypatch):
    """At most one batch, and a validation, after the budget is used up: on a clock that goes on by 10 ms whenever it is read."""
    keras = hb.core.load_keras()
    now, batches = [100.0], []

    def clock():
        now[0] += 0.01
        return now[0]

    for module in "fitting", "loop":
        monkeypatch.setattr(f"hackbook.training.{module}.perf_counter", clock)
    hb.set_seed(0)
    model = hb.models.cnn(splits, filters=(4,))
    count = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: batches.append(now[0]))
    run = hb.fit(model, splits, epochs=10_000, to=None, budget="4 s", callbacks=[count])
    assert run.record["status"] == "stopped by the budget"
    assert len(batches) > 20 and sum(moment > 104 for moment in batches) <= 1
    best = run.history.val_loss.min()
    assert model.evaluate(splits.validation.x, splits.validation.y, verbose=0)[0] == pytest.approx(best, abs=1e-5)


def test_a_budget_leaves_time_for_the_validation(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("hackbook.training.loop.perf_counter", lambda: now[0])
    splits = SimpleNamespace(validation=range(300))  # as many examples as ten batches
    training = Training(None, splits, TrainingOptions(), ends=160.0, served=SimpleNamespace(size=30))
    training.step, training.ticked = -1, 90.0
    assert training.reserve(0) == 0  # the first step builds the graph
    training.step, training.ticked = 0, 96.0
    assert training.reserve(2) == 20  # two seconds a step
    training.begin_validation()
    now[0] = 107.0
    training.end_validation()
    assert training.reserve(3) == 7


@pytest.mark.parametrize("options", [{"schedule": "plateau", "patience": 3}, {"ema": 0.9, "accumulate": 3}, {"precision": "mixed_float16", "clip_norm": 1.0}, {"label_smoothing": 0.1, "layer_rates": {"conv": 0.3}}])
def test_every_option_can_be_resumed(splits, tmp_path, options):
    keras = hb.core.load_keras()

    class Dies(Exception):
        pass

    def die(epoch, logs):
        if epoch == 2:
            raise Dies

    def train(to, **more):
        hb.set_seed(0)
        return hb.fit(hb.models.cnn(splits, filters=(4, 8)), splits, epochs=4, to=to, **options, **more)

    with pytest.raises(Dies):
        train(tmp_path, callbacks=[keras.callbacks.LambdaCallback(on_epoch_begin=die)])
    resumed, straight = train(tmp_path, resume=True), train(None)
    assert all(np.array_equal(a, b) for a, b in zip(resumed.model.get_weights(), straight.model.get_weights()))
    columns = ["loss", "val_loss", "learning_rate"]
    pd.testing.assert_frame_equal(resumed.history[columns], straight.history[columns])


def test_one_line_for_a_run(splits, tmp_path):
    hb.set_seed(0)
    run = hb.fit(hb.models.cnn(splits, filters=(4,)), splits, epochs=3, to=tmp_path, patience=2)
    score = f"val_accuracy {run.history.val_accuracy.iloc[run.record['weights_of_epoch'] - 1]:.4f}"
    assert repr(run) == f"Run({run.folder.name!r}, {run.record['status']}, {len(run.history)} epochs, {score})"
    assert repr(hb.load_run(run.folder)) == repr(run)
    unsaved = hb.Run(run.model, run.history, {"status": "stopped by the budget", "weights_of_epoch": 1})
    assert repr(unsaved) == f"Run(not saved, stopped by the budget, 3 epochs, val_accuracy {run.history.val_accuracy[0]:.4f})"
    assert repr(hb.Run(run.model, pd.DataFrame(), {})) == "Run(not saved, None, 0 epochs)"


def test_one_line_for_learning_rates():
    rates = hb.LearningRates(pd.DataFrame({"loss": [2.0, 1.0]}), {"steepest": 0.001, "valley": 0.01, "minimum": 0.1})
    assert repr(rates) == "LearningRates(suggestion 0.01, steepest 0.001, valley 0.01, minimum 0.1, 2 steps)"


def test_tensorboard_files(splits, tmp_path):
    hb.set_seed(0)
    run = hb.fit(hb.models.cnn(splits, filters=(4,)), splits, epochs=2, to=tmp_path, tensorboard=True)
    (file,) = (run.folder / "tensorboard/train").glob("events*")
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    steps = {v.tag: e.step for e in EventFileLoader(str(file)).Load() for v in e.summary.value}
    assert steps["epoch_loss"] == 1


def test_tensorboard_is_an_extra(splits, tmp_path, monkeypatch):
    monkeypatch.setattr("hackbook.training.fitting.find_spec", lambda name: None)
    with pytest.raises(hb.HackbookError, match="pip install tensorboard"):
        hb.fit(hb.models.cnn(splits, filters=(4,)), splits, to=tmp_path, tensorboard=True)


def test_two_devices_give_the_loss_of_one(tmp_path):
    code = """
import tensorflow as tf
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
import contextlib, hackbook as hb
splits = hb.split(hb.data.digits())
two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
for scope in (contextlib.nullcontext(), two.scope()):
    hb.set_seed(0)
    with scope:
        model = hb.models.cnn(splits, filters=(8,), dropout=0.)
    run = hb.fit(model, splits, epochs=3, to=None)
    print(*run.history.loss, *run.history.val_loss)
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert shown.returncode == 0, shown.stderr[-2000:]
    one, two = (np.array(line.split(), float) for line in shown.stdout.strip().splitlines()[-2:])
    assert np.allclose(one, two, rtol=2e-3), (one, two)


def test_label_smoothing_is_keras_closed_form_in_training_alone(splits):
    keras = hb.core.load_keras()
    from hackbook.training import TrainingOptions, attach, compile_model

    hb.set_seed(0)
    model, (x, y) = hb.models.cnn(splits), (splits.train.x[:200], splits.train.y[:200])
    truth, told = np.eye(10)[y], np.asarray(model(x))
    wanted = {share: float(keras.losses.CategoricalCrossentropy(label_smoothing=share)(truth, told)) for share in (0.0, 0.1, 0.4)}
    loss = lambda training: float(model.compute_loss(x, y, told, training=training))
    for share in 0.1, 0.4, 0.0, 0.1:      # compiling anew replaces
        compile_model(model, splits.train, 10, TrainingOptions(label_smoothing=share))
        assert loss(True) == pytest.approx(wanted[share], rel=1e-5) and loss(False) == pytest.approx(wanted[0.0], rel=1e-6)
    hyperparameters = attach(model)
    assert hyperparameters["label_smoothing"] == 0.1 and loss(True) == pytest.approx(wanted[0.1], rel=1e-5)
    for share in 0.4, 0.0:
        hyperparameters["label_smoothing"] = share
        assert loss(True) == pytest.approx(wanted[share], rel=1e-5) and loss(False) == pytest.approx(wanted[0.0], rel=1e-6)
    hyperparameters.detach()
    assert loss(True) == pytest.approx(wanted[0.1], rel=1e-5)


def test_label_smoothing_makes_a_network_less_sure_and_validation_stays_plain(splits):
    def train(share):
        hb.set_seed(0)
        return hb.fit(hb.models.cnn(splits, filters=(8, 16)), splits, epochs=8, to=None, label_smoothing=share)

    plain, smooth = train(0.0), train(0.3)
    sure = lambda run: run.model.predict(splits.validation.x, verbose=0).max(axis=1).mean()
    assert sure(smooth) < sure(plain) - 0.1 and smooth.history.val_accuracy.iloc[-1] > 0.9
    told = smooth.model.predict(splits.validation.x, verbose=0)
    cross_entropy = -np.log(told[np.arange(len(told)), splits.validation.y]).mean()
    assert smooth.history.val_loss.iloc[-1] == pytest.approx(cross_entropy, rel=1e-3) and smooth.history.loss.iloc[-1] > 0.8


@pytest.mark.parametrize("share", [-0.1, 1, True, "0.1", None])
def test_label_smoothing_that_cannot_be(splits, share):
    with pytest.raises(hb.HackbookError, match="label_smoothing must be"):
        hb.fit(hb.models.cnn(splits, filters=(4,)), splits, to=None, label_smoothing=share)
