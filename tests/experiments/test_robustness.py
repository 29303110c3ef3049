"""Robustness is one table of scores that agree with evaluate, on the same examples, with one look at a sealed part."""

import json
from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest

import hackbook as hb
from hackbook.data import Sealed
from hackbook.experiments import DISTURBANCES, robustness


@pytest.fixture(scope="module")
def splits():
    return hb.split(hb.data.digits().take(np.arange(900)), validation=0.4, test=0.2)


@pytest.fixture(scope="module")
def run(splits):
    hb.set_seed(0)
    return hb.fit(hb.models.cnn(splits, filters=(8,)), splits, epochs=3, to=None)


@pytest.fixture(scope="module")
def found(run, splits):
    return robustness(run, splits.validation, max_examples=150)


def test_every_row_agrees_with_evaluate(run, splits):
    found = robustness(run, splits.validation, ["blur", "lighter"])
    for row in found.frame.itertuples():
        x = DISTURBANCES["image"][row.kind](found.data.x, row.strength, None) if row.strength else found.data.x
        result = hb.evaluate(run, replace(found.data, x=x))
        assert row.score == pytest.approx(result.accuracy) and (row.low, row.high) == pytest.approx(result.interval)
        usual = found.predicted[row.kind, 0.0].argmax(axis=1) == found.data.y
        assert row.lost == pytest.approx(usual.mean() - result.accuracy)
        assert row.lost_low <= row.lost + 1e-9 and row.lost <= row.lost_high + 1e-9
    assert sorted(map(tuple, found.data.x.reshape(len(found.data), -1))) == sorted(map(tuple, splits.validation.x.reshape(len(splits.validation), -1)))


def test_the_paired_interval_is_narrower_than_the_scores(found):
    table = found.frame[(found.frame.strength > 0) & (found.frame.lost.abs() < 0.1)]
    assert len(table) > 5 and ((table.lost_high - table.lost_low) <= (table.high - table.low) + 1e-9).mean() > 0.8


def test_classes_are_as_frequent_as_in_the_part(found, splits):
    assert len(found.data) == 150
    whole = np.bincount(splits.validation.y) / len(splits.validation)
    assert np.abs(np.bincount(found.data.y) / 150 - whole).max() < 0.01


