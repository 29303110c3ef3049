"""What fit, find_lr, preflight, Live and tune cannot use is refused in one sentence, before the first step."""

import numpy as np
import pandas as pd
import pytest
from keras import Input, KerasTensor, Model, Sequential, layers, ops

import hackbook as hb
from hackbook.models import build_weights, check_activation, check_model, shapes
from hackbook.training import check_examples, check_splits

rng = np.random.default_rng(0)
X = rng.normal(size=(300, 3)).astype("float32")
Y = (X[:, 0] > 0).astype(int)


def dense(outputs=2, activation="softmax", shape=(3,)):
    return Sequential([Input(shape), layers.Flatten(), layers.Dense(outputs, activation=activation)])


def changed(value, place, x=X, **more):
    x = np.array(x)
    x[place] = value
    return hb.Dataset(x, Y[: len(x)], **more)


class Own(Model):
    def __init__(self, outputs=10):
        super().__init__()
        self.flatten, self.dense = layers.Flatten(), layers.Dense(outputs, activation="softmax")

    def call(self, x):
        return self.dense(self.flatten(x))


class OnlyWeights(Model):
    def build(self, shape):
        self.w = self.add_weight(shape=(64, 10))

    def call(self, x):
        return ops.softmax(ops.reshape(ops.cast(x, "float32"), (-1, 64)) @ self.w)


TABLE = pd.DataFrame({"age": X[:, 0], "pet": ["cat", "dog"] * 150, "day": pd.date_range("2020-01-01", periods=300)})


@pytest.mark.parametrize(
    "data, says",
    [
        (changed(np.nan, (slice(None, None, 3), 1)), "part.x must be finite, got 100 NaN in column 1, in 300 examples"),
        (changed(np.inf, (slice(5, 7), 2)), "2 infinite (or above 3.4e38) in column 2"),
        (changed(np.nan, (3, 1), features=["age", "width", "height"]), "1 NaN in column 'width'"),
        (changed(1e39, (3, 0), X.astype("float64")), "1 infinite (or above 3.4e38) in column 0"),
        (changed(np.nan, (3, 1), X.astype("float16")), "1 NaN in column 1"),
        (changed(-np.inf, (9, 4, 2), rng.normal(size=(50, 8, 5))), "1 infinite (or above 3.4e38), in 50 examples"),
        (changed(np.nan, (7, 3, 3, 0), rng.normal(size=(50, 8, 8, 1))), "1 NaN, in 50 examples; leave those examples out"),
        (hb.Dataset(TABLE[["age", "pet"]], Y), "words or dates in column 'pet' ('cat', 'dog', …)"),
        (hb.Dataset(TABLE, Y), "in column 'pet', column 'day'"),
        (hb.Dataset(TABLE[["age"]].assign(w=np.where(np.arange(300) < 4, np.nan, 1)), Y), "4 NaN in column 'w'"),
        (hb.Dataset(X, X[:, 0].astype(float) * 1e300, task="regression"), "part.y must be finite, got"),
    ],
)
def test_numbers_that_cannot_be_trained_on(data, says):
    with pytest.raises(hb.HackbookError) as caught:
        check_examples(data, "part")
    assert says in str(caught.value)


def test_the_way_out_runs_as_printed():
    """The line in the error fills the missing numbers and encodes the words."""
    for data in (changed(np.nan, (slice(None, None, 3), 1)), hb.Dataset(TABLE, Y)):
        splits = hb.split(data)
        with pytest.raises(hb.HackbookError) as caught:
            check_splits(splits)
        line = str(caught.value).split("; ")[1].split(")) ")[0] + "))"
        names = {"hb": hb, "splits": splits}
        exec(line, names)
        check_splits(names["splits"])


def test_what_looks_odd_and_is_fine():
    for x in (X > 0, X.astype(">f4"), (X * 9).astype("int64"), X.astype("longdouble"), X[:, 0], TABLE[["age"]]):
        check_examples(hb.Dataset(x, Y))


