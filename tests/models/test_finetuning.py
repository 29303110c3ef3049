"""Backbones with new heads: pixels as in pretraining, weights from files, frozen layers, learning rates per layer."""

import subprocess
import sys
from urllib.error import URLError

import numpy as np
import pytest
from conftest import call

import hackbook as hb
from hackbook.training.compilation import compile_model, layerwise_decay, scale_rates
from hackbook.data.dataset import Dataset
from hackbook.models.finetuning import _prepared, _scaling, backbone, freeze, layer_table, unfreeze
from hackbook.training.hyperparameters import attach
from hackbook.training.options import TrainingOptions

keras = hb.core.load_keras()
L = keras.layers


@pytest.fixture(scope="module")
def splits():
    return hb.split(hb.data.digits())


def trunk(seed=0, name="trunk"):
    """A small network from digits to features, with BatchNormalization."""
    hb.set_seed(seed)
    inputs = keras.Input((8, 8), dtype="uint8")
    h = L.Reshape((8, 8, 1))(L.Rescaling(1 / 16)(inputs))
    for i, n in enumerate((4, 8)):
        h = L.Conv2D(n, 3, 2, "same", use_bias=False, name=f"block_{i}_conv")(h)
        h = L.ReLU()(L.BatchNormalization(momentum=0.9, name=f"block_{i}_norm")(h))
    return keras.Model(inputs, h, name=name)


def network(splits, **options):
    inner = trunk()
    hb.set_seed(1)
    return backbone(splits, inner, **options)


def steps(model, data, layer_rates, count=3, **options):
    """By how much each weight moved in a few steps."""
    compile_model(model, data, 10, TrainingOptions(**{"schedule": "constant", "weight_decay": 0.0, **options}, layer_rates=layer_rates))
    before = {v.path: v.numpy() for v in model.trainable_variables}
    hb.set_seed(2)
    for i in range(count):
        model.train_on_batch(data.x[i * 64 : i * 64 + 64], data.y[i * 64 : i * 64 + 64])
    return {v.path: v.numpy() - before[v.path] for v in model.trainable_variables}


# What goes in


@pytest.mark.parametrize("name, family", [("MobileNetV2", "mobilenet_v2"), ("VGG16", "vgg16")])
def test_pixels_reach_the_network_as_its_family_prepares_them(name, family, tmp_path):
    """Color bytes at the size that the network sees: what its first layer gets is what Keras' own function makes of them."""
    x = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), "uint8")
    x[0, 0, 0] = 255
    data = Dataset(x, np.arange(6) % 2)
    model = backbone(hb.data.Splits(data, data, data), name, **({"alpha": 0.35} if name == "MobileNetV2" else {}))
    got = keras.Model(model.input, model.get_layer("pixels").output)(x)
    wanted = getattr(keras.applications, family).preprocess_input(x.astype("float32"))
    assert np.allclose(got, wanted, atol=1e-4)


def test_a_family_with_its_scaling_inside_gets_bytes():
    x = np.random.default_rng(0).integers(0, 256, (6, 20, 20), "uint8")
    x[0, 0, 0] = 255
    data = Dataset(x, np.arange(6) % 2)
    model = backbone(hb.data.Splits(data, data, data), "MobileNetV3Small", size=40)
    (inner,) = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    got = np.asarray(keras.Model(model.input, model.get_layer("color").output)(x))
    assert got.shape == (6, 40, 40, 3) and 250 < got.max() <= 255.001 and (got[..., 0] == got[..., 2]).all()
    assert inner.input_shape == (None, 40, 40, 3) and "pixels" not in [layer.name for layer in model.layers]


def test_own_model_with_pixels_of_its_own(splits):
    inner = keras.Sequential([keras.Input((12, 12, 3)), L.Conv2D(4, 3), L.Flatten()], name="inner")
    model = backbone(splits, inner, pixels=(-1, 1))
    got = np.asarray(keras.Model(model.input, model.get_layer("pixels").output)(splits.train.x[:50]))
    assert got.shape == (50, 12, 12, 3) and np.isclose(got.min(), -1) and np.isclose(got.max(), 1, atol=0.1)


