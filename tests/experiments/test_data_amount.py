"""A learning curve over the amount of data: its extrapolation covers what is true, its subsets are nested, the test set stays sealed."""

from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest

import hackbook as hb
from hackbook.data import METRICS, as_task
from hackbook.experiments import LearningCurve, fit_power_law, learning_curve, power_law
from hackbook.experiments.data_amount import _nested

FRACTIONS = np.array([0.1, 0.2, 0.4, 0.7, 1])


def made_up(a, b, c, seed, validation=500, repeats=3, samples=60):
    """Runs of a learner whose gap to a perfect accuracy is a + b·n^(−c), ± 2 %, scored on examples of which most are equally hard for all."""
    rng = np.random.default_rng(seed)
    fractions = np.repeat(FRACTIONS, repeats)
    gap = power_law(fractions, a, b, c) * (1 + rng.normal(0, 0.02, len(fractions)))
    shared, hard = rng.random(validation) < 0.7, rng.random(validation)
    wrong = np.where(shared, hard, rng.random((len(gap), validation))) < gap[:, None]
    runs = pd.DataFrame({"fraction": fractions, "seed": np.arange(len(gap)) % repeats, "examples": (1000 * fractions).astype(int), "score": 1 - wrong.mean(axis=1)})
    return LearningCurve(runs, 1 - wrong[:, rng.integers(validation, size=(samples, validation))].mean(axis=2), as_task("classification"), 1000)


@pytest.mark.parametrize("a, b, c", [(0.02, 0.05, 0.5), (0.0, 0.08, 0.5), (0.1, 0.05, 1.0), (0.05, 0.02, 0.3), (0.3, 0.0, 0.5), (0.0, 3e3, 0.2)])
def test_an_exact_curve_is_found_again(a, b, c):
    fitted = fit_power_law(FRACTIONS, power_law(FRACTIONS, a, b, c), np.full(5, 0.01))
    n = np.array([0.1, 0.5, 1, 2, 4])
    assert power_law(n, *fitted) == pytest.approx(power_law(n, a, b, c), rel=2e-3, abs=1e-6)
    assert (fitted >= 0).all() and fitted[2] <= 2


def test_the_extrapolation_covers_the_truth():
    """Intervals of 95 %, for 100 learners: the score and the gain at twice and four times the data."""
    held, gains = [], []
    for seed in range(100):
        a, b, c = [(0.02, 0.05, 0.5), (0.1, 0.05, 1.0), (0.05, 0.02, 0.3), (0.0, 0.08, 0.5)][seed % 4]
        found = made_up(a, b, c, seed, samples=40).predict((2, 4))
        true = 1 - power_law(np.array([2.0, 4]), a, b, c)
        held.append((found.low <= true) & (true <= found.high))
        gain = true - (1 - a - b)
        gains.append((found.gain_low <= gain) & (gain <= found.gain_high))
    assert (np.mean(held, axis=0) > 0.85).all() and (np.mean(gains, axis=0) > 0.8).all()


def test_bands_are_in_order_and_the_frame_tells_what_is_extrapolated():
    curve = made_up(0.02, 0.05, 0.5, 1)
    frame = curve.frame
    assert frame.runs.tolist() == [3] * 5 + [0, 0] and frame.fraction.tolist() == [*FRACTIONS, 2, 4]
    assert (frame.low <= frame.score).all() and (frame.score <= frame.high).all() and (frame.examples.diff()[1:] > 0).all()
    assert frame.score[:5].to_numpy() == pytest.approx(curve.runs.groupby("fraction").score.mean().to_numpy())
    assert curve.determined and curve.sentences[0].startswith("With twice as many examples (2,000), accuracy is likely to be 0.9")


def test_repeats_that_differ_widen_the_band():
    even, odd = made_up(0.02, 0.05, 0.5, 1), made_up(0.02, 0.05, 0.5, 1)
    shake = np.tile([-0.02, 0, 0.02], 5)
    odd = replace(odd, runs=odd.runs.assign(score=odd.runs.score + shake), draws=odd.draws + shake[:, None])
    widths = [(c.frame.high - c.frame.low).to_numpy() for c in (even, odd)]
    assert (widths[1][:5] > widths[0][:5]).all() and widths[1].sum() > 1.2 * widths[0].sum()


