"""The session: bit for bit what fit does, back to an epoch and on again, commands at any moment, nothing left behind."""

import gc
import json
import random
import re
import signal
import threading
import time
import tracemalloc
import weakref
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import training_threads

import hackbook as hb
from hackbook.data import augment
from hackbook.training.batches import in_order
from hackbook.training.compilation import compile_model
from hackbook.core import load_keras
from hackbook.training.hyperparameters import ReplayChanges, attach
from hackbook.live.view_pictures import draw
from hackbook.live.views import VIEWS
from hackbook.live.session import Session
from hackbook.testing import flat_weights as weights, until

keras = load_keras()
pytestmark = pytest.mark.usefixtures("no_thread_is_left")


@pytest.fixture(scope="module")
def splits():
    return hb.split(hb.data.digits())


def network(splits, filters=(4, 8), dropout=0.3, l2=1e-4, augmented=False, seed=0):
    hb.set_seed(seed)
    more = {"augment": augment(rotation=10, shift=0.1, zoom=0.1)} if augmented else {}
    return hb.models.cnn(splits, filters=filters, dropout=dropout, l2=l2, **more)


@pytest.fixture(scope="module")
def fitted(splits):
    """What fit makes of the same network, by the number of epochs: trained once for all tests that compare with it."""
    return cache(lambda epochs: hb.fit(network(splits), splits, epochs=epochs, to=None, schedule="constant"))


def everything(session):
    return np.concatenate([np.ravel(v.numpy()) for v in [*session.model.variables, *session.model.optimizer.variables]])


until = partial(until, seconds=30, pause=0.002)


def traces_of(model):
    """The list to which every tracing of a training or validation step adds."""
    traces = []
    for name in "train_step", "test_step":
        def step(data, inner=getattr(model, name)):
            traces.append(inner)
            return inner(data)
        setattr(model, name, step)
    return traces


def replayed(model, splits, recipe):
    """The weights that the recipe's own text comes to."""
    hb_ = SimpleNamespace(fit=lambda *given, **options: hb.fit(*given, to=None, **options))
    exec(recipe.replace("import hackbook as hb", ""), {"hb": hb_, "model": model, "splits": splits})
    return weights(model)


# The same to the last bit


@pytest.mark.parametrize("options", [{}, {"schedule": "one-cycle", "seed": 3}, {"learning_rate": 0.02, "batch_size": 100, "clip_norm": 1.0}, {"schedule": "cosine", "precision": "mixed_float16", "steps_per_execution": 7}])
def test_untouched_it_is_fit(splits, fitted, options):
    session = Session(network(splits), splits, epochs=3, **options)
    session.start()
    assert session.wait(120) == "finished"
    run = hb.fit(network(splits), splits, epochs=3, to=None, **{"schedule": "constant"} | options) if options else fitted(3)
    assert np.array_equal(weights(session.model), weights(run.model))
    rows = session.timeline.rows()
    assert [r["loss"] for r in rows] == run.history.loss.tolist() and [r["val_loss"] for r in rows] == run.history.val_loss.tolist()
    assert [r["learning_rate"] for r in rows] == run.history.learning_rate.tolist()


def test_with_augmentation_it_is_fit_with_changes(splits):
    """An augmentation whose strength is a variable rounds differently than a constant one: the recipe attaches hyperparameters."""
    session = Session(network(splits, augmented=True), splits, epochs=2)
    session.start()
    session.wait(60)
    assert "changes=[]" in session.timeline.recipe
    assert np.array_equal(replayed(network(splits, augmented=True), splits, session.timeline.recipe), weights(session.model))
    run = hb.fit(network(splits, augmented=True), splits, epochs=2, to=None, schedule="constant")
    assert np.allclose(weights(run.model), weights(session.model), atol=1e-3)


def test_a_model_built_without_dropout_still_has_its_slider(splits):
    session = Session(network(splits, dropout=0.0), splits, epochs=2)
    session.start()
    session.wait(60)
    run = hb.fit(network(splits, dropout=0.0), splits, epochs=2, to=None, schedule="constant")
    assert "dropout" in session.sliders and np.array_equal(weights(session.model), weights(run.model))


