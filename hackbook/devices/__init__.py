"""The device that trains: what it is, its memory, and the rules that follow from both."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