def test_numbers_get_one_output(splits):
    numbers = Dataset(splits.train.x, splits.train.y.astype("float32"), task="regression")
    model = backbone(hb.data.Splits(numbers, numbers, numbers), trunk())
    assert model.output_shape == (None, 1)


def test_what_cannot_be_built_says_why(splits):
    rgba = Dataset(np.zeros((4, 8, 8, 4), "uint8"), [0, 1, 0, 1])
    with pytest.raises(hb.HackbookError, match="1 .gray. or 3"):
        backbone(hb.data.Splits(rgba, rgba, rgba), trunk())
    table = Dataset(np.zeros((4, 8)), [0, 1, 0, 1])
    with pytest.raises(hb.HackbookError, match="must be images"):
        backbone(hb.data.Splits(table, table, table))
    for options, says in [({"network": "MobileNet2"}, "one of ConvNeXt"), ({"size": 8}, "at least 32x32"), ({"alhpa": 1}, "alhpa"),
                          ({"size": 0}, "size must be"), ({"dropout": True + 1}, "dropout must be"),
                          ({"network": trunk(), "pixels": (0, 1)}, "for images"), ({"network": trunk(), "pixels": 1}, "pixels must be")]:
        with pytest.raises(hb.HackbookError, match=says):
            backbone(splits, **options)


# Weights


def test_weights_from_a_file_are_the_weights(splits, tmp_path):
    small = {"alpha": 0.35}
    hb.set_seed(0)
    source = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(32, 32, 3), alpha=0.35)
    source.save_weights(tmp_path / "mobile.weights.h5")
    model = backbone(splits, weights=str(tmp_path / "mobile.weights.h5"), **small)
    (inner,) = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    assert all((a == b).all() for a, b in zip(inner.get_weights(), source.get_weights(), strict=True))
    with pytest.raises(hb.HackbookError, match="weights of mobilenetv2_0.50_32"):
        backbone(splits, alpha=0.5, weights=tmp_path / "mobile.weights.h5")


@pytest.mark.parametrize("fault", ["other", "cut", "empty", "name", "missing"])
def test_a_file_that_does_not_fit_changes_nothing(splits, tmp_path, fault):
    file = tmp_path / ("trunk.bin" if fault == "name" else "trunk.weights.h5")
    right = trunk(3)
    if fault == "other":
        keras.Sequential([keras.Input((3,)), L.Dense(2), L.Dense(7)]).save_weights(file)
    elif fault in ("cut", "name"):
        right.save_weights(tmp_path / "whole.weights.h5")
        whole = (tmp_path / "whole.weights.h5").read_bytes()
        file.write_bytes(whole if fault == "name" else whole[: len(whole) // 2])
    elif fault == "empty":
        file.write_bytes(b"")
    inner = trunk()
    before = inner.get_weights()
    with pytest.raises(hb.HackbookError, match="there is no file" if fault == "missing" else "must be a file with the weights of trunk"):
        backbone(splits, inner, weights=file)
    assert all((a == b).all() for a, b in zip(before, inner.get_weights()))


@pytest.mark.parametrize("raised", [URLError("Name or service not known"), TimeoutError("timed out"), ConnectionResetError("reset")])
def test_where_nothing_can_be_fetched_the_error_tells_what_to_do(splits, tmp_path, monkeypatch, raised):
    def refuse(*_, **__):
        raise raised

    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", refuse)
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path))
    with pytest.raises(hb.HackbookError, match="could not be fetched.*by hand.*weights='path/to/") as caught:
        backbone(splits, "ResNet50", weights="imagenet")
    if isinstance(raised, URLError):
        assert "https://storage.googleapis.com/tensorflow/keras-applications/resnet/resnet50_weights" in str(caught.value)
        assert "path/to/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5'" in str(caught.value)


