"""Write a deck for the jury, a report, a model card, and a competition file."""

from .._names import lazily

__getattr__, __dir__, __all__ = lazily(__name__, __file__)
