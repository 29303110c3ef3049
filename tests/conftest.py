"""Where things lie, and the few helpers that the tests share."""

import gc
import json
import os
import subprocess
import sys
import threading
from functools import cache
from pathlib import Path

import nbformat
import pytest
from hypothesis import HealthCheck, settings

# several processes share the processor: OpenMP's threads are to sleep while they wait (t-SNE took 31 s in place of 2), OpenBLAS,
# whose threads never do, is to have one (a backtest took 39 s in place of 5), and what TensorFlow has imported, a million objects,
# is not to be looked through again and again for garbage
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
gc.set_threshold(100_000, 50, 100)

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted(p for p in (ROOT / "nbs").rglob("*.ipynb") if not {".ipynb_checkpoints", "deck"} & set(p.parts))
TUTORIALS = [p for p in NOTEBOOKS if p.parent.name == "tutorials"]
ROOMS = [p for p in NOTEBOOKS if "library" in p.parts]
FIRST = ROOT / "nbs/tutorials/01_digits_cnn.ipynb"

# the same examples in every run; DOORS=2000 draws that many, and others each time, for each function that takes what people bring
DOORS = int(os.environ.get("DOORS", 60))
settings.register_profile("same", deadline=None, derandomize="DOORS" not in os.environ, max_examples=DOORS,
                          suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture])
settings.load_profile("same")


def call(*command, cwd=ROOT, **environment):
    """Run a command to its end; its output is text."""
    env = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", **{k: str(v) for k, v in environment.items()}}
    return subprocess.run([str(c) for c in command], cwd=cwd, env=env, capture_output=True, text=True, timeout=600)


def hackbook_run(notebook, to, *arguments, **environment):
    """`hackbook run`, as a person calls it."""
    return call(sys.executable, "-c", "from hackbook.cli import main; main()", "run", notebook, "--to", to, *arguments, **environment)


def outputs(path):
    """All outputs of a notebook, in order."""
    return [o for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code" for o in c.outputs]


def read_json(path):
    return json.loads(Path(path).read_text(encoding="utf-8"))


LONG = ["test_tutorials", "test_tuning", "test_site", "test_fitting", "test_session", "test_panel", "test_preflight", "test_hyperparameters", "test_live", "test_library"]


def pytest_collection_modifyitems(items):
    """Files that take long go first, so that no process waits for another at the end."""
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """What stays in one process: the tests of a file; those of a tutorial, which share its execution; each notebook of the library alone."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file, _, name = nodeid.partition("::")
            return {"test_library": nodeid, "test_tutorials": name.partition("[")[2] or name}.get(Path(file).stem, file)

    return Scheduling(config, log)


@pytest.fixture(scope="session")
def real_data():
    """The folder with real data, or a skip that says where it was looked for."""
    places = [Path(p) for p in (os.environ.get("HACKBOOK_DATA"), ROOT.parent / "shared/data") if p]
    for place in places:
        if (place / "mnist.npz").is_file():
            return place
    pytest.skip(f"no mnist.npz in {' or '.join(map(str, places))}; set HACKBOOK_DATA to its folder")


def training_threads():
    return [t for t in threading.enumerate() if t.name == "hackbook-training"]


@pytest.fixture
def no_thread_is_left():
    """After the test no training goes on."""
    yield
    gc.collect()
    for thread in training_threads():
        thread.join(10)
    assert not training_threads()


@pytest.fixture(scope="session", autouse=True)
def equal_bits(request):
    """Tests compare bits. What they may expect, they ask the device: on a GPU bits repeat where that is asked for; `tests/gpu` asks itself."""
    from hackbook.devices import be_deterministic, bits_repeat, has_card, training_device

    others = [item for item in request.session.items if item.path.parent.name != "gpu"]
    if others and has_card() and not bits_repeat(training_device()):
        be_deterministic()


@cache
def freeze(tensorflow):
    """What is imported stays: `gc.collect`, which statsmodels and others call, need not look through its million objects."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def what_is_imported_stays():
    """Frozen once after the first test, and once more after the first one that brings TensorFlow."""
    yield
    freeze("tensorflow" in sys.modules)


def pytest_sessionfinish():
    if "browser" in sys.modules:  # its JupyterLab serves all tests
        sys.modules["browser"].stop_jupyter_lab()
