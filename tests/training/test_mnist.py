"""The real MNIST, where this machine has it."""

import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import FIRST, outputs, read_json

import hackbook as hb
from hackbook.cli import execute
from hackbook.data.similarity import content_groups

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))
import listing


@pytest.fixture
def mnist(real_data, monkeypatch):
    monkeypatch.setenv("HACKBOOK_DATA", str(real_data))
    return hb.data.mnist(), hb.data.mnist("test")


def test_parts_are_the_official_ones(mnist):
    train, test = mnist
    assert (train.x.shape, test.x.shape, train.x.dtype) == ((60000, 28, 28), (10000, 28, 28), np.uint8)
    assert np.bincount(test.y).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_split_keeps_the_official_test_part(mnist):
    train, test = mnist
    splits = hb.split(train, validation=0.1, test=test)
    assert splits.test.data is test and len(splits.train) + len(splits.validation) == 60000 - sum(
        np.isin(content_groups(np.concatenate([train.x, test.x]))[:60000], content_groups(np.concatenate([train.x, test.x]))[60000:]))
    shares = splits.frame.drop(index="all") / splits.frame.loc["all"]
    assert (shares.train - shares.validation).abs().max() < 0.001


def test_no_leak_is_reported_on_it(mnist):
    train, test = mnist
    assert len(hb.check_leakage(hb.split(train, test=test))) == 0


def test_tenth_of_mnist_is_learned(mnist):
    train, test = mnist
    few = hb.split(train.take(np.arange(0, 60000, 10)), validation=0.1, test=test.take(np.arange(0, 10000, 5)))
    hb.set_seed(0)
    run = hb.fit(hb.models.cnn(few), few, epochs=3, batch_size=32, to=None)
    assert hb.evaluate(run, few.test, reason="test").accuracy > 0.96


def test_first_tutorial_on_mnist(real_data, tmp_path, monkeypatch):
    monkeypatch.setenv("HACKBOOK_DATA", str(real_data))
    output = execute(FIRST, tmp_path, {"dataset": "mnist", "epochs": 1, "batch_size": 128}, progress=False)
    figures = read_json(tmp_path / "report.json")
    assert (figures["data"], figures["examples"]) == ("mnist-test", 10000) and figures["accuracy"] > 0.97
    assert not [o for o in outputs(output) if o.output_type == "error" or o.get("name") == "stderr"]


def test_published_listing_is_faithful(real_data):
    x_train, y_train, x_test, y_test = listing.load(real_data / "mnist.npz")
    assert (x_train.dtype, x_train.shape, x_train.max(), y_train.shape) == (np.float64, (60000, 28, 28, 1), 1.0, (60000, 10))
    model = listing.build()
    assert model.count_params() == 225034 and model.optimizer.name.startswith("adam") and model.loss == "categorical_crossentropy"
    assert model.evaluate(x_test[:500], y_test[:500], verbose=0)[0] == pytest.approx(np.log(10), abs=0.3)
