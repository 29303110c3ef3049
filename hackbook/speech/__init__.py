"""Speech: synthetic words, spectrograms and back, words in long recordings, a microphone, spoken digits that are made."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
