"""Take a trained network elsewhere: other file formats, a page without a server, an app."""

from .._names import lazily

__getattr__, __dir__, __all__ = lazily(__name__, __file__)
