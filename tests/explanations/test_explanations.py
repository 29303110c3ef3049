"""Explanations: values computed in another way, two tests that tell good maps from bad ones, and bad input that meets a HackbookError."""

import gc
import sys
from dataclasses import replace

import keras
import numpy as np
import pytest
from conftest import call
from hypothesis import given
from hypothesis import strategies as st
from keras import Input, Sequential, layers

import hackbook as hb
from hackbook.explanations import class_scores

MARKUP = ["<b>no</b>", "$yes$"]


@pytest.fixture(scope="module")
def splits():
    return hb.split(hb.data.digits().take(np.arange(700)))


@pytest.fixture(scope="module")
def run(splits):
    hb.set_seed(0)
    return hb.fit(hb.models.cnn(splits, filters=(8,)), splits, 3)


def linear(columns=4, outputs=3, activation="softmax"):
    """A model of one layer, with weights that are known."""
    hb.set_seed(1)
    model = Sequential([Input((columns,)), layers.Dense(outputs, activation)])
    return model, model.get_weights()[0]


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return hb.Dataset(rng.normal(size=(40, 4)).astype("float32"), np.arange(40) % 3, ["a", *MARKUP], features=list("wxyz"))


@pytest.mark.parametrize("activation", ["softmax", None])
def test_integrated_gradients_and_occlusion_of_a_linear_model(rows, activation):
    model, weights = linear(activation=activation)
    mean = rows.x.mean(axis=0)
    for method, options, base in (("integrated-gradients", {}, 0), ("integrated-gradients", {"baseline": "mean"}, mean), ("occlusion", {}, mean)):
        found = hb.explain(model, rows, range(6), method, **options)
        np.testing.assert_allclose(found.attributions, (rows.x[:6] - base) * weights.T[found.explained], atol=1e-4)


def test_a_probability_without_logits_is_explained_by_its_logarithm(rows):
    model = Sequential([Input((4,)), layers.Dense(3, "softmax"), layers.Lambda(lambda p: p * 1.0)])
    model.build()
    scores = class_scores.class_scores(model, rows.x, rows.y)
    np.testing.assert_allclose(scores, np.log(model.predict(rows.x, verbose=0))[np.arange(40), rows.y], atol=1e-5)


def test_what_explain_returns_can_be_checked():
    """In a fresh process: the method of another module is there as soon as the function is."""
    code = "import hackbook as hb; hb.explain; import sys; print(hasattr(sys.modules['hackbook.explanations.explanation'].Explanation, 'check'))"
    assert call(sys.executable, "-c", code).stdout.strip() == "True"


def test_regression_is_explained_by_its_number(rows):
    numbers = hb.Dataset(rows.x, rows.x[:, 0], task="regression", features=list("wxyz"))
    model, weights = linear(outputs=1, activation=None)
    found = hb.explain(model, numbers)
    np.testing.assert_allclose(found.attributions, numbers.x[found.rows] * weights[:, 0], atol=1e-5)
    assert list(found.rows) == list(hb.evaluate(model, numbers).frame.index[:16])
    check = found.check(draws=2)
    assert "prediction" in str(check) and check.plot().axes and found.plot(2).axes and len(found.frame) == 16
    with pytest.raises(hb.HackbookError, match="None, for regression"):
        hb.explain(model, numbers, target="a")


def test_grad_cam_is_what_its_paper_says(splits, run):
    """Written a second way: with a model that gives the activations, and the weights of the last layer as the gradient."""
    x, y = splits.validation.x[:5], splits.validation.y[:5]
    relu = run.model.get_layer(hb.explanations.last_spatial_layer(run.model))
    activations = keras.Model(run.model.inputs, relu.output).predict(x, verbose=0)
    kernel = run.model.layers[-1].get_weights()[0].T[y].reshape(activations.shape)
    pooled = hb.explanations.activation_map(run.model, x, y)
    np.testing.assert_allclose(pooled, np.maximum((activations * kernel.mean(axis=(1, 2), keepdims=True)).sum(axis=-1), 0), atol=1e-4)
    placed = hb.explanations.activation_map(run.model, x, y, pooled=False)
    np.testing.assert_allclose(placed, np.maximum((activations * kernel).sum(axis=-1), 0), atol=1e-4)