def test_nothing_is_fetched_unless_asked(splits, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("went to the network")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    monkeypatch.setattr("socket.socket.connect", refuse)
    backbone(splits, "MobileNet", alpha=0.25)


def test_efficientnet_from_a_file_sees_what_it_sees_when_keras_fetches_it(tmp_path):
    """Keras adds a division by the root of the standard deviation only if it fetches the file itself."""
    x = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), "uint8")
    x[0, 0, 0] = 255
    data = Dataset(x, [0, 1, 0, 1])
    plain = keras.applications.EfficientNetB0(include_top=False, weights=None, input_shape=(32, 32, 3))
    mean, spread = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    norm = next(layer for layer in plain.layers if isinstance(layer, L.Normalization))
    norm.adapt_mean.assign(mean)
    norm.adapt_variance.assign(spread)
    norm.finalize_state()
    plain.save_weights(tmp_path / "b0.weights.h5")
    model = backbone(hb.data.Splits(data, data, data), "EfficientNetB0", weights=tmp_path / "b0.weights.h5")
    (inner,) = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    norm = next(layer for layer in inner.layers if isinstance(layer, L.Normalization))
    got = keras.Model(inner.input, norm.output)(x.astype("float32"))
    assert np.allclose(got, (x / 255 - mean) / spread, atol=1e-4)


# Frozen and trainable


def test_a_frozen_backbone_stays_to_the_last_bit(splits):
    model = freeze(network(splits))
    inner = model.get_layer("trunk")
    before, outside = inner.get_weights(), layer_table(model)
    assert outside.query("trained > 0").layer.tolist() == ["probability"]
    run = hb.fit(model, splits, epochs=6, learning_rate=0.3, to=None)
    assert all((a == b).all() for a, b in zip(before, inner.get_weights(), strict=True))     # moving averages too
    assert run.history.val_loss.iloc[-1] < run.history.val_loss.iloc[0] - 0.05 and run.history.val_accuracy.iloc[-1] > 0.2
    assert len(model.optimizer.variables) < 10     # no state is kept for frozen layers


def test_batch_normalization_works_as_in_use_where_it_is_frozen(splits):
    model, x = network(splits, dropout=0.0), splits.train.x[:32]
    told = lambda training: np.asarray(model(x, training=training))
    assert not np.allclose(told(True), told(False), atol=1e-3)
    freeze(model)
    assert np.allclose(told(True), told(False), atol=1e-6)
    unfreeze(model)
    assert np.allclose(told(True), told(False), atol=1e-6)     # the other layers train, the averages stay
    means = [v.numpy() for v in model.non_trainable_variables if "moving" in v.path]
    steps(model, splits.train, None)
    assert all((v.numpy() == m).all() for v, m in zip([v for v in model.non_trainable_variables if "moving" in v.path], means))
    unfreeze(model, batch_norm=True)
    assert not np.allclose(told(True), told(False), atol=1e-3)


def test_freeze_upto_and_unfreeze_last(splits):
    moving = lambda: layer_table(model).query("trained > 0").layer.str.split("/").str[-1].tolist()
    model = network(splits)
    everything = ["block_0_conv", "block_0_norm", "block_1_conv", "block_1_norm", "probability"]
    assert moving() == everything
    freeze(model, "block_0")
    assert moving() == everything[2:]
    freeze(model, "trunk")
    assert moving() == ["probability"]
    unfreeze(model, last=2)
    assert moving() == ["block_1_conv", "probability"]
    unfreeze(model, last=99, batch_norm=True)
    assert moving() == everything
    assert layer_table(model).parameters.sum() == model.count_params()


