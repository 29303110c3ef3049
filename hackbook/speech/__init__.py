"""Speech: synthetic words, spectrograms and back, words in long recordings, a microphone, spoken digits that are made."""

from .._names import lazily

__getattr__, __dir__, __all__ = lazily(__name__, __file__)
