"""The question: its task, its metric, its deadline, and the baselines to beat."""

from .._names import lazily

__getattr__, __dir__, __all__ = lazily(__name__, __file__)
