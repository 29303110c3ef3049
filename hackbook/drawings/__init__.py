"""Drawings for a jury: the architecture of a network, and the way from data to result."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
