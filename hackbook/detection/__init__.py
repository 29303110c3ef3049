"""Object detection: pictures with boxes, composed or read from files, what is wrong with them, and how detections score."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
