"""Networks as short functions: each returns a plain Keras model."""

from .._names import lazily

__getattr__, __dir__, __all__ = lazily(__name__, __file__)
