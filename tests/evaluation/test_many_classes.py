"""Confusion of hundreds of classes: the most frequent errors, readable, and a table."""

import time

import numpy as np
import pytest

import hackbook as hb


def evaluation(classes, per_class=5):
    """A model that is right but for class 3, which it takes for class 7."""
    y = np.arange(classes * per_class) % classes
    probabilities = np.eye(classes, dtype="float32")[np.where(y == 3, 7, y)]
    return hb.Evaluation(hb.Dataset(np.zeros((len(y), 1)), [f"class {k:04}" for k in y]), probabilities)


@pytest.mark.parametrize("classes", [200, 1000])
def test_the_most_confused_are_drawn(classes):
    result = evaluation(classes)
    ax = result.plot_confusion().axes[0]
    assert ax.get_title(loc="left").startswith("Most frequent error: class 0003 predicted as class 0007 (5 times)")
    assert [t.get_text() for t in ax.get_xticklabels()] == ["class 0003", "class 0007"]
    assert result.confused().values.tolist() == [["class 0003", "class 0007", 5, 1.0]]


def test_noise_among_many_classes_is_cut_to_twenty():
    rng = np.random.default_rng(0)
    y = np.arange(400) % 40
    result = hb.Evaluation(hb.Dataset(np.zeros((400, 1)), y), rng.dirichlet(np.ones(40), 400))
    assert len(result.plot_confusion().axes[0].get_xticklabels()) == 20 and len(result.plot_confusion(max_classes=40).axes[0].get_xticklabels()) == 40
    counts = result.confused(10).examples
    assert len(counts) == 10 and counts.is_monotonic_decreasing
    assert len(evaluation(40).data.class_names) == 40 and hb.Evaluation(result.data, np.eye(40)[y]).plot_confusion().axes[0].get_title(loc="left").startswith("No errors")


def test_a_thousand_classes_take_little_longer_than_thirty():
    def seconds(classes):
        result = evaluation(classes)
        start = time.perf_counter()
        result.plot_confusion().png(60)
        return time.perf_counter() - start
    seconds(30)
    assert seconds(1000) < 5 * seconds(30)
