"""Features as scikit-learn pipelines, fitted on the training set alone."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
