"""Baselines of series: their bands, and forecasts after a gap."""

import numpy as np
import pandas as pd

import hackbook as hb
from hackbook import cases


def series(y, times=None, groups=None):
    y = np.asarray(y, float)
    return hb.Dataset(np.zeros((len(y), 1)), y, times=np.arange(len(y)) if times is None else times, groups=groups, task="regression", name="made up")


def dates(step, n=60, start="2020-01-01"):
    return pd.date_range(start, periods=n, freq=step).to_numpy()


def test_bands_of_the_last_value_hold_on_random_walks():
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(300):
        walk = rng.normal(size=110).cumsum()
        found = cases.last_value(series(walk[:100]), np.arange(100, 110))
        inside.append((found[:, 1] <= walk[100:]) & (walk[100:] <= found[:, 3]))
    assert (abs(np.mean(inside, axis=0) - 0.8) < 0.09).all()


def test_a_gap_makes_the_forecasts_those_of_later_steps():
    data = series(np.random.default_rng(0).normal(size=60), dates("MS"))
    for f in (cases.last_value, cases.drift, cases.mean_value, cases.seasonal_naive()):
        assert np.allclose(f(data, hb.series.future_times(data, 3, gap=4)), f(data, hb.series.future_times(data, 7))[4:])