def test_the_saved_model_needs_no_hackbook_and_remembers_what_is_frozen(splits, tmp_path):
    model = freeze(network(splits), "block_0")
    run = hb.fit(model, splits, epochs=2, to=tmp_path, layer_rates={"trunk": 0.3}, label_smoothing=0.1)
    np.save(tmp_path / "told.npy", model.predict(splits.validation.x, verbose=0))
    np.save(tmp_path / "x.npy", splits.validation.x)
    code = ("import sys; sys.modules['hackbook'] = None\nimport keras, numpy as np\n"
            f"model, x = keras.saving.load_model({str(run.folder / 'model.keras')!r}), np.load({str(tmp_path / 'x.npy')!r})\n"
            f"assert np.allclose(model.predict(x, verbose=0), np.load({str(tmp_path / 'told.npy')!r}), atol=1e-5)\n"
            "model.fit(x, x[:, 0, 0] % 10, verbose=0)\nprint(len(model.trainable_variables), model.loss)")
    done = call(sys.executable, "-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(len(model.trainable_variables)), "sparse_categorical_crossentropy"]


def test_a_backbone_that_wants_blue_first_is_saved_as_plain_keras(tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), "uint8")
    data = Dataset(x, [0, 1, 0, 1])
    inputs = keras.Input((32, 32, 3), dtype="uint8")
    model = keras.Model(inputs, _prepared(inputs, 255, (40, 40), 3, *_scaling(keras.applications.ResNet50)))
    model.save(tmp_path / "m.keras")
    assert len(data) == 4 and np.array_equal(keras.saving.load_model(tmp_path / "m.keras")(x), model(x))


# Rates


OPTIONS = [{}, {"clip_norm": 0.01}, {"ema": 0.9}, {"accumulate": 2}, {"precision": "mixed_float16"}, {"schedule": "one-cycle"}, {"weight_decay": 0.5}]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: next(iter(o), "plain"))
def test_rates_of_one_change_no_bit_and_a_small_rate_slows_its_layer_alone(splits, options):
    plain = steps(network(splits), splits.train, None, **options)
    ones = steps(network(splits), splits.train, {"trunk": 1.0, "probability": 1}, **options)
    assert all((plain[p] == ones[p]).all() for p in plain)
    slow = steps(network(splits), splits.train, {"block_0": 1e-5}, count=2, **options)
    fast = steps(network(splits), splits.train, None, count=2, **options)
    size = lambda moved, name: max(np.abs(m).max() for p, m in moved.items() if name in p)
    assert size(slow, "block_0") < 1e-3 * size(fast, "block_0")
    assert np.isclose(size(slow, "probability"), size(fast, "probability"), rtol=0.2)


def test_the_first_adam_step_is_the_rate_times_its_share_and_decay_too(splits):
    """Adam's first step is as long as the rate, whatever the gradient; decay takes rate × share × decay of the weight."""
    rate, share, decay = 0.01, 0.25, 0.9
    for weight_decay in 0.0, decay:
        model = network(splits)
        before = model.get_layer("probability").kernel.numpy()
        moved = steps(model, splits.train, {"probability": share}, count=1, weight_decay=weight_decay, learning_rate=rate)
        (step,) = [m for p, m in moved.items() if p.endswith("probability/kernel")]
        shrunk = step + before * rate * share * weight_decay
        assert np.allclose(np.abs(shrunk[np.abs(shrunk) > 1e-6]), rate * share, rtol=0.02)


def test_a_longer_name_goes_before_a_shorter_and_digits_are_whole(splits):
    inner = keras.Sequential([keras.Input((8, 8), dtype="uint8"), L.Flatten(), L.Rescaling(1 / 16),
                              *[L.Dense(4, name=f"block_{i}") for i in (1, 12, 2)]], name="inner")
    model = backbone(splits, inner)
    rate = dict(zip(layer_table(model).layer.str.split("/").str[-1], layer_table(model, {"inner": 0.5, "block_1": 0.1}).rate))
    assert rate == {"block_1": 0.1, "block_12": 0.5, "block_2": 0.5, "probability": 1.0}
    scaled = layerwise_decay(model, decay=2, groups=4)
    assert list(scaled.values()) == [0.125, 0.25, 0.5, 1.0]


