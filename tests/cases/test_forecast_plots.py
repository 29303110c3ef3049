"""Pictures of a backtest, for each step of a series; the slider moves."""

import numpy as np
import pandas as pd
import pytest

import hackbook as hb
from hackbook import cases


def found(step, n=120, horizon=4, origins=3, methods=None, **options):
    y = np.random.default_rng(0).normal(size=n).cumsum()
    times = pd.date_range("2015-01-01", periods=n, freq=step).to_numpy() if isinstance(step, str) else np.arange(n) * step
    data = hb.Dataset(np.zeros((n, 1)), y, times=times, task="regression", name="<b>")
    return cases.backtest(data, methods or {"last": cases.last_value, "drift": cases.drift}, horizon, origins, **options)


@pytest.mark.parametrize("step, rows, columns", [("h", "hour", "weekday"), ("D", "weekday", "month"), ("B", "weekday", "month"), ("W", "month", "year"),
                                                 ("MS", "month", "year"), ("QS", "quarter", "year"), ("YS", "year of the decade", "decade")])
def test_the_calendar_follows_the_step(step, rows, columns):
    backtest = found(step)
    ax = backtest.plot_calendar("last").axes[0]
    assert (ax.get_ylabel(), ax.get_xlabel()) == (rows, columns)
    shown = ax.images[0].get_array()
    error = backtest.frame.query("method == 'last'")
    assert np.isclose(np.nanmax(np.abs(shown)) <= (error.predicted - error.true).abs().max() + 1e-9, True)


def test_a_calendar_needs_dates():
    with pytest.raises(hb.HackbookError, match="dates"):
        found(2).plot_calendar("last")


@pytest.mark.parametrize("horizon, origins, options", [(1, 1, {}), (1, 9, {}), (4, 1, {}), (4, 6, dict(stride=1)), (3, 2, dict(gap=2))])
@pytest.mark.parametrize("step", ["MS", 1])
def test_pictures_of_every_shape(step, horizon, origins, options):
    backtest = found(step, horizon=horizon, origins=origins, **options)
    assert backtest.plot().png(50)
    last = int(backtest.frame.step.max())
    assert f"Step {last}" in backtest.plot_step(last).alt


def test_a_facet_per_method_if_there_are_many():
    points = {f"m{k}": lambda past, times, k=k: np.full(len(times), past.y[-1] + k) for k in range(10)}
    fig = found("MS", methods=points).plot()
    assert sum(ax.axison for ax in fig.axes) == 10 and fig.png(40)


def test_the_slider_moves_the_picture():
    panel = found("MS").panel()
    panel.widget
    panel.slider.value = 1
    assert panel.step == 1 and "Step 1" in panel.answer.value
    bundle, _ = panel._repr_mimebundle_()
    assert "image/png" in bundle


@pytest.mark.parametrize("step", [0, 5, 1.5, "1", None])
def test_a_step_beyond_the_horizon(step):
    with pytest.raises(hb.HackbookError, match="step"):
        found("MS").plot_step(step)
