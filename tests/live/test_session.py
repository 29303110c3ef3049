"""The pilot: bit for bit what fit does, back in time and on again, orders at any moment, and nothing left behind."""

import gc
import json
import random
import re
import signal
import threading
import time
import tracemalloc
import weakref
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import pilots_threads

import hackbook as hb
from hackbook.data.augmentation import augment
from hackbook.training.batches import in_order
from hackbook.training.compilation import compile_model
from hackbook.core import load_keras
from hackbook.training.hyperparameters import attach
from hackbook.live.views import LOOKS, draw
from hackbook.training.replay import Moves
from hackbook.live.session import Pilot

keras = load_keras()
pytestmark = pytest.mark.usefixtures("no_thread_is_left")


@pytest.fixture(scope="module")
def splits():
    return hb.split(hb.data.digits())


def network(splits, filters=(4, 8), dropout=0.3, l2=1e-4, changes=False, seed=0):
    hb.set_seed(seed)
    more = {"augment": augment(rotation=10, shift=0.1, zoom=0.1)} if changes else {}
    return hb.models.cnn(splits, filters=filters, dropout=dropout, l2=l2, **more)


def weights(model):
    return np.concatenate([w.ravel() for w in model.get_weights()])


def everything(pilot):
    return np.concatenate([np.ravel(v.numpy()) for v in [*pilot.model.variables, *pilot.model.optimizer.variables]])


def until(condition, seconds=30):
    ends = time.perf_counter() + seconds
    while not condition():
        assert time.perf_counter() < ends, "waited in vain"
        time.sleep(0.002)


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


@pytest.mark.parametrize("options", [{}, {"schedule": "one-cycle", "seed": 3}, {"learning_rate": 0.02, "batch_size": 100, "clip": 1.0}, {"schedule": "cosine", "precision": "mixed_float16", "steps_per_execution": 7}])
def test_untouched_it_is_fit(splits, options):
    pilot = Pilot(network(splits), splits, epochs=3, **options)
    pilot.start()
    assert pilot.wait(120) == "finished"
    run = hb.fit(network(splits), splits, epochs=3, to=None, **{"schedule": "constant"} | options)
    assert np.array_equal(weights(pilot.model), weights(run.model))
    rows = pilot.timeline.rows()
    assert [r["loss"] for r in rows] == run.history.loss.tolist() and [r["val_loss"] for r in rows] == run.history.val_loss.tolist()
    assert [r["learning_rate"] for r in rows] == run.history.learning_rate.tolist()


def test_with_augmentation_it_is_fit_with_knobs(splits):
    """An augmentation whose strength is a variable rounds otherwise than one that is a constant: the recipe attaches knobs."""
    pilot = Pilot(network(splits, changes=True), splits, epochs=2)
    pilot.start()
    pilot.wait(60)
    assert "moves=[]" in pilot.timeline.recipe
    assert np.array_equal(replayed(network(splits, changes=True), splits, pilot.timeline.recipe), weights(pilot.model))
    run = hb.fit(network(splits, changes=True), splits, epochs=2, to=None, schedule="constant")
    assert np.allclose(weights(run.model), weights(pilot.model), atol=1e-3)


def test_a_model_built_without_dropout_still_has_its_knob(splits):
    pilot = Pilot(network(splits, dropout=0.0), splits, epochs=2)
    pilot.start()
    pilot.wait(60)
    run = hb.fit(network(splits, dropout=0.0), splits, epochs=2, to=None, schedule="constant")
    assert "dropout" in pilot.controls and np.array_equal(weights(pilot.model), weights(run.model))


