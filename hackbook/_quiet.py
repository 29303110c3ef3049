"""TensorFlow's messages go to the log, whoever imports it: a notebook that imports Keras after hackbook shows no red lines."""

import sys
from importlib.machinery import PathFinder


class Quietly:
    """Imports a module with the lines that C++ code writes sent to the log."""

    def __init__(self, loader):
        self.loader = loader

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        from .core.backend import stderr_to_log

        module.__loader__ = module.__spec__.loader = self.loader  # from now on it is an ordinary module
        with stderr_to_log():
            self.loader.exec_module(module)
            if module.__name__ == "keras" and "tensorflow" in sys.modules:
                sys.modules["tensorflow"].config.list_physical_devices()  # it looks for a GPU, and says what it finds


class Finder:
    """Finds Keras and TensorFlow as Python does."""

    def find_spec(self, name, path=None, target=None):
        if name not in ("keras", "tensorflow"):
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec and hasattr(spec.loader, "exec_module"):
            spec.loader = Quietly(spec.loader)
        return spec


def listen():
    """Put the finder in front, once."""
    if not any(type(f).__name__ == Finder.__name__ and type(f).__module__ == __name__ for f in sys.meta_path):
        sys.meta_path.insert(0, Finder())
