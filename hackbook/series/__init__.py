"""Time series: read them, count their steps, and cut them into windows of what was known and what came after."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
