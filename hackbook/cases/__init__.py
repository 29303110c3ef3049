"""Series from the data to a forecast that is compared: baselines, classics, backtests, calibrated bands."""

from .._names import lazily

__getattr__, __dir__, __all__ = lazily(__name__, __file__)
