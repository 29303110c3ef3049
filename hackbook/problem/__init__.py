"""The question: its task, its metric, its deadline, and the baselines to beat."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
