"""From files to a Dataset, and from a Dataset to training, validation and sealed test set."""

from .._names import lazily

__getattr__, __dir__, __all__ = lazily(__name__, __file__)