def test_errors_fall_and_gains_are_improvements():
    """The same runs, scored by an error in place of accuracy."""
    curve = made_up(0.02, 0.05, 0.5, 1)
    error = replace(as_task("regression"), metric=METRICS["mae"], unit="€")
    other = replace(curve, runs=curve.runs.assign(score=1 - curve.runs.score), draws=1 - curve.draws, task=error)
    a, b = curve.predict((2, 4)), other.predict((2, 4))
    assert b.score.to_numpy() == pytest.approx(1 - a.score.to_numpy()) and (b.low <= b.score).all() and (b.score <= b.high).all()
    for column in ("gain", "gain_low", "gain_high"):
        assert b[column].to_numpy() == pytest.approx(a[column].to_numpy(), abs=1e-6)
    assert " € (" in other.sentences[0] and "less than now" in other.sentences[0] and (other.frame.low <= other.frame.high).all()


def test_a_flat_curve_is_not_determined():
    flat = made_up(0.1, 0.0, 0.5, 0, validation=100)
    assert not flat.determined and flat.sentences[0].startswith("These runs do not determine a curve")
    assert flat.plot().axes[0].get_title(loc="left").startswith("Not determined by these runs")


def test_perfect_scores_and_one_validation_example():
    perfect = made_up(0.0, 0.0, 0.5, 0)
    assert perfect.predict((2,)).score[0] == pytest.approx(1) and not perfect.determined and perfect.plot() and perfect._repr_html_()
    none = made_up(0.02, 0.05, 0.5, 0)
    none = replace(none, draws=none.draws[:, :0])
    assert not none.can_fit and none.frame.low.isna().all() and none.plot() and "Too few" in none.sentences[0]


@pytest.mark.parametrize("times", [0, [-1], [[1, 2]], "2", "abc", ["a"], [[1], [1, 2]], {}, None, [np.nan], [np.inf], []])
def test_times_that_are_none(times):
    with pytest.raises(hb.InvalidValue, match="times must be numbers above 0"):
        made_up(0.02, 0.05, 0.5, 0, samples=5).predict(times)


@pytest.fixture(scope="module")
def splits():
    return hb.split(hb.data.digits().take(np.arange(1000)), validation=0.3, test=0.1)


def linear(splits):
    """A network without hidden layer."""
    return keras.Sequential([keras.Input((8, 8)), keras.layers.Flatten(), keras.layers.Rescaling(1 / 16), keras.layers.Dense(10, "softmax")])


def test_subsets_are_nested_stratified_and_keep_groups_whole(splits):
    data = splits.train
    parts = _nested(data, FRACTIONS, 3)
    sizes = [len(p) for p in parts.values()]
    assert sizes == [600, 420, 240, 120, 60]
    for large, small in zip(list(parts.values()), list(parts.values())[1:]):
        assert set(small) < set(large)
    assert np.ptp(np.bincount(data.y[parts[0.1]], minlength=10)) <= 3
    groups = np.arange(600) // 7
    for part in _nested(replace(data, groups=groups), FRACTIONS, 3).values():
        assert all((np.isin(np.flatnonzero(groups == g), part)).all() for g in set(groups[part]))
    rare = replace(data, y=np.where(np.arange(600) == 5, 9, data.y % 2))
    assert [len(p) for p in _nested(rare, FRACTIONS, 0).values()] == sizes
    ones = replace(data, groups=np.arange(600))
    assert [len(p) for p in _nested(ones, FRACTIONS, 0).values()] == sizes


def test_a_tiny_training(splits):
    curve = learning_curve(linear, splits, (0.1, 0.2, 0.5, 1), repeats=2, epochs=2, batch_size=32)
    again = learning_curve(linear, splits, (1, 0.1, 0.5, 0.2), repeats=2, epochs=2, batch_size=32)
    pd.testing.assert_frame_equal(curve.runs.drop(columns="seconds"), again.runs.drop(columns="seconds"))
    assert np.array_equal(curve.draws, again.draws) and curve.sentences == again.sentences
    assert curve.runs.examples.tolist() == [60, 120, 300, 600] * 2 and splits.test.openings == []
    assert curve.sizes.score.iloc[-1] > curve.sizes.score.iloc[0] and curve.status == "finished"
    assert curve.draws.mean(axis=1) == pytest.approx(curve.runs.score.to_numpy(), abs=0.01)


