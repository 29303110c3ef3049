"""What a tired person may get wrong meets a HackbookError that names the thing, the value and the way out."""

import os

import numpy as np
import pandas as pd
import pytest
from conftest import FIRST, ROOT, hackbook_run

import hackbook as hb


@pytest.fixture(scope="module")
def splits():
    return hb.split(hb.data.digits())


@pytest.fixture(scope="module")
def model(splits):
    return hb.models.cnn(splits)


ONE, TWO = np.zeros((4, 8, 8), "uint8"), [0, 1, 0, 1]


@pytest.mark.parametrize(
    "build, says",
    [
        (lambda: hb.Dataset(ONE, [0, 1]), "y must be as long as x, which has 4 examples, got '2 labels'"),
        (lambda: hb.Dataset([], []), "x must be at least one example"),
        (lambda: hb.Dataset(ONE, [1, 1, 1, 1]), "y must be of two classes or more, got 'only the class 1'"),
        (lambda: hb.Dataset(ONE, [0, 1, 2, 1], class_names=["a", "b"]), "from 0 to 1"),
        (lambda: hb.split(hb.Dataset(ONE, TWO)), "of at least three different examples"),
        (lambda: hb.split(hb.data.digits(), validation=0), "validation must be a fraction between 0 and 1, got 0"),
        (lambda: hb.data.load("digitz"), "dataset must be one of digits, mnist, got 'digitz'"),
        (lambda: hb.data.mnist(part="all"), "part must be 'train' or 'test'"),
        (lambda: hb.load_run("no/such/run"), "there is no record at"),
        (lambda: hb.set_seed(-1), "seed must be a whole number from 0 to 4294967295, got -1"),
    ],
)
def test_data_and_files(build, says):
    with pytest.raises(hb.HackbookError) as caught:
        build()
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "wrong, says",
    [
        ({"epochs": 0}, "epochs must be a whole number, 1 or more, got 0"),
        ({"epochs": "ten"}, "epochs must be a whole number, 1 or more, got 'ten'"),
        ({"learning_rate": -1}, "learning_rate must be > 0, got -1; try 0.01"),
        ({"learning_rate": float("nan")}, "learning_rate must be > 0, got nan"),
        ({"batch_size": 0}, "batch_size must be a whole number, 1 or more, got 0"),
        ({"seed": 0.5}, "seed must be a whole number"),
    ],
)
def test_fit_refuses_before_training(model, splits, tmp_path, wrong, says):
    before = model.get_weights()
    with pytest.raises(hb.HackbookError, match="must be") as caught:
        hb.fit(model, splits, **{"to": tmp_path, **wrong})
    assert says in str(caught.value)
    assert all((a == b).all() for a, b in zip(before, model.get_weights())) and not list(tmp_path.iterdir())


def test_diverging_run_says_so_and_leaves_nothing(splits, tmp_path):
    with pytest.raises(hb.HackbookError, match=r"the loss became (nan|inf).* try a smaller learning_rate"):
        hb.fit(hb.models.cnn(splits), splits, learning_rate=1e30, epochs=3, to=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_unwritable_folder(model, splits, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(hb.HackbookError, match="written to"):
        hb.fit(model, splits, to=tmp_path)


def test_missing_and_broken_mnist(tmp_path, monkeypatch):
    monkeypatch.setenv("HACKBOOK_DATA", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    with pytest.raises(FileNotFoundError, match="download=True.*HACKBOOK_DATA") as caught:
        hb.data.mnist()
    assert isinstance(caught.value, hb.HackbookError)
    np.savez(tmp_path / "mnist.npz", x_train=np.array([{"pickled": 1}], dtype=object), y_train=[0])
    with pytest.raises(hb.HackbookError, match="cannot be read"):  # pickles are not opened
        hb.data.mnist()


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["-p", "epoch=3"], "parameter must be one of dataset, epochs, seed, learning_rate, batch_size, got 'epoch'"),
        (["-p", "epochs=0"], "epochs must be a whole number, 1 or more, got 0"),
        (["-p", "dataset=mnist"], "fetch it with hb.data.mnist(download=True)"),
        (["-p", "epochs"], "--parameter must be name=value, got 'epochs'"),
    ],
)
def test_command_answers_in_one_line(tmp_path, arguments, says):
    shown = hackbook_run(FIRST, tmp_path / "out", *arguments, HACKBOOK_DATA=tmp_path, KERAS_HOME=tmp_path)
    assert shown.returncode == 1 and says in shown.stderr
    assert shown.stderr.strip().splitlines()[-1].startswith("hackbook: ") and "Traceback" not in shown.stderr
    assert "accuracy" not in shown.stdout


def test_command_without_a_notebook(tmp_path):
    shown = hackbook_run(tmp_path / "none.ipynb", tmp_path)
    assert (shown.returncode, shown.stdout) == (1, "") and "there is no notebook at" in shown.stderr
    assert "a file that ends in .ipynb" in hackbook_run(ROOT / "setup.py", tmp_path).stderr


ROWS = hb.Dataset(np.random.default_rng(0).normal(size=(40, 3)), [0, 1] * 20)
BIG = hb.split(hb.Dataset(np.where(np.arange(3) == 1, 1e30, 1) * ROWS.x, ROWS.y, features=["a", "mass", "c"]))


@pytest.mark.parametrize(
    "build, says",
    [
        *[
            (lambda make=make, wrong=wrong: make(wrong), f"splits must be Splits, got {got!r}; hb.split(data)")
            for make in (hb.models.cnn, hb.models.resnet, hb.models.backbone, hb.models.sound, hb.models.mlp)
            for wrong, got in ((ROWS, "Dataset"), (None, "nothing"))
        ],
        *[(lambda make=make: make(hb.split(hb.detection.scenes(60, 32, seed=1))), "hb.models.detector(splits) finds boxes") for make in (hb.models.cnn, hb.models.resnet)],
        (lambda: hb.split(ONE), "data must be a Dataset, got 'ndarray'; hb.Dataset(x, y)"),
        (lambda: hb.split(BIG), "data must be a Dataset, got 'Splits'; it is split already"),
        (lambda: hb.data.table(pd.DataFrame({"a": TWO, "b": TWO}), target="b"), "path must be the path of a file, got 'DataFrame'; of what is in memory, hb.Dataset("),
        (lambda: hb.models.mlp(BIG), "in mass'; give them in a larger unit"),
    ],
)
def test_the_wrong_thing_in_the_first_place(build, says):
    with pytest.raises(hb.HackbookError) as caught:
        build()
    assert says in str(caught.value)