@pytest.mark.parametrize("memory", ["500 MB", "50 kB"])
def test_a_branch_with_untouched_sliders_repeats_the_old_one(splits, memory):
    pilot = Pilot(network(splits, changes=True), splits, epochs=4, schedule="one-cycle", memory=memory)
    pilot.start()
    until(lambda: pilot.state()["step"] > 25)
    pilot.set("dropout", 0.5)
    pilot.set("augment", 0.4)
    pilot.wait(60)
    after = {1: None, 2: None, 4: everything(pilot)}
    loop = pilot._loop
    assert bool(loop.snapshots.files) == (memory == "50 kB")
    (step, name, _), (_, _, _) = pilot.timeline.moves()
    epoch = -(-step // loop.served.steps)  # the end of the epoch in which the sliders were moved
    for back in (epoch, 3):
        pilot.rewind(back, "branch 1")
        until(lambda: pilot.state()["status"] == "paused")
        assert pilot.state()["controls"]["dropout"] == 0.5
        pilot.start()
        assert pilot.wait(60) == "finished" and np.array_equal(everything(pilot), after[4])
    assert [b["name"] for b in pilot.state()["branches"]] == ["branch 1", "branch 2", "branch 3"]
    pilot.rewind(0)
    pilot.start()
    pilot.wait(60)
    assert pilot.timeline.moves() == [] and pilot.state()["controls"] == pilot.timeline.built
    untouched = Pilot(network(splits, changes=True), splits, epochs=4, schedule="one-cycle")
    untouched.start()
    untouched.wait(60)
    assert np.array_equal(everything(pilot), everything(untouched))
    folder = loop.snapshots.folder and Path(loop.snapshots.folder.name)
    pilot.close()
    assert folder is None or not folder.exists()


def test_the_recipe_repeats_the_session(splits):
    """Moves at odd moments, two branches, moves while paused: the code alone gives the same weights."""
    pilot = Pilot(network(splits), splits, epochs=4, learning_rate=0.02)
    pilot.set("dropout", 0.45)
    pilot.start()
    for at, name, value in [(7, "learning_rate", 0.05), (18, "l2", 0.001), (25, "batch_size", 48), (33, "label_smoothing", 0.1), (50, "clip_norm", 0.5)]:
        until(lambda: pilot.state()["step"] >= at)
        pilot.set(name, value)
    pilot.wait(60)
    pilot.rewind(2)
    pilot.set("weight_decay", 0.1)
    pilot.set("learning_rate", 0.001)
    pilot.start()
    pilot.wait(60)
    moves, steps = pilot.timeline.moves(), pilot.state()["steps"]
    assert moves[0] == (0, "dropout", 0.45) and (2 * steps, "batch_size", 48) not in moves
    assert moves[-2:] == [(2 * steps, "weight_decay", 0.1), (2 * steps, "learning_rate", 0.001)]
    assert np.array_equal(replayed(network(splits), splits, pilot.timeline.recipe), weights(pilot.model))


def test_the_recipe_of_a_branch_that_was_left_early(splits):
    pilot = Pilot(network(splits), splits, epochs=5)
    pilot.start()
    until(lambda: pilot.state()["step"] > 10)
    pilot.set("dropout", 0.6)
    until(lambda: pilot.state()["epoch"] > 2.2)
    pilot.set("dropout", 0.1)
    until(lambda: pilot.timeline.moves()[-1][2] == 0.1)
    pilot.pause()
    pilot.rewind(2)
    time.sleep(0.3)
    recipe = pilot.timeline.recipe
    assert "epochs=2" in recipe and "0.1)" not in recipe
    assert np.array_equal(replayed(network(splits), splits, recipe), weights(pilot.model))


def test_the_batch_size_changes_where_an_epoch_begins(splits):
    """And the steps of the timeline stay those of the first size, so that an epoch keeps its length."""
    pilot = Pilot(network(splits), splits, epochs=4)
    assert pilot.set("batch_size", 31.7) == 32
    pilot.start()  # before the first batch: the first epoch has it already
    until(lambda: pilot.state()["step"] > 3)
    pilot.set("batch_size", 500)
    until(lambda: pilot.state()["epoch"] > 1)
    pilot.set("batch_size", 48)
    pilot.set("dropout", 0.5)
    pilot.wait(60)
    steps = pilot.state()["steps"]
    assert [m for m in pilot.timeline.moves() if m[1] == "batch_size"] == [(0, "batch_size", 32), (steps, "batch_size", 500), (2 * steps, "batch_size", 48)]
    assert pilot.state()["step"] == 4 * steps and pilot._loop.served.size == 48
    assert int(pilot.model.optimizer.iterations) == sum(-(-len(splits.train) // size) for size in (32, 500, 48, 48))
    assert np.array_equal(replayed(network(splits), splits, pilot.timeline.recipe), weights(pilot.model))
    arrays = weights(pilot.model)

    pilot.rewind(3)  # the size of then is back, and what follows is the same again
    until(lambda: pilot._loop.goal is None)
    pilot.rewind(1)
    until(lambda: pilot._loop.goal is None)
    assert pilot.state()["controls"]["batch_size"] == 32
    pilot.rewind(3)
    pilot.start()
    pilot.wait(60)
    assert pilot.timeline[None].moves == [] and np.array_equal(weights(pilot.model), arrays)

    pilot.rewind(2)  # by hand at the fork: the first epoch of the new branch has it
    pilot.set("batch_size", 64)
    pilot.start()
    pilot.wait(60)
    assert pilot.timeline[None].moves == [(2 * steps, "batch_size", 64)]
    assert np.array_equal(replayed(network(splits), splits, pilot.timeline.recipe), weights(pilot.model))


def test_an_execution_that_the_epoch_cuts_short(splits):
    """Keras gives the number of its last batch as if the execution had been whole; a step is still a step."""
    pilot = Pilot(network(splits), splits, epochs=3, steps_per_execution=7)  # of 20 batches: 7, 7, 6
    pilot.start()
    until(lambda: pilot.state()["step"] > 0)
    pilot.set("batch_size", 100)  # 13 batches: 7, 6
    pilot.wait(60)
    steps = pilot.state()["steps"]
    assert (steps, pilot.state()["step"], pilot.timeline.moves()) == (20, 60, [(20, "batch_size", 100)])
    assert [p[0] for p in pilot.timeline[None].points] == [7 / 20, 14 / 20, 1, 1 + 7 * 100 / 64 / 20, 2, 2 + 7 * 100 / 64 / 20, 3]
    assert np.array_equal(replayed(network(splits), splits, pilot.timeline.recipe), weights(pilot.model))


def test_a_single_step_with_another_batch_size(splits):
    pilot = Pilot(network(splits), splits, epochs=2, batch_size=100)
    pilot.set("batch_size", 50)
    pilot.step()
    until(lambda: pilot.state()["step"] == 0.5)
    time.sleep(0.1)
    assert (pilot.state()["step"], pilot.state()["status"]) == (0.5, "paused")
    pilot.set("dropout", 0.4)
    pilot.step()
    until(lambda: pilot.state()["step"] == 1)
    assert pilot.timeline.moves() == [(0, "batch_size", 50), (0.5, "dropout", 0.4)]


def test_no_batch_size_to_move_where_a_schedule_counts_the_steps(splits):
    assert "batch_size" not in Pilot(network(splits), splits, schedule="one-cycle").controls


def test_moves_say_what_is_wrong(splits):
    knobs = attach(compile_model(network(splits), splits.train, 10))
    for moves, words in [([(-1, "dropout", 0.1)], "step 0 or more"), ([(0, "magic", 1)], "got 'magic'"), ([(0, "dropout", "much")], "from 0 to 0.99")]:
        with pytest.raises(hb.HackbookError, match=words):
            Moves(knobs, moves, None)


# Orders


def test_step_pause_stop_and_go_on(splits):
    pilot = Pilot(network(splits), splits, epochs=3)
    assert pilot.state()["status"] == "ready"
    for n in range(1, 4):
        pilot.step()
        until(lambda: pilot.state()["step"] == n)
    time.sleep(0.1)
    assert pilot.state()["step"] == 3 and pilot.state()["status"] == "paused"
    pilot.start()
    until(lambda: pilot.state()["epoch"] > 1.3)
    pilot.pause()
    time.sleep(0.2)
    step = pilot.state()["step"]
    time.sleep(0.2)
    assert pilot.state()["step"] == step
    pilot.stop()
    assert pilot.wait(10) == "stopped"
    best = pilot.timeline.best()
    score = pilot.model.evaluate(in_order(splits.validation), verbose=0, return_dict=True)["loss"]
    assert score == pytest.approx(best["val_loss"], abs=1e-5)
    pilot.start()
    assert pilot.wait(60) == "finished"
    assert [b["forked_at"] for b in pilot.state()["branches"]] == [0, 1]


def test_stop_gives_the_best_epoch_and_not_the_last(splits):
    pilot = Pilot(network(splits), splits, epochs=50)
    pilot.start()
    until(lambda: pilot.state()["epoch"] > 2)
    pilot.set("learning_rate", 1.0)  # spoils it
    until(lambda: pilot.state()["epoch"] > 4)
    pilot.stop()
    pilot.wait(10)
    best = pilot.timeline.best()
    assert best["epoch"] < len(pilot.timeline.rows())
    score = pilot.model.evaluate(in_order(splits.validation), verbose=0, return_dict=True)
    assert score["accuracy"] == pytest.approx(best["val_accuracy"], abs=1e-6)


def test_sliders_stay_after_a_stop_and_return_after_a_rewind(splits):
    pilot = Pilot(network(splits), splits, epochs=3)
    pilot.start()
    until(lambda: pilot.state()["epoch"] > 1.2)
    pilot.set("dropout", 0.7)
    until(lambda: pilot.timeline.moves())
    pilot.stop()
    pilot.wait(10)
    pilot.start()
    pilot.wait(60)
    assert pilot.state()["controls"]["dropout"] == 0.7 and pilot.timeline.moves() == [(20, "dropout", 0.7)]
    assert pilot.timeline.current == "branch 2"
    pilot.rewind(1, "branch 2")
    assert pilot.state()["controls"]["dropout"] == 0.3


def test_scrubbing_leaves_no_branches(splits):
    pilot = Pilot(network(splits), splits, epochs=4)
    pilot.start()
    pilot.wait(60)
    for epoch in [3, 1, 2, 0, 4, 2]:
        pilot.rewind(epoch)
    assert pilot.state()["epoch"] == 2 and pilot.state()["status"] == "paused"
    assert len(pilot.state()["branches"]) == 1
    pilot.rewind(4)
    assert pilot.wait(20) == "finished" and len(pilot.state()["branches"]) == 1


def test_loss_that_is_no_number(splits):
    model = network(splits)
    pilot = Pilot(model, splits, epochs=4)
    pilot.start()
    until(lambda: pilot.state()["epoch"] > 1.2)
    pilot.pause()
    time.sleep(0.1)
    model.layers[3].kernel.assign(np.full(model.layers[3].kernel.shape, np.nan))
    pilot.start()
    with pytest.raises(hb.HackbookError, match=r"the loss became nan in epoch 2: .* was no number first; the weights of epoch 1 are back"):
        pilot.wait(60)
    state = pilot.state()
    assert state["status"] == "failed" and "in epoch 2" in state["error"] and np.isfinite(weights(model)).all()
    assert model.evaluate(in_order(splits.validation), verbose=0)[0] == pytest.approx(pilot.timeline.rows()[0]["val_loss"], abs=1e-5)
    pilot.rewind(1)
    pilot.set("learning_rate", 0.003)
    pilot.start()
    assert pilot.wait(60) == "finished" and pilot.state()["error"] is None
    assert len(pilot.timeline.rows()) == 4


BREAKING = {"epochs": 3, "learning_rate": 10.0, "precision": "mixed_float16"}


def broke_first(error, model):
    """Epoch, place of the layer, and step, as the message names them."""
    epoch, name, step = re.search(r"epoch (\d): the output of layer '(.*)' in step (\d+) was no number first", str(error.value)).groups()
    return int(epoch), [layer.name for layer in model.layers].index(name), int(step)


@pytest.mark.parametrize("size", [64, 100])
def test_what_broke_first_is_found_by_a_replay_with_the_moves(splits, size):
    pilot = Pilot(network(splits), splits, **BREAKING)
    pilot.set("learning_rate", 0.01)
    steps = [*range(1, 21), *(20 + n * size / 64 for n in (1, 2))]
    for n in steps:
        if n == 20:
            pilot.set("batch_size", size)
        pilot.step()
        until(lambda: pilot.state()["step"] == n)
    pilot.set("learning_rate", 10.0)
    pilot.set("weight_decay", 1.0)
    pilot.start()
    with pytest.raises(hb.HackbookError) as here:
        pilot.wait(60)
    epoch, _, step = broke_first(here, pilot.model)
    assert epoch == 2 and step > 3 and np.isfinite(weights(pilot.model)).all()
    if size != 64:  # of the second epoch, by a move where it begins; the first step of it is trained with the old rate
        assert pilot._loop.timeline.moves()[1] == (20, "batch_size", size)


def test_what_broke_first_is_named_as_by_fit_however_many_batches_go_at_once(splits):
    found = set()
    for at_once in 1, 64:  # more than an epoch has
        pilot, model = Pilot(network(splits), splits, steps_per_execution=at_once, **BREAKING), network(splits)
        pilot.start()
        with pytest.raises(hb.HackbookError) as live:
            pilot.wait(60)
        with pytest.raises(hb.HackbookError) as plain:
            hb.fit(model, splits, schedule="constant", to=None, steps_per_execution=at_once, **BREAKING)
        found |= {broke_first(live, pilot.model), broke_first(plain, model)}
    assert len(found) == 1


def test_an_error_in_the_thread_is_raised_by_wait(splits, monkeypatch):
    pilot = Pilot(network(splits), splits, epochs=2)
    monkeypatch.setattr(type(pilot._loop), "end_epoch", lambda *a: 1 / 0)
    pilot.start()
    with pytest.raises(ZeroDivisionError):
        pilot.wait(60)
    assert pilot.state()["status"] == "failed" and pilot.state()["error"] == "ZeroDivisionError: division by zero"
    monkeypatch.undo()
    pilot.start()
    assert pilot.wait(60) == "finished"


def test_an_interrupt_stops_with_the_best_weights(splits):
    pilot = Pilot(network(splits), splits, epochs=10_000)
    pilot.start()
    until(lambda: pilot.state()["epoch"] > 1.5)
    threading.Timer(0.3, lambda: signal.raise_signal(signal.SIGINT)).start()
    began = time.perf_counter()
    assert pilot.wait(60) == "stopped" and time.perf_counter() - began < 3
    score = pilot.model.evaluate(in_order(splits.validation), verbose=0)[0]
    assert score == pytest.approx(pilot.timeline.best()["val_loss"], abs=1e-5)


def test_waiting_has_an_end(splits):
    pilot = Pilot(network(splits), splits, epochs=10_000)
    with pytest.raises(hb.HackbookError, match="call start"):
        pilot.wait()
    pilot.start()
    assert pilot.wait(0.2) == "running"
    pilot.close()
    assert pilot.state()["status"] == "stopped"
    for call in pilot.start, pilot.pause, pilot.stop, lambda: pilot.set("dropout", 0.1), lambda: pilot.rewind(0):
        with pytest.raises(hb.HackbookError, match="closed"):
            call()


def test_two_on_one_model(splits):
    model = network(splits)
    first = Pilot(model, splits, epochs=10_000)
    first.start()
    with pytest.raises(hb.HackbookError, match="is being trained by another pilot"):
        Pilot(model, splits)
    first.stop()
    first.wait(10)
    second = Pilot(model, splits, epochs=1)
    with pytest.raises(hb.HackbookError, match="closed"):
        first.start()
    second.start()
    assert second.wait(60) == "finished"


def test_a_pilot_that_nobody_holds_lets_the_model_go(splits):
    for status in "ready", "running", "paused", "finished":
        model = network(splits)
        pilot = Pilot(model, splits, epochs=2 if status == "finished" else 10_000)
        pilot.on_change = lambda pilot=pilot: pilot.state()
        gone = weakref.ref(model)
        if status != "ready":
            pilot.start()
            until(lambda: pilot.state()["step"] > 2)
        if status == "paused":
            pilot.pause()
        if status == "finished":
            pilot.wait(60)
        del pilot, model
        gc.collect()
        for thread in pilots_threads():
            thread.join(10)
        gc.collect()
        assert gone() is None and not pilots_threads(), status


def test_the_model_is_plain_keras_afterwards(splits, tmp_path):
    pilot = Pilot(network(splits, dropout=0.0), splits, epochs=1)
    pilot.start()
    pilot.wait(60)
    pilot.close()
    pilot.model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert np.array_equal(weights(again), weights(pilot.model))
    assert len(hb.fit(pilot.model, splits, epochs=1, to=None).history) == 1


def test_bad_input(splits):
    model = network(splits)
    for options, words in [({"epochs": 0}, "epochs"), ({"schedule": "plateau"}, "lower the rate by hand"), ({"learning_rate": -1}, "learning_rate"), ({"memory": "much"}, "500 MB"), ({"seed": -1}, "seed")]:
        with pytest.raises(hb.HackbookError, match=words):
            Pilot(model, splits, **options)
    pilot = Pilot(model, splits)
    for call, words in [(lambda: pilot.set("magic", 1), "control must be one of learning_rate"), (lambda: pilot.set("dropout", "a"), "dropout must be a number"), (lambda: pilot.rewind(3), "from 0 to 0"),
                        (lambda: pilot.rewind(0, "x"), "branch must be one of"), (lambda: pilot.look("x"), "look must be None or one of"), (lambda: pilot.keep(to=None), "no finished epoch"), (lambda: pilot.delete("branch 1"), "another than")]:
        with pytest.raises(hb.HackbookError, match=words):
            call()


# Branches


def test_branches_can_be_named_kept_and_deleted(splits, tmp_path):
    pilot = Pilot(network(splits), splits, epochs=2)
    pilot.start()
    pilot.wait(60)
    final = weights(pilot.model)
    pilot.rewind(1)
    pilot.set("learning_rate", 0.3)
    pilot.rename("branch 1", "calm")
    pilot.start()
    pilot.wait(60)
    pilot.rename("branch 2", "wild")
    run = pilot.keep("calm", to=tmp_path)
    assert np.array_equal(weights(run.model), final) and hb.runs(tmp_path).status.tolist() == ["finished"]
    assert np.array_equal(weights(hb.load_run(run.folder).model), final)
    assert pilot.keep("wild", to=None).record["parameters"]["moves"] == [(20, "learning_rate", 0.3)]
    count, _ = pilot.news(0)
    pilot.rewind(2, "calm")
    with pytest.raises(hb.HackbookError, match="another than the one"):
        pilot.delete("calm")
    pilot.delete("wild")
    assert pilot.news(count)[1]["gone"] == ["wild"] and [b["name"] for b in pilot.state()["branches"]] == ["calm"]
    assert not [p for p in pilot._loop.points if p[0] == 2] and len(pilot._loop.snapshots) == 3


def test_state_and_news_are_small_and_plain(splits):
    pilot = Pilot(network(splits), splits, epochs=3)
    count, seen = 0, []
    pilot.start()
    while pilot.state()["status"] == "running":
        count, new = pilot.news(count)
        seen += new["points"]
        assert len(json.dumps(pilot.state())) < 2000
        time.sleep(0.05)
    seen += pilot.news(count)[1]["points"]
    assert seen == pilot.news(0)[1]["points"] and len(json.dumps(seen)) < 400 * 80
    ends = [p for p in seen if p[4] is not None]
    assert [p[1] for p in ends] == [1, 2, 3]
    steps = pilot.state()["steps"]
    for epoch, row in enumerate(pilot.timeline.rows()):  # the points of an epoch, weighed by their batches, give its mean
        mine = [p for p in seen if epoch < p[1] <= epoch + 1]
        sizes = np.array([64] * (steps - 1) + [len(splits.train) - 64 * (steps - 1)])
        assert len(mine) == steps
        assert np.average([p[2] for p in mine], weights=sizes) == pytest.approx(row["loss"], rel=1e-3)
        assert np.average([p[3] for p in mine], weights=sizes) == pytest.approx(row["accuracy"], rel=1e-3)


# Speed, pictures, leaks


@pytest.mark.parametrize("options", [{}, {"steps_per_execution": 4, "precision": "mixed_float16"}, {"jit": True}])
def test_fifty_moves_trace_nothing(splits, options):
    jit = "jit" in options
    pilot = Pilot(network(splits, changes=not jit), splits, epochs=100, **({} if jit else options))
    if jit:
        pilot.model.jit_compile = True
    traces = traces_of(pilot.model)
    pilot.start()
    until(lambda: pilot.state()["epoch"] >= 1, 120)  # the first batches, the last of an epoch and the validation are built
    until(lambda: pilot.timeline.rows() and pilot.state()["epoch"] > 1, 120)
    before, rng = len(traces), random.Random(0)
    for n in range(50):
        control = rng.choice(list(pilot.controls.values()))
        pilot.set(control.name, rng.uniform(control.low, control.high if control.whole else min(control.high, 0.5)))
        unit = {"batch": "step", "epoch": "epoch"}[control.acts]
        at = pilot.state()[unit]
        until(lambda: pilot.state()[unit] > at + (unit == "epoch"))
    pilot.rewind(1)
    pilot.start()
    until(lambda: pilot.state()["epoch"] > 2 or pilot.state()["status"] != "running", 60)
    pilot.stop()
    pilot.wait(30)
    assert before > 0 and len(traces) == before and len(pilot.timeline.log) > 40


@pytest.mark.parametrize("kind", LOOKS)
def test_pictures_come_while_it_trains_and_change_nothing(splits, kind):
    pilot = Pilot(network(splits), splits, epochs=2)
    pilot.look(kind)
    until(lambda: pilot.picture)
    pilot.step()
    until(lambda: pilot.state()["step"] == 1)
    pilot.start()
    pilot.wait(60)
    until(lambda: not pilots_threads())
    assert len(json.dumps(pilot.picture)) < 20_000 and pilot.picture["kind"] == kind
    assert pilot.picture == LOOKS[kind](pilot.model, splits)()
    draw(pilot.picture).png(dpi=40)
    run = hb.fit(network(splits), splits, epochs=2, to=None, schedule="constant")
    assert np.array_equal(weights(pilot.model), weights(run.model))


def test_two_hundred_random_actions(splits):
    """A seed decides what is done; whatever it is, the pilot obeys, and nothing is left behind."""
    small = hb.Splits(splits.train.take(np.arange(300)), splits.validation.take(np.arange(60)), splits.test)
    rng, model = random.Random(1), network(small, filters=(2,))
    pilot = Pilot(model, small, epochs=6, batch_size=32, memory="100 kB")
    pilot.on_change = lambda: None
    threads, tracemalloc_at, refused = threading.active_count(), None, 0
    tracemalloc.start()
    for n in range(200):
        branches = [b["name"] for b in pilot.state()["branches"]]
        branch = rng.choice(branches)
        action = rng.choice(["start", "start", "start", "pause", "step", "stop", "rewind", "rewind", "set", "set", "set", "keep", "delete", "delete", "look", "rename", "wait", "again"])
        try:
            if action in ("start", "pause", "step", "stop"):
                getattr(pilot, action)()
            elif action == "rewind":
                pilot.rewind(rng.randint(0, pilot.timeline[branch].epochs), branch)
            elif action == "set":
                control = rng.choice(list(pilot.controls.values()))
                pilot.set(control.name, rng.uniform(control.low, min(control.high, 0.1)))
            elif action == "keep" and n % 3 == 0:
                pilot.keep(branch, to=None)
            elif action == "delete":
                pilot.delete(branch)
            elif action == "look":
                pilot.look(rng.choice([None, "weights", "predictions"]))
            elif action == "rename":
                pilot.rename(branch, f"name {n}")
            elif action == "wait" and pilot.state()["status"] == "running":
                pilot.wait(0.3)
            elif action == "again" and pilot.state()["status"] in ("stopped", "finished") and n % 4 == 0:
                pilot = Pilot(model, small, epochs=6, batch_size=32, memory="100 kB")
        except hb.InvalidValue as e:
            assert action == "delete", (action, e)
            refused += 1
        except hb.HackbookError as e:
            assert action == "keep" and "no finished epoch" in str(e), (action, e)
        assert pilot.state()["status"] != "failed", pilot.state()["error"]
        time.sleep(rng.uniform(0, 0.03))
        if n == 20:
            gc.collect()
            tracemalloc_at = tracemalloc.get_traced_memory()[0]
        assert len(pilots_threads()) <= 1
    pilot.stop()
    if pilot.state()["status"] != "ready":
        pilot.wait(20)
    until(lambda: not pilots_threads())
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - tracemalloc_at
    tracemalloc.stop()
    assert grown < 6e6, grown
    assert threading.active_count() <= threads and refused > 0
    pilot.start()
    pilot.wait(60)
    assert pilot.state()["status"] == "finished"


def test_fit_leaves_a_model_alone_that_is_trained_live(splits, monkeypatch):
    pilot = Pilot(network(splits), splits, epochs=50)
    pilot.start()
    until(lambda: pilot.state()["step"] > 2)
    monkeypatch.setattr("hackbook.training.fitting.find_lr", lambda *a, **options: pytest.fail("it is tried out on the model"))
    for rate in (0.01, "find"):
        with pytest.raises(hb.HackbookError, match="stop that training, or build a second model"):
            hb.fit(pilot.model, splits, epochs=1, learning_rate=rate, to=None)
    pilot.stop()
    pilot.wait(60)
    assert len(hb.fit(pilot.model, splits, epochs=1, to=None).history) == 1
