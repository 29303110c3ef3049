"""A backtest shows no forecaster the future, its scores are the plain ones, and its test is the known one."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_1samp

import hackbook as hb
from hackbook import cases

NAIVE = {"last": cases.last_value, "naive": cases.seasonal_naive()}


@pytest.fixture(scope="module")
def data():
    t = np.arange(120)
    y = 20 + 0.05 * t + 5 * np.sin(t * np.pi / 6) + np.random.default_rng(0).normal(size=120)
    return hb.Dataset(np.zeros((120, 1)), y, times=pd.date_range("2015-01-01", periods=120, freq="MS").to_numpy(), task="regression", name="<b>made</b>")


@given(st.integers(1, 12), st.integers(1, 4), st.integers(0, 6), st.integers(1, 12))
def test_each_forecaster_sees_the_past_alone(data, horizon, origins, gap, stride):
    seen = []

    def spy(past, times):
        seen.append((past.times[-1], times[0], len(past), len(times)))
        return np.zeros(len(times))

    found = cases.backtest(data, {"spy": spy}, horizon, origins, gap, stride)
    assert len(found.frame) == origins * horizon
    for (last, first, n, h), cut in zip(seen, cases.cut_points(120, horizon, origins, gap, stride)):
        assert n == cut and h == horizon and last == data.times[cut - 1] and first == data.times[cut + gap]
    assert found.frame.time.iloc[-1] == data.times[-1]


@pytest.mark.parametrize("name", list(cases.classics()))
def test_another_future_changes_no_forecast_before_it(data, name):
    forecaster = cases.sarima(models=2) if name == "sarima" else cases.classics()[name]
    other = data.take(np.arange(120))
    other.y = np.r_[data.y[:110], data.y[110:] * 10]
    both = [cases.backtest(d, {name: forecaster}, 5, origins=2).frame[:5] for d in (data, other)]
    assert np.allclose(both[0][cases.BANDS], both[1][cases.BANDS])
    assert len(both[0]) == 5 and both[0].origin.iloc[0] == data.times[109]


def test_scores_computed_another_way(data):
    found = cases.backtest(data, NAIVE, 6, origins=5)
    for name, table in found.frame.groupby("method"):
        error = table.predicted - table.true
        row = found.scores.loc[name]
        assert np.isclose(row.mae, error.abs().mean()) and np.isclose(row.rmse, (error**2).mean() ** 0.5)
        assert row.mae_low <= row.mae <= row.mae_high
        inside = (table.low_80 <= table.true) & (table.true <= table.high_80)
        assert np.isclose(row.coverage_80, inside.mean())
    first = found.frame.iloc[0]
    assert np.isclose(first.scale, np.abs(data.y[12:90] - data.y[:78]).mean())


def test_point_forecasts_have_no_bands_and_notes_are_in_the_table(data):
    def warns(past, times):
        warnings.warn("has not converged")
        return np.zeros(len(times))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = cases.backtest(data, {"<i>mine</i>": warns, "last": cases.last_value}, 3)
    assert found.scores.note["<i>mine</i>"] == "has not converged" and found.scores.note["last"] == ""
    assert found.scores.loc["<i>mine</i>", ["coverage_80", "pinball"]].isna().all()
    html = found._repr_html_()
    assert "<i>" not in html and "<b>" not in html and "–" in html


@pytest.mark.parametrize("returned, says", [
    (np.zeros(2), "what mine returns"), (np.zeros((3, 4)), "what mine returns"), (np.full(3, np.inf), "finite"),
    (None, "what mine returns"), ("text", "what mine returns"), ([["a"] * 5] * 3, "what mine returns")])
def test_a_forecaster_that_returns_something_else_is_named(data, returned, says):
    with pytest.raises(hb.HackbookError, match=says):
        cases.backtest(data, {"mine": lambda past, times: returned}, 3)


@pytest.mark.parametrize("options, says", [
    (dict(horizon=0), "horizon"), (dict(horizon=120), "shorter horizon"), (dict(horizon=3, origins=0), "origins"), (dict(horizon=3, origins=60), "fewer origins"),
    (dict(horizon=3, gap=-1), "gap"), (dict(horizon=3, period=0), "period"), (dict(horizon=3, confidence=2), "confidence"), (dict(horizon=3, stride=1.5), "stride")])
def test_options_that_cannot_be(data, options, says):
    with pytest.raises(hb.HackbookError, match=says):
        cases.backtest(data, NAIVE, **options)


@pytest.mark.parametrize("forecasters", [{}, [cases.drift], {"a": 3}, cases.drift])
def test_what_are_no_forecasters(data, forecasters):
    with pytest.raises(hb.HackbookError, match="function of past and times"):
        cases.backtest(data, forecasters, 3)


def test_two_series_of_different_length_and_unit(data):
    y, times = np.r_[data.y, 1000 * data.y[40:]], np.r_[data.times, data.times[40:]]
    two = hb.Dataset(np.zeros((200, 1)), y, groups=["a"] * 120 + ["b"] * 80, times=times, task="regression")
    found = cases.backtest(two, NAIVE, 6, origins=2)
    a, b = (found.frame[found.frame.series == s].predicted.to_numpy() for s in "ab")
    assert np.allclose(a * 1000, b)
    assert "series" in str(found.compare("last", "naive"))


def test_diebold_mariano_without_overlap_is_the_t_test():
    d = np.random.default_rng(1).normal(0.2, 1, 25)
    expected = ttest_1samp(d, 0)
    assert np.allclose(cases.diebold_mariano(d), (expected.statistic, expected.pvalue))


def test_overlap_makes_the_test_careful():
    rng = np.random.default_rng(0)
    said = {overlap: np.mean([cases.diebold_mariano(np.convolve(rng.normal(size=63), np.ones(4), "valid"), overlap)[1] < 0.05 for _ in range(400)]) for overlap in (1, 4)}
    assert said[1] > 0.2 and said[4] < 0.12


def test_a_comparison_says_what_is_better_and_what_is_not_to_be_told(data):
    found = cases.backtest(data, NAIVE | {"same": cases.last_value}, 6, origins=10)
    assert found.compare("naive", "last").better == "naive" == found.compare("last", "naive").better
    same = found.compare("last", "same")
    assert same.better is None and same.difference == 0
    with pytest.raises(hb.HackbookError, match="another method"):
        found.compare("last", "last")


@pytest.mark.parametrize("times", [pd.Series(pd.date_range("2025-10-20", periods=480, freq="h", tz="Europe/Berlin")), [str(t) for t in pd.date_range("2025-10-20", periods=480, freq="h")]], ids=["zone", "texts"])
def test_times_with_a_zone_or_as_texts(times):
    """The clocks change in between: with a zone no hour is missing."""
    y = 10 + np.sin(np.arange(480) * np.pi / 12) + np.random.default_rng(0).normal(0, 0.1, 480)
    data = hb.Dataset(np.zeros((480, 1)), y, times=times, task="regression")
    banded = cases.conformal(cases.seasonal_naive(), data.take(np.arange(400)), 24)
    found = cases.backtest(data, NAIVE | {"banded": banded}, 24, origins=3)
    assert found.scores.index[0] in ("naive", "banded") and found.scores.mae["naive"] < 0.2
    assert found.plot().png(40) and found.plot_step(2).png(40) and found.plot_calendar("naive").png(40)
