"""Checks of data, model and training before a long run."""

from .._names import lazily

__getattr__, __dir__, __all__ = lazily(__name__, __file__)
