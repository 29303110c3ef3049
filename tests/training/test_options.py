"""The options of a training run: one class, one default, one place that checks."""

from dataclasses import fields, replace
from inspect import signature

import pytest
from fastcore.docments import docments

import hackbook as hb
from hackbook.training import TrainingOptions

NAMES = [f.name for f in fields(TrainingOptions)]


def test_fit_shows_every_option_with_its_default_and_comment():
    shown = signature(hb.fit).parameters
    comments = docments(hb.fit)
    for field in fields(TrainingOptions):
        assert shown[field.name].default == (None if field.name == "batch_size" else field.default)  # by device
        assert comments[field.name], field.name
    assert list(shown)[:6] == ["model", "splits", "epochs", "learning_rate", "batch_size", "seed"]
    assert "kwargs" not in shown


def test_only_what_was_chosen_is_told():
    options = TrainingOptions(batch_size=32, schedule="one-cycle")
    assert options.chosen == {"batch_size": 32}
    assert repr(options) == "TrainingOptions(batch_size=32)"
    assert list(options.record) == NAMES
    assert TrainingOptions(**options.record) == options
    assert replace(options, batch_size=64) == TrainingOptions()


@pytest.mark.parametrize(
    "wrong, says",
    [
        ({"epochs": True}, "epochs must be a whole number, 1 or more, got True"),
        ({"epochs": None}, "or None with a budget"),
        ({"learning_rate": "find"}, "learning_rate must be > 0, got 'find'"),
        ({"batch_size": 0}, "batch_size must be a whole number, 1 or more, got 0; try 64"),
        ({"seed": -1}, "seed must be a whole number from 0 to 4294967295, got -1"),
        ({"schedule": "up"}, "schedule must be one of one-cycle, cosine, constant, plateau, got 'up'"),
        ({"weight_decay": 1}, "weight_decay must be from 0 to below 1, got 1"),
        ({"clip_norm": 0}, "clip_norm must be > 0, or None, got 0; try 1.0"),
        ({"patience": 0}, "patience must be a whole number of epochs, 1 or more, or None, got 0"),
        ({"label_smoothing": 1}, "label_smoothing must be from 0 to below 1, got 1"),
        ({"accumulate": 0}, "accumulate must be a whole number, 1 or more, got 0"),
        ({"ema": 1}, "ema must be between 0 and 1, or None, got 1"),
        ({"precision": "half"}, "precision must be None, float32, mixed_bfloat16 or mixed_float16, got 'half'"),
        ({"steps_per_execution": 0.5}, "steps_per_execution must be a whole number, 1 or more, got 0.5"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_without_a_model(wrong, says):
    with pytest.raises(hb.HackbookError, match="must be") as caught:
        TrainingOptions(**wrong)
    assert says in str(caught.value)
