"""What cannot be sent to a worker is said before the search begins, by the name of the variable."""

import sqlite3
import threading
from functools import partial

import numpy as np
import pytest

import hackbook as hb
from hackbook.search.process import check_sendable
from hackbook.search.trials import why

LOCK = threading.Lock()


def locked():
    door = threading.Lock()

    def build(params):
        with door:
            return params

    return build


class Builder:
    def __init__(self):
        self.door = threading.Lock()

    def __call__(self, params):
        return params

    def build(self, params):
        return params


def open_file(tmp_path):
    file = open(tmp_path / "log.txt", "w")

    def build(params):
        file.write(str(params))

    return build


def database():
    connection = sqlite3.connect(":memory:")
    return lambda params: connection


def generator():
    numbers = (i for i in range(3))
    return lambda params: next(numbers)


CASES = {
    "lock": (locked, "one that uses door"),
    "database": (database, "one that uses connection"),
    "generator": (generator, "one that uses numbers"),
    "default": (lambda: lambda params, door=threading.Lock(): params, "one that uses door"),
    "object": (Builder, "one that uses door"),
    "method": (lambda: Builder().build, "one that uses door"),
    "partial": (lambda: partial(locked()), "one that uses door"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_cannot_be_sent(name):
    make, says = CASES[name]
    with pytest.raises(hb.HackbookError, match="build must be a function that can be sent to a worker") as caught:
        hb.tune(make(), hb.split(hb.data.digits().take(np.arange(100))), {"dropout": (0.0, 0.5)}, to="nowhere/study.db")
    assert says in str(caught.value) and "cannot pickle" in str(caught.value) and "make what it needs inside" in str(caught.value)


def test_an_open_file(tmp_path):
    with pytest.raises(hb.HackbookError, match="one that uses file"):
        check_sendable("build", open_file(tmp_path))


def test_what_can_be_sent():
    numbers = np.arange(3)
    for build in (hb.models.cnn, lambda params: numbers, partial(hb.models.cnn, dropout=0.1), lambda params: hb.models.cnn):
        check_sendable("build", build)


def test_a_model_in_place_of_a_function():
    splits = hb.split(hb.data.digits().take(np.arange(100)))
    with pytest.raises(hb.HackbookError, match="build must be a function that returns a keras.Model"):
        hb.tune(hb.models.cnn(splits), splits, {"dropout": (0.0, 0.5)})


def test_out_of_memory_is_a_reason():
    assert why(MemoryError("3 TB")) == "out of memory: MemoryError: 3 TB; try a smaller model or batch_size"
    assert why(hb.models.OutOfMemory("memory ran out with batches of 64; try batch_size=32")).endswith("try batch_size=32")
