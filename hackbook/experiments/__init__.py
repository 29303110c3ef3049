"""A model under other conditions: with disturbed examples, with less and more data, or beside classics."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
