"""Windows of series: nothing of the future is in them, and what cannot be cut is said."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hackbook import HackbookError
from hackbook.data import Dataset
from hackbook.series import bundled_series, last_window, naive_forecast, step_places, times_after, usual_period, windows


def series(y, times=None, **more):
    times = np.arange("2000-01", 12 * 80, dtype="datetime64[M]")[: len(y)].astype("datetime64[ns]") if times is None else times
    return Dataset(pd.DataFrame({"one": np.ones(len(y))}), np.asarray(y, float), times=times, task="forecast", **more)


@given(st.integers(2, 30), st.integers(1, 12), st.integers(0, 5), st.integers(1, 4), st.integers(0, 10))
@settings(max_examples=25, deadline=None)
def test_what_comes_later_changes_nothing(length, horizon, gap, stride, seed):
    y = np.random.default_rng(seed).normal(size=200).cumsum()
    cut = lambda values: windows(series(values), length, horizon, 40, 50, gap, None, stride=stride)
    found = cut(y)
    border = found.test.data.ends.min()
    changed = cut(np.where(series(y).times >= border, y * 3 + 7, y))
    for part in ("train", "validation"):
        assert np.array_equal(found.parts[part].x, changed.parts[part].x)
        assert np.array_equal(found.parts[part].y, changed.parts[part].y)
    assert found.train.plan == changed.train.plan
    assert found.train.ends.max() < found.validation.ends.min() and found.validation.ends.max() < border


def test_each_window_is_what_was_there():
    y = np.arange(100.0) + np.random.default_rng(0).normal(size=100)
    found = windows(series(y), 10, 4, 20, 20, gap=2, period=None).parts
    for part in found.values():
        for x, after, first in zip(part.x, part.y, part.times):
            at = int(np.flatnonzero(series(y).times == first)[0])
            assert np.allclose(x[:10, 0], y[at - 12 : at - 2]) and np.allclose(after, y[at : at + 4])
            assert not x[10:, 0].any() and x[10:, 1].all()


def test_observed_columns_end_at_the_present_and_known_ones_do_not():
    x = pd.DataFrame({"rain": np.arange(100.0) + 1, "holiday": np.arange(100.0) + 1})
    data = replace(series(np.random.default_rng(0).normal(size=100)), x=x, features=None)
    found = windows(data, 10, 4, 20, 20, period=None, known="holiday", observed="rain").train
    holiday, rain = found.x[..., -2], found.x[..., -1]
    assert holiday.all() and rain[:, :10].all() and not rain[:, 10:].any()


def test_a_gap_is_marked_in_the_past_and_left_out_of_the_future():
    y, there = np.random.default_rng(0).normal(size=100), np.arange(100) != 30
    part = windows(series(y).take(there), 10, 4, 20, 20, period=None).train
    assert len(part) == len(windows(series(y), 10, 4, 20, 20, period=None).train) - 4
    gap = part.x[..., :10, 1].astype(bool)
    assert gap.sum() == 10 and np.allclose(part.x[:, :10, 0][gap], y[29])
    assert "4 windows with a gap" in part.origin


def test_the_window_of_the_present_is_cut_as_in_training():
    data = bundled_series("macrodata")
    found = windows(data, 12, 4, test=8).test.data
    past = data.take(data.times < found.times[-1])
    x, ahead = last_window(past, found.plan)
    assert np.allclose(x[0], found.x[-1], atol=1e-4) and (ahead == found.ends[-1]).all()


def test_series_of_other_sizes_count_alike():
    y = np.random.default_rng(0).normal(size=120)
    data = Dataset(np.ones((240, 1)), np.concatenate([y, 1000 * y]), groups=["a"] * 120 + ["b"] * 120, times=np.tile(np.arange(120), 2), task="forecast")
    part = windows(data, 10, 2, period=None).train
    error = np.abs(naive_forecast(part.x, part.plan) - part.y).mean(axis=1) * part.sample_weight
    assert np.isclose(error[part.groups == "a"].mean(), error[part.groups == "b"].mean())


HOURS = np.arange("2026-10-24", "2026-10-27", dtype="datetime64[h]").astype("datetime64[ns]")


@pytest.mark.parametrize(("change", "told"), [
    (lambda d: replace(d, y=np.full(72, 3.0)), "nothing but 3"),
    (lambda d: replace(d, times=np.sort(np.r_[d.times[:71], d.times[26]])), "clock change"),
    (lambda d: d.take(slice(9)), "9 steps"),
    (lambda d: replace(d, times=None), "hb.series.read_series"),
    (lambda d: Dataset(d.x, d.y > 0, times=d.times), "one number per time"),
    (lambda d: replace(d, times=np.r_[d.times[:20], d.times[19] + np.arange(1, 53) * np.timedelta64(3, "D")]), "one value per step"),
])
def test_what_cannot_be_cut(change, told):
    data = series(np.random.default_rng(0).normal(size=72), HOURS)
    windows(data, 8, 4, period=None)
    with pytest.raises(HackbookError, match=told):
        windows(change(data), 8, 4, period=None)


@pytest.mark.parametrize("bad", [dict(length=1), dict(horizon=0), dict(gap=-1), dict(stride=0), dict(period=1), dict(validation=0), dict(test=1.5), dict(test=71), dict(known="no"), dict(length=True)])
def test_numbers_that_cut_nothing(bad):
    data = series(np.random.default_rng(0).normal(size=72), HOURS)
    with pytest.raises(HackbookError):
        windows(data, **{"length": 8, "horizon": 4, "period": None, **bad})


def test_unsorted_times_are_sorted():
    data = series(np.random.default_rng(0).normal(size=72), HOURS)
    mixed = data.take(np.random.default_rng(1).permutation(72))
    assert np.array_equal(windows(mixed, 8, 4, period=None).train.x, windows(data, 8, 4, period=None).train.x)


@pytest.mark.parametrize(("step", "n"), [("2h", 12), ("h", 24), ("15min", 96), ("D", 7), ("B", 5), ("W", 52), ("MS", 12), ("ME", 12), ("QS", 4), ("YS", None)])
def test_steps_of_any_frequency(step, n):
    times = pd.date_range("2021-01-01", periods=60, freq=step).to_numpy()
    assert (times_after(times[:50], 10) == times[50:]).all()
    assert step_places(times).tolist() == list(range(60))
    assert usual_period(times) in (n, None)
