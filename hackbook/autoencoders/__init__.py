"""Use what an autoencoder has learned: codes, compression, anomalies, and features from few labels."""

from .._names import lazily

__getattr__, __dir__, __all__ = lazily(__name__, __file__)
