"""Calibrated bands hold on what follows, and know nothing of it."""

import numpy as np
import pytest

import hackbook as hb
from hackbook import cases


def series(y):
    return hb.Dataset(np.zeros((len(y), 1)), np.asarray(y, float), times=np.arange(len(y)), task="regression")


def point(past, times):
    return np.full(len(times), past.y[-1])


def too_narrow(past, times):
    return cases.normal_quantiles(point(past, times), np.full(len(times), 0.2))


@pytest.mark.parametrize("forecaster", [point, too_narrow, cases.last_value])
@pytest.mark.parametrize("origins", [30, 60])
def test_the_bands_hold_on_a_random_walk(forecaster, origins):
    found = []
    for seed in range(4):
        data = series(np.random.default_rng(seed).normal(size=600).cumsum())
        banded = cases.conformal(forecaster, data.take(np.arange(350)), 4, origins, stride=4)
        found.append(cases.backtest(data, {"it": banded}, 4, origins=60).scores.loc["it"])
    assert abs(np.mean([f.coverage_80 for f in found]) - 0.8) < 0.07
    assert abs(np.mean([f.coverage_95 for f in found]) - 0.95) < 0.05


def test_the_median_stays_and_the_quantiles_are_in_order():
    data = series(np.random.default_rng(0).normal(size=100).cumsum())
    times = hb.series.future_times(data, 5)
    found = cases.conformal(cases.drift, data, 5)(data, times)
    assert np.allclose(found[:, 2], cases.drift(data, times)[:, 2]) and (np.diff(found, axis=1) >= 0).all()


def test_a_past_before_the_calibration_is_refused():
    data = series(np.random.default_rng(0).normal(size=100).cumsum())
    banded = cases.conformal(point, data, 3)
    with pytest.raises(hb.HackbookError, match="calibrate with that past"):
        cases.backtest(data, {"it": banded}, 3)


def test_several_series_are_refused():
    data = series(np.random.default_rng(0).normal(size=100).cumsum())
    data.groups = np.repeat(["a", "b"], 50)
    with pytest.raises(hb.HackbookError, match="each_series"):
        cases.conformal(point, data, 3)
