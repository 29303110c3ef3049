"""Object detection: pictures with boxes, composed or read from files, what is wrong with them, and how detections score."""

from .._names import lazily

__getattr__, __dir__, __all__ = lazily(__name__, __file__)
