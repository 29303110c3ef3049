"""Whatever is evaluated: an Evaluation whose tables and texts can be read, or a HackbookError, nothing else."""

import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from keras import Input, Sequential, layers

import hackbook as hb

sys.path.append(str(Path(__file__).resolve().parents[1] / "training"))
from test_training_doors import datasets, numbers, or_refused, values  # noqa: E402, beside another test

hb.set_seed(0)
MODELS = {"classes": Sequential([Input((2,)), layers.Dense(2, "softmax")]), "three": Sequential([Input((2,)), layers.Dense(3, "softmax")]),
          "number": Sequential([Input((2,)), layers.Dense(1)]), "images": Sequential([Input((2, 2)), layers.Flatten(), layers.Dense(2, "softmax")]),
          "unbuilt": Sequential([layers.Dense(2)])}


@st.composite
def fitting(draw):
    """Data of the models' shape, with labels and numbers of any kind."""
    n = draw(st.integers(1, 5))
    x = draw(arrays.arrays(draw(numbers), (n, 2)) | arrays.arrays("float32", (n, 2, 2)))
    task = draw(st.sampled_from(["classification", "regression"]))
    y = draw(arrays.arrays(draw(numbers), n)) if draw(st.booleans()) else np.arange(n) % 2
    return or_refused(hb.Dataset, x, y, draw(st.sampled_from([None, ["a", "b"]])) if task == "classification" else None, task=task)


def read(found):
    """Everything that an evaluation shows without drawing."""
    assert isinstance(found.score, float) and repr(found) and str(found) and found._repr_html_()
    if found.data.task.family == "classification":
        low, high = found.interval
        assert low <= found.score <= high
    assert len(found.frame) == len(found.data) and len(found.worst()) <= len(found.data)


@given(data=fitting() | datasets() | values, model=st.sampled_from(sorted(MODELS)), confidence=st.just(.95) | values)
def test_evaluate(data, model, confidence):
    found = or_refused(hb.evaluate, MODELS[model], data, confidence=confidence)
    if found is not None:
        read(found)


@given(run=values, data=fitting())
def test_what_is_no_run(run, data):
    if data is not None:
        assert or_refused(hb.evaluate, run, data) is None


@given(right=values, total=values, confidence=st.just(.95) | values)
def test_wilson(right, total, confidence):
    found = or_refused(hb.evaluation.wilson, right, total, confidence)
    if found is not None:
        assert 0 <= found[0] <= found[1] <= 1


def test_nan_in_the_data_and_in_the_predictions():
    data = hb.Dataset(np.array([[0, 1], [np.nan, 2]], "float32"), [0, 1])
    for model, given, says in ((MODELS["classes"], data, "data.x must be finite, got 1 NaN"), (broken(), replace(data, x=np.ones((2, 2), "float32")), "2 of 2 NaN")):
        with pytest.raises(hb.HackbookError, match=says):
            hb.evaluate(model, given)


def broken():
    """A network whose training has failed."""
    model = Sequential([Input((2,)), layers.Dense(2, "softmax")])
    model.set_weights([np.full_like(w, np.nan) for w in model.get_weights()])
    return model


@pytest.mark.parametrize("fractions", [{}, {"validation": 0.2, "test": 0.3, "seed": 4}])
def test_the_whole_that_a_run_was_split_from_is_not_scored_silently(fractions):
    rng = np.random.default_rng(0)
    data = hb.Dataset(rng.normal(size=(60, 2)).astype("float32"), np.arange(60) % 2)
    splits = hb.split(data, **fractions)
    run = hb.fit(Sequential([Input((2,)), layers.Dense(2, "softmax")]), splits, epochs=1, to=None)
    with pytest.warns(UserWarning, match=f"{len(splits.train)} of these 60 examples were trained on, and {len(splits.test)} are in the sealed test part"):
        hb.evaluate(run, data)
    others = hb.Dataset(rng.normal(size=(60, 2)).astype("float32"), np.arange(60) % 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for part in (others, splits.train, splits.validation):
            hb.evaluate(run, part)
        hb.evaluate(run, splits.test, "the final score")
