"""Predicted numbers are scored as scikit-learn scores them, with intervals that hold what they promise."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

import hackbook as hb
from hackbook.data import METRICS
from hackbook.evaluation import RegressionEvaluation, score_intervals


@pytest.fixture(scope="module")
def splits():
    """442 patients; the target is the progression of diabetes within a year."""
    found = load_diabetes(as_frame=True)
    data = hb.Dataset(found.data.to_numpy(), found.target, features=list(found.data), name="diabetes", task="regression")
    return hb.Problem("How far does it progress?", "regression", unit="points").split(data)


@pytest.fixture(scope="module")
def model(splits):
    """Ridge regression as a Keras model."""
    import keras

    fitted = Ridge(0.1).fit(splits.train.x, splits.train.y)
    model = keras.Sequential([keras.Input((10,)), keras.layers.Dense(1)])
    model.layers[0].set_weights([fitted.coef_[:, None], np.array([fitted.intercept_])])
    return model


def test_scores_agree_with_scikit_learn(splits, model):
    part = splits.validation
    result = hb.evaluate(model, part)
    told = model.predict(part.x, verbose=0)[:, 0]
    scores = result.scores.score
    assert list(scores.index) == ["rmse", "mae", "r2", "mape"]
    assert scores.rmse == result.rmse == result.score == pytest.approx(sk.root_mean_squared_error(part.y, told))
    assert scores.mae == result.mae == pytest.approx(sk.mean_absolute_error(part.y, told))
    assert scores.r2 == pytest.approx(sk.r2_score(part.y, told)) and 0.2 < scores.r2 < 0.7
    assert np.allclose(result.errors, told - part.y)


def test_intervals_are_seeded_and_grow_with_the_confidence(splits, model):
    a, b = (hb.evaluate(model, splits.validation) for _ in range(2))
    wide = hb.evaluate(model, splits.validation, confidence=0.999)
    pd.testing.assert_frame_equal(a.scores, b.scores)
    assert (wide.scores.low < a.scores.low).all() and (a.scores.high < wide.scores.high).all()
    assert (a.scores.low < a.scores.score).all() and (a.scores.score < a.scores.high).all()


@pytest.mark.parametrize("metric, true", [("mae", (2 / np.pi) ** 0.5), ("rmse", 1.0)])
def test_an_interval_covers_the_true_error_as_often_as_it_says(metric, true):
    """Errors with a standard deviation of 1, so that MAE and RMSE of endless data are known."""
    rng = np.random.default_rng(1)
    held = []
    for _ in range(60):
        y = rng.normal(size=150)
        _, low, high = score_intervals([METRICS[metric]], y, y + rng.normal(size=150), 0.8)[0]
        held.append(low <= true <= high)
    assert 0.65 < np.mean(held) < 0.93


def test_the_seal_is_opened_once_and_counted(splits, model, tmp_path):
    run = hb.fit(model, splits, epochs=1, learning_rate=1e-9, to=tmp_path)
    sealed = hb.data.Sealed(splits.test.data)
    with pytest.raises(hb.InvalidValue, match="reason='the final score'"):
        hb.evaluate(run, sealed)
    assert sealed.openings == []
    hb.evaluate(run, sealed, reason="the final score")
    with pytest.warns(hb.SealBroken):
        hb.evaluate(run, sealed, reason="one more")
    assert [o["reason"] for o in sealed.openings] == ["the final score", "one more"]
    record = json.loads((run.folder / "run.json").read_text())
    assert [o["reason"] for o in record["openings"]] == ["the final score", "one more"]


def test_one_line_without_data(splits, model):
    result = hb.evaluate(model, splits.validation)
    assert repr(result) == f"RegressionEvaluation(diabetes validation: mae {result.mae:.4g}, rmse {result.rmse:.4g}, 66 examples)"
    assert f"mae {result.mae:.4g} points" in str(result) and "95% intervals" in str(result)
    for value in (result.data.x, result.data.y, result.predicted):
        assert str(value) not in repr(result) + str(result) + result._repr_html_()


def test_worst_errors_first(splits, model):
    result = hb.evaluate(model, splits.validation)
    worst = result.worst(4)
    assert len(worst) == 4 and abs(worst.error.iloc[0]) == np.abs(result.errors).max()
    i = worst.index[0]
    assert worst.true.iloc[0] == splits.validation.y[i] and worst.bmi.iloc[0] == splits.validation.x[i, 2]
    assert worst.predicted.iloc[0] - worst.true.iloc[0] == pytest.approx(worst.error.iloc[0])


def test_pictures_show_what_they_say(splits, model):
    result = hb.evaluate(model, splits.validation)
    (axes,) = result.plot_predictions().axes
    points = axes.collections[0].get_offsets()
    assert np.allclose(points[:, 0], splits.validation.y) and np.allclose(points[:, 1], result.predicted)
    assert axes.get_xlabel() == "true value (points)" and f"{result.mae:.4g} points" in axes.get_title(loc="left")
    left, right = result.plot_residuals().axes
    assert sum(p.get_height() for p in left.patches) == 66 and right.get_ylabel() == "predicted − true (points)"
    assert result.plot_worst() is None


def test_models_of_any_input_size():
    import keras

    inputs = keras.Input((None, None, 3))
    outputs = keras.layers.Dense(1, kernel_initializer="ones")(keras.layers.GlobalAveragePooling2D()(inputs))
    model = keras.Model(inputs, outputs)
    for shape in [(5, 4, 6, 3), (3, 31, 17, 3)]:
        x = np.random.default_rng(0).random(shape).astype("float32")
        data = hb.Dataset(x, x.mean(axis=(1, 2)).sum(axis=1) + 2, task="regression")
        found = hb.evaluate(model, data)
        assert found.mae == pytest.approx(2, abs=1e-4) and found.plot_worst(2) is not None
    deep = keras.Sequential([keras.Input((2, 3, 4, 5)), keras.layers.Flatten(), keras.layers.Dense(2, "softmax")])
    assert 0 <= hb.evaluate(deep, hb.Dataset(np.zeros((6, 2, 3, 4, 5)), [0, 1] * 3)).accuracy <= 1


def two_inputs():
    import keras

    a, b = keras.Input((3,)), keras.Input((3,))
    return keras.Model([a, b], keras.layers.Dense(1)(keras.layers.add([a, b])))


def dense(inputs, outputs):
    import keras

    return keras.Sequential([keras.Input(inputs), keras.layers.Dense(outputs)])


@pytest.mark.parametrize(
    "build, says",
    [
        (lambda: dense((4,), 1), r"input must be of shape \(3,\), as the examples are"),
        (lambda: dense((3,), 2), r"output must be of shape \(1,\), the number to predict"),
        (two_inputs, "run must be a Run, or a built keras.Model with one input"),
        (lambda: __import__("keras").Sequential([__import__("keras").layers.Dense(1)]), "begin a Sequential with keras.Input"),
        (lambda: "cnn", "run must be a Run"),
    ],
)
def test_what_does_not_fit_is_said_before_the_seal_is_opened(build, says):
    sealed = hb.data.Sealed(hb.Dataset(np.eye(3), [0.5, 1.5, 2.5], task="regression"))
    with pytest.raises(hb.InvalidValue, match=says):
        hb.evaluate(build(), sealed, reason="the final score")
    assert sealed.openings == []


def test_a_prediction_that_is_no_number(splits, model):
    result = RegressionEvaluation(splits.validation, np.full(66, np.nan))
    with pytest.raises(hb.InvalidValue, match="predicted must be finite, got '?66 NaN or inf"):
        result.mae


def test_one_example_has_scores_but_no_interval():
    data = hb.Dataset(np.eye(2), [1.0, 2.0], task="regression").take([0])
    row = RegressionEvaluation(data, np.array([3.0])).scores.loc["mae"]
    assert row.score == 2 and np.isnan(row.low) and np.isnan(row.high)


def test_the_worst_rows_of_a_table_with_a_column_named_error():
    import warnings

    x = pd.DataFrame({"error": [1.0, 2.0], "size": [3.0, 4.0]})
    result = hb.evaluation.RegressionEvaluation(hb.Dataset(x, [1.0, 2.0], task="regression"), np.array([1.0, 5.0]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        worst = result.worst()
    assert worst["error"].tolist() == [3, 0] and worst["error (x)"].tolist() == [2, 1] and worst["size"].tolist() == [4, 3]
