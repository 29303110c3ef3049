"""Search for good hyperparameters within a budget."""

from .._names import lazily

__getattr__, __dir__, __all__ = lazily(__name__, __file__)
