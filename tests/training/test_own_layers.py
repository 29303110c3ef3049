"""Layers, models and functions of one's own: resume with the model in hand, load_run with model= or custom_objects=."""

import numpy as np
import pytest
from keras import Input, Model, Sequential, layers, losses, ops

import hackbook as hb


@pytest.fixture(scope="module")
def splits():
    return hb.split(hb.data.digits().take(np.arange(200)))


class Scale(layers.Layer):
    def __init__(self, by=2.0, **more):
        super().__init__(**more)
        self.by = by

    def call(self, x):
        return x * self.by


class Apply(layers.Layer):
    """Its argument is a function, which Keras cannot write down."""

    def __init__(self, function, **more):
        super().__init__(**more)
        self.function = function

    def call(self, x):
        return self.function(x)


class Own(Model):
    def __init__(self, **more):
        super().__init__(**more)
        self.flatten, self.dense = layers.Flatten(), layers.Dense(10, activation="softmax")

    def call(self, x):
        return self.dense(self.flatten(x))


def double(x):
    return x * 2


def net(*inside):
    hb.set_seed(0)
    return Sequential([Input((8, 8)), layers.Flatten(), *inside, layers.Dense(10, activation="softmax")])


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a.get_weights(), b.get_weights(), strict=True))


MODELS = {
    "own layer": (lambda: net(Scale(3.0)), {"Scale": Scale}, "with Scale, whose code is not in the file"),
    "nested": (lambda: net(Sequential([Scale(3.0), layers.Dropout(0.1)])), {"Scale": Scale}, "with Scale"),
    "unbuilt": (lambda: Sequential([layers.Flatten(), Scale(), layers.Dense(10, activation="softmax")]), {"Scale": Scale}, "with Scale"),
    "activation": (lambda: net(layers.Dense(8, activation=double)), {"double": double}, "custom_objects={'double': double}"),
    "class": (Own, {"Own": Own}, "custom_objects={'Own': Own}"),
    "lambda": (lambda: net(layers.Lambda(lambda x: x * 2)), None, "with Lambda, whose code is not in the file: hb.load_run("),
    "function": (lambda: net(Apply(lambda x: x * 2)), None, "holds the weights alone"),
}


@pytest.mark.parametrize("name", MODELS)
def test_models_with_code_of_ones_own(splits, tmp_path, name):
    make, objects, says = MODELS[name]
    model = make()
    run = hb.fit(model, splits, epochs=1, to=tmp_path)
    with pytest.raises(hb.HackbookError, match="model=model") as caught:
        hb.load_run(run.folder)
    assert says in str(caught.value) and (objects is None) != ("custom_objects=" in str(caught.value))
    if objects:
        assert same(hb.load_run(run.folder, custom_objects=objects).model, run.model)
    other = make()
    hb.models.build_weights(other, splits.train)
    assert same(hb.load_run(run.folder, model=other).model, run.model)
    for given in (model, make()):  # the model in hand, or built once more in the same session
        resumed = hb.fit(given, splits, epochs=1, to=tmp_path, resume=True)
        assert resumed.model is given and resumed.folder == run.folder and same(given, other)
    longer = hb.fit(make(), splits, epochs=2, to=tmp_path, resume=True)
    assert longer.record["continues"]["run"] == run.folder.name and len(longer.history) == 2


def test_another_model_is_refused(splits, tmp_path):
    run = hb.fit(net(Scale()), splits, epochs=1, to=tmp_path)
    wrong = hb.models.cnn(splits)
    before = wrong.get_weights()
    with pytest.raises(hb.HackbookError, match="built as it was in .*, with 650 parameters, got"):
        hb.load_run(run.folder, model=wrong)
    assert all((a == b).all() for a, b in zip(before, wrong.get_weights()))


def test_the_optimizer_of_the_model_in_hand_stays_as_it_is(splits, tmp_path):
    run = hb.fit(net(), splits, epochs=1, to=tmp_path)
    for optimizer in ("adam", "sgd"):
        model = net()
        model.compile(optimizer, "sparse_categorical_crossentropy")
        model.fit(splits.train.x[:8], splits.train.y[:8], verbose=0)
        before = [np.array(ops.convert_to_numpy(v)) for v in model.optimizer.variables]
        assert same(hb.load_run(run.folder, model=model).model, run.model)
        assert all((a == ops.convert_to_numpy(b)).all() for a, b in zip(before, model.optimizer.variables, strict=True))


def test_loss_and_metric_of_ones_own(splits, tmp_path):
    def my_loss(y, p):
        return losses.sparse_categorical_crossentropy(y, p)

    def my_metric(y, p):
        return ops.mean(p)

    run = hb.fit(net(), splits, epochs=1, to=tmp_path, loss=my_loss, metrics=[my_metric])
    assert same(hb.load_run(run.folder).model, run.model)
    again = hb.fit(net(), splits, epochs=1, to=tmp_path, loss=my_loss, metrics=[my_metric], resume=True)
    assert again.folder == run.folder and same(again.model, run.model)
