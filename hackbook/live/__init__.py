"""A training run with sliders that act while it trains."""

from .._names import lazily

__getattr__, __dir__, __all__ = lazily(__name__, __file__)
