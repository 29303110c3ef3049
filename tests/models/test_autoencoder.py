"""Autoencoders: what comes back through the code, of pictures, tables and series, from training to the report."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer

import hackbook as hb
from hackbook import HackbookError
from hackbook.data import Dataset, reconstruct, squared_errors
from hackbook.live import VIEWS, draw
from hackbook.models import KINDS, autoencoder, decoder, encoder

DIGITS = hb.split(hb.data.digits())
SPLITS = reconstruct(DIGITS)
SMALL = {"units": (64,), "filters": (8, 16)}
REASON = "a test"


def trained(splits, epochs=5, **options):
    return hb.fit(autoencoder(splits, **SMALL | options), splits, epochs=epochs, seed=0, to=None)


@pytest.fixture(scope="module")
def run():
    return trained(SPLITS, epochs=8)


@pytest.fixture(scope="module")
def result(run):
    return hb.evaluate(run, SPLITS.validation)


# ---- networks


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_learns_more_than_the_mean(kind):
    hb.core.set_seed(0)
    result = hb.evaluate(trained(SPLITS, kind=kind, code=12), SPLITS.validation)
    y = SPLITS.validation.y
    assert result.score < 0.8 * np.square(y - SPLITS.train.y.mean(axis=0)).mean()


def test_a_longer_code_keeps_more():
    scores = [hb.evaluate(trained(SPLITS, code=code), SPLITS.validation).score for code in (2, 32)]
    assert scores[1] < 0.7 * scores[0]


@pytest.mark.parametrize("kind", KINDS)
def test_encoder_and_decoder_are_the_two_halves(kind):
    model = autoencoder(SPLITS, code=5, kind=kind, **SMALL)
    x = DIGITS.validation.x[:9]
    codes = encoder(model).predict(x, verbose=0)
    assert codes.shape == (9, 5)
    assert np.allclose(decoder(model).predict(codes, verbose=0), model.predict(x, verbose=0), atol=1e-5)


@pytest.mark.parametrize("shape", [(9, 13), (12, 10, 3), (7, 7, 1)])
def test_convolutions_give_back_any_size(shape):
    x = np.random.default_rng(0).integers(0, 256, (40, *shape)).astype("uint8")
    splits = reconstruct(hb.split(Dataset(x, [0, 1] * 20)))
    model = autoencoder(splits, code=4, kind="conv", **SMALL)
    assert model.output_shape[1:] == shape
    assert hb.evaluate(hb.fit(model, splits, epochs=1, to=None), splits.validation).rebuilt.shape == splits.validation.y.shape


# ---- a run


def test_a_new_example_comes_back_in_its_own_unit(run, tmp_path):
    x = DIGITS.validation.x[:20]
    found = run.predict(x)
    assert (found.predicted.shape, found.predicted.dtype) == (x.shape, x.dtype)
    assert found.predicted.max() > 8
    y = np.asarray(x, float) / 16
    assert np.allclose(found.errors, np.square(y - found.outputs).mean(axis=(1, 2)), atol=1e-6)
    assert np.array_equal(found.frame.mse, found.errors) and len(found[:3]) == 3
    folder = run.save(tmp_path)
    assert np.allclose(hb.load_run(getattr(folder, "folder", None) or run.folder).predict(x).outputs, found.outputs, atol=1e-5)


def structural_similarity(a, b):
    """SSIM by its formula, in one Gaussian window over the whole picture."""
    line = np.exp(-((np.arange(8) - 3.5) ** 2) / (2 * 1.5**2))
    weight = np.outer(line, line) / line.sum() ** 2
    mean = [(weight * p).sum() for p in (a, b)]
    var = [(weight * p * p).sum() - m * m for p, m in zip((a, b), mean)]
    both = (weight * a * b).sum() - mean[0] * mean[1]
    light = (2 * mean[0] * mean[1] + 1e-4) / (mean[0] ** 2 + mean[1] ** 2 + 1e-4)
    return light * (2 * both + 9e-4) / (var[0] + var[1] + 9e-4)


def test_scores_are_those_of_their_formulas(result):
    y, rebuilt = SPLITS.validation.y, result.rebuilt
    mse = np.square(y - rebuilt).mean(axis=(1, 2))
    assert np.allclose(result.each.mse, mse, atol=1e-6)
    assert np.allclose(result.each.psnr, 20 * np.log10(1 / np.sqrt(mse)), atol=1e-3)
    assert np.allclose(result.each.ssim, [structural_similarity(a, b) for a, b in zip(y, rebuilt)], atol=1e-3)
    assert np.allclose(result.scores.score, result.each[["mse", "psnr", "ssim"]].mean(), atol=1e-6)
    assert ((result.scores.low < result.scores.score) & (result.scores.score < result.scores.high)).all()


def test_the_worst_come_first(result):
    errors = squared_errors(SPLITS.validation.y, result.rebuilt)
    assert list(result.worst(5).index) == list(np.argsort(-errors, kind="stable")[:5])
    assert result.worst(1)["class"].iloc[0] == str(DIGITS.validation.y[errors.argmax()])
    for name in result.data.task.plots:
        assert getattr(result, f"plot_{name}")().axes


def test_slices_know_the_class(result):
    found = result.slices("class").frame
    errors = squared_errors(SPLITS.validation.y, result.rebuilt)
    for row in found.itertuples():
        assert np.isclose(row.score, errors[DIGITS.validation.y == int(row.value)].mean(), atol=1e-5)


def test_baselines_are_in_the_unit_of_the_score(result):
    problem = hb.Problem("What do digits look like in 16 numbers?", task="reconstruction")
    table = problem.baselines(SPLITS).set_index("baseline").mse
    compared = hb.evaluation.baseline_results(SPLITS, result.data)
    for name, score in table.items():
        assert np.isclose(compared[f"baseline: {name}"].score, score, rtol=1e-3)
    assert result.score < table["mean"]


def test_report_deck_and_card(run, result, tmp_path):
    problem = hb.Problem("What do digits look like in 16 numbers?", task="reconstruction")
    page = hb.report(run, result, to=tmp_path / "report.html").path.read_text()
    assert page.count("<img") >= 4 and "Reconstructions" in page
    deck = hb.present(problem, run, result, to=tmp_path / "deck", minutes=10)
    assert {"errors", "error-sizes", "worst"} <= set(deck.frame.slide)
    card = (tmp_path / "deck" / "card.md").read_text()
    assert all(name in card for name in ("mse", "psnr", "ssim"))


def test_live_shows_examples_above_reconstructions():
    model = autoencoder(SPLITS, code=8, **SMALL)
    for view in VIEWS.values():
        seen = view(model, SPLITS)()
        assert len(json.dumps(seen)) < 20_000 and draw(seen).axes
    before = VIEWS["predictions"](model, SPLITS)()
    live = hb.Live(model, SPLITS, epochs=3, start=False)
    live.start()
    live.wait()
    after = VIEWS["predictions"](live.model, SPLITS)()
    assert np.shape(after["images"]) == (8, 17, 8)
    assert np.mean(after["errors"]) < np.mean(before["errors"])
    assert [pair[:8] for pair in after["images"]] == [pair[:8] for pair in before["images"]]


def test_a_search_keeps_the_code(tmp_path):
    space = {"units": [(32,), (64,)], "code": hb.search.default_space(autoencoder, SPLITS)["code"]}
    study = hb.tune(autoencoder, SPLITS, space, 2, epochs=1, finalists=0, to=tmp_path / "study.db", runs=None)
    assert study.best["code"] == 16 and encoder(study.run).output_shape == (None, 16)


# ---- tables and series


def test_a_table_comes_back_by_column():
    table = load_breast_cancer(as_frame=True)
    splits = hb.split(Dataset(table.data, table.target_names[table.target], name="cells"))
    rows = reconstruct(splits)
    assert np.allclose(rows.train.y.mean(axis=0), 0, atol=1e-4) and np.allclose(rows.train.y.std(axis=0), 1, atol=1e-3)
    run = trained(rows, code=5, epochs=12)
    result = hb.evaluate(run, rows.test, reason=REASON)
    assert result.score < 0.5 * np.square(result.original.y).mean() and list(result.scores.index) == ["mse"]
    new = splits.validation.x.head(4)
    found = run.predict(new)
    assert list(found.frame) == ["mse", *new.columns]
    assert np.corrcoef(found.predicted[:, 0], new.iloc[:, 0])[0, 1] > 0.8
    strange = new.assign(**{new.columns[0]: 10 * new.iloc[:, 0]})
    assert (run.predict(strange).errors > found.errors).all()


def test_windows_of_a_series_come_back():
    months = hb.series.windows(hb.series.bundled_series("elnino"), 24, 12)
    splits = reconstruct(months)
    run = trained(splits, code=4)
    assert hb.evaluate(run, splits.validation).score < 0.5 * np.square(splits.validation.y).mean()
    found = run.predict(months.validation)
    assert np.array_equal(found.examples, months.validation.x[:, :24, 0])
    assert np.corrcoef(found.predicted.ravel(), found.examples.ravel())[0, 1] > 0.8


# ---- what is not taken

CONSTANT = hb.split(hb.data.digits())
CONSTANT.train.x = np.ones_like(CONSTANT.train.x)
GAPS = hb.split(Dataset(DIGITS.train.x.astype("float32"), DIGITS.train.y))
GAPS.validation.x[3, 2, 1] = np.nan
WORDS = hb.split(Dataset(pd.DataFrame({"size": range(40), "word": ["a", "b"] * 20}), [0, 1] * 20))


@pytest.mark.parametrize("call, says", [
    (lambda: autoencoder(SPLITS, code=64), "below 64, the numbers of one example, got 64"),
    (lambda: autoencoder(SPLITS, code=0), "a whole number, 1 or more, got 0; try 16"),
    (lambda: autoencoder(SPLITS, code=2.5), "got 2.5; try 16"),
    (lambda: autoencoder(SPLITS, kind="deep"), "one of dense, conv, denoising, variational, got 'deep'"),
    (lambda: autoencoder(SPLITS, noise=-1), "noise must be 0 or more, got -1"),
    (lambda: autoencoder(SPLITS, filters=()), "try (16, 32)"),
    (lambda: autoencoder(DIGITS), "hb.data.reconstruct(splits) makes them"),
    (lambda: hb.tune(autoencoder, DIGITS, budget=1), "hb.data.reconstruct(splits) makes them"),
    (lambda: reconstruct(hb.data.digits()), "try hb.split(data)"),
    (lambda: reconstruct(CONSTANT), "examples that differ, got 'nothing but 1'"),
    (lambda: reconstruct(GAPS), "splits.validation.x must be finite, got '1 NaN or infinite values'"),
    (lambda: reconstruct(WORDS), "words or dates in word"),
    (lambda: encoder(hb.models.cnn(DIGITS)), "hb.models.autoencoder(splits) builds one"),
])
def test_bad_input(call, says):
    with pytest.raises(HackbookError) as error:
        call()
    assert says in str(error.value)


@pytest.mark.parametrize("call, says", [
    (lambda run: run.predict(np.zeros((2, 9, 9))), "of shape (8, 8)"),
    (lambda run: run.predict(DIGITS.validation.x / 16), "do not divide it"),
    (lambda run: run.predict(DIGITS.validation.x, threshold=0.5), "threshold must be None, for a run that reconstructs"),
    (lambda run: hb.explain(run, SPLITS.validation), "result.frame and result.plot_worst()"),
    (lambda run: hb.demo(run), "run.predict(x) reconstructs examples"),
])
def test_a_run_refuses(run, call, says):
    with pytest.raises(HackbookError) as error:
        call(run)
    assert says in str(error.value)
