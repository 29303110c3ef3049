"""Drawings for a jury: the architecture of a network, and the way from data to result."""

from .._names import lazily

__getattr__, __dir__, __all__ = lazily(__name__, __file__)