def test_validation_is_looked_at_as_well():
    splits = hb.split(hb.Dataset(X, Y))
    splits.validation.x = splits.validation.x.copy()
    splits.validation.x[2, 0] = np.nan
    model = dense()
    for call in (hb.fit, hb.find_lr, hb.preflight, hb.live.Session):
        with pytest.raises(hb.HackbookError, match="splits.validation.x must be finite, got 1 NaN in column 0"):
            call(model, splits)


def test_regression_with_a_nan_in_y():
    splits = hb.split(hb.Dataset(X, X[:, 0], task="regression"))
    splits.train.y[3] = np.nan
    with pytest.raises(hb.HackbookError, match="splits.train.y must be finite, got 1 NaN"):
        hb.fit(dense(1, None), splits, to=None)


@pytest.mark.parametrize("wrong", [hb.Dataset(X, Y), (X, Y), X, None, "digits", dense()], ids=str)
def test_splits_are_asked_for(wrong):
    model = dense()
    for call in (hb.fit, hb.find_lr, hb.preflight, hb.live.Session, lambda model, splits: hb.tune(dense, splits, {"dropout": (0.0, 0.5)})):
        with pytest.raises(hb.HackbookError, match="splits must be Splits, got"):
            call(model, wrong)


@pytest.fixture(scope="module")
def digits():
    return hb.data.digits()


def two_inputs():
    a, b = Input((8, 8)), Input((8, 8))
    return Model([a, b], layers.Dense(10)(layers.Flatten()(layers.Concatenate()([a, b]))))


def two_outputs():
    a = Input((8, 8))
    return Model(a, [layers.Dense(10)(layers.Flatten()(a)), layers.Dense(1)(layers.Flatten()(a))])


@pytest.mark.parametrize(
    "make, says",
    [
        (lambda: hb.models.cnn, "got 'cnn, which builds one'; call it"),
        (lambda: Own, "got 'Own, which builds one'; call it"),
        (lambda: layers.Dense(2), "put layers together"),
        (lambda: "cnn", "the model comes first, then the splits"),
        (lambda: Sequential(), "start it with keras.Input((8, 8))"),
        (lambda: Sequential([layers.Conv2D(4, 3), layers.Flatten()]), "must take examples of shape (8, 8), but cannot"),
        (lambda: dense(10, shape=(9, 9)), "of shape (8, 8), as the examples are, got (9, 9); start it with keras.Input((8, 8))"),
        (lambda: dense(10, shape=(8, 8, 1)), "keras.Input((8, 8)) and keras.layers.Reshape((8, 8, 1))"),
        (lambda: dense(1, "sigmoid", (8, 8)), "got (1,); end it with keras.layers.Dense(10, activation='softmax')"),
        (lambda: Sequential([Input((8, 8)), layers.Dense(10)]), "one output per class, got (8, 10)"),
        (lambda: Own(3), "one output per class, got (3,)"),
        (two_inputs, "one with one input, got '2 inputs'"),
        (two_outputs, "one with one output, got '2 outputs'"),
        (lambda: Sequential([Input((), dtype="string"), layers.TextVectorization(vocabulary=["a"])]), "texts, as the model takes them"),
    ],
)
def test_models_that_do_not_fit(digits, make, says):
    with pytest.raises(hb.HackbookError) as caught:
        check_model(make(), digits)
    assert says in str(caught.value)


@pytest.mark.parametrize("make", [Own, OnlyWeights, lambda: Sequential([layers.Flatten(), layers.Dense(10, "softmax")])])
def test_a_model_without_an_input_is_built_and_trained(digits, make):
    splits, model = hb.split(digits.take(np.arange(200))), make()
    run = hb.fit(model, splits, epochs=1, to=None)
    assert run.record["status"] == "finished" and shapes(model, digits) == ((8, 8), (10,))
    assert abs(hb.evaluate(run, splits.validation).accuracy - run.history.val_accuracy[0]) < 1e-6


