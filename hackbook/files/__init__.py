"""Files before they are data: download them, unpack archives, and read rows."""

from .._names import lazily

__getattr__, __dir__, __all__ = lazily(__name__, __file__)
