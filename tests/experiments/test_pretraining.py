"""`hb.experiments.compare_pretraining` trains three ways for the same seconds, and leaves the network and the test part alone."""

import numpy as np
import pytest

import hackbook as hb


@pytest.fixture(scope="module")
def network():
    keras = hb.core.load_keras()
    hb.set_seed(5)
    return keras.Sequential([keras.Input((8, 8)), keras.layers.Reshape((8, 8, 1)), keras.layers.Conv2D(4, 3), keras.layers.GlobalAveragePooling2D()])


@pytest.fixture(scope="module")
def splits():
    return hb.split(hb.data.digits())


def test_three_ways(splits, network):
    before = network.get_weights()
    compared = hb.experiments.compare_pretraining(splits, network, budget="1 s", batch_size=256)
    table = compared.frame
    assert table.index.tolist() == ["from scratch", "fine-tuned", "linear on frozen features"]
    assert (table.low <= table.score).all() and (table.score <= table.high).all() and (table.epochs >= 1).all()
    assert table.trained["linear on frozen features"] == 4 * 10 + 10 < table.trained["fine-tuned"] == table.trained["from scratch"]
    assert len(compared.sentences) == 2 and splits.test.openings == []
    assert all((a == b).all() for a, b in zip(before, network.get_weights())) and network.trainable
    assert "from scratch" in compared._repr_html_() and compared.plot()


def test_where_they_start(splits, network):
    """The learned weights begin two of the three ways; the first begins elsewhere."""
    from hackbook.experiments.pretraining import WAYS, _prepared

    models = [_prepared(way, splits, network, 0, {"pixels": None, "dropout": 0.0}) for way in WAYS]
    inner = [next(layer for layer in m.layers if hasattr(layer, "layers")).get_weights()[0] for m in models]
    learned = network.get_weights()[0]
    assert not np.allclose(inner[0], learned) and np.allclose(inner[1], learned) and np.allclose(inner[2], learned)


def test_preprocessing_is_the_same_in_all_ways(splits):
    """Statistics that a layer was adapted to are no learned weights."""
    from hackbook.experiments.pretraining import WAYS, _copied

    keras = hb.core.load_keras()
    scale = keras.layers.Normalization(axis=None)
    scale.adapt(splits.train.x)
    inner = keras.Sequential([keras.Input((8, 8)), scale, keras.layers.Reshape((8, 8, 1))])
    network = keras.Sequential([keras.Input((8, 8)), inner, keras.layers.Conv2D(2, 3)])
    x = splits.train.x[:4].astype("float32")
    for way in WAYS:
        copied = _copied(network, way != "from scratch")
        assert np.allclose(copied.layers[0](x), inner(x)) and abs(float(np.mean(copied.layers[0](x)))) < .2
        assert np.allclose(copied.get_weights()[-2], network.get_weights()[-2]) == (way != "from scratch")


@pytest.mark.parametrize("wrong, says", [({"network": "MobileNetV2"}, "network must be"), ({"data": 3}, "data must be"), ({"budget": "soon"}, "must be like"),
                                         ({"dropout": 2}, "dropout must be"), ({"learning_rate": -1}, "learning_rate must be")])
def test_what_cannot_be_compared_is_told(splits, network, wrong, says):
    with pytest.raises(hb.HackbookError, match=says):
        hb.experiments.compare_pretraining(splits, **{"network": network, "budget": "1 s", **wrong})


def test_splits_are_asked_for(network):
    with pytest.raises(hb.HackbookError, match="splits"):
        hb.experiments.compare_pretraining(hb.data.digits(), network)