def test_a_table_of_numbers_is_trained_on():
    splits = hb.split(hb.Dataset(pd.DataFrame({"a": X[:, 0], "b": X[:, 1] > 0, "c": np.arange(300) / 300}), Y))
    assert hb.fit(dense(), splits, epochs=1, to=None).record["status"] == "finished"


@pytest.mark.parametrize(
    "activation, task, fits",
    [("softmax", "classification", True), (None, "classification", False), ("relu", "classification", False), ("sigmoid", "classification", False)]
    + [(None, "regression", True), ("softmax", "regression", False), ("sigmoid", "regression", False), ("relu", "regression", False)],
)
def test_last_activation(activation, task, fits):
    data = hb.Dataset(X, Y if task == "classification" else X[:, 0] * 5, task=task)
    model = dense(2 if task == "classification" else 1, activation)
    if fits:
        return check_activation(model, data)
    with pytest.raises(hb.HackbookError, match="the activation of dense.* must be"):
        check_activation(model, data)
    with pytest.raises(hb.HackbookError, match="the activation of dense"):
        hb.fit(model, hb.split(data), to=None)


def test_a_linear_activation_after_a_softmax_only_changes_the_dtype():
    model = Sequential([Input((3,)), layers.Dense(2, activation="softmax"), layers.Activation("linear", dtype="float32")])
    check_activation(model, hb.Dataset(X, Y))


def test_scores_are_fine_with_a_loss_that_takes_them():
    from keras.losses import SparseCategoricalCrossentropy

    run = hb.fit(dense(2, None), hb.split(hb.Dataset(X, Y)), epochs=1, to=None, loss=SparseCategoricalCrossentropy(from_logits=True))
    assert run.record["status"] == "finished"


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "function", "object", "compiled"])
def test_a_forgotten_softmax_is_refused_with_a_loss_of_ones_own_too(loss):
    from keras import losses

    model, given = dense(2, None), {"function": losses.sparse_categorical_crossentropy, "object": losses.SparseCategoricalCrossentropy()}.get(loss, loss)
    if loss == "compiled":
        model.compile("adam", "sparse_categorical_crossentropy")
    options = {"compiled": True} if loss == "compiled" else {"loss": given}
    with pytest.raises(hb.HackbookError, match="expects probabilities.*softmax.*from_logits=True"):
        hb.fit(model, hb.split(hb.Dataset(X, Y)), epochs=1, to=None, **options)
    run = hb.fit(dense(2, "softmax"), hb.split(hb.Dataset(X, Y)), epochs=1, to=None, loss="sparse_categorical_crossentropy")
    assert run.record["status"] == "finished"


def test_building_is_not_training(digits):
    model = Sequential([layers.Flatten(), layers.Dense(10)])
    build_weights(model, digits)
    assert not getattr(model, "compiled", False) and model(KerasTensor((None, 8, 8))).shape == (None, 10)


def test_a_layer_of_words_that_was_not_adapted_is_refused():
    texts = np.array(["good card", "bad moon", "good moon", "bad card"] * 20, object) + np.array([f" {i}" for i in range(80)], object)
    splits = hb.split(hb.Dataset(texts, [1, 0, 1, 0] * 20))
    words = layers.TextVectorization(50, output_sequence_length=3)
    model = Sequential([Input((), dtype="string"), words, layers.Embedding(50, 4), layers.GlobalAveragePooling1D(), layers.Dense(2, "softmax")])
    for call in (hb.fit, hb.preflight, hb.find_lr):
        with pytest.raises(hb.HackbookError, match=r"text_vectorization.*call layer.adapt\(splits.train.x\) first"):
            call(model, splits)
    words.adapt(splits.train.x)
    check_model(model, splits.train)
