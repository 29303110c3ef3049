"""Time series: read them, count their steps, and cut them into windows of what was known and what came after."""

from .._names import lazily

__getattr__, __dir__, __all__ = lazily(__name__, __file__)
