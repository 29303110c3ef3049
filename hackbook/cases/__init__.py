"""Series from the data to a forecast that is compared: baselines, classics, backtests, calibrated bands."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