@pytest.mark.parametrize("layer_rates, says", [({"blok": 0.1}, "a layer must be"), ({"trunk": 0}, "freeze holds layers still"),
                                         ({"trunk": "slow"}, "> 0"), ({"trunk": float("inf")}, "> 0"), ([0.1], "a dict")])
def test_rates_that_cannot_be(splits, tmp_path, layer_rates, says):
    with pytest.raises(hb.HackbookError, match=says):
        hb.fit(network(splits), splits, epochs=1, to=tmp_path, layer_rates=layer_rates)
    assert not list(tmp_path.iterdir())


def test_scaling_again_replaces_and_hyperparameters_go_on_top(splits):
    model = network(splits)
    compile_model(model, splits.train, 10, TrainingOptions(schedule="constant", weight_decay=0.1))
    plain = vars(model.optimizer)["_apply_weight_decay"]
    scale_rates(model, {"trunk": 1e-6})
    assert vars(model.optimizer)["_apply_weight_decay"] is not plain
    scale_rates(model, {})
    assert "update_step" not in vars(model.optimizer) and vars(model.optimizer)["_apply_weight_decay"] is plain
    scale_rates(model, {"probability": 1e-6})
    hyperparameters, x, y = attach(model), splits.train.x[:64], splits.train.y[:64]
    moved = lambda layer, before: np.abs(layer.kernel.numpy() - before).max()
    first, head = model.get_layer("trunk").get_layer("block_0_conv"), model.get_layer("probability")
    for name, value in ("learning_rate", 0.05), ("weight_decay", 9.0):
        hyperparameters[name] = value
        before = first.kernel.numpy(), head.kernel.numpy()
        model.train_on_batch(x, y)
        assert moved(first, before[0]) > 0.02 and moved(head, before[1]) < 1e-5
    hyperparameters["learning_rate"] = 0
    before = first.kernel.numpy()
    model.train_on_batch(x, y)
    assert moved(first, before) == 0
    hyperparameters.detach()
    before, model.optimizer.learning_rate = head.kernel.numpy(), 0.05
    model.train_on_batch(x, y)
    assert moved(head, before) < 1e-5     # the rates stay when the hyperparameters go


def test_resumed_with_rates_equals_straight(splits, tmp_path):
    class Dies(Exception):
        pass

    def die(epoch, logs):
        if epoch == 2:
            raise Dies

    def train(to, **more):
        model = freeze(network(splits), "block_0")
        return hb.fit(model, splits, epochs=4, to=to, layer_rates={"trunk": 0.2}, label_smoothing=0.1, weight_decay=0.1, **more)

    with pytest.raises(Dies):
        train(tmp_path, callbacks=[keras.callbacks.LambdaCallback(on_epoch_begin=die)])
    resumed, straight = train(tmp_path, resume=True), train(None)
    assert len(list(tmp_path.iterdir())) == 1
    assert all(np.array_equal(a, b) for a, b in zip(resumed.model.get_weights(), straight.model.get_weights(), strict=True))
    other = hb.fit(network(splits), splits, epochs=4, to=tmp_path, layer_rates={"trunk": 0.2}, label_smoothing=0.1, weight_decay=0.1, resume=True)
    assert other.folder != resumed.folder     # nothing was frozen: another run


def test_rates_on_two_devices():
    code = """
import tensorflow as tf
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
import numpy as np, hackbook as hb
splits = hb.split(hb.data.digits())
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    hb.set_seed(0)
    model = hb.models.cnn(splits, filters=(8,), dropout=0.)
kernels = lambda: [v.numpy() for v in model.trainable_variables if "kernel" in v.path]
before = kernels()
hb.fit(model, splits, epochs=1, to=None, weight_decay=.1, label_smoothing=.1, layer_rates={"conv": 1e-6})
print(*[np.abs(a - b).max() for a, b in zip(kernels(), before)])
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert shown.returncode == 0, shown.stderr[-2000:]
    conv, head = map(float, shown.stdout.strip().splitlines()[-1].split())
    assert conv < 1e-5 < 1e-2 < head
