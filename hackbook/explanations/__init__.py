"""Show what a network looked at, and test whether the explanation can be trusted."""

from .._names import lazily

__getattr__, __dir__, __all__ = lazily(__name__, __file__)