def test_a_layer_inside_a_nested_model_is_found(splits):
    inner = Sequential([Input((8, 8, 1)), layers.Conv2D(3, 3, activation="relu", name="deep"), layers.GlobalAveragePooling2D()], name="inner")
    model = Sequential([Input((8, 8)), layers.Reshape((8, 8, 1)), inner, layers.Dense(10, "softmax")])
    assert hb.explanations.last_spatial_layer(model) == "deep"
    found = hb.explain(model, splits.validation, [0, 1], "grad-cam")
    assert found.attributions.shape == (2, 8, 8)
    np.testing.assert_array_equal(hb.explain(model, splits.validation, [0, 1], "grad-cam", layer="deep").attributions, found.attributions)


def test_images_with_colors_and_one_example():
    rng = np.random.default_rng(0)
    data = hb.Dataset(rng.integers(0, 255, (6, 12, 10, 3)).astype("uint8"), [0, 1] * 3, MARKUP)
    model = Sequential([Input((12, 10, 3), dtype="uint8"), layers.Rescaling(1 / 255), layers.Conv2D(4, 3, activation="relu"),
                        layers.GlobalAveragePooling2D(), layers.Dense(2, "softmax")])
    for method in hb.explanations.METHODS:
        one = hb.explain(model, data, [-1], method)
        assert one.attributions.shape == (1, 12, 10) and list(one.rows) == [5]
        assert one.plot().axes and "<b>no" not in one._repr_html_()
    check = one.check(draws=1)
    assert "not decided" in str(check) and not check.passed["deletion"] and len(check.frame) == 1


