"""What the other packages use: errors, Keras, files, arrays, figures, durations, intervals."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
