"""Forecasts: scores beside independent formulas, and bands that hold what they say once they are calibrated."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import mean_absolute_error, mean_pinball_loss

import hackbook as hb
from hackbook import HackbookError
from hackbook.core import drawn_as_one, draws, percentiles
from hackbook.data import QUANTILES
from hackbook.deployment.exporting import describe_export
from hackbook.evaluation import calibrate, forecast_evaluation, forecasts
from hackbook.models import LEVELS, band_factors, band_scores, calibrated, stretched
from hackbook.series import windows

HORIZON, PERIOD = 4, 12
PARTS = dict(length=24, horizon=HORIZON, validation=1600, test=1600, period=PERIOD)


def series(n, seed=0, scale=1.0, times=None, **more):
    """Months of a season with noise that is remembered for a while; errors are alike at all times."""
    noise = np.random.default_rng(seed).normal(size=n)
    for t in range(1, n):
        noise[t] += 0.7 * noise[t - 1]
    y = scale * (3 * np.sin(2 * np.pi * np.arange(n) / PERIOD) + noise)
    times = np.arange(n) if times is None else times
    return hb.Dataset(pd.DataFrame({"one": np.ones(n)}), y, times=times, task="forecast", name=f"series{seed}", **more)


def months(n):
    return np.arange("1600-01", 12 * 400, dtype="datetime64[M]")[:n].astype("datetime64[s]")


DATA = series(4800)
SPLITS = windows(DATA, stride=HORIZON, **PARTS)  # they share no step to forecast, so they can be exchanged


@pytest.fixture(scope="session")
def forecaster():
    """A small network, which is surer than it may be."""
    hb.set_seed(0)
    return hb.fit(hb.models.rnn(SPLITS, units=4), SPLITS, epochs=3, learning_rate=0.01, seed=0)


@pytest.fixture
def run(forecaster, tmp_path):
    """The network in a run of its own, not calibrated yet."""
    own = hb.Run(forecaster.model, forecaster.history, json.loads(json.dumps(forecaster.record)))
    own.save(tmp_path)
    return own


def too_sure(part, seed=0, by=3.0):
    """Forecasts with errors of size 1 and bands for errors of 1 / by."""
    rng = np.random.default_rng(seed)
    ends = np.array([-1.96, -1.28, 0, 1.28, 1.96]) / by
    return part.y[..., None] + rng.normal(size=(*part.y.shape, 1)) + ends


@pytest.fixture(scope="module")
def result():
    """Twenty years of months, forecast with chosen errors."""
    part = windows(series(600, times=months(600)), 24, 6, validation=200, test=100).validation
    return forecast_evaluation(part, too_sure(part))


# scores


@pytest.mark.parametrize("stride", [1, 5])
def test_mase_divides_by_the_seasonal_naive_of_each_series_in_training(stride):
    n, times = 200, months(200)
    both = [series(n, seed, scale) for seed, scale in ((1, 1.0), (2, 50.0))]
    data = hb.Dataset(np.ones((2 * n, 1)), np.concatenate([d.y for d in both]), times=np.tile(times, 2), groups=["a"] * n + ["b"] * n, task="forecast")
    part = windows(data, 24, 3, validation=40, test=40, stride=stride).validation
    found = forecast_evaluation(part, part.y + np.random.default_rng(0).normal(size=part.y.shape))
    scaled = []
    for name, one in zip("ab", both):
        known = one.y[: n - 80]  # before the validation part
        errors = np.abs(found.errors.reshape(part.y.shape)[part.groups == name])
        scaled.append(errors / mean_absolute_error(known[12:], known[:-12]))
    assert found.mase == pytest.approx(np.concatenate(scaled).mean(), rel=1e-5)


def test_pinball_is_that_of_scikit_learn(result):
    y, quantiles = result.windows.y.ravel(), result.quantiles.reshape(-1, 5)
    wanted = [mean_pinball_loss(y, q, alpha=alpha) for q, alpha in zip(quantiles.T, QUANTILES)]
    assert result.pinball == pytest.approx(np.mean(wanted), rel=1e-5)
    assert forecast_evaluation(result.windows, result.windows.y).pinball is None


def test_errors_by_step_beside_the_month_one_year_before(result):
    part, steps = result.windows, result.steps
    values = pd.Series(series(600).y, months(600).astype("datetime64[s]"))
    predicted = result.predicted.reshape(part.y.shape)
    for k in range(6):
        came = values[part.ends[:, k]].to_numpy()
        before = values[part.ends[:, k].astype("datetime64[M]") - 12].to_numpy()
        row = steps.loc[k + 1]
        assert row.mae == pytest.approx(mean_absolute_error(came, predicted[:, k]), rel=1e-4)
        assert row.naive_mae == pytest.approx(mean_absolute_error(came, before), rel=1e-4)
        low, high = result.quantiles[:, k, 1], result.quantiles[:, k, 3]
        assert row["covered_80%"] == pytest.approx(np.mean((low <= part.y[:, k]) & (part.y[:, k] <= high)))
    assert result.mae == pytest.approx(steps.mae.mean(), rel=1e-5)
    assert result.skill == pytest.approx(1 - steps.mae.mean() / steps.naive_mae.mean(), rel=1e-4)


def test_slices_by_step_and_month_are_those_of_a_table():
    part = windows(series(600, times=months(600)), 24, 6, validation=300, test=100).validation
    rows = hb.evaluation.forecasts.step_rows(part)
    july = (pd.DatetimeIndex(part.ends.ravel()).month == 7).reshape(part.y.shape)
    last = np.arange(6) == 5
    errors = 1 + np.random.default_rng(0).random(part.y.shape) + 4 * july + 2 * last
    found = forecast_evaluation(part, part.y + errors)
    assert hb.evaluation.Slices  # gives evaluations their slices
    assert (rows.x["month"] == pd.DatetimeIndex(part.ends.ravel()).month).all()
    assert (rows.x["steps ahead"] == np.tile(np.arange(1, 7), len(part))).all()
    for by, worst in (("month", july.ravel()), ("steps ahead", np.tile(last, len(part)))):
        values = rows.x[by].astype(str)
        sliced = found.slices(by={by: values})
        expected = pd.Series(errors.ravel()).groupby(values.to_numpy()).mean()
        table = sliced.frame.set_index(sliced.frame.value.astype(str))
        assert np.allclose(table.score[expected.index], expected, rtol=1e-4)
        assert set(sliced.examples(0)) == set(np.flatnonzero(worst))


# coverage


def test_coverage_and_its_interval_are_those_of_each_band_alone(result):
    data = result.data
    units = drawn_as_one(len(data), None, data.times)
    counts = np.concatenate(list(draws(units)), axis=1)
    for row, (low, high) in zip(result.coverage.itertuples(), LEVELS.values()):
        y, quantiles = result.windows.y, result.quantiles
        inside = ((quantiles[..., low] <= y) & (y <= quantiles[..., high])).ravel()
        drawn = np.array([np.average(inside, weights=c) for c in counts.T])
        ends = percentiles(drawn, units.max() + 1, 0.95, inside.mean())
        assert (row.covered, row.low, row.high) == pytest.approx((inside.mean(), *ends), abs=1e-4)
        assert row.width == pytest.approx((quantiles[..., high] - quantiles[..., low]).mean(), rel=1e-5)
        assert row.low < row.covered < row.high


def test_the_bootstrap_is_drawn_once(result, monkeypatch):
    calls = []
    monkeypatch.setattr(forecasts, "draws", lambda *a: calls.append(a) or draws(*a))
    assert len(result.coverage) == len(LEVELS) and len(calls) == 1


@given(st.floats(-1e3, 1e3), st.sampled_from([0.25, 4.0, 64.0]), st.sampled_from([1.5, 2.0, 8.0]))
def test_coverage_knows_no_unit_and_grows_with_the_bands(result, shift, unit, more):
    quantiles = result.quantiles.astype(float)
    inside = lambda y, q: [(band_scores(y, q, level) <= 1 + 1e-9).mean() for level in LEVELS]
    y = result.windows.y.astype(float)
    first = inside(y, quantiles)
    assert inside(y * unit + shift, quantiles * unit + shift) == pytest.approx(first, abs=0.002)
    assert (np.array(inside(y, stretched(quantiles, dict.fromkeys(LEVELS, more)))) > first).all()


# calibration: the maths


quantiles_of_any_width = arrays(float, (3, HORIZON, 5), elements=st.floats(-1e6, 1e6)).map(lambda q: np.sort(q, axis=-1))
factor = st.floats(0, 1e3)


@given(quantiles_of_any_width, factor, factor)
def test_stretched_bands_do_not_cross_and_keep_the_median(quantiles, narrow, wide):
    found = stretched(quantiles, {0.8: narrow, 0.95: np.full(HORIZON, wide)})
    assert np.array_equal(found[..., 2], quantiles[..., 2]) and np.isfinite(found).all()
    assert (np.diff(found, axis=-1) >= 0).all()
    assert np.array_equal(calibrated(quantiles, {}), quantiles)
    short = stretched(quantiles.astype("float32"), {0.8: narrow, 0.95: wide})
    assert short.dtype == "float32" and (np.diff(short, axis=-1) >= 0).all()


@pytest.mark.parametrize("n", [19, 38, 39, 300])
def test_bands_hold_on_the_next_window_that_is_drawn_alike(n):
    """Over many repetitions, at least as often as they say, and at most a little more."""
    rng, held = np.random.default_rng(n), {level: [] for level in LEVELS}
    spread = np.array([1.0, 2, 3])
    ends = np.array([-1.5, -1, 0, 0.5, 1.0])
    for _ in range(400):
        y = rng.exponential(size=(n + 20, 3)) * spread
        quantiles = np.broadcast_to(ends, (*y.shape, 5)) * (rng.random((len(y), 1, 1)) + 0.5)
        factors = band_factors(y[:n], quantiles[:n])
        assert (len(set(factors[0.8])) == 1) == (n < 39)
        for level in LEVELS:
            held[level].append((band_scores(y[n:], quantiles[n:], level) <= factors[level]).mean())
    for level, values in held.items():
        assert level - 0.01 < np.mean(values) < level + 1 / (n + 1) + 0.01


# calibration: a run


def gaps(found):
    return (found.coverage.covered - found.coverage.nominal).abs().to_numpy()


def test_calibrated_bands_hold_within_five_points_on_windows_of_later(run):
    part = SPLITS.test.data
    before = hb.evaluate(run, part)
    table = calibrate(run, SPLITS.validation)
    after = hb.evaluate(run, part)
    assert (gaps(after) < 0.05).all() and gaps(before).max() > gaps(after).max()
    assert (np.abs(after.steps[["covered_80%", "covered_95%"]] - [0.8, 0.95]) < 0.1).all(axis=None)
    assert table.shape == (HORIZON, 2) and (table > 0).all(axis=None)
    assert np.array_equal(after.predicted, before.predicted)
    assert (np.diff(after.quantiles, axis=-1) >= 0).all()


def test_bands_that_are_too_wide_are_narrowed(run):
    run = hb.load_run(run.folder)  # whose weights nobody shares
    run.model.get_layer("quantiles").bias.assign([0.0, 4, 4, 4, 4])
    before = hb.evaluate(run, SPLITS.validation)
    assert (before.coverage.covered > before.coverage.nominal).all()
    assert (calibrate(run, SPLITS.validation) < 1).all(axis=None)
    after = hb.evaluate(run, SPLITS.test.data)
    assert (after.coverage.width < before.coverage.width).all() and (gaps(after) < 0.05).all()


def test_calibrating_twice_is_calibrating_once(run):
    first = calibrate(run, SPLITS.validation)
    assert calibrate(run, SPLITS.validation).equals(first)


def test_everything_that_forecasts_has_the_same_bands(run):
    some = SPLITS.test.data.take([0])
    past = DATA.take(DATA.times < some.times[0])
    times, columns = some.ends[0], hb.cases.BANDS
    raw = hb.cases.forecast(run, past)
    calibrate(run, SPLITS.validation)
    wanted = hb.evaluate(run, some).quantiles[0]
    assert np.allclose(hb.cases.forecast(run, past)[columns], wanted, atol=1e-4)
    assert np.allclose(hb.cases.network(run)(past, times), wanted, atol=1e-4)
    assert np.allclose(hb.cases.network(run, run)(past, times), wanted, atol=1e-4)
    given = run.predict(some)
    assert np.allclose(given.outputs[0], wanted, atol=1e-4) and np.allclose(given.frame[columns], wanted, atol=1e-4)
    assert np.allclose(given.predicted[0], wanted[:, 2], atol=1e-4)
    assert np.allclose(raw.predicted, wanted[:, 2], atol=1e-4) and not np.allclose(raw[columns], wanted, atol=0.01)
    farther = hb.cases.network(run)(past, hb.series.future_times(past, 3 * HORIZON))
    assert np.allclose(farther[:HORIZON], wanted, atol=1e-4) and (np.diff(farther, axis=1) >= 0).all()


def test_a_fresh_process_has_the_same_bands(run, tmp_path):
    calibrate(run, SPLITS.validation)
    past = hb.Dataset(np.ones((200, 1)), DATA.y[-200:], times=DATA.times[-200:], task="forecast")
    np.savez(tmp_path / "past.npz", y=past.y, times=past.times)
    code = f"""
