"""Preflight: every planted fault is found and named first, a good set-up is left in peace, and the model as it was."""

import random
import time
from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

import hackbook as hb
from hackbook.checkpoint import values
from hackbook.network import only_the_past


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
    """Ten columns, and a number to predict, standardised."""
    bunch = load_diabetes(scaled=False)
    y = (bunch.target - bunch.target.mean()) / bunch.target.std()
    return hb.split(hb.Dataset(bunch.data.astype("float32"), y, predicts="numbers"), seed=seed)


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


GOOD = {
    "digits, cnn": (digits, lambda s: hb.models.cnn(s)),
    "digits, regularised": (digits, lambda s: hb.models.cnn(s, filters=(16, 32), dropout=0.4, l2=1e-4)),
    "digits, dense": (digits, lambda s: mlp(s, (64, 32), scaling=1 / 16)),
    "columns": (columns, lambda s: mlp(s)),
    "numbers": (numbers, lambda s: mlp(s)),
    "rare": (rare, lambda s: mlp(s, bias=np.log([0.9, 0.1]))),
    "texts": (texts, reader),
}


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", GOOD)
def test_good_set_up_is_left_in_peace(name, seed):
    make, build = GOOD[name]
    splits = make(seed)
    hb.set_seed(seed)
    report = hb.preflight(build(splits), splits, seed=seed)
    assert report.ok and report.first is None, str(report)
    assert (report.frame.status == "pass").sum() >= 12, str(report)


def shuffled(part, seed):
    return replace(part, y=np.random.default_rng(seed).permutation(part.y))


def shuffle_labels(splits, seed):
    return hb.models.cnn(splits), replace(splits, train=shuffled(splits.train, seed))


def shuffle_validation_labels(splits, seed):
    return mlp(splits, scaling=1 / 16), replace(splits, validation=shuffled(splits.validation, seed))


def shuffle_all_labels(splits, seed):
    parts = {k: shuffled(p, seed) for k, p in splits.parts.items()}
    return hb.models.cnn(splits), hb.Splits(**parts)


def softmax_twice(splits, seed):
    model, keras = hb.models.cnn(splits), hb.core.load_keras()
    return keras.Model(model.inputs, keras.layers.Softmax()(model.outputs[0])), splits


def thousandfold(splits, seed):
    large = lambda part: replace(part, x=part.x.astype("float32") * 1000)
    return mlp(splits, scaling=1.0), replace(splits, train=large(splits.train), validation=large(splits.validation))


def bytes_unscaled(splits, seed):
    large = lambda part: replace(part, x=(part.x.astype("uint16") * 255 // 16).astype("uint8"))
    splits = replace(splits, train=large(splits.train), validation=large(splits.validation))
    model, keras = hb.models.cnn(splits), hb.core.load_keras()
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
    model = hb.models.cnn(splits)
    model.layers[3].trainable = False
    return model, splits


def freeze_all_but_the_head(splits, seed):
    model = hb.models.cnn(splits)
    for layer in model.layers[:-1]:
        layer.trainable = False
    return model, splits


def too_fast(splits, seed):
    return hb.models.cnn(splits), splits, {"learning_rate": 10.0}


def inverted_validation(splits, seed):
    return hb.models.cnn(splits), replace(splits, validation=replace(splits.validation, x=16 - splits.validation.x))


def shifted_validation(splits, seed):
    return hb.models.cnn(splits), replace(splits, validation=replace(splits.validation, x=np.roll(splits.validation.x, 1, axis=2)))


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
    model = hb.models.cnn(splits)
    return model, replace(splits, train=blank(splits.train), validation=blank(splits.validation))


def input_lost(splits, seed):
    """A normalisation over the wrong axis: of a single value nothing is left."""
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
    report = hb.preflight(model, splits, seed=seed, **(options[0] if options else {}))
    assert report.failed[:1] == [check] and not report.ok, str(report)
    assert report.first.name == check and report.first.mend
    assert report.first.finding in report._repr_html_() or "&" in report._repr_html_()
