"""Count how often the code changes from one module to another on four common ways: `python tools/walk.py [fit live slider tune]`.

Every call and every return between modules of hackbook counts. Left out are `core`, reading an attribute or a length, and what Keras,
Optuna and ipywidgets do in between. `--paths` shows the ways, `--json` is for programs.
"""

import json
import sys
import tempfile
import threading
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

HACKBOOK = Path(__file__).resolve().parents[1] / "hackbook"
sys.path.insert(0, str(HACKBOOK.parent))


def reads(frame):
    """Does the frame only read an attribute or a length?"""
    name = frame.f_code.co_name
    if name in ("__len__", "__getitem__", "__iter__", "__eq__", "__hash__", "__repr__"):
        return True
    owner = type(frame.f_locals.get("self"))
    return isinstance(getattr(owner, name, None), (property, cached_property))


def room(frame):
    """The module of a frame, such as `training.fitting`; None outside of hackbook, in core, and while a module is imported."""
    code = frame.f_code
    if not code.co_filename.startswith(str(HACKBOOK)) or code.co_name == "<module>" or reads(frame):
        return None
    package, _, module = code.co_filename[len(str(HACKBOOK)) + 1:-3].partition("/")
    return None if package == "core" or module in ("", "__init__") else f"{package}.{module}"


class Walk:
    """The modules that each thread went through while it was recorded."""

    def __init__(self):
        self.on, self.stacks, self.paths = False, {}, {}

    def __call__(self, frame, event, argument):
        if event not in ("call", "return"):
            return
        thread = threading.current_thread().name
        stack = self.stacks.setdefault(thread, [])
        here = room(frame)
        if event == "call":
            stack.append(here or (stack[-1] if stack else None))
        elif stack:
            stack.pop()
            here = stack[-1] if stack else None
        path = self.paths.setdefault(thread, [])
        if self.on and here and (not path or path[-1] != here):
            path.append(here)

    @contextmanager
    def record(self):
        """Record all threads that begin in here, and this one."""
        threading.setprofile(self)
        sys.setprofile(self)
        self.on = True
        try:
            yield self
        finally:
            self.on = False
            sys.setprofile(None)
            threading.setprofile(None)

    def path(self, name="MainThread"):
        return self.paths.get(name, [])

    def changes(self, name="MainThread"):
        return max(len(self.path(name)) - 1, 0)


def digits():
    import hackbook as hb

    splits = hb.split(hb.data.digits(), seed=0)
    hb.set_seed(0)
    return splits, hb.models.cnn(splits, filters=(8,))


def walk_fit(to):
    """`hb.fit`, from the call to the first batch."""
    import keras

    import hackbook as hb

    splits, model = digits()
    walk = Walk()
    stop = keras.callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: setattr(walk, "on", False))
    hb.fit(model, splits, epochs=1, to=None)  # what is imported and built once
    with walk.record():
        hb.fit(model, splits, epochs=1, callbacks=[stop], to=to)
    return walk.path()


def walk_live(to):
    """`hb.Live(...)` made, nothing trained."""
    import hackbook as hb

    splits, model = digits()
    hb.Live(model, splits, start=False, show=False).close()
    splits, model = digits()
    walk = Walk()
    with walk.record():
        hb.Live(model, splits, start=False, show=False)
    return walk.path()


def walk_slider(to):
    """A slider is moved in the page, and the next batch uses it: the kernel's thread, then the training thread."""
    import hackbook as hb

    splits, model = digits()
    walk = Walk()
    threading.setprofile(walk)
    live = hb.Live(model, splits, start=False, show=False)
    live.step()
    while live.state()["step"] < 1:
        threading.Event().wait(0.05)
    with walk.record():
        live.panel.desk._handle_custom_msg({"do": "set", "name": "weight_decay", "value": 0.01, "from": "page", "seq": 1}, [])
    kernel = walk.path()
    walk.on = True
    live.step()
    while live.state()["step"] < 2:
        threading.Event().wait(0.05)
    walk.on = False
    live.close()
    return kernel, walk.path("hackbook-training")


def build(splits, dropout=0.3):
    import hackbook as hb

    return hb.models.cnn(splits, filters=(8,), dropout=dropout)


def walk_tune(to):
    """`hb.tune`, two trials of two epochs, in the process that asks for it."""
    import hackbook as hb
    from walk import build  # the processes of the trials import it

    splits, _ = digits()
    hb.tune  # noqa: B018  what is imported once
    walk = Walk()
    with walk.record():
        hb.tune(build, splits, {"dropout": (0.0, 0.5)}, 2, epochs=2, workers=1, finalists=0, to=Path(to) / "study.db")
    return [walk.path(name) for name in walk.paths]


WALKS = {"fit": walk_fit, "live": walk_live, "slider": walk_slider, "tune": walk_tune}


def counts(name):
    """Changes of module and different modules on one way."""
    with tempfile.TemporaryDirectory() as folder:
        paths = WALKS[name](folder)
    paths = [paths] if paths and isinstance(paths[0], str) else [p for p in paths if p]
    changes = [len(path) - 1 for path in paths]
    return {"changes": sum(changes), "threads": changes, "modules": len({m for path in paths for m in path}), "paths": paths}


def main():
    names = [a for a in sys.argv[1:] if not a.startswith("-")] or list(WALKS)
    found = {name: counts(name) for name in names}
    if "--json" in sys.argv:
        return print(json.dumps(found))
    for name, walk in found.items():
        print(f"{name:8}{walk['changes']:4} changes ({' + '.join(map(str, walk['threads']))}), {walk['modules']} modules")
        for path in walk["paths"] if "--paths" in sys.argv else ():
            print("   ", " > ".join(path))


if __name__ == "__main__":
    main()