import numpy as np, hackbook as hb
kept = np.load({str(tmp_path / "past.npz")!r})
past = hb.Dataset(np.ones((200, 1)), kept["y"], times=kept["times"], task="forecast")
run = hb.load_run({str(run.folder)!r})
np.save({str(tmp_path / "found.npy")!r}, hb.cases.forecast(run, past).to_numpy())
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=300)
    assert np.allclose(np.load(tmp_path / "found.npy"), hb.cases.forecast(run, past), atol=1e-4)


def test_the_record_can_be_written_and_says_how_many_windows(run):
    calibrate(run, SPLITS.validation)
    kept = json.loads((run.folder / "run.json").read_text())["bands"]
    assert kept == run.record["bands"] and kept["windows"] == len(SPLITS.validation) and len(kept["80%"]) == HORIZON


def test_card_and_export_say_that_the_bands_are_calibrated(run, tmp_path):
    calibrate(run, SPLITS.validation)
    found = hb.evaluate(run, SPLITS.validation)
    card = hb.model_card(hb.Problem("How warm is it in a month?", task="forecast"), run, found)
    assert f"calibrated by {len(SPLITS.validation)} validation windows" in card.text
    some = SPLITS.validation.x[:2]
    about = describe_export(run.model, run.record, {}, some, run.predict(some).outputs)
    assert about["bands"] == run.record["bands"]


