"""Features as scikit-learn pipelines, fitted on the training set alone."""

from .._names import lazily

__getattr__, __dir__, __all__ = lazily(__name__, __file__)