@pytest.mark.parametrize("memory", ["500 MB", "50 kB"])
def test_a_branch_with_untouched_sliders_repeats_the_old_one(splits, memory):
    session = Session(network(splits, augmented=True), splits, epochs=4, schedule="one-cycle", memory=memory)
    session.start()
    until(lambda: session.state()["step"] > 25)
    session.set("dropout", 0.5)
    session.set("augment", 0.4)
    session.wait(60)
    after = {1: None, 2: None, 4: everything(session)}
    thread = session._thread
    assert bool(thread.snapshots.files) == (memory == "50 kB")
    (step, name, _), (_, _, _) = session.timeline.changes()
    epoch = -(-step // thread.batches.steps)  # the end of the epoch in which the sliders were moved
    for back in (epoch, 3):
        session.rewind(back, "branch 1")
        until(lambda: session.state()["status"] == "paused")
        assert session.state()["sliders"]["dropout"] == 0.5
        session.start()
        assert session.wait(60) == "finished" and np.array_equal(everything(session), after[4])
    assert [b["name"] for b in session.state()["branches"]] == ["branch 1", "branch 2", "branch 3"]
    session.rewind(0)
    session.start()
    session.wait(60)
    assert session.timeline.changes() == [] and session.state()["sliders"] == session.timeline.built
    untouched = Session(network(splits, augmented=True), splits, epochs=4, schedule="one-cycle")
    untouched.start()
    untouched.wait(60)
    assert np.array_equal(everything(session), everything(untouched))
    folder = thread.snapshots.folder and Path(thread.snapshots.folder.name)
    session.close()
    assert folder is None or not folder.exists()


def test_the_recipe_repeats_the_session(splits):
    """Changes at odd moments, two branches, changes while paused: the code alone gives the same weights."""
    session = Session(network(splits), splits, epochs=4, learning_rate=0.02)
    session.set("dropout", 0.45)
    session.start()
    for at, name, value in [(7, "learning_rate", 0.05), (18, "l2", 0.001), (25, "batch_size", 48), (33, "label_smoothing", 0.1), (50, "clip_norm", 0.5)]:
        until(lambda: session.state()["step"] >= at)
        session.set(name, value)
    session.wait(60)
    session.rewind(2)
    session.set("weight_decay", 0.1)
    session.set("learning_rate", 0.001)
    session.start()
    session.wait(60)
    changes, steps = session.timeline.changes(), session.state()["steps"]
    assert changes[0] == (0, "dropout", 0.45) and (2 * steps, "batch_size", 48) not in changes
    assert changes[-2:] == [(2 * steps, "weight_decay", 0.1), (2 * steps, "learning_rate", 0.001)]
    assert np.array_equal(replayed(network(splits), splits, session.timeline.recipe), weights(session.model))


def test_the_recipe_of_a_branch_that_was_left_early(splits):
    session = Session(network(splits), splits, epochs=5)
    session.start()
    until(lambda: session.state()["step"] > 10)
    session.set("dropout", 0.6)
    until(lambda: session.state()["epoch"] > 2.2)
    session.set("dropout", 0.1)
    until(lambda: session.timeline.changes()[-1][2] == 0.1)
    session.pause()
    session.rewind(2)
    time.sleep(0.3)
    recipe = session.timeline.recipe
    assert "epochs=2" in recipe and "0.1)" not in recipe
    assert np.array_equal(replayed(network(splits), splits, recipe), weights(session.model))


def test_more_epochs_after_the_end_are_part_of_the_recipe(splits):
    """On the same branch, with the sliders as they were left, also with another batch size, and once more after that."""
    session = Session(network(splits), splits, epochs=2)
    session.start()
    session.wait(60)
    session.set("dropout", 0.5)
    session.set("batch_size", 48)
    session.more(2)
    assert session.wait(60) == "finished" and session.state()["epoch"] == session.state()["epochs"] == 4
    session.set("learning_rate", 0.002)
    session.model.set_weights([w * 0 for w in session.model.get_weights()])  # whatever is done to the model meanwhile
    session.more(1)
    session.wait(60)
    steps, timeline = session.state()["steps"], session.timeline
    assert list(timeline.branches) == ["branch 1"] and [r["epoch"] for r in timeline.rows()] == [1, 2, 3, 4, 5]
    assert sorted(timeline.changes()) == [(2 * steps, "batch_size", 48), (2 * steps, "dropout", 0.5), (4 * steps, "learning_rate", 0.002)]
    assert "epochs=5" in timeline.recipe and np.array_equal(replayed(network(splits), splits, timeline.recipe), weights(session.model))
    run = session.keep(to=None)
    assert run.record["parameters"]["epochs"] == 5 and run.record["status"] == "finished" and np.array_equal(weights(run.model), weights(session.model))

    session.rewind(2)  # the branches from there have the longer plan too
    session.start()
    assert session.wait(60) == "finished" and len(session.timeline.rows()) == 5
    assert [b["name"] for b in session.state()["branches"]] == ["branch 1", "branch 2"]


def test_untouched_more_epochs_are_fit_with_as_many(splits, fitted):
    session = Session(network(splits), splits, epochs=1)
    session.start()
    session.wait(60)
    session.more(2)
    session.wait(60)
    run = fitted(3)
    assert np.array_equal(weights(run.model), weights(session.model)) and run.history.loss.tolist() == [r["loss"] for r in session.timeline.rows()]


def test_more_epochs_need_an_end_and_a_constant_schedule(splits):
    session = Session(network(splits), splits, epochs=1)
    with pytest.raises(hb.HackbookError, match=r"this run is ready, and not finished: start\(\) goes on to epoch 1"):
        session.more(1)
    session.start()
    session.wait(60)
    for wrong in (0, -1, 1.5, True, None, "5"):
        with pytest.raises(hb.InvalidValue, match="epochs must be a whole number, 1 or more"):
            session.more(wrong)
    planned = Session(network(splits), splits, epochs=1, schedule="one-cycle")
    planned.start()
    planned.wait(60)
    with pytest.raises(hb.HackbookError, match="the one-cycle schedule ends at a learning rate of 0 after its 1 epochs; plan more"):
        planned.more(1)
    assert planned.state()["status"] == session.state()["status"] == "finished"


def test_the_batch_size_changes_where_an_epoch_begins(splits):
    """And the steps of the timeline stay those of the first size, so that an epoch keeps its length."""
    session = Session(network(splits), splits, epochs=4)
    assert session.set("batch_size", 31.7) == 32
    session.start()  # before the first batch: the first epoch has it already
    until(lambda: session.state()["step"] > 3)
    session.set("batch_size", 500)
    until(lambda: session.state()["epoch"] > 1)
    session.set("batch_size", 48)
    session.set("dropout", 0.5)
    session.wait(60)
    steps = session.state()["steps"]
    assert [m for m in session.timeline.changes() if m[1] == "batch_size"] == [(0, "batch_size", 32), (steps, "batch_size", 500), (2 * steps, "batch_size", 48)]
    assert session.state()["step"] == 4 * steps and session._thread.batches.size == 48
    assert int(session.model.optimizer.iterations) == sum(-(-len(splits.train) // size) for size in (32, 500, 48, 48))
    assert np.array_equal(replayed(network(splits), splits, session.timeline.recipe), weights(session.model))
    arrays = weights(session.model)

    session.rewind(3)  # the size of then is back, and what follows is the same again
    until(lambda: session._thread.orders.get("goal") is None)
    session.rewind(1)
    until(lambda: session._thread.orders.get("goal") is None)
    assert session.state()["sliders"]["batch_size"] == 32
    session.rewind(3)
    session.start()
    session.wait(60)
    assert session.timeline[None].changes == [] and np.array_equal(weights(session.model), arrays)

    session.rewind(2)  # by hand at the fork: the first epoch of the new branch has it
    session.set("batch_size", 64)
    session.start()
    session.wait(60)
    assert session.timeline[None].changes == [(2 * steps, "batch_size", 64)]
    assert np.array_equal(replayed(network(splits), splits, session.timeline.recipe), weights(session.model))


def test_an_execution_that_the_epoch_cuts_short(splits):
    """Keras gives the number of its last batch as if the execution had been whole; a step is still a step."""
    session = Session(network(splits), splits, epochs=3, steps_per_execution=7)  # of 20 batches: 7, 7, 6
    session.start()
    until(lambda: session.state()["step"] > 0)
    session.set("batch_size", 100)  # 13 batches: 7, 6
    session.wait(60)
    steps = session.state()["steps"]
    assert (steps, session.state()["step"], session.timeline.changes()) == (20, 60, [(20, "batch_size", 100)])
    assert [p[0] for p in session.timeline[None].points] == [7 / 20, 14 / 20, 1, 1 + 7 * 100 / 64 / 20, 2, 2 + 7 * 100 / 64 / 20, 3]
    assert np.array_equal(replayed(network(splits), splits, session.timeline.recipe), weights(session.model))


def test_a_single_step_with_another_batch_size(splits):
    session = Session(network(splits), splits, epochs=2, batch_size=100)
    session.set("batch_size", 50)
    session.step()
    until(lambda: session.state()["step"] == 0.5)
    time.sleep(0.1)
    assert (session.state()["step"], session.state()["status"]) == (0.5, "paused")
    session.set("dropout", 0.4)
    session.step()
    until(lambda: session.state()["step"] == 1)
    assert session.timeline.changes() == [(0, "batch_size", 50), (0.5, "dropout", 0.4)]


def test_no_batch_size_to_move_where_a_schedule_counts_the_steps(splits):
    assert "batch_size" not in Session(network(splits), splits, schedule="one-cycle").sliders


def test_changes_say_what_is_wrong(splits):
    hyperparameters = attach(compile_model(network(splits), splits.train, 10))
    for changes, words in [([(-1, "dropout", 0.1)], "step 0 or more"), ([(0, "magic", 1)], "got 'magic'"), ([(0, "dropout", "much")], "from 0 to 0.99")]:
        with pytest.raises(hb.HackbookError, match=words):
            ReplayChanges(hyperparameters, changes, None)


# Commands


def test_step_pause_stop_and_go_on(splits):
    session = Session(network(splits), splits, epochs=3)
    assert session.state()["status"] == "ready"
    for n in range(1, 4):
        session.step()
        until(lambda: session.state()["step"] == n)
    time.sleep(0.1)
    assert session.state()["step"] == 3 and session.state()["status"] == "paused"
    session.start()
    until(lambda: session.state()["epoch"] > 1.3)
    session.pause()
    time.sleep(0.2)
    step = session.state()["step"]
    time.sleep(0.2)
    assert session.state()["step"] == step
    session.stop()
    assert session.wait(10) == "stopped"
    best = session.timeline.best()
    score = session.model.evaluate(in_order(splits.validation), verbose=0, return_dict=True)["loss"]
    assert score == pytest.approx(best["val_loss"], abs=1e-5)
    session.start()
    assert session.wait(60) == "finished"
    assert [b["forked_at"] for b in session.state()["branches"]] == [0, 1]


def test_slow_motion_changes_nothing_that_is_computed(splits, fitted):
    """At one batch per 100 seconds there is one, until the speed is changed; a slider moved meanwhile acts on the next one."""
    session = Session(network(splits), splits, epochs=3)
    with pytest.raises(hb.HackbookError, match="speed must be None, or a number of batches per second above 0"):
        session.set_speed(-1)

    def start_slowly():
        session.set_speed(0.01)
        session.start()
        until(lambda: session.state()["step"] == 1)
        time.sleep(0.2)
        assert session.state()["step"] == 1 and session.status == "running"

    start_slowly()
    assert session.state()["left"] == pytest.approx(100 * (3 * session.state()["steps"] - 1))
    session.set_speed(None)
    assert session.wait() == "finished" and (weights(session.model) == weights(fitted(3).model)).all()
    session.rewind(0)
    start_slowly()
    session.set("learning_rate", 0.02)
    session.set_speed(2000)
    session.wait()
    assert session.timeline.changes() == [(1, "learning_rate", 0.02)]
    session.rewind(0)
    start_slowly()
    session.step()  # pauses after the next one, at once
    until(lambda: session.state()["step"] == 2)
    assert session.status == "paused"
    session.start()
    session.stop()
    assert session.wait() == "stopped"
    session.close()


def test_stop_gives_the_best_epoch_and_not_the_last(splits):
    session = Session(network(splits), splits, epochs=50)
    session.start()
    until(lambda: session.state()["epoch"] > 2)
    session.set("learning_rate", 1.0)  # spoils it
    until(lambda: session.state()["epoch"] > 4)
    session.stop()
    session.wait(10)
    best = session.timeline.best()
    assert best["epoch"] < len(session.timeline.rows())
    score = session.model.evaluate(in_order(splits.validation), verbose=0, return_dict=True)
    assert score["accuracy"] == pytest.approx(best["val_accuracy"], abs=1e-6)


def test_sliders_stay_after_a_stop_and_return_after_a_rewind(splits):
    session = Session(network(splits), splits, epochs=3)
    session.start()
    until(lambda: session.state()["epoch"] > 1.2)
    session.set("dropout", 0.7)
    until(lambda: session.timeline.changes())
    session.stop()
    session.wait(10)
    session.start()
    session.wait(60)
    assert session.state()["sliders"]["dropout"] == 0.7 and session.timeline.changes() == [(20, "dropout", 0.7)]
    assert session.timeline.current == "branch 2"
    session.rewind(1, "branch 2")
    assert session.state()["sliders"]["dropout"] == 0.3


def test_scrubbing_leaves_no_branches(splits):
    session = Session(network(splits), splits, epochs=4)
    session.start()
    session.wait(60)
    for epoch in [3, 1, 2, 0, 4, 2]:
        session.rewind(epoch)
    assert session.state()["epoch"] == 2 and session.state()["status"] == "paused"
    assert len(session.state()["branches"]) == 1
    session.rewind(4)
    assert session.wait(20) == "finished" and len(session.state()["branches"]) == 1


def test_a_loss_of_nan(splits):
    model = network(splits)
    session = Session(model, splits, epochs=4)
    session.start()
    until(lambda: session.state()["epoch"] > 1.2)
    session.pause()
    time.sleep(0.1)
    model.layers[3].kernel.assign(np.full(model.layers[3].kernel.shape, np.nan))
    session.start()
    with pytest.raises(hb.HackbookError, match=r"the loss became nan in epoch 2: .* was NaN or infinite first; the weights of epoch 1 are back"):
        session.wait(60)
    state = session.state()
    assert state["status"] == "failed" and "in epoch 2" in state["error"] and np.isfinite(weights(model)).all()
    assert model.evaluate(in_order(splits.validation), verbose=0)[0] == pytest.approx(session.timeline.rows()[0]["val_loss"], abs=1e-5)
    session.rewind(1)
    session.set("learning_rate", 0.003)
    session.start()
    assert session.wait(60) == "finished" and session.state()["error"] is None
    assert len(session.timeline.rows()) == 4


BREAKING = {"epochs": 3, "learning_rate": 10.0, "precision": "mixed_float16"}


def broke_first(error, model):
    """Epoch, place of the layer, and step, as the message names them."""
    epoch, name, step = re.search(r"epoch (\d): the output of layer '(.*)' in step (\d+) was NaN or infinite first", str(error.value)).groups()
    return int(epoch), [layer.name for layer in model.layers].index(name), int(step)


@pytest.mark.parametrize("size", [64, 100])
def test_what_broke_first_is_found_by_a_replay_with_the_changes(splits, size):
    session = Session(network(splits), splits, **BREAKING)
    session.set("learning_rate", 0.01)
    steps = [*range(1, 21), *(20 + n * size / 64 for n in (1, 2))]
    for n in steps:
        if n == 20:
            session.set("batch_size", size)
        session.step()
        until(lambda: session.state()["step"] == n)
    session.set("learning_rate", 10.0)
    session.set("weight_decay", 1.0)
    session.start()
    with pytest.raises(hb.HackbookError) as here:
        session.wait(60)
    epoch, _, step = broke_first(here, session.model)
    assert epoch == 2 and step > 3 and np.isfinite(weights(session.model)).all()
    if size != 64:  # of the second epoch, by a change where it begins; the first step of it is trained with the old rate
        assert session._thread.timeline.changes()[1] == (20, "batch_size", size)


def test_what_broke_first_is_named_as_by_fit_however_many_batches_go_at_once(splits):
    found = set()
    for at_once in 1, 64:  # more than an epoch has
        session, model = Session(network(splits), splits, steps_per_execution=at_once, **BREAKING), network(splits)
        session.start()
        with pytest.raises(hb.HackbookError) as live:
            session.wait(60)
        with pytest.raises(hb.HackbookError) as plain:
            hb.fit(model, splits, schedule="constant", to=None, steps_per_execution=at_once, **BREAKING)
        found |= {broke_first(live, session.model), broke_first(plain, model)}
    assert len(found) == 1


def test_an_error_in_the_thread_is_raised_by_wait(splits, monkeypatch):
    session = Session(network(splits), splits, epochs=2)
    monkeypatch.setattr(type(session._thread), "end_epoch", lambda *a: 1 / 0)
    session.start()
    with pytest.raises(ZeroDivisionError):
        session.wait(60)
    assert session.state()["status"] == "failed" and session.state()["error"] == "ZeroDivisionError: division by zero"
    monkeypatch.undo()
    session.start()
    assert session.wait(60) == "finished"


def test_an_interrupt_stops_with_the_best_weights(splits):
    session = Session(network(splits), splits, epochs=10_000)
    session.start()
    until(lambda: session.state()["epoch"] > 1.5)
    threading.Timer(0.3, lambda: signal.raise_signal(signal.SIGINT)).start()
    assert session.wait(600) == "stopped" and session.state()["epoch"] < 10_000
    score = session.model.evaluate(in_order(splits.validation), verbose=0)[0]
    assert score == pytest.approx(session.timeline.best()["val_loss"], abs=1e-5)


def test_waiting_has_an_end(splits):
    session = Session(network(splits), splits, epochs=10_000)
    with pytest.raises(hb.HackbookError, match="call start"):
        session.wait()
    session.start()
    assert session.wait(0.2) == "running"
    session.close()
    assert session.state()["status"] == "stopped"
    for call in session.start, session.pause, session.stop, lambda: session.set("dropout", 0.1), lambda: session.rewind(0):
        with pytest.raises(hb.HackbookError, match="closed"):
            call()


def test_two_on_one_model(splits):
    model = network(splits)
    first = Session(model, splits, epochs=10_000)
    first.start()
    with pytest.raises(hb.HackbookError, match="is being trained by another session"):
        Session(model, splits)
    first.stop()
    first.wait(10)
    second = Session(model, splits, epochs=1)
    with pytest.raises(hb.HackbookError, match="closed"):
        first.start()
    second.start()
    assert second.wait(60) == "finished"


def test_an_unused_session_releases_the_model(splits):
    for status in "ready", "running", "paused", "finished":
        model = network(splits, filters=(4,))
        session = Session(model, splits, epochs=2 if status == "finished" else 10_000)
        session.on_change = lambda session=session: session.state()
        gone = weakref.ref(model)
        if status != "ready":
            session.start()
            until(lambda: session.state()["step"] > 2)
        if status == "paused":
            session.pause()
        if status == "finished":
            session.wait(60)
        del session, model
        gc.collect()
        for thread in training_threads():
            thread.join(10)
        gc.collect()
        assert gone() is None and not training_threads(), status


def test_the_model_is_plain_keras_afterwards(splits, tmp_path):
    session = Session(network(splits, dropout=0.0), splits, epochs=1)
    session.start()
    session.wait(60)
    session.close()
    session.model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert np.array_equal(weights(again), weights(session.model))
    assert len(hb.fit(session.model, splits, epochs=1, to=None).history) == 1


def test_bad_input(splits):
    model = network(splits)
    for options, words in [({"epochs": 0}, "epochs"), ({"schedule": "plateau"}, "lower the rate by hand"), ({"learning_rate": -1}, "learning_rate"), ({"memory": "much"}, "500 MB"), ({"seed": -1}, "seed")]:
        with pytest.raises(hb.HackbookError, match=words):
            Session(model, splits, **options)
    session = Session(model, splits)
    for call, words in [(lambda: session.set("magic", 1), "hyperparameter must be one of learning_rate"), (lambda: session.set("dropout", "a"), "dropout must be a number"), (lambda: session.rewind(3), "from 0 to 0"),
                        (lambda: session.rewind(0, "x"), "branch must be one of"), (lambda: session.view("x"), "view must be None or one of"), (lambda: session.keep(to=None), "no finished epoch"), (lambda: session.delete("branch 1"), "other than")]:
        with pytest.raises(hb.HackbookError, match=words):
            call()


# Branches


def test_branches_can_be_named_kept_and_deleted(splits, tmp_path):
    session = Session(network(splits), splits, epochs=2)
    session.start()
    session.wait(60)
    final = weights(session.model)
    session.rewind(1)
    session.set("learning_rate", 0.3)
    session.rename("branch 1", "calm")
    session.start()
    session.wait(60)
    session.rename("branch 2", "wild")
    run = session.keep("calm", to=tmp_path)
    assert np.array_equal(weights(run.model), final) and hb.list_runs(tmp_path).status.tolist() == ["finished"]
    assert np.array_equal(weights(hb.load_run(run.folder).model), final) and run.folder.name.endswith("-calm")
    assert session.keep("wild", to=None).record["parameters"]["changes"] == [(20, "learning_rate", 0.3)]
    count, _ = session.news(0)
    session.rewind(2, "calm")
    with pytest.raises(hb.HackbookError, match="other than the current one"):
        session.delete("calm")
    session.delete("wild")
    assert session.news(count)[1]["gone"] == ["wild"] and [b["name"] for b in session.state()["branches"]] == ["calm"]
    assert not [p for p in session._thread.snapshots.states if p[0] == 2] and len(session._thread.snapshots) == 3


def test_state_and_news_are_small_and_plain(splits):
    session = Session(network(splits), splits, epochs=3)
    count, seen = 0, []
    session.start()
    while session.state()["status"] == "running":
        count, new = session.news(count)
        seen += new["points"]
        assert len(json.dumps(session.state())) < 2000
        time.sleep(0.05)
    seen += session.news(count)[1]["points"]
    assert seen == session.news(0)[1]["points"] and len(json.dumps(seen)) < 400 * 80
    ends = [p for p in seen if p[4] is not None]
    assert [p[1] for p in ends] == [1, 2, 3]
    steps = session.state()["steps"]
    for epoch, row in enumerate(session.timeline.rows()):  # the points of an epoch, weighed by their batches, give its mean
        mine = [p for p in seen if epoch < p[1] <= epoch + 1]
        sizes = np.array([64] * (steps - 1) + [len(splits.train) - 64 * (steps - 1)])
        assert len(mine) == steps
        assert np.average([p[2] for p in mine], weights=sizes) == pytest.approx(row["loss"], rel=1e-3)
        assert np.average([p[3] for p in mine], weights=sizes) == pytest.approx(row["accuracy"], rel=1e-3)


# Speed, pictures, leaks


@pytest.mark.parametrize("options", [{}, {"steps_per_execution": 4, "precision": "mixed_float16"}, {"jit": True}])
def test_fifty_changes_trace_nothing(splits, options):
    jit = "jit" in options
    session = Session(network(splits, filters=(2,), augmented=not jit), splits, epochs=100, **({} if jit else options))
    if jit:
        session.model.jit_compile = True
    traces = traces_of(session.model)
    session.start()
    until(lambda: session.state()["epoch"] >= 1, seconds=120)  # the first batches, the last of an epoch and the validation are built
    until(lambda: session.timeline.rows() and session.state()["epoch"] > 1, seconds=120)
    before, rng = len(traces), random.Random(0)
    for n in range(50):
        slider = rng.choice(list(session.sliders.values()))
        value = rng.uniform(slider.low, slider.high if slider.whole else min(slider.high, 0.5))
        if jit and slider.name == "batch_size":  # without a trace, XLA compiles each size of a batch anew, for seconds: two sizes will do
            value = 64 if session.state()["sliders"]["batch_size"] == 48 else 48
        session.set(slider.name, value)
        unit = {"batch": "step", "epoch": "epoch"}[slider.acts]
        at = session.state()[unit]
        until(lambda: session.state()[unit] > at + (unit == "epoch"))
    session.rewind(1)
    session.start()
    until(lambda: session.state()["epoch"] > 2 or session.state()["status"] != "running", seconds=60)
    session.stop()
    session.wait(30)
    assert before > 0 and len(traces) == before and len(session.timeline.log) > 40


@pytest.mark.parametrize("kind", VIEWS)
def test_pictures_come_while_it_trains_and_change_nothing(splits, fitted, kind):
    session = Session(network(splits), splits, epochs=2)
    session.view(kind)
    until(lambda: session.picture)
    session.step()
    until(lambda: session.state()["step"] == 1)
    session.start()
    session.wait(60)
    until(lambda: not training_threads())
    assert len(json.dumps(session.picture)) < 20_000 and session.picture["kind"] == kind
    assert session.picture == VIEWS[kind](session.model, splits)()
    draw(session.picture).png(dpi=40)
    assert np.array_equal(weights(session.model), weights(fitted(2).model))


def test_two_hundred_random_actions(splits):
    """A seed decides what is done; whatever it is, the session does it, and nothing is left behind."""
    small = hb.Splits(splits.train.take(np.arange(300)), splits.validation.take(np.arange(60)), splits.test)
    rng, model = random.Random(1), network(small, filters=(2,))
    session = Session(model, small, epochs=6, batch_size=32, memory="100 kB")
    session.on_change = lambda: None
    threads, tracemalloc_at, refused = threading.active_count(), None, 0
    tracemalloc.start()
    for n in range(200):
        branches = [b["name"] for b in session.state()["branches"]]
        branch = rng.choice(branches)
        action = rng.choice(["start", "start", "start", "pause", "step", "stop", "rewind", "rewind", "set", "set", "set", "keep", "delete", "delete", "view", "rename", "wait", "again"])
        try:
            if action in ("start", "pause", "step", "stop"):
                getattr(session, action)()
            elif action == "rewind":
                session.rewind(rng.randint(0, session.timeline[branch].epochs), branch)
            elif action == "set":
                slider = rng.choice(list(session.sliders.values()))
                session.set(slider.name, rng.uniform(slider.low, min(slider.high, 0.1)))
            elif action == "keep" and n % 3 == 0:
                session.keep(branch, to=None)
            elif action == "delete":
                session.delete(branch)
            elif action == "view":
                session.view(rng.choice([None, "weights", "predictions"]))
            elif action == "rename":
                session.rename(branch, f"name {n}")
            elif action == "wait" and session.state()["status"] == "running":
                session.wait(0.3)
            elif action == "again" and session.state()["status"] in ("stopped", "finished") and n % 4 == 0:
                session = Session(model, small, epochs=6, batch_size=32, memory="100 kB")
        except hb.InvalidValue as e:
            assert action == "delete", (action, e)
            refused += 1
        except hb.HackbookError as e:
            assert action == "keep" and "no finished epoch" in str(e), (action, e)
        assert session.state()["status"] != "failed", session.state()["error"]
        time.sleep(rng.uniform(0, 0.03))
        if n == 20:
            gc.collect()
            tracemalloc_at = tracemalloc.get_traced_memory()[0]
        assert len(training_threads()) <= 1
    session.stop()
    if session.state()["status"] != "ready":
        session.wait(20)
    until(lambda: not training_threads())
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - tracemalloc_at
    tracemalloc.stop()
    assert grown < 6e6, grown
    assert threading.active_count() <= threads and refused > 0
    session.start()
    session.wait(60)
    assert session.state()["status"] == "finished"


def test_fit_leaves_a_model_alone_that_is_trained_live(splits, monkeypatch):
    session = Session(network(splits), splits, epochs=50)
    session.start()
    until(lambda: session.state()["step"] > 2)
    monkeypatch.setattr("hackbook.training.fitting.find_lr", lambda *a, **options: pytest.fail("it is tried out on the model"))
    for rate in (0.01, "find"):
        with pytest.raises(hb.HackbookError, match="stop that training, or build a second model"):
            hb.fit(session.model, splits, epochs=1, learning_rate=rate, to=None)
    session.stop()
    session.wait(60)
    assert len(hb.fit(session.model, splits, epochs=1, to=None).history) == 1


def test_the_batch_size_of_a_card(monkeypatch):
    """Without a batch size a session takes the usual one of the device, as `fit` does, and its recipe says so; one that is given stays."""
    from hackbook.devices import Device
    from hackbook.live import session

    data = hb.Dataset(np.random.default_rng(0).normal(size=(12_000, 3)).astype("float32"), np.arange(12_000) % 2)
    splits = hb.split(data)
    monkeypatch.setattr(session, "training_device", lambda: Device("GPU", "a card"))

    def sized(**options):
        keras = hb.core.load_keras()
        made = hb.live.Session(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, "softmax")]), splits, 2, **options)
        made.close()
        return made.values["batch_size"], made.values["learning_rate"], made.timeline.recipe

    assert sized()[:2] == (128, 0.0141) and "learning_rate=0.0141, batch_size=128" in sized()[2]
    assert sized(batch_size=64)[:2] == (64, 0.01) and "batch_size" not in sized(batch_size=64)[2]
    monkeypatch.undo()
    assert sized()[:2] == (64, 0.01)