OTHER = windows(DATA, stride=HORIZON, **PARTS | dict(length=36, horizon=6))
CLASSES = hb.Dataset(np.zeros((40, 28, 7)), np.arange(40) % 2)


@pytest.mark.parametrize(("bad", "told"), [
    (lambda: OTHER.validation, "length=24, horizon=4, as in training"),
    (lambda: windows(DATA, stride=HORIZON, **PARTS | dict(period=None)).validation, "period=12, as in training"),
    (lambda: SPLITS.validation.take(slice(18)), "19 or more, for a band of 95%.*larger validation="),
    (lambda: SPLITS.train, "the train set of this run"),
    (lambda: SPLITS.test.data, "the test set of this run"),
    (lambda: SPLITS.test, "the test set is for the final score"),
    (lambda: CLASSES, "windows of series"),
    (lambda: None, "windows of series"),
    (lambda: DATA, "windows of series"),
])
def test_windows_that_cannot_calibrate(run, bad, told):
    with pytest.raises(HackbookError, match=told):
        calibrate(run, bad())
    assert "bands" not in run.record


def test_predictions_of_windows_are_rows_of_steps(run):
    some = SPLITS.validation.take(range(3))
    found = run.predict(some.x)
    assert found.frame["window"].tolist() == np.repeat(range(3), HORIZON).tolist()
    assert found.frame["steps ahead"].tolist() == list(range(1, HORIZON + 1)) * 3
    assert len(found[1:].captions) == 2 and "to" in found[0].captions[0]
    with pytest.raises(HackbookError, match="threshold must be None"):
        run.predict(some, threshold=0.8)
    with pytest.raises(HackbookError, match=r"shape \(28, 2\)"):
        run.predict(some.x[:, :5])


@pytest.mark.parametrize("ask", [
    lambda run, to: hb.deployment.write_demo(run, to / "demo.html"),
    lambda run, to: hb.deployment.Sketch(run),
    lambda run, to: hb.presentation.submission(run, SPLITS.validation.x, pd.DataFrame({"id": [1], "y": [0.0]}), to=to / "it.csv"),
])
def test_what_takes_one_prediction_per_example_says_so(run, tmp_path, ask):
    with pytest.raises(HackbookError, match="hb.cases.forecast"):
        ask(run, tmp_path)


def test_runs_that_do_not_forecast_or_give_no_bands(run):
    with pytest.raises(HackbookError, match="hb.fit returns one"):
        calibrate(run.model, SPLITS.validation)
    told = run.record["data"]["input"].pop("plan")
    with pytest.raises(HackbookError, match=r"trained on hb.series.windows\(series"):
        calibrate(run, SPLITS.validation)
    run.record["data"]["input"]["plan"] = told
    keras = hb.core.load_keras()
    run.model = keras.Model(run.model.input, run.model.output[..., 2])
    with pytest.raises(HackbookError, match="five quantiles per step.*hb.models.rnn"):
        calibrate(run, SPLITS.validation)
