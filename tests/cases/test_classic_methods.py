"""The statistical methods find what is in a series, in every kind of series that they are given."""

import importlib.util

import numpy as np
import pandas as pd
import pytest

import hackbook as hb
from hackbook import cases


def monthly(y):
    times = pd.date_range("2010-01-01", periods=len(y), freq="MS").to_numpy()
    return hb.Dataset(np.zeros((len(y), 1)), np.asarray(y, float), times=times, task="regression", name="made up")


T = np.arange(96)
NOISE = np.random.default_rng(0).normal(size=108)
SERIES = {
    "season and trend": lambda t: 100 + t + 10 * np.sin(t * np.pi / 6),
    "negative": lambda t: -50 + 10 * np.sin(t * np.pi / 6),
    "multiplied": lambda t: np.exp(3 + 0.01 * t) * (1 + 0.3 * np.sin(t * np.pi / 6)),
}
METHODS = {"ets": cases.ets(), "theta": cases.theta(slope=1), "sarima": cases.sarima(models=3)}


@pytest.mark.parametrize("kind", list(SERIES))
@pytest.mark.parametrize("name", list(METHODS))
def test_a_strong_season_is_found(kind, name):
    y = SERIES[kind](np.arange(108)) + 0.5 * NOISE
    past = monthly(y[:96])
    times = hb.series.future_times(past, 12)
    found = METHODS[name](past, times)
    naive = cases.last_value(past, times)
    assert found.shape == (12, 5) and np.isfinite(found).all() and (np.diff(found, axis=1) >= 0).all()
    assert np.abs(found[:, 2] - y[96:]).mean() < np.abs(naive[:, 2] - y[96:]).mean() / 2


def test_steps_after_a_gap_are_the_later_ones():
    past = monthly(SERIES["season and trend"](T) + NOISE[:96])
    for f in (cases.ets(), cases.theta(), cases.sarima(models=2)):
        late, all_steps = f(past, hb.series.future_times(past, 2, gap=3)), f(past, hb.series.future_times(past, 5))
        assert np.allclose(late[:, 2], all_steps[3:, 2])


def test_the_same_twice():
    past = monthly(SERIES["multiplied"](T) + NOISE[:96] * 0.1)
    times = hb.series.future_times(past, 3)
    assert np.array_equal(cases.ets()(past, times), cases.ets()(past, times))


@pytest.mark.parametrize("name", ["seasonal naive", "ets", "theta", "sarima"])
def test_a_series_that_is_too_short_is_an_error_with_the_fix(name):
    past = monthly(NOISE[:20])
    with pytest.raises(hb.HackbookError, match="smaller period"):
        cases.classics()[name](past, hb.series.future_times(past, 3))
    found = cases.classics(period=1)[name](past, hb.series.future_times(past, 3))
    assert np.isfinite(found).all()


@pytest.mark.parametrize("period", [0, -3, 2.5, True, "12"])
def test_a_period_is_a_whole_number(period):
    past = monthly(NOISE)
    with pytest.raises(hb.HackbookError, match="period"):
        cases.ets(period)(past, hb.series.future_times(past, 3))


@pytest.mark.skipif(importlib.util.find_spec("statsforecast") is not None, reason="statsforecast is installed")
def test_the_extra_is_named_where_it_is_missing():
    past = monthly(NOISE)
    with pytest.raises(hb.HackbookError, match=r"hackbook\[forecasting\]"):
        cases.auto_arima()(past, hb.series.future_times(past, 3))
    assert "auto arima" not in cases.classics()
