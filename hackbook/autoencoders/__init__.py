"""Use what an autoencoder has learned: codes, compression, anomalies, and features from few labels."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