def test_the_model_stays_as_it_was(splits, run):
    hb.evaluate(run, splits.validation)
    before, names = run.model.get_weights(), set(vars(run.model))
    found = hb.explain(run, splits.validation, [0, 1, 2], "grad-cam")
    found.check(draws=1)
    assert set(vars(run.model)) == names and all("call" not in vars(layer) for layer in run.model.layers)
    for a, b in zip(before, run.model.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_functions_are_kept_and_forgotten_with_their_model(splits):
    model = hb.models.cnn(splits, filters=(4,))
    hb.explain(model, splits.validation, [0], "grad-cam")
    kept = dict(class_scores._FUNCTIONS[model])
    hb.explain(model, splits.validation, [0], "grad-cam")
    assert kept == class_scores._FUNCTIONS[model]
    count = len(class_scores._FUNCTIONS)
    del model, kept
    gc.collect()
    assert len(class_scores._FUNCTIONS) < count


def test_the_checks_tell_good_from_bad(splits, run):
    good = hb.explain(run, splits.validation)
    assert good.check().passed == {"randomization": True, "deletion": True}
    upside_down = replace(good, attributions=-good.attributions).check()
    assert not upside_down.passed["deletion"] and upside_down.gains.mean() < 0 and "Failed" in upside_down.plot().alt
    empty = replace(good, attributions=0 * good.attributions).check(draws=2)
    assert not any(empty.passed.values()) and "16 of 16 explanations are empty" in str(empty) and "nothing is marked" in " ".join(empty.explanation.captions)
    assert good.check(draws=2, seed=3).interval == good.check(draws=2, seed=3).interval


def test_a_map_that_does_not_depend_on_the_weights_fails(splits, run, monkeypatch):
    found = hb.explain(run, splits.validation, [0, 1, 2, 3])
    edges = np.asarray(found.data.x, float)
    picture = replace(found, attributions=edges)
    monkeypatch.setattr("hackbook.explanations.explanation_checks.attribute", lambda *args, **kwargs: edges)
    check = picture.check(draws=1)
    assert check.similarity == pytest.approx(1) and not check.passed["randomization"] and "hardly change" in str(check)


def test_groups_of_one_and_of_all(splits, run):
    found = hb.explain(run, splits.validation, range(6))
    alone = replace(found, data=replace(found.data, groups=np.arange(6))).check(draws=2)
    assert np.isfinite(alone.interval).all()
    together = replace(found, data=replace(found.data, groups=np.zeros(6))).check(draws=2)
    assert np.isnan(together.interval).all() and "not decided" in str(together)


@pytest.fixture(scope="module")
def reader():
    read = layers.TextVectorization(output_mode="multi_hot", vocabulary=["good", "bad", "film"])
    model = Sequential([Input((), dtype="string"), read, layers.Dense(2, "softmax")])
    model.set_weights([np.array([[0, 0], [-1, 2], [1, -2], [0, 0.0]]), np.zeros(2)])
    return model


def test_texts(reader):
    data = hb.Dataset(["a good <b>film</b>", "bad", "", "so bad and so long"], [1, 0, 1, 0], MARKUP)
    found = hb.explain(reader, data, range(4))
    assert found.method == "occlusion" and [len(a) for a in found.attributions] == [3, 1, 0, 5]
    assert list(found.frame.most) == ["good", "bad", "", "bad"]
    assert "&lt;b&gt;film" in found._repr_html_() and found.plot().axes
    assert found.check(draws=2).frame.shape == (4, 3)
    with pytest.raises(hb.HackbookError, match="one for text examples: occlusion"):
        hb.explain(reader, data, method="grad-cam")


def test_series():
    rng = np.random.default_rng(0)
    data = hb.Dataset(rng.normal(size=(8, 60, 2)).astype("float32"), [0, 1] * 4)
    model = Sequential([Input((60, 2)), layers.Conv1D(3, 5, activation="tanh"), layers.GlobalAveragePooling1D(), layers.Dense(2, "softmax")])
    for method in ("integrated-gradients", "occlusion"):
        found = hb.explain(model, data, [1, 2, 3], method)
        assert found.attributions.shape == (3, 60) and found.form == "line" and found.plot().axes
    assert len(found.check(draws=1).frame) == 3


def test_looks_at_the_test_set_are_counted(splits, run):
    run.record.pop("openings", None)
    for call in (hb.explain, hb.embedding_map):
        with pytest.raises(hb.HackbookError, match="reason"):
            call(run, splits.test)
    with pytest.raises(hb.HackbookError, match="indices"):
        hb.explain(run, splits.test, [10**9], reason="typo")
    assert not run.record.get("openings")
    hb.explain(run, splits.test, [0], reason="one look")
    with pytest.warns(UserWarning):
        hb.embedding_map(run, splits.test, reason="another")
    assert len(run.record["openings"]) == 2


bad = st.none() | st.integers() | st.floats() | st.text(max_size=3) | st.lists(st.integers(-3, 3), max_size=3) | st.booleans()


@given(indices=bad, method=bad, target=bad, patch=bad)
def test_whatever_is_asked(rows, indices, method, target, patch):
    model, _ = linear()
    options = {} if patch is None else {"patch": patch}
    try:
        found = hb.explain(model, rows, indices, method, target=target, **options)
    except hb.HackbookError:
        return
    assert 1 <= len(found) <= 16 and found.frame.shape[0] == len(found)


@pytest.mark.parametrize("arguments, says", [
    ({"run": None}, "built keras.Model"), ({"data": [1, 2]}, "a Dataset"), ({"indices": []}, "indices"), ({"indices": range(17)}, "1 to 16 rows"),
    ({"indices": np.zeros(40, bool)}, "indices"), ({"method": "lime"}, "one of grad-cam"), ({"method": "grad-cam"}, "one for table examples"),
    ({"target": "d"}, "a class name"), ({"steps": 0}, "steps"), ({"stepps": 4}, "one of baseline, steps, tolerance"), ({"baseline": "white"}, "baseline")])
def test_bad_input(rows, arguments, says):
    with pytest.raises(hb.HackbookError, match=says):
        hb.explain(**{"run": linear()[0], "data": rows} | arguments)


def test_nan_and_another_number_of_classes(rows):
    model, _ = linear()
    with pytest.raises(hb.HackbookError, match="finite"):
        hb.explain(model, replace(rows, x=np.where(rows.x > 1, np.nan, rows.x)))
    with pytest.raises(hb.HackbookError, match="output"):
        hb.explain(linear(outputs=4)[0], rows)
    absent = hb.explain(model, rows.take(np.flatnonzero(rows.y == 0)), target=MARKUP[1])
    assert set(absent.frame.explained) == {MARKUP[1]} and absent.plot(2).png() and "<b>no" not in absent._repr_html_()


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_embedding_map(splits, run, method):
    found = hb.embedding_map(run, splits.validation, method, max_examples=40)
    again = hb.embedding_map(run, splits.validation, method, max_examples=40)
    np.testing.assert_allclose(found.positions, again.positions)
    assert found.frame.shape == (40, 6) and found.plot().axes and found._repr_html_().count("data:image/png") == 40
    features = hb.explanations.activations(run.model, splits.validation.take(found.rows))
    kernel, bias = run.model.layers[-1].get_weights()
    assert (np.argmax(features @ kernel + bias, axis=1) == found.predicted.argmax(axis=1)).all()


def test_embedding_maps_of_rows_and_numbers(rows):
    model, _ = linear()
    found = hb.embedding_map(model, rows)
    np.testing.assert_allclose(np.abs(found.positions.std(axis=0)).max(), np.abs(np.linalg.svd(rows.x - rows.x.mean(axis=0))[1][0] / 40**0.5), rtol=1e-4)
    assert "&lt;b&gt;no" in found._repr_html_() and "<b>no" not in found._repr_html_() and found.plot().png()
    single = hb.embedding_map(linear(outputs=1, activation=None)[0], hb.Dataset(rows.x, rows.x[:, 0], task="regression"))
    assert "right" not in single.frame and single.plot().axes and single._repr_html_()


def test_filters(splits, run):
    fig = hb.explanations.first_layer_filters(run, 3)
    assert len(fig.axes) == 3 and fig.alt.startswith("3 of 8 kernels")
    for wrong, says in ((None, "a Run, or a keras.Model"), (linear()[0], "a Conv2D layer")):
        with pytest.raises(hb.HackbookError, match=says):
            hb.explanations.first_layer_filters(wrong)


WRONG = [
    {"method": "occlusion", "patch": 0},
    {"method": "occlusion", "patch": 99},
    {"method": "occlusion", "stride": "a"},
    {"method": "integrated-gradients", "baseline": "white"},
    {"method": "integrated-gradients", "baseline": np.zeros((8, 8))},
    {"method": "integrated-gradients", "steps": 1},
    {"method": "integrated-gradients", "tolerance": "a"},
    {"method": "integrated-gradients", "tolerance": 0},
    {"method": "grad-cam", "layer": "unknown"},
    {"method": "grad-cam", "layer": ["flatten"]},
    {"method": "grad-cam", "layer": "image"},
    {"method": "grad-cam", "layer": "scale"},
    {"method": "hires-cam", "layer": "flatten"},
    {"method": "hires-cam", "layer": "probability"},
]


@pytest.mark.parametrize("options", WRONG, ids=lambda o: f"{o['method']} {list(o)[1]}")
def test_wrong_options_open_no_seal(run, splits, options):
    test = hb.data.Sealed(splits.test.data)
    with pytest.raises(hb.InvalidValue):
        hb.explain(run, test, reason="a look", **options)
    assert not test.openings


@pytest.mark.parametrize("options", [{"seed": "a"}, {"seed": -1}, {"layer": "image"}, {"layer": ""}])
def test_a_map_with_wrong_options_opens_no_seal(run, splits, options):
    test = hb.data.Sealed(splits.test.data)
    with pytest.raises(hb.InvalidValue):
        hb.embedding_map(run, test, reason="a look", **options)
    assert not test.openings


def test_a_flat_network_has_no_map_and_opens_no_seal(splits):
    model = Sequential([Input((8, 8)), layers.Flatten(), layers.Dense(10, "softmax")])
    test = hb.data.Sealed(splits.test.data)
    with pytest.raises(hb.InvalidValue, match="occlusion"):
        hb.explain(model, test, method="grad-cam", reason="a look")
    assert not test.openings


def test_the_interval_of_a_check_draws_blocks_of_time(run, splits):
    data = splits.validation
    check = hb.explain(run, data, range(16)).check(draws=1)
    found = check.interval
    check.explanation.data = replace(check.explanation.data, times=np.arange(16))
    assert check.interval != found
