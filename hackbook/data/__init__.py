"""From files to a Dataset, and from a Dataset to training, validation and sealed test set."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
