"""Features are fitted on the training part alone: other rows raise, and the results equal those of plain scikit-learn."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hackbook.features.codes import Autoencoder
from hackbook.features.pipelines import TrainOnly
from hackbook.core.intervals import fold_interval
from hackbook.features.cross_validation import folds_of
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest, f_classif, f_regression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

import hackbook as hb

rng = np.random.default_rng(0)


@pytest.fixture(scope="module")
def digits():
    return hb.split(hb.data.digits())


@pytest.fixture(scope="module")
def table():
    """120 rows with gaps, words, dates, booleans and nullable numbers; and a column named "self", which could clash with an argument."""
    n = 120
    x = pd.DataFrame({
        "self": rng.normal(10, 3, n), "km": np.where(np.arange(n) % 7, rng.normal(size=n), np.nan), "by": np.resize(["bus", None, "bike"], n),
        "day": pd.date_range("2026-01-01", periods=n), "paid": np.arange(n) % 2 == 0, "seats": pd.array(np.resize([1, None, 3], n), "Int64")})
    return hb.split(hb.Dataset(x, rng.integers(0, 2, n), ["no", "yes"], "rides"))


def builders(splits):
    yield hb.features.scale(splits)
    yield hb.features.pca(splits, 3)
    yield hb.features.autoencoder(splits, 2, epochs=1)
    for by in ("filter", "l1", "permutation"):
        yield hb.features.select(splits, 3, by=by)


@pytest.mark.parametrize("name", ["digits", "table"])
def test_only_rows_of_train_fit(name, request):
    splits = request.getfixturevalue(name)
    train, validation, test = splits.parts.values()
    strange = [validation.x, test.x, hb.core.stack(train.x, validation.x), hb.core.stack(train.x, hb.core.rows(test.x, [0]))]
    for features in builders(splits):
        for x in strange:
            with pytest.raises(hb.HackbookError, match="other rows"):
                features.fit(x, np.resize([0, 1], len(x)))
            with pytest.raises(hb.HackbookError, match=f"rows of {train.name} alone"):
                clone(features).fit_transform(x, np.resize([0, 1], len(x)))
        half = np.arange(0, len(train), 2)
        features.fit(hb.core.rows(train.x, half), train.y[half])  # a fold is welcome
        assert len(features.transform(validation.x)) == len(validation)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=3, max_size=3), st.sampled_from(["float32", "float64"]))
def test_a_row_is_recognized_by_its_content(row, dtype):
    x = np.arange(30, dtype="float32").reshape(10, 3)
    splits = hb.split(hb.Dataset(x, np.arange(10) % 2), validation=.2, test=.2)
    guard = hb.features.guard(splits)
    known = any((np.float32(row) == t).all() for t in splits.train.x)
    guard.fit(splits.train.x.astype(dtype))
    try:
        guard.fit(np.array([row], dtype))
        assert known
    except hb.HackbookError:
        assert not known


def test_texts_are_guarded_too():
    words = np.array([f"card {i} lost" if i % 2 else f"pay later {i}" for i in range(60)], object)
    splits = hb.split(hb.Dataset(words, np.arange(60) % 2))
    scaled = hb.features.scale(splits).fit(splits.train.x)
    seen = scaled.get_feature_names_out()
    assert not set(seen) & {w for t in splits.parts["test"].x for w in t.split() if w.isdigit()}
    with pytest.raises(hb.HackbookError, match="other rows"):
        scaled.fit(splits.validation.x)
    with pytest.raises(hb.HackbookError, match="no columns"):
        hb.features.scale(splits, ["card"])
    small = hb.features.transform(splits, hb.features.pca(splits, 2))
    assert small.train.x.shape == (len(splits.train), 2) and small.train.kind == "table"


def test_same_as_plain_scikit_learn(digits):
    flat = [d.x.reshape(len(d), -1).astype(float) for d in digits.parts.values()]
    plain = make_pipeline(StandardScaler(), PCA(5, random_state=0)).fit(flat[0])
    new = hb.features.transform(digits, make_pipeline(hb.features.guard(digits), StandardScaler(), PCA(5, random_state=0)))
    for part, x in zip(new.parts.values(), flat):
        np.testing.assert_allclose(part.x, plain.transform(x), atol=1e-3)
    kept = hb.features.select(digits, 10).fit(digits.train.x, digits.train.y)
    with np.errstate(all="ignore"), pytest.warns(UserWarning):
        best = SelectKBest(f_classif, k=10).fit(flat[0], digits.train.y).get_support()
    assert list(kept.get_feature_names_out()) == [f"{i // 8},{i % 8}" for i in np.flatnonzero(best)]


def anova(x, y):
    """The F statistic of each column by its definition: variance between the class means over variance within the classes."""
    classes = [x[y == c] for c in np.unique(y)]
    between = sum(len(c) * (c.mean(axis=0) - x.mean(axis=0)) ** 2 for c in classes) / (len(classes) - 1)
    within = sum(((c - c.mean(axis=0)) ** 2).sum(axis=0) for c in classes) / (len(x) - len(classes))
    return np.divide(between, within, out=np.zeros(x.shape[1]), where=within > 0)


def best_columns(scores, k):
    return {f"{i // 8},{i % 8}" for i in np.argsort(-scores)[:k]}


def test_classes_are_ranked_as_classes(digits):
    """Class numbers have no order: a ranking that takes the labels for numbers picks other columns."""
    x, y = digits.train.x.reshape(len(digits.train), -1).astype(float), digits.train.y
    with np.errstate(all="ignore"):
        as_numbers = np.nan_to_num(f_regression(x, y)[0])
    for k in (5, 10, 20):
        expected = best_columns(anova(x, y), k)
        assert expected != best_columns(as_numbers, k)  # the test can tell the two apart
        assert set(hb.features.select(digits, k).fit(x, y).get_feature_names_out()) == expected
        assert set(hb.features.rank(digits).top(k)) == expected


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("by", ["filter", "l1", "permutation"])
def test_rankers_get_the_task_of_the_data(task, by):
    x = np.random.default_rng(1).normal(size=(60, 3))
    y = np.arange(60) % 2 if task == "classification" else x[:, 0]
    splits = hb.split(hb.Dataset(x, y, task=task))
    assert hb.features.select(splits, 2, by=by)[-1].estimator.task == task
    assert hb.features.rank(splits, by=by).ranker.task == task


def test_transformed_splits_hold_no_leak(digits, table):
    for splits in (digits, table):
        for features in builders(splits):
            new = hb.features.transform(splits, features)
            assert hb.quality.fitted_on_everything(new) == []
            assert [len(d) for d in new.parts.values()] == [len(d) for d in splits.parts.values()]
            assert all(np.isfinite(d.x).all() and d.x.dtype == "float32" for d in new.parts.values())
            assert new.test.openings is splits.test.openings == [] and isinstance(new.test, hb.data.Sealed)
    leaky = hb.Dataset(StandardScaler().fit_transform(hb.data.digits().x.reshape(1797, -1)), hb.data.digits().y)
    assert hb.quality.fitted_on_everything(hb.split(leaky))  # the check can find it


def test_gaps_take_the_median_of_train(table):
    scaled = hb.features.scale(table, ["km"]).fit(table.train.x)
    km = table.train.x.km
    value = scaled.transform(pd.DataFrame({"km": [np.nan]}))[0, 0]
    assert value == pytest.approx((km.median() - km.fillna(km.median()).mean()) / km.fillna(km.median()).std(ddof=0))
    assert list(scaled.get_feature_names_out()) == ["km", "missingindicator_km"]


def test_scikit_learn_searches_with_it(digits):
    pipe = make_pipeline(hb.features.pca(digits, 2), LogisticRegression(max_iter=200))
    search = GridSearchCV(pipe, {"pipeline__pca__n_components": [2, 12]}, cv=3, error_score="raise").fit(digits.train.x, digits.train.y)
    assert search.best_params_ == {"pipeline__pca__n_components": 12}
    with pytest.raises(hb.HackbookError, match="other rows"):
        search.fit(hb.data.digits().x, hb.data.digits().y)


def test_compare_fits_in_each_fold_on_its_training_rows_alone(digits, monkeypatch):
    fitted = []
    old = TrainOnly.fit
    monkeypatch.setattr(TrainOnly, "fit", lambda self, X, y=None: (fitted.append(len(X)), old(self, X, y))[1])
    compared = hb.compare_features(digits, {"a": hb.features.guard(digits, PCA(3)), "b": PCA(20)}, folds=4, repeats=1)
    n = len(digits.train)
    assert len(fitted) == 8 and all(abs(f - .75 * n) < 2 for f in fitted) and digits.test.openings == []
    assert compared.frame.features.tolist() == ["b", "a"] and compared.frame["columns"].tolist() == [20, 3]
    frame = compared.frame.set_index("features")
    assert (frame.low < frame["mean"]).all() and (frame["mean"] < frame.high).all() and frame.behind_low["a"] > 0
    assert compared.plot().axes[0].get_title(loc="left").startswith("b beats a by 0.")


def test_interval_is_that_of_nadeau_and_bengio():
    mean, low, high = fold_interval([.8, .9, .85, .95, .9], .25)
    assert mean == pytest.approx(.88)  # s² = .00325; t(4, .975) = 2.776445; √((1/5 + 1/4)·s²) = .038243
    assert high - mean == pytest.approx(mean - low) == pytest.approx(2.776445 * .0382426, rel=1e-4)


def test_folds_keep_duplicates_together_and_time_in_order(digits):
    twice = digits.train.take(np.repeat(np.arange(300), 2))
    for a, b in folds_of(twice, 3):
        assert not {r.tobytes() for r in twice.x[a]} & {r.tobytes() for r in twice.x[b]}
    numbers = hb.Dataset(twice.x, twice.y / 2, task="regression", groups=np.arange(600) // 40)
    for a, b in folds_of(numbers, 3, repeats=2):
        assert not set(numbers.groups[a]) & set(numbers.groups[b])
    plain = folds_of(digits.train, 3, seed=4)
    assert all((a == c).all() for (a, _), (c, _) in zip(plain, folds_of(digits.train, 3, seed=4)))
    assert len(plain) == 3 == StratifiedKFold(3).get_n_splits()


def test_selection_in_each_fold_finds_nothing_in_noise():
    x = np.random.default_rng(3).normal(size=(80, 500))
    noise = hb.split(hb.Dataset(x, np.arange(80) % 2))
    row = hb.compare_features(noise, {"ten": hb.features.select(noise, 10)}).frame.iloc[0]
    assert row.low < .5 < row.high


def test_autoencoder_is_seeded_and_clones():
    x = rng.normal(size=(70, 6))
    a, b = Autoencoder(2, hidden=8, epochs=3), clone(Autoencoder(2, hidden=8, epochs=3))
    hb.set_seed(1)
    first = a.fit_transform(x)
    hb.set_seed(2)
    np.testing.assert_array_equal(first, b.fit_transform(x))
    assert a.get_params() == b.get_params() and a.inverse_transform(first).shape == x.shape
    assert (Autoencoder(2, hidden=8, epochs=3, seed=5).fit_transform(x) != first).any()


def test_ranking_finds_what_was_hidden():
    x = rng.normal(size=(400, 6))
    x[:, 5] = 1  # constant
    splits = hb.split(hb.Dataset(x, (x[:, 2] + .3 * rng.normal(size=400) > 0).astype(int), features=list("abcdef")))
    for by in ("filter", "l1", "permutation"):
        ranking = hb.features.rank(splits, by=by)
        assert ranking.top(1) == ["c"] and ranking.frame.set_index("feature").score["f"] == 0, by
    row = ranking.frame.iloc[0]
    assert 0 < row.low < row.score < row.high
    assert (ranking.frame.low[1:] <= 0.01).all()


@pytest.mark.parametrize("call, says", [
    (lambda s: hb.features.pca(s, 65), "components must be a whole number from 1 to 64"),
    (lambda s: hb.features.pca(s, "3"), "components must be"),
    (lambda s: hb.features.pca(s.train, 3), "splits must be Splits"),
    (lambda s: hb.features.rank(s.train), "splits must be Splits"),
    (lambda s: hb.compare_features(s.train, {"a": PCA(2)}), "splits must be Splits"),
    (lambda s: hb.features.transform(s.train, PCA(2)), "splits must be Splits"),
    (lambda s: hb.features.embedding(hb.data.digits()), "splits must be Splits"),
    (lambda s: hb.features.scale(s, ["0,0", "9,9"]), "columns must be some of 0,0"),
    (lambda s: hb.features.scale(s, ["0,1", "0,1"]), "all different"),
    (lambda s: hb.features.scale(s, []), "columns must be some of"),
    (lambda s: hb.features.autoencoder(s, 0), "codes must be"),
    (lambda s: hb.features.autoencoder(s, 2, epochs=0), "epochs must be a whole number"),
    (lambda s: hb.features.autoencoder(s, 2, learning_rate=-1), "learning_rate must be > 0"),
    (lambda s: hb.features.autoencoder(s, 2, depth=3), "option must be one of"),
    (lambda s: hb.features.transform(s, PCA), "features must be a transformer"),
    (lambda s: hb.features.select(s, 100), "columns must be a whole number from 1 to 64"),
    (lambda s: hb.features.select(s, 3, by="chi2"), "one of filter, l1, permutation"),
    (lambda s: hb.features.rank(s).plot_path(), "by must be 'l1'"),
    (lambda s: hb.compare_features(s, {}), "a dict of names and transformers"),
    (lambda s: hb.compare_features(s, {"a": PCA(2)}, metric="rmse"), "metric must be one of accuracy"),
    (lambda s: hb.compare_features(s, {"a": PCA(2)}, folds=2.5), "folds must be a whole number"),
    (lambda s: hb.compare_features(s, {"a": PCA(2)}, repeats=0), "repeats must be a whole number"),
    (lambda s: hb.compare_features(s, {"a": PCA(2)}, folds=1000), "folds must be at most"),
    (lambda s: hb.compare_features(s, {"too many": PCA(200)}), "'too many' cannot be scored"),
    (lambda s: hb.features.embedding(s, "umap"), "by must be"),
    (lambda s: hb.features.explained_variance(s, 0), "fraction must be between 0 and 1"),
    (lambda s: hb.features.pair_plot(s, ["0,0"]), "two or more"),
    (lambda s: hb.features.correlation(s, ["0,0", "x"]), "different columns of numbers"),
])
def test_errors_say_what_is_wrong(digits, call, says):
    with pytest.raises(hb.HackbookError, match=says):
        call(digits)


def test_no_numbers_no_pair_plot():
    words = pd.DataFrame({"by": np.resize(["bus", "bike", "foot"], 60), "to": np.resize(["home", "work"], 60), "km": np.arange(60)})
    splits = hb.split(hb.Dataset(words, np.resize([0, 0, 1], 60)))
    for draw in (hb.features.pair_plot, hb.features.correlation):
        with pytest.raises(hb.HackbookError, match="two or more"):
            draw(splits)
    assert hb.features.embedding(splits).axes
    constant = replace(splits, train=replace(splits.train, x=splits.train.x.assign(hour=1)))
    with pytest.raises(hb.HackbookError, match="columns that vary"):
        hb.features.correlation(constant)


def test_lazy_pictures_give_the_features_of_those_in_memory(tmp_path):
    from PIL import Image

    rng = np.random.default_rng(0)
    for i in range(60):
        (tmp_path / "ab"[i % 2]).mkdir(exist_ok=True)
        Image.fromarray((rng.integers(0, 90, (9, 9, 3)) + 60 * (i % 2)).astype("uint8")).save(tmp_path / "ab"[i % 2] / f"{i}.png")
    lazy = hb.split(hb.data.images(tmp_path, size=(9, 9), lazy=True))
    eager = hb.Splits(*(replace(part, x=np.asarray(part.x)) for part in (lazy.train, lazy.validation)), lazy.test)
    read, held = (hb.features.transform(splits, hb.features.pca(splits, 3)).validation.x for splits in (lazy, eager))
    assert read.shape[1] == 3 and np.allclose(read, held)
    with pytest.raises(hb.InvalidValue, match="other rows"):
        hb.features.guard(lazy, PCA(3)).fit(lazy.validation.x)
