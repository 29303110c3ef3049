"""A model under other conditions: with disturbed examples, with less and more data, or beside classics."""

from .._names import lazily

__getattr__, __dir__, __all__ = lazily(__name__, __file__)
