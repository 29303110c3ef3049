"""The order of the examples, and the memory that serving them takes."""

import sys

import numpy as np
import pytest
from conftest import call

import hackbook as hb
from hackbook.training.batches import Batches, in_order


@pytest.mark.parametrize("batch_size", [1, 7, 64, 5000])
def test_every_example_once_an_epoch(batch_size):
    data = hb.data.digits().take(np.arange(100))
    served = Batches(data, batch_size, seed=3)
    x, y = (np.concatenate(part) for part in zip(*served.dataset.as_numpy_iterator()))
    assert len(list(served.dataset)) == served.steps == served.dataset.cardinality()
    assert sorted(map(bytes, x)) == sorted(map(bytes, data.x)) and (np.sort(y) == np.sort(data.y)).all()
    assert all((a == b).all() for a, b in zip(next(in_order(data).as_numpy_iterator()), (data.x, data.y)))


def test_memory_is_shared_not_copied():
    data = hb.data.digits().take(np.arange(50))
    served = Batches(data, 50)
    data.x[:] = 7
    ((x, _),) = served.dataset
    assert (x.numpy() == 7).all()


def test_no_copy_for_a_pass():
    """300 MB of examples: two passes may take some, but not as much again."""
    code = """
import numpy as np, psutil, hackbook as hb
from hackbook.training.batches import Batches
process = psutil.Process()
few = hb.data.digits().take(range(10))
for _ in Batches(few, 5).dataset: pass
data = hb.Dataset(np.ones((3000, 100_000), 'uint8'), np.arange(3000) % 10).take(slice(None))
before = process.memory_info().rss
served = Batches(data, 32)
for _ in range(2):
    for _ in served.dataset: pass
print((process.memory_info().rss - before) / data.x.nbytes)
"""
    shown = call(sys.executable, "-c", code)
    assert shown.returncode == 0 and float(shown.stdout) < 0.5, shown.stdout + shown.stderr


def test_examples_in_order_tell_how_many_batches_they_are(tmp_path):
    """Keras warns that a dataset "ran out of data" where it learns its length only at the end."""
    from PIL import Image

    for i in range(8):
        (tmp_path / "ab"[i % 2]).mkdir(exist_ok=True)
        Image.fromarray(np.full((8, 8), 30 * i, "uint8")).save(tmp_path / "ab"[i % 2] / f"{i}.png")
    for lazy in (True, False):
        data = hb.data.images(tmp_path, lazy=lazy)
        served = in_order(data)
        assert int(served.cardinality()) == len(list(served)) == 1