def test_the_last_run_is_that_of_fit(splits):
    curve = learning_curve(linear, splits, (0.5, 1), repeats=1, epochs=1, seed=4)
    hb.set_seed(4)
    run = hb.fit(linear(splits), splits, epochs=1, seed=4, to=None)
    shuffled = replace(splits, train=splits.train.take(np.arange(len(splits.train))))
    assert curve.runs.score.iloc[-1] == pytest.approx(hb.evaluate(run, shuffled.validation).accuracy)
    assert not curve.can_fit and curve.plot()
    with pytest.raises(hb.HackbookError, match="four fractions and two repeats"):
        curve.predict((2,))


def test_an_interrupt_keeps_what_is_done(splits, monkeypatch):
    import hackbook.experiments.data_amount as module

    calls, train = [], module.fit

    def stopped(*args, **options):
        calls.append(1)
        if len(calls) == stop:
            raise KeyboardInterrupt
        run = train(*args, **options)
        if len(calls) == stop + 100:
            run.record["status"] = "interrupted"  # as fit notes it
        return run

    monkeypatch.setattr(module, "fit", stopped)
    stop = 3
    curve = learning_curve(linear, splits, (0.2, 0.5, 1), repeats=2, epochs=1)
    assert curve.status == "interrupted" and curve.runs.fraction.tolist() == [0.2, 0.5] and "interrupted" in curve._repr_html_() + repr(curve)
    calls.clear()
    stop = -98  # the second run is interrupted within
    curve = learning_curve(linear, splits, (0.2, 0.5, 1), repeats=2, epochs=1)
    assert curve.status == "interrupted" and len(curve.runs) == 1
    calls.clear()
    stop = 1
    with pytest.raises(KeyboardInterrupt):
        learning_curve(linear, splits, (0.2, 1), epochs=1)


def test_more_scenes_for_a_detector(monkeypatch):
    import hackbook.experiments.data_amount as module

    scenes = hb.detection.scene_splits(60, size=32, most=2)
    y = scenes.validation.y
    found = np.concatenate([y, np.where(y[..., 4:] < 0, 0, 0.9)], axis=-1)      # every box, as if it had been learned
    trained = []
    monkeypatch.setattr(module, "_predicted", lambda build, splits, rows, *more: trained.append(rows) or found)
    curve = learning_curve(hb.models.detector, scenes, (0.5, 0.8, 1), repeats=1, epochs=1)
    assert curve.runs.examples.tolist() == [round(f * len(scenes.train)) for f in (0.5, 0.8, 1)] == list(map(len, trained))
    assert set(trained[0]) < set(trained[1]) < set(trained[2]) and (curve.runs.score > .99).all() and curve.draws.shape == (3, 200)


@pytest.mark.parametrize("change, says", [
    ({"fractions": 0.5}, "fractions must be two numbers or more"), ({"fractions": (0.5,)}, "two numbers or more"), ({"fractions": (0, 1)}, "above 0 and at most 1"),
    ({"fractions": ("a", 1)}, "two numbers or more"), ({"fractions": "all"}, "two numbers or more"), ({"fractions": (0.01, 1)}, "20 examples or more"), ({"repeats": 0}, "repeats"), ({"repeats": 1.5}, "repeats"), ({"repeats": True}, "repeats"),
    ({"epochs": 0}, "epochs"), ({"seed": "a"}, "seed"), ({"learning_rate": -1}, "learning_rate"), ({"epoch": 3}, "is epochs meant by epoch"), ({"to": "runs"}, "learning_curve takes no to"), ({"confidence": 95}, "confidence"),
    ({"build": None}, "build must be a function"), ({"build": lambda splits: None}, "what build returns must be a keras.Model"), ({"splits": None}, "splits must be Splits")])
def test_errors_say_what_is_allowed(splits, change, says):
    with pytest.raises(hb.InvalidValue, match=says):
        learning_curve(**{"build": linear, "splits": splits} | change)
