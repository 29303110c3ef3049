"""`hb.models.resnet` and `hb.models.cnn` on colored pictures of any size up to 128 pixels, from arrays and from folders."""

import numpy as np
import pytest
from PIL import Image

import hackbook as hb


def noise(*shape, count=30):
    x = np.random.default_rng(0).integers(0, 256, (count, *shape), "uint8")
    return hb.split(hb.Dataset(x, np.arange(count) % 3))


@pytest.fixture(scope="module")
def easy():
    """Shapes of 24 pixels, large and without noise."""
    return hb.split(hb.data.shapes(600, 24, noise=0))


@pytest.fixture(scope="module")
def run(easy):
    hb.set_seed(0)
    model = hb.models.resnet(easy, filters=(8, 16), dropout=0.1, l2=1e-5, augment=hb.augment(flip="both"))
    return hb.fit(model, easy, epochs=2, batch_size=32, to=None)


@pytest.mark.parametrize("family", [hb.models.cnn, hb.models.resnet])
@pytest.mark.parametrize("shape", [(1, 1), (3, 3, 3), (5, 40), (31, 31, 1), (64, 48, 4), (96, 96, 3), (128, 128, 3), (128, 65, 2)])
def test_any_size_and_channels(family, shape):
    splits = noise(*shape)
    model = family(splits, filters=(4, 8, 8))
    assert model.predict(splits.train.x[:4], verbose=0).shape == (4, 3)


@pytest.mark.parametrize("size", [64, 128])
def test_the_last_convolution_of_cnn_covers_the_picture(size):
    """So the last layer stays small, and the network sees whole things, whatever the size."""
    model = hb.models.cnn(noise(size, size, 3))
    last = [layer for layer in model.layers if layer.name.startswith("conv")][-1]
    assert model.count_params() < 500_000 and last.output.shape[1:3] == (1, 1)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_depth_counts_the_blocks_of_a_stage(depth):
    model = hb.models.resnet(noise(64, 64, 3), filters=(4, 8), depth=depth)
    names = [type(layer).__name__ for layer in model.layers]
    assert names.count("Add") == 2 * depth
    assert names.count("Conv2D") == 1 + 4 * depth + 1  # the stem, two per block, one projection


def test_a_block_adds_its_input():
    """Where the branches give 0, the picture passes."""
    splits = noise(16, 16, 3)
    model = hb.models.resnet(splits, filters=(4,), depth=5)
    for layer in model.layers:
        if layer.name.startswith("batch_normalization") and "add" in layer.output._keras_history.operation._outbound_nodes[0].operation.name:
            layer.gamma.assign(layer.gamma * 0)
    adds = [layer.output for layer in model.layers if layer.name.startswith("add")]
    keras = hb.core.load_keras()
    first, last = keras.Model(model.input, [adds[0], adds[-1]])(splits.train.x[:4])
    assert np.allclose(first, last) and np.std(first) > 0


def test_dropout_and_l2_can_be_moved_while_it_trains(easy):
    model = hb.models.resnet(easy, filters=(4, 8), dropout=0.3, l2=1e-4)
    live = hb.live.Session(model, easy, epochs=1, batch_size=64)
    assert {"dropout", "l2"} <= set(live.values)


def test_it_learns_and_is_explained(easy, run):
    assert run.history.loss.iloc[-1] < 1.3
    shown = hb.explain(run, easy.validation, 0)
    assert shown is not None
    assert run.predict(easy.validation.x[:3]).predicted.shape == (3,)


def test_half_precision_and_one_cycle(easy):
    hb.set_seed(0)
    model = hb.models.resnet(easy, filters=(4, 8))
    run = hb.fit(model, easy, epochs=1, batch_size=64, precision="mixed_bfloat16", schedule="one-cycle", to=None)
    assert np.isfinite(run.history.loss).all()


def test_it_is_saved_and_loaded(easy, run, tmp_path):
    keras = hb.core.load_keras()
    run.model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    x = easy.validation.x[:8]
    assert np.allclose(again.predict(x, verbose=0), run.model.predict(x, verbose=0), atol=1e-6)


def test_the_checks_accept_it():
    splits = hb.split(hb.data.digits())
    hb.set_seed(0)
    checks = hb.preflight(hb.models.resnet(splits, filters=(8, 16)), splits, batch_size=32).checks
    assert [c.name for c in checks if c.status == "fail"] == []


def test_a_search_has_a_space_for_it(easy):
    space = hb.search.default_space(hb.models.resnet, easy)
    assert space["depth"] == [1, 2, 3] and len(space["filters"]) == 3
    hb.models.resnet(easy, filters=space["filters"][-1], depth=3)


def test_a_search_tries_depths(easy, tmp_path):
    space = {"filters": [(4,), (4, 8)], "depth": [1, 2], "learning_rate": 0.01, "batch_size": 64}
    study = hb.tune(hb.models.resnet, easy, space, budget=2, epochs=1, finalists=0, to=tmp_path / "study.db")
    assert len(study.frame) == 2 and set(study.frame.depth) <= {1, 2}


@pytest.mark.parametrize("lazy", [False, True])
def test_a_folder_of_colored_pictures(tmp_path, lazy):
    data = hb.data.shapes(60, 40)
    for i, (x, y) in enumerate(zip(data.x, data.y)):
        folder = tmp_path / data.class_names[y]
        folder.mkdir(exist_ok=True)
        Image.fromarray(x).save(folder / f"{i:03}.png")
    read = hb.data.images(tmp_path, lazy=lazy)
    assert read.class_names == data.class_names and read.x.shape == (60, 40, 40, 3)
    splits = hb.split(read)
    hb.set_seed(0)
    model = hb.models.resnet(splits, filters=(4, 8), augment=hb.augment(flip="horizontal", rotation=10))
    run = hb.fit(model, splits, epochs=1, batch_size=16, to=None)
    assert hb.evaluate(run, splits.validation).frame is not None


@pytest.mark.parametrize("wrong", [{"depth": 0}, {"depth": 2.0}, {"depth": True}, {"depth": 21}, {"filters": ()}, {"filters": 8}, {"stride": 3},
                                   {"stride": "2"}, {"dropout": 1}, {"l2": -1}, {"stride": 8}])
def test_what_cannot_be_built_is_told(wrong):
    with pytest.raises(hb.HackbookError, match=f"{next(iter(wrong))} must be"):
        hb.models.resnet(noise(6, 6, 3), **wrong)


def test_rows_are_no_pictures():
    splits = hb.split(hb.Dataset(np.arange(150.).reshape(30, 5), np.arange(30) % 3))
    for family in (hb.models.cnn, hb.models.resnet):
        with pytest.raises(hb.HackbookError, match="height"):
            family(splits)
