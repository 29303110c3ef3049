"""An Evaluation says its score in one line, and shows none of the data that it holds."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score

import hackbook as hb


@pytest.fixture
def result():
    """89 of 90 sealed digits are right."""
    data = hb.split(hb.data.digits()).parts["test"].take(np.arange(90))
    probabilities = np.eye(10)[data.y]
    probabilities[0] = np.roll(probabilities[0], 1)
    return hb.Evaluation(data, probabilities)


def test_repr_is_one_line_without_data(result):
    assert repr(result) == f"Evaluation({result.data.name}: accuracy 0.9889, 90 examples)"
    assert f"{result!r}" == repr(result) and repr([result]) == f"[{result!r}]"
    for value in (result.data.x, result.data.y, result.probabilities):
        assert str(value) not in repr(result) and repr(value) not in repr(result)


def test_str_tells_the_interval(result):
    low, high = result.interval
    assert str(result) == f"0.9889 (95% interval {low:.4f} to {high:.4f}, 90 examples)"
    assert low < result.accuracy < high


def test_titles_say_what_goes_wrong(result):
    assert result.plot_confusion().axes[0].get_title(loc="left") == "No error occurs twice"
    assert "1 most confident of 1 errors" in result.plot_mistakes().get_suptitle()


def test_the_problems_metric_has_a_row_and_an_interval(result):
    y, p = result.data.y, result.probabilities
    data = hb.Dataset(result.data.x, y, result.data.class_names, task=hb.Problem("Which?", "classification", "balanced_accuracy").defaults)
    other = hb.Evaluation(data, p)
    assert list(other.scores.index)[:2] == ["balanced_accuracy", "accuracy"] and list(result.scores.index)[0] == "accuracy"
    assert other.score == pytest.approx(balanced_accuracy_score(y, p.argmax(axis=1)))
    low, high = other.scores.loc["balanced_accuracy", ["low", "high"]]
    assert low < other.score <= high and "balanced_accuracy" in other._repr_html_()
    assert tuple(other.scores.loc["accuracy", ["low", "high"]]) == result.interval


def test_a_rare_class_does_not_break_the_interval_of_roc_auc():
    rng = np.random.default_rng(0)
    y = np.array([0] * 40 + [1] * 2)
    task = hb.Problem("Which?", "classification", "roc_auc").defaults
    data = hb.Dataset(rng.normal(size=(42, 2)), y, task=task)
    p = np.clip(rng.normal(0.3 + 0.3 * y, 0.1), 0, 1)
    row = hb.Evaluation(data, np.stack([1 - p, p], axis=1)).scores.loc["roc_auc"]
    assert 0.5 < row.low <= row.score <= row.high <= 1


def test_mistakes_of_a_table_are_a_table():
    data = hb.Dataset(pd.DataFrame({"km": [1.0, 2, 3]}), [0, 1, 1], ["near", "far"])
    found = hb.Evaluation(data, np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]]))
    assert found.plot_mistakes() is None and found.worst()[["true", "predicted"]].values.tolist() == [["far", "near"]]


def test_the_worst_rows_and_texts_stand_beside_their_errors():
    table = hb.Dataset(pd.DataFrame({"km": [1.0, 2, 3], "right": ["a", "b", "c"]}), [0, 1, 1], ["near", "far"])
    worst = hb.Evaluation(table, np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]])).worst()
    assert worst.km.tolist() == [1, 2] and worst["right (x)"].tolist() == ["a", "b"] and worst.predicted.tolist() == ["far", "near"]
    texts = hb.Dataset(["<b>Where?</b>", "Pay"], ["card", "pay"])
    assert hb.Evaluation(texts, np.array([[0.2, 0.8], [0.1, 0.9]])).worst().text.tolist() == ["<b>Where?</b>"]


def test_the_calibration_error_lies_in_its_interval():
    """Also of few examples, whose bootstrap samples are all less calibrated."""
    rng = np.random.default_rng(0)
    for n in (8, 20, 54, 300):
        data = hb.Dataset(np.zeros((n, 1)), np.arange(n) % 3)
        error, low, high = hb.Evaluation(data, rng.dirichlet(np.ones(3), n)).calibration_error()
        assert 0 <= low <= error <= high <= 1