@pytest.mark.parametrize("part", ["first_to_break", "go_to"])
def test_what_fails_while_a_divergence_is_looked_into_ends_the_thread(splits, monkeypatch, part):
    """The model is free again, and the session says what happened: it was locked for good."""
    from hackbook.live import thread, worker

    def full(*_, **__):
        raise MemoryError("no room for all layers")

    session = Session(network(splits), splits, **BREAKING)
    if part == "first_to_break":
        monkeypatch.setattr(worker, "first_to_break", full)
    else:
        monkeypatch.setattr(thread.TrainingThread, "go_to", full)
    session.start()
    with pytest.raises((hb.HackbookError, MemoryError), match="something was NaN or infinite first" if part == "first_to_break" else "no room"):
        session.wait()
    monkeypatch.undo()
    assert session.status == "failed" and session._thread.worker is None
    session.close()
    Session(session.model, splits, 1).close()  # the model is free
    if part == "first_to_break":  # and its weights are back
        assert hb.fit(session.model, splits, epochs=1, to=None).record["status"] == "finished"


def test_an_epoch_is_shown_when_its_weights_are_there(splits, monkeypatch):
    from hackbook.live.summary import Timeline

    session, seen, row = Session(network(splits), splits, 2), [], Timeline.row

    def with_weights(self, values):
        seen.append((self[None].key, values["epoch"]) in session._thread.snapshots)
        return row(self, values)

    monkeypatch.setattr(Timeline, "row", with_weights)
    session.start()
    session.wait()
    session.close()
    assert seen == [True, True]
