"""Find faults in the data, show them, and fix them."""

from .._names import lazily

__getattr__, __dir__, __all__ = lazily(__name__, __file__)
