"""What the other packages use: errors, Keras, files, arrays, figures, durations, intervals."""

from .._names import lazily

__getattr__, __dir__, __all__ = lazily(__name__, __file__)
