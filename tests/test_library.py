"""Every notebook of the library runs, and shows what it stores."""

import os
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import notebooks
import pytest
from conftest import ROOMS

EXACT = ("core", "files", "data", "series", "problem", "quality")  # nothing is trained in there, so that other processors show the same


@pytest.fixture(scope="session")
def shell():
    """A process for notebooks alone, which imports TensorFlow once."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        yield pool
        pool.submit(os._exit, 0)  # at once, whatever a notebook has left running


@pytest.mark.parametrize("path", ROOMS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_notebook(path, shell):
    trouble, _ = shell.submit(notebooks.run, path).result()
    if trouble.startswith(notebooks.STALE) and path.parent.name not in EXACT:
        warnings.warn(f"{path.parent.name}/{path.stem}: {trouble}", stacklevel=1)  # told in the summary
    else:
        assert not trouble, trouble
