"""From a Keras model to a Run: hyperparameters, schedules, checkpoints, fit."""

from .._names import lazily

__getattr__, __dir__, __all__ = lazily(__name__, __file__)