def test_a_disturbance_without_effect_costs_nothing(splits):
    """A network that sees the mean of an image alone does not feel a rotation by half a turn."""
    mean = keras.Sequential([keras.Input((8, 8)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax", kernel_initializer="zeros")])
    found = robustness(mean, splits.validation, "rotation", {"rotation": [180]})
    assert found.frame.lost.tolist() == [0, 0] and not found.frame.evident.any()
    assert found.holds_until("rotation") == (180, None) and "no loss is evident" in found.sentences[0]
    assert found.plot().get_suptitle() == "No loss is evident"


def test_evident_from_the_strongest_on(found):
    made_up = replace(found, frame=found.frame.assign(evident=False))
    noise = made_up.frame.kind == "noise"
    made_up.frame.loc[noise, "evident"] = [False, True, False, True, False, True]
    assert made_up.holds_until("noise") == (0.3, 0.5)
    made_up.frame.loc[noise, "evident"] = [False, True, True, True, True, True]
    assert made_up.holds_until("noise") == (0, 0.05) and "at every strength, from 0.05 on" in made_up.sentences[0]


def test_few_changed_predictions_are_no_evidence(splits):
    """Four of ten examples wrong in place of none: the bootstrap alone would call it evident, McNemar's test does not."""
    from hackbook.experiments.degradation import _row, score_draws

    data = splits.validation.take(np.arange(10))
    right = np.eye(10)[data.y]
    wrong = right.copy()
    wrong[:4] = np.roll(wrong[:4], 1, axis=1)
    row = _row(data, right, score_draws(data, right), wrong, 0.95)
    assert row[3] == pytest.approx(0.4) and row[4] > 0 and not row[-1]


def test_one_look_at_the_test_set(run, splits, tmp_path):
    trained = hb.fit(hb.models.cnn(splits, filters=(4,)), splits, epochs=1, to=tmp_path)
    sealed = Sealed(splits.test.data)
    with pytest.raises(hb.InvalidValue, match="reason='the final score'"):
        robustness(trained, sealed, "noise")
    for wrong in ({"kinds": "fog"}, {"levels": {"noise": 0}}, {"max_examples": 0}, {"confidence": 2}, {"seed": -1}):
        with pytest.raises(hb.HackbookError):
            robustness(trained, sealed, reason="a look", **wrong)
    assert sealed.openings == []
    robustness(trained, sealed, ["noise", "shift"], reason="how robust is it?")
    assert len(sealed.openings) == 1
    record = json.loads((trained.folder / "run.json").read_text())
    assert [o["reason"] for o in record["openings"]] == ["how robust is it?"]


def test_groups_are_drawn_whole(run, splits):
    data = splits.validation
    alone = robustness(run, replace(data, groups=np.arange(len(data))), "noise", {"noise": 0.4}).frame.iloc[1]
    few = robustness(run, replace(data, groups=np.argsort(np.argsort(data.y, kind="stable")) // 60), "noise", {"noise": 0.4}).frame.iloc[1]
    assert alone.score == few.score and few.lost_high - few.lost_low != alone.lost_high - alone.lost_low
    one = robustness(run, replace(data, groups=np.zeros(len(data))), "noise").frame
    assert one[["low", "lost_low"]].isna().all(axis=None) and not one.evident.any()


def test_a_single_example(run, splits):
    found = robustness(run, splits.validation.take([0]))
    assert len(found.data) == 1 and not found.frame.evident.any() and len(found.show("noise", 0.5).axes) == 1
    assert found.plot() and found.sentences and found.panel().widget


@pytest.mark.parametrize("metric", ["f1_macro", "roc_auc"])
def test_other_metrics(run, splits, metric):
    task = hb.Problem("Which?", "classification", metric).defaults
    data = replace(splits.validation, task=task)
    found = robustness(run, data, "noise", {"noise": 0.5}, max_examples=100)
    assert found.frame.score[0] == pytest.approx(task.metric(found.data.y, found.predicted["noise", 0.0]))
    assert (found.frame.low <= found.frame.high).all() and metric in found.sentences[0]


def test_numbers_to_predict_and_a_unit():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 3)).astype("float32")
    data = hb.Dataset(pd.DataFrame(x, columns=["a", "b", "<b>"]), x @ [1.0, 2, 3], task=hb.Problem("How much?", "regression", unit="€").defaults)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.layers[0].set_weights([np.array([[1.0], [2], [3]]), np.zeros(1)])
    found = robustness(model, data)
    worst = found.frame.iloc[-1]
    assert list(found.disturbances) == ["replaced by mean", "noise"] and worst.score == pytest.approx(worst.lost, rel=1e-3) and worst.evident
    assert found.frame.score[0] < 1e-3 and " €" in found.sentences[0] and found.baseline == pytest.approx(data.y.std())
    assert "predicted" in found.show("noise", 1.0) and "&lt;b&gt;" in found.panel().widget.children[-1].value


def test_a_model_that_takes_nan_is_asked_with_missing_values():
    @keras.saving.register_keras_serializable("test_robustness")
    class Fill(keras.layers.Layer):
        def call(self, x):
            return keras.ops.where(keras.ops.isnan(x), 0.0, x)

    data = hb.Dataset(np.random.default_rng(0).normal(size=(60, 2)).astype("float32"), np.arange(60) % 2)
    model = keras.Sequential([keras.Input((2,)), Fill(), keras.layers.Dense(2, "softmax")])
    assert list(robustness(model, data).disturbances) == ["missing", "replaced by mean", "noise"]
    found = robustness(model, data, "missing", {"missing": 1})
    assert np.isnan(found.examples["missing", 1.0]).all() and np.isfinite(found.predicted["missing", 1.0]).all()


def test_texts_sounds_and_windows():
    from hackbook.testing import sentences, tones

    texts = sentences(20)
    vectors = keras.layers.TextVectorization(output_mode="multi_hot", max_tokens=60)
    vectors.adapt(texts.x)
    model = keras.Sequential([keras.Input((), dtype="string"), vectors, keras.layers.Dense(2, "softmax")])
    found = robustness(model, texts)
    assert list(found.disturbances) == ["typing errors", "lower case", "upper case"] and found.show("upper case", 1.0).example[0].isupper()
    assert (found.frame[found.frame.kind.str.contains("case")].lost == 0).all()  # Keras' layer writes all in lower case
    sounds = tones(12)
    model = keras.Sequential([keras.Input(sounds.x.shape[1:]), keras.layers.Dense(2, "softmax")])
    found = robustness(model, sounds)
    assert list(found.disturbances) == ["noise", "shift", "gap"] and len(found.show("gap", 0.5)) == 10
    assert found.plot() and found.panel()._repr_mimebundle_()[0]["text/html"]


def test_the_panel_follows_and_leaves_no_thread(found, no_thread_is_left):
    import threading

    before = threading.active_count()
    panel = found.panel()
    assert panel.widget is panel.widget and panel.kind in found.disturbances and panel.strength > 0
    for kind, d in found.disturbances.items():
        panel.choice.value = kind
        assert panel.strength == panel.slider.value == 0 and [v for _, v in panel.slider.options] == [0, *d.levels]
        panel.slider.value = d.levels[-1]
        row = found.frame[(found.frame.kind == kind) & (found.frame.strength == d.levels[-1])].iloc[0]
        assert repr(panel).startswith(f"{kind} {d.levels[-1]:g}: accuracy {row.score:.3g}") and repr(panel) in panel.answer.value
    assert threading.active_count() == before
    shown, sizes = panel._repr_mimebundle_()
    assert "image/png" in shown and sizes["image/png"]["width"] > 100


def test_class_names_with_markup(run, splits):
    names = [f"<b>{i}</b>" for i in range(10)]
    found = robustness(run, replace(splits.validation, class_names=names, name="<i>digits</i>"), "noise", {"noise": 0.5}, max_examples=30)
    assert "<i>" not in found._repr_html_() and "<b>" not in found.panel().widget.children[-1].value and found.show("noise", 0.5)


def test_equal_seeds_equal_tables(run, splits):
    a, b, c = (robustness(run, splits.validation, "noise", seed=s, max_examples=100).frame for s in (0, 0, 1))
    pd.testing.assert_frame_equal(a, b)
    assert not a.equals(c)


@pytest.mark.parametrize("kinds, levels, says", [
    ("fog", None, "kinds must be among noise, shift, blur"), ([], None, "kinds must be among"), (3, None, "kinds must be among"), ([["noise"]], None, "kinds must be among"),
    ("missing", None, "kinds must be among noise"), (None, [1, 2], "levels must be a dict"), ("noise", {"shift": [1]}, "levels must be for noise"),
    ("shift", {"shift": [0]}, "numbers above 0 \\(pixels\\)"), ("jpeg", {"jpeg": 100}, "up to 99"), ("noise", {"noise": float("inf")}, "numbers above 0"), ("noise", {"noise": "much"}, "numbers above 0")])
def test_errors_say_what_is_allowed(run, splits, kinds, levels, says):
    with pytest.raises(hb.InvalidValue, match=says):
        robustness(run, splits.validation, kinds, levels)


def test_what_was_not_tried_is_not_shown(found):
    for kind, strength in (("fog", 0), ("noise", 0.07), ("noise", "1"), ("noise", None), (3, 0), ("noise", np.array([0.1, 0.2]))):
        with pytest.raises(hb.InvalidValue, match="must be one of"):
            found.show(kind, strength)


def test_other_classes_and_ratings_are_refused(run, splits):
    other = hb.Dataset(splits.validation.x, np.arange(len(splits.validation)) % 3)
    with pytest.raises(hb.InvalidValue, match="output"):
        robustness(run, other)
    ratings = hb.Dataset(np.arange(20).reshape(10, 2) % 5, np.arange(10.0), task="recommendation")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    with pytest.raises(hb.InvalidValue, match="no small changes"):
        robustness(model, ratings)
