"""Networks for series: they see no future, forget no unit, and come back from a file as they were."""

import numpy as np
import pytest

import hackbook as hb
from hackbook import HackbookError
from hackbook.series import bundled_series, naive_forecast, windows
from hackbook.models import rnn, tcn

SPLITS = windows(bundled_series("elnino"), 24, 12, stride=3)
BUILD = {"gru": lambda s=SPLITS: rnn(s, units=4), "lstm": lambda s=SPLITS: rnn(s, units=4, cell="lstm"), "tcn": lambda s=SPLITS: tcn(s, filters=4, blocks=2)}


@pytest.fixture(scope="module", params=BUILD)
def run(request):
    return hb.fit(BUILD[request.param](), SPLITS, epochs=6, learning_rate=3e-3, seed=0)


def test_it_learns_more_than_the_season_before(run):
    history = run.history
    assert history.loss.iloc[-1] < history.loss.iloc[0]
    part = SPLITS.train
    result = hb.evaluate(run, part)
    assert result.mae < np.abs(naive_forecast(part.x, part.plan) - part.y).mean()


def test_quantiles_do_not_cross(run):
    out = run.model.predict(SPLITS.validation.x, verbose=0)
    assert (np.diff(out, axis=-1) > 0).all()


def test_values_of_the_future_are_not_read(run):
    x = SPLITS.validation.x[:5].copy()
    before = run.model.predict(x, verbose=0)
    x[:, 24:, 0] = 1e6
    assert np.array_equal(run.model.predict(x, verbose=0), before)


def test_a_saved_run_forecasts_the_same(run, tmp_path):
    folder = run.save(tmp_path)
    again = hb.load_run(getattr(folder, "folder", None) or run.folder)
    x = SPLITS.validation.x
    assert np.array_equal(again.model.predict(x, verbose=0), run.model.predict(x, verbose=0))
    data = bundled_series("elnino")
    assert hb.cases.forecast(again, data).equals(hb.cases.forecast(run, data))


def test_trend_and_unit_do_not_matter(run):
    x = SPLITS.validation.x[:7].copy()
    before = run.model.predict(x, verbose=0)
    x[:, :24, 0] = 1000 * x[:, :24, 0] - 5000
    assert np.allclose(run.model.predict(x, verbose=0), 1000 * before - 5000, rtol=1e-3)


@pytest.mark.parametrize("name", ["nile", "sunspots", "google", "macrodata"])
def test_every_bundled_series(name):
    splits = windows(bundled_series(name), 12, 4, stride=2)
    for build in BUILD.values():
        run = hb.fit(build(splits), splits, epochs=1, seed=0)
        result = hb.evaluate(run, splits.validation)
        assert np.isfinite(result.mase) and len(result.coverage) == 2


def test_a_point_forecast_of_ones_own_is_welcome():
    import keras

    inputs = keras.Input(SPLITS.train.x.shape[1:])
    model = keras.Model(inputs, keras.layers.Dense(12)(inputs[:, :24, 0]))
    run = hb.fit(model, SPLITS, epochs=1, seed=0)
    result = hb.evaluate(run, SPLITS.validation)
    assert result.coverage is None and result.quantiles is None and result.mae > 0
    assert result.plot_forecasts() is not None and len(result.sentences) == 1


def test_preflight_find_lr_tune_and_live():
    found = hb.preflight(rnn(SPLITS), SPLITS, steps=20)
    assert not [c.name for c in found.checks if c.status == "fail"], found.summary()
    assert hb.find_lr(rnn(SPLITS, units=4), SPLITS, steps=20).suggestion > 0
    live = hb.Live(rnn(SPLITS, units=4), SPLITS, epochs=2)
    assert live.wait() == "finished"


@pytest.mark.parametrize("bad", [dict(units=0), dict(units=2.5), dict(cell="mlp"), dict(dropout=1), dict(l2=-1), dict(log=1.0), dict(log="yes")])
def test_bad_arguments(bad):
    with pytest.raises(HackbookError):
        rnn(SPLITS, **bad)


def test_logarithms_of_what_is_not_positive():
    with pytest.raises(HackbookError, match="0 or below"):
        rnn(windows(bundled_series("sunspots"), 12, 4), log=True)


def test_what_takes_no_windows_says_so():
    run = hb.fit(rnn(SPLITS, units=2), SPLITS, epochs=1, seed=0)
    for call in (lambda: hb.explain(run, SPLITS.validation), lambda: hb.experiments.robustness(run, SPLITS.validation)):
        with pytest.raises(HackbookError):
            call()
