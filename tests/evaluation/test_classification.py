"""An Evaluation says its score in one line, and shows none of the data that it holds."""

import numpy as np
import pytest

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


def test_a_regression_is_told_where_to_look():
    import keras

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    with pytest.raises(hb.HackbookError, match="evaluate is for classification; for a regression see run.history"):
        hb.evaluate(model, hb.Dataset(np.eye(3), [0.5, 1.5, 2.5], task="regression"))
