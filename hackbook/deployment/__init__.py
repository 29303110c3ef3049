"""Take a trained network elsewhere: other file formats, a page without a server, an app."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
