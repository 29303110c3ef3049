"""What every other package stands on: errors, arrays, files, figures, HTML, times."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
