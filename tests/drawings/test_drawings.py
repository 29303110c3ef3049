"""A drawing of a network shows each of its parameters once, and no text of it is cut or covered."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

import hackbook as hb
from hackbook.drawings import blocks_of, draw_architecture, draw_way


def images(name):
    import keras

    if name == "cnn":
        return hb.models.cnn(hb.split(hb.data.digits().take(np.arange(200))), filters=(8, 16), dropout=0.3)
    return keras.applications.MobileNetV2(weights=None, input_shape=(96, 96, 3), classes=5)


def dense(units, deep=1, **options):
    from keras import Input, Sequential, layers

    return Sequential([Input((6,)), *(layers.Dense(units, "relu") for _ in range(deep)), layers.Dense(2, "softmax")], **options)


def two_inputs():
    from keras import Input, Model, layers

    person, item = Input((1,), name="person"), Input((1,), name="<b>item< b> with a name of " + "many " * 30 + "words")
    sides = [layers.Flatten()(layers.Embedding(50, 4)(side)) for side in (person, item)]
    return Model([person, item], layers.Dense(1)(layers.Concatenate()(sides)))


def residual():
    from keras import Input, Model, layers

    x = start = Input((16, 16, 3))
    x = layers.Conv2D(8, 3, padding="same")(x)
    for _ in range(2):
        x = layers.Add()([x, layers.Conv2D(8, 3, padding="same", activation="relu")(x)])
    return Model(start, layers.Dense(3, "softmax")(layers.GlobalAveragePooling2D()(x)))


def recurrent():
    from keras import Input, Sequential, layers

    return Sequential([Input((30, 4)), layers.Bidirectional(layers.GRU(8)), layers.Dense(1)])


def autoencoder():
    from keras import Model, layers

    encoder = dense(3)
    return Model(encoder.inputs, layers.Dense(6)(encoder.outputs[0]))


MODELS = {
    "cnn": lambda: images("cnn"), "backbone": lambda: images("backbone"), "dense": lambda: dense(4), "deep": lambda: dense(4, deep=60),
    "two inputs": two_inputs, "residual": residual, "recurrent": recurrent, "autoencoder": autoencoder,
    "hostile name": lambda: dense(4, name="<script>alert(1)< script> $x$ " + "long " * 60)}


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return MODELS[request.param]()


def texts(figure):
    """Each text and where it stands, in pixels."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    return {t: t.get_window_extent(renderer) for ax in figure.axes for t in ax.texts if t.get_text().strip()}


def test_every_parameter_is_drawn_once(model):
    blocks = blocks_of(model)
    assert sum(b.parameters for b in blocks) == model.count_params()
    weighted = [id(layer) for block in blocks for layer in block.layers if layer.weights]
    assert len(weighted) == len(set(weighted))


def test_no_text_is_cut_or_covers_another(model):
    figure = draw_architecture(model)
    places = texts(figure)
    width, height = figure.canvas.get_width_height()
    for text, place in places.items():
        assert place.x0 >= 0 and place.y0 >= 0 and place.x1 <= width and place.y1 <= height, text.get_text()
    for (a, here), (b, there) in combinations(places.items(), 2):
        apart = here.x1 <= there.x0 + 1 or there.x1 <= here.x0 + 1 or here.y1 <= there.y0 + 2 or there.y1 <= here.y0 + 2
        assert apart, (a.get_text(), b.get_text())


def test_the_words_say_what_is_drawn(model):
    assert f"{model.count_params():,} parameters" in draw_architecture(model).alt


def test_only_built_models_are_drawn():
    from keras import Sequential, layers

    for wrong in (Sequential([layers.Dense(3)]), "a model", None):
        with pytest.raises(hb.InvalidValue):
            draw_architecture(wrong)


def test_the_way_has_the_figures_of_the_record():
    data = hb.data.digits().take(np.arange(300))
    splits = hb.split(hb.Dataset(data.x, data.y, data.class_names, name="$a$ <b>long</b> " + "name " * 80))
    hb.set_seed(0)
    run = hb.fit(hb.models.cnn(splits, filters=(4,)), splits, epochs=1, to=None)
    result = hb.evaluate(run, splits.test, reason="a test")
    figure = draw_way(run, result)
    told = figure.alt
    parts = [run.record["data"][part]["examples"] for part in ("train", "validation", "test")]
    assert f"{sum(parts):,} examples" in told and f"{parts[0]:,} to train" in told and "1 epoch " in told
    assert result.data.task.show(result.score) in told and "test set opened once" in told
    places = texts(figure)
    width, _ = figure.canvas.get_width_height()
    assert all(0 <= place.x0 and place.x1 <= width for place in places.values())
