"""Steps, periods and future times of a series, and what is no series."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hackbook as hb
from hackbook import cases


def series(y, times=None, groups=None):
    y = np.asarray(y, float)
    return hb.Dataset(np.zeros((len(y), 1)), y, times=np.arange(len(y)) if times is None else times, groups=groups, task="regression", name="made up")


def dates(step, n=60, start="2020-01-01"):
    return pd.date_range(start, periods=n, freq=step).to_numpy()


@pytest.mark.parametrize("step, period", [("YS", None), ("YE", None), ("QS", 4), ("MS", 12), ("ME", 12), ("W-MON", 52), ("D", 7), ("B", 5), ("h", 24), ("15min", 96), ("3h", 8), ("2MS", 6)])
def test_the_usual_period_and_the_next_times_are_those_of_pandas(step, period):
    times = dates(step, 63)
    data = series(np.arange(60), times[:60])
    assert hb.series.usual_period(data.times) == period
    assert (hb.series.future_times(data, 3) == times[60:]).all()
    assert (hb.series.future_times(data, 1, gap=2) == times[62:]).all()
    assert hb.series.steps_ahead(data, times[60:]).tolist() == [1, 2, 3]


@pytest.mark.parametrize("step", ["MS", "ME", "W-MON", "D", "h"])
def test_a_missing_value_changes_neither_step_nor_period(step):
    times = dates(step)
    whole, gappy = series(np.arange(60), times), series(np.arange(60), times).take(np.delete(np.arange(60), [7, 30, 31]))
    assert hb.series.usual_period(gappy.times) == hb.series.usual_period(whole.times)
    assert np.allclose(hb.series.regular_values(gappy), whole.y, atol=0.2)  # months are not equally long


@given(st.integers(2, 40), st.integers(1, 30), st.integers(0, 5))
def test_numbers_as_times(n, horizon, gap):
    data = series(np.arange(n + 1.0), 10 + 0.5 * np.arange(n + 1))
    times = hb.series.future_times(data, horizon, gap)
    assert np.allclose(np.diff(times), 0.5) and len(times) == horizon
    assert hb.series.steps_ahead(data, times).tolist() == list(range(gap + 1, gap + horizon + 1))


def test_aggregation_is_that_of_pandas():
    co2 = hb.series.bundled_series("co2")
    expected = pd.Series(co2.y, co2.times).resample("MS").mean().dropna()
    assert np.allclose(hb.series.aggregated(co2).y, expected)
    two = series(np.r_[np.arange(60.0), np.arange(60.0)], np.tile(dates("D"), 2), np.repeat(["<b>", "b"], 60))
    monthly = hb.series.aggregated(two, "MS", "sum")
    assert list(hb.series.each_series(monthly)) == ["<b>", "b"] and len(monthly) == 4


@pytest.mark.parametrize("times, says", [
    (np.r_[0, 1, 1, 2, 3], "1 repeated times"),
    (np.r_[0, 2, 1, 3, 4], "np.argsort"),
    (pd.Series(["soon", "now", "then", "later", "x"]), "pandas.to_datetime"),
    (dates("D", 5)[[0, 1, 1, 2, 3]], "keep one value per time"),
    (dates("h", 5)[[0, 1, 1, 2, 3]], "convert the times to UTC"),
])
def test_times_that_are_in_no_order(times, says):
    with pytest.raises(hb.HackbookError, match=says):
        hb.series.step_counts(series(range(5), times))


def test_a_missing_local_hour_is_filled():
    hours = dates("h", 72, "2025-03-29")
    spring = series(np.arange(72), hours).take(np.delete(np.arange(72), 26))
    assert len(hb.series.regular_values(spring)) == 72


@pytest.mark.parametrize("data, says", [
    (series([5] * 9), "not constant"),
    (series([1, 2]), "3 values or more"),
    (series(range(60), np.r_[dates("D", 30), dates("MS", 30, "2020-03-01")]), "mixed steps"),
    (series(range(60), dates("D", 110)[np.r_[0:30, 80:110]]), "try data.take"),
    (hb.Dataset(np.zeros((4, 1)), [0, 1, 0, 1], times=np.arange(4)), "regression"),
    (hb.Dataset(np.zeros((4, 1)), np.arange(4.0), task="regression"), "no times"),
    ("nile", "a Dataset"),
])
def test_what_is_no_series(data, says):
    with pytest.raises(hb.HackbookError, match=says):
        hb.series.regular_values(data)


@pytest.mark.parametrize("horizon", [0, -1, 1.5, True, "12"])
def test_a_horizon_is_a_whole_number(horizon):
    with pytest.raises(hb.HackbookError, match="horizon"):
        hb.series.future_times(series(range(9)), horizon)


def test_times_in_the_past_cannot_be_forecast():
    with pytest.raises(hb.HackbookError, match="after"):
        hb.series.steps_ahead(series(range(9)), np.array([3]))
