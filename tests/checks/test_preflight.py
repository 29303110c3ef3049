"""Preflight: each planted fault is the first to fail, a good set-up passes, and the model is left as it was."""

import random
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

import hackbook as hb
from hackbook.training.checkpoints import values
from hackbook.checks import only_the_past


@pytest.fixture(scope="module")
def keras():
    return hb.core.load_keras()


def digits(seed=0):
    return hb.split(hb.data.digits(), seed=seed)


def columns(seed=0):
    """Thirty columns of very different scale, two classes."""
    bunch = load_breast_cancer()
    return hb.split(hb.Dataset(bunch.data.astype("float32"), bunch.target, ["malignant", "benign"]), seed=seed)


def numbers(seed=0):
    """Ten columns, and a number to predict, standardized."""
    bunch = load_diabetes(scaled=False)
    y = (bunch.target - bunch.target.mean()) / bunch.target.std()
    return hb.split(hb.Dataset(bunch.data.astype("float32"), y, task="regression"), seed=seed)


def rare(seed=0):
    """One example in ten is of the second class."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat([0, 1], [1080, 120]))
    return hb.split(hb.Dataset((rng.normal(size=(1200, 8)) + y[:, None]).astype("float32"), y, ["well", "ill"]), seed=seed)


def texts(seed=0):
    """Praise and blame, from a small grammar."""
    rng = np.random.default_rng(seed)
    pick = lambda words: rng.choice(words.split())
    said = {0: "bad poor dull weak", 1: "good great fine strong"}
    y = rng.permutation(np.repeat([0, 1], 300))
    lines = [f"the {pick('film book play song')} {n} was {pick('very rather quite')} {pick(said[c])}" for n, c in enumerate(y)]
    return hb.split(hb.Dataset(lines, y, ["blame", "praise"]), seed=seed)


def mlp(splits, hidden=(32,), activation="relu", scaling=None, bias=None):
    keras = hb.core.load_keras()
    layers, classes = keras.layers, len(splits.class_names)
    h = inputs = keras.Input(splits.train.x.shape[1:])
    if scaling:
        h = layers.Rescaling(scaling)(h)
    else:
        h = (scale := layers.Normalization())(h)
        scale.adapt(splits.train.x)
    h = layers.Flatten()(h)
    for n in hidden:
        h = layers.Dense(n, activation=activation)(h)
    model = keras.Model(inputs, layers.Dense(classes or 1, activation="softmax" if classes else None)(h))
    if bias is not None:
        model.layers[-1].bias.assign(bias)
    return model


def reader(splits):
    layers, keras = hb.core.load_keras().layers, hb.core.load_keras()
    words = layers.TextVectorization(max_tokens=60, output_sequence_length=8)
    words.adapt(splits.train.x.tolist())
    h = layers.Embedding(60, 16)(words(inputs := keras.Input((), dtype="string")))
    return keras.Model(inputs, layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling1D()(h)))


def small_cnn(splits, **options):
    """Two blocks, where what is shown does not depend on the size of the network: a check of it takes half the time."""
    return hb.models.cnn(splits, filters=(8, 16), **options)


GOOD = {
    "digits, cnn": (digits, lambda s: hb.models.cnn(s)),
    "digits, regularized": (digits, lambda s: hb.models.cnn(s, filters=(16, 32), dropout=0.4, l2=1e-4)),
    "digits, dense": (digits, lambda s: mlp(s, (64, 32), scaling=1 / 16)),
    "columns": (columns, lambda s: mlp(s)),
    "numbers": (numbers, lambda s: mlp(s)),
    "rare": (rare, lambda s: mlp(s, bias=np.log([0.9, 0.1]))),
    "texts": (texts, reader),
}


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", GOOD)
def test_good_set_up_passes(name, seed):
    make, build = GOOD[name]
    splits = make(seed)
    hb.set_seed(seed)
    report = hb.preflight(build(splits), splits, seed=seed)
    assert report.ok and report.first is None, str(report)
    assert (report.frame.status == "pass").sum() >= 12, str(report)


def test_what_is_learned_late_is_no_fault():
    """The sign of a product of five numbers: fifty small steps show nothing of it, four hundred do."""
    rng = np.random.default_rng(0)
    x = (rng.choice([-1, 1], (3000, 5)) + rng.normal(0, 0.2, (3000, 5))).astype("float32")
    splits = hb.split(hb.Dataset(x, (x.prod(axis=1) > 0).astype(int), ["no", "yes"]))
    hb.set_seed(0)
    report = hb.preflight(mlp(splits, (64, 64)), splits, steps=50, learning_rate=0.0001)
    assert report.ok and {"labels", "zeroed input"} <= set(report.frame.check[report.frame.status == "pass"]), str(report)


def shuffled(part, seed):
    return replace(part, y=np.random.default_rng(seed).permutation(part.y))


def shuffle_labels(splits, seed):
    return small_cnn(splits), replace(splits, train=shuffled(splits.train, seed))


def shuffle_validation_labels(splits, seed):
    return mlp(splits, scaling=1 / 16), replace(splits, validation=shuffled(splits.validation, seed))


def shuffle_all_labels(splits, seed):
    parts = {k: shuffled(p, seed) for k, p in splits.parts.items()}
    return mlp(splits, scaling=1 / 16), hb.Splits(**parts)


def softmax_twice(splits, seed):
    model, keras = small_cnn(splits), hb.core.load_keras()
    return keras.Model(model.inputs, keras.layers.Softmax()(model.outputs[0])), splits


def thousandfold(splits, seed):
    large = lambda part: replace(part, x=part.x.astype("float32") * 1000)
    return mlp(splits, scaling=1.0), replace(splits, train=large(splits.train), validation=large(splits.validation))


def bytes_unscaled(splits, seed):
    large = lambda part: replace(part, x=(part.x.astype("uint16") * 255 // 16).astype("uint8"))
    splits = replace(splits, train=large(splits.train), validation=large(splits.validation))
    model, keras = small_cnn(splits), hb.core.load_keras()
    return keras.models.clone_model(model, clone_function=lambda l: keras.layers.Rescaling(1.0, name=l.name) if l.name == "scale" else type(l).from_config(l.get_config())), splits


def mixed_batch(splits, seed):
    keras = hb.core.load_keras()
    layers, ops = keras.layers, keras.ops
    inputs = keras.Input((8, 8))
    h = layers.Rescaling(1 / 16)(inputs)
    rows = lambda x: ops.reshape(ops.transpose(x, (1, 0, 2)), (-1, 8, 8))  # rows first, then cut as if examples came first
    h = layers.Flatten()(layers.Lambda(rows, output_shape=(8, 8))(h))
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(layers.Dense(32, activation="relu")(h))), splits


def freeze_a_layer(splits, seed):
    model = small_cnn(splits)
    model.layers[3].trainable = False
    return model, splits


def freeze_all_but_the_head(splits, seed):
    model = mlp(splits, scaling=1 / 16)
    for layer in model.layers[:-1]:
        layer.trainable = False
    return model, splits


def too_fast(splits, seed):
    return small_cnn(splits), splits, {"learning_rate": 10.0}


def inverted_validation(splits, seed):
    return small_cnn(splits), replace(splits, validation=replace(splits.validation, x=16 - splits.validation.x))


def shifted_validation(splits, seed):
    return mlp(splits, scaling=1 / 16), replace(splits, validation=replace(splits.validation, x=np.roll(splits.validation.x, 1, axis=2)))


def dead_units(splits, seed):
    model = mlp(splits, (32, 32), scaling=1 / 16)
    model.layers[-2].bias.assign(np.full(32, -100.0))
    return model, splits


def vanishing(splits, seed):
    return mlp(splits, [32] * 8, "sigmoid", scaling=1 / 16), splits


def unseeded(splits, seed):
    keras = hb.core.load_keras()

    class Noise(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.generator = np.random.default_rng()

        def call(self, x, training=False):
            return x + keras.ops.cast(self.generator.normal(0, 0.1, x.shape[1:]), x.dtype) if training else x

    inputs = keras.Input((8, 8))
    h = Noise()(keras.layers.Flatten()(keras.layers.Rescaling(1 / 16)(inputs)))
    return keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(h)), splits


def empty_input(splits, seed):
    blank = lambda part: replace(part, x=np.zeros_like(part.x))
    model = small_cnn(splits)
    return model, replace(splits, train=blank(splits.train), validation=blank(splits.validation))


def input_lost(splits, seed):
    """A normalization over the wrong axis: of a single value nothing is left."""
    keras = hb.core.load_keras()
    inputs = keras.Input((8, 8))
    h = keras.layers.Flatten()(keras.layers.Rescaling(1 / 16)(inputs))
    h = keras.layers.LayerNormalization()(keras.layers.Dense(1)(h))
    return keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(h)), splits


def wild_weights(splits, seed):
    model = mlp(splits, scaling=1 / 16)
    model.layers[-1].kernel.assign(model.layers[-1].kernel * 20)
    return model, splits


def bias_of_the_rare(splits, seed):
    return mlp(splits := rare(seed)), splits


def far_from_the_mean(splits, seed):
    splits = numbers(seed)
    far = lambda part: replace(part, y=part.y + 10)
    return mlp(splits), replace(splits, train=far(splits.train), validation=far(splits.validation))


def only_positive(splits, seed):
    keras, splits = hb.core.load_keras(), numbers(seed)
    model = mlp(splits)
    return keras.Model(model.inputs, keras.layers.ReLU()(model.outputs[0])), splits


FAULTS = [  # what was done, and the check that must be the first to fail
    (shuffle_labels, "labels"),
    (shuffle_all_labels, "labels"),
    (shuffle_validation_labels, "labels"),
    (softmax_twice, "output"),
    (thousandfold, "input"),
    (bytes_unscaled, "input"),
    (mixed_batch, "batch"),
    (freeze_a_layer, "frozen layers"),
    (freeze_all_but_the_head, "frozen layers"),
    (too_fast, "first steps"),
    (inverted_validation, "validation"),
    (shifted_validation, "validation"),
    (dead_units, "activations"),
    (vanishing, "gradients"),
    (unseeded, "same seed"),
    (empty_input, "input"),
    (input_lost, "gradients"),
    (wild_weights, "loss at the start"),
    (bias_of_the_rare, "final bias"),
    (far_from_the_mean, "final bias"),
    (only_positive, "output"),
]


@pytest.mark.parametrize("plant, check", FAULTS, ids=[f.__name__ for f, _ in FAULTS])
def test_planted_fault_is_named_first(plant, check, seed=0):
    hb.set_seed(seed)
    model, splits, *options = plant(digits(seed), seed)
    report = hb.preflight(model, splits, steps=50, seed=seed, **(options[0] if options else {}))
    assert report.failed[:1] == [check] and not report.ok, str(report)
    assert report.first.name == check and report.first.fix
    assert report.first.finding in report._repr_html_() or "&" in report._repr_html_()


def everything(model):
    """All that training would change, and the random states."""
    optimizer = values(model.optimizer.variables) if model.compiled else []
    return [*values(model.variables), *optimizer, np.random.get_state()[1], np.array(random.getstate()[1])]


def test_model_is_left_as_it_was_and_trains_on_to_the_same_weights():
    splits = digits()
    keras, ends = hb.core.load_keras(), []
    for checked in (False, True):
        hb.set_seed(0)
        model = hb.models.cnn(splits, filters=(8, 16), dropout=0.4)
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(splits.train.x[:512], splits.train.y[:512], verbose=0, shuffle=False)
        model.layers[3].trainable = False
        if checked:
            before, names = everything(model), [v.path for v in model.variables]
            step, optimizer = model.train_function, model.optimizer
            hb.preflight(model, splits, seed=7)
            assert all(np.array_equal(a, b) for a, b in zip(before, everything(model), strict=True))
            assert model.train_function is step and model.optimizer is optimizer and [v.path for v in model.variables] == names
            assert [layer.trainable for layer in model.layers].count(False) == 1
        noise = [float(keras.random.normal(())), np.random.normal(), random.random()]
        model.fit(splits.train.x[:512], splits.train.y[:512], verbose=0, shuffle=False)
        ends.append([*values(model.variables), noise])
    assert all(np.array_equal(a, b) for a, b in zip(*ends, strict=True))


def test_model_is_left_as_it_was_when_a_check_breaks(monkeypatch):
    splits = digits()
    model = mlp(splits, scaling=1 / 16)
    before = values(model.variables)

    def breaks(context):
        context.model.layers[-1].bias.assign(np.ones(10))
        raise RuntimeError("broken")

    monkeypatch.setattr(sys.modules["hackbook.checks.suite"], "CHECKS", (breaks,))
    with pytest.raises(RuntimeError, match="broken"):
        hb.preflight(model, splits)
    assert all(np.array_equal(a, b) for a, b in zip(before, values(model.variables), strict=True))


def test_takes_less_time_than_a_training():
    splits = digits()
    model = small_cnn(splits)
    began = time.perf_counter()
    hb.preflight(model, splits)
    checked = time.perf_counter()
    hb.fit(model, splits, epochs=30, to=None)
    trained = time.perf_counter()
    assert checked - began < 1.5 * (trained - checked)


def test_same_seed_same_report():
    splits = digits()
    hb.set_seed(0)
    model = mlp(splits, scaling=1 / 16)
    one, two = (hb.preflight(model, splits, seed=3).frame.set_index("check").measured for _ in range(2))
    numbers = [k for k in one.index if isinstance(one[k], (int, float))]
    assert len(numbers) == 15 and all(one[k] == pytest.approx(two[k], rel=0.05, abs=1e-3) for k in numbers)


def test_frozen_on_purpose_and_a_larger_model_of_ones_own():
    splits = digits()
    hb.set_seed(0)
    model, wide = small_cnn(splits), hb.models.cnn(splits, filters=(12, 24))
    model.layers[3].trainable = False
    assert hb.preflight(model, splits).failed == ["frozen layers"]
    report = hb.preflight(model, splits, frozen=[model.layers[3].name], larger=wide)
    assert report.ok and report["larger model"].status == "pass"


def test_augmented_and_imbalanced_and_trained_models():
    splits = digits()
    hb.set_seed(0)
    model = small_cnn(splits, augment=hb.augment(rotation=10))
    assert hb.preflight(model, splits).ok
    hb.fit(model, splits, epochs=2, to=None)
    report = hb.preflight(model, splits)
    assert report.ok and {"final bias", "loss at the start"} <= set(report.frame.check[report.frame.status == "skipped"])


@pytest.mark.parametrize("by", ["time", "group"])
def test_parts_that_differ_by_design_only_warn(by):
    rng, groups = np.random.default_rng(0), np.arange(900) // 90
    x = rng.normal(size=(900, 6)) + (rng.normal(0, 2, (10, 6))[groups] if by == "group" else np.linspace(0, 3, 900)[:, None])
    y = (rng.normal(size=900) + x[:, 0] > x[:, 0].mean()).astype(int)
    splits = hb.split(hb.Dataset(x.astype("float32"), y, times=np.arange(900), groups=groups), by=by)
    assert hb.preflight(mlp(splits), splits)["validation"].status == "warn"


def test_leaked_future(keras):
    layers, rng = keras.layers, np.random.default_rng(0)
    x = rng.normal(size=(6, 24, 2)).astype("float32")
    net = lambda *middle: keras.Sequential([keras.Input((24, 2)), *middle, layers.Dense(1)])
    past = [net(layers.Conv1D(4, 3, padding="causal"), layers.Conv1D(4, 3, dilation_rate=4, padding="causal")), net(layers.LSTM(6, return_sequences=True))]
    leaks = [net(layers.Conv1D(4, 3, padding="same")), net(layers.Bidirectional(layers.LSTM(6, return_sequences=True))), net(layers.LayerNormalization(axis=1))]
    assert [only_the_past(m, x).status for m in past] == ["pass"] * 2
    found = [only_the_past(m, x) for m in leaks]
    assert [c.status for c in found] == ["fail"] * 3 and [c.measured for c in found] == [1, 23, 23] and "causal" in found[0].fix


def test_future_leaked_through_attention(keras):
    layers, x = keras.layers, np.random.default_rng(0).integers(1, 20, (6, 12))
    for masked in (True, False):
        h = layers.Embedding(20, 8)(inputs := keras.Input((12,)))
        h = layers.MultiHeadAttention(2, 4)(h, h, use_causal_mask=masked)
        assert only_the_past(keras.Model(inputs, layers.Dense(20)(h)), x).status == ("pass" if masked else "fail")


def test_examples_of_a_batch_that_know_each_other_a_little(keras):
    """Batch statistics in prediction, or a little of one neighbor: found too, and BatchNormalization passes."""
    layers, ops, splits = keras.layers, keras.ops, digits()
    ways = {"centered": lambda x: x - ops.mean(x, axis=0), "neighbor": lambda x: x + 0.01 * ops.roll(x, 1, axis=0), "normalized": layers.BatchNormalization()}
    for name, way in ways.items():
        h = layers.Flatten()(layers.Rescaling(1 / 16)(inputs := keras.Input((8, 8))))
        h = way(h) if name == "normalized" else layers.Lambda(way, output_shape=(64,))(h)
        report = hb.preflight(keras.Model(inputs, layers.Dense(10, activation="softmax")(h)), splits)
        assert report["batch"].status == ("pass" if name == "normalized" else "fail"), name


def test_pictures_and_pages(keras):
    splits = digits()
    hb.set_seed(0)
    report = hb.preflight(mlp(splits, scaling=1 / 16), splits)
    drawn = {c.name for c in report.checks if c.plot() is not None}
    assert drawn >= {"input", "validation", "final bias", "loss at the start", "activations", "batch", "first steps", "gradients",
                     "overfit small batch", "labels", "zeroed input", "larger model"}
    assert all(c.plot().png().startswith(b"\x89PNG") for c in report.checks if c.name in drawn)
    from hackbook.checks.base import Check

    nasty = hb.Preflight([Check("<script>", "fail", 1.0, "<b>", "<img src=x onerror=alert(1)>", "&")])
    assert "<script" not in nasty._repr_html_() and "<img" not in nasty._repr_html_() and "<img" not in nasty.checks[0]._repr_html_()
    assert nasty.plot() is None and not nasty.ok and str(nasty).startswith("✗ <script>")


@pytest.mark.parametrize(
    "wrong, says",
    [
        ({"model": "cnn"}, "model must be a keras.Model, got 'cnn'"),
        ({"splits": [1, 2]}, "splits must be Splits"),
        ({"learning_rate": -1}, "learning_rate must be > 0, got -1; try 0.01"),
        ({"learning_rate": "find"}, "learning_rate must be > 0, got 'find'"),
        ({"batch_size": 0}, "batch_size must be a whole number, 1 or more"),
        ({"steps": 3}, "steps must be a whole number, 20 or more"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"frozen": ["nobody"]}, "frozen must be a list of names among"),
        ({"frozen": "name"}, "frozen must be a list of names among"),
        ({"larger": 3}, "larger must be a keras.Model"),
    ],
)
def test_bad_input(wrong, says):
    splits = digits()
    arguments = {"model": mlp(splits, scaling=1 / 16), "splits": splits, **wrong}
    with pytest.raises(hb.HackbookError) as caught:
        hb.preflight(**arguments)
    assert says in str(caught.value)


def test_models_that_do_not_fit(keras):
    splits, layers = digits(), keras.layers
    other = keras.Sequential([keras.Input((8, 9)), layers.Flatten(), layers.Dense(10, activation="softmax")])
    few = keras.Sequential([keras.Input((8, 8)), layers.Flatten(), layers.Dense(9, activation="softmax")])
    frozen = mlp(splits, scaling=1 / 16)
    frozen.trainable = False
    cases = [(other, "the model's input must be of shape"), (few, "the model's output must be of shape"),
             (keras.Sequential([layers.Dense(10)]), "start it with keras.Input"), (frozen, "a model with something to train")]
    for model, says in cases:
        with pytest.raises(hb.HackbookError, match=says):
            hb.preflight(model, splits)


def test_model_that_cannot_be_asked(keras):
    splits, inputs = digits(), keras.Input((8, 8))

    class Broken(keras.layers.Layer):
        def call(self, x):
            if not isinstance(x, keras.KerasTensor) and x.shape[0] is None and self.ready:
                raise ValueError("the third axis is missing")
            return x

    layer = Broken()
    layer.ready = False
    model = keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(keras.layers.Flatten()(layer(inputs))))
    layer.ready = True
    with pytest.raises(hb.HackbookError, match="cannot be trained on digits.*the third axis is missing"):
        hb.preflight(model, splits)
