"""Score a model with confidence intervals, and show its errors."""

from .._names import lazily

__getattr__, __dir__, __all__ = lazily(__name__, __file__)
