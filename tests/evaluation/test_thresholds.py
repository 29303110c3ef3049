"""Thresholds: curves computed by hand, costs that a person states, and no threshold chosen on the wrong part."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

import hackbook as hb
from hackbook.core import wilson

COSTS = {"false_alarm": 1, "miss": 5}


def guessed(n, classes=3, seed=0, groups=None, names=None):
    """A calibrated classifier."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(classes), n)
    y = np.array([rng.choice(classes, p=row) for row in p])
    names = names or [f"<b>{c}</b>" for c in range(classes)]
    return hb.Evaluation(hb.Dataset(rng.normal(size=(n, 2)), y, names, groups=groups), p)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run on digits that are even or odd, and its splits."""
    hb.set_seed(0)
    digits = hb.data.digits().take(np.arange(300))
    splits = hb.split(hb.Dataset(digits.x, np.array(["even", "odd"], object)[digits.y % 2]))
    return hb.fit(hb.models.cnn(splits, filters=(4,)), splits, 1, to=tmp_path_factory.mktemp("runs")), splits


def test_each_point_of_the_abstain_curve():
    result = guessed(120)
    sure, frame = result.probabilities.max(axis=1), result.abstain_curve().frame
    assert len(frame) == 120 and frame.threshold.is_monotonic_increasing and frame.coverage[0] == 1
    for row in frame.iloc[::7].itertuples():
        kept = result.right[sure >= row.threshold]
        assert (row.answered, row.coverage) == (len(kept), pytest.approx(len(kept) / 120))
        assert (row.accuracy, row.low, row.high) == pytest.approx((kept.mean(), *wilson(int(kept.sum()), len(kept))), abs=1e-9)


def test_ties_are_answered_together_and_many_examples_are_thinned():
    y = np.array([0, 1] * 50)
    p = np.repeat([[.9, .1], [.6, .4]], 50, axis=0)
    frame = hb.Evaluation(hb.Dataset(np.zeros((100, 2)), y), p).abstain_curve().frame
    assert list(frame.answered) == [100, 50] and list(frame.threshold) == [.6, .9]
    many = guessed(3000).abstain_curve().frame
    assert len(many) == 1000 and many.coverage.iloc[0] == 1 and many.answered.iloc[-1] == 1


def test_with_groups_the_band_is_wider_and_with_one_group_there_is_none():
    rng = np.random.default_rng(1)
    group = np.repeat(np.arange(20), 20)
    bad = rng.random(20)[group] < .3
    y = np.zeros(400, int)
    y[0] = 1
    p = np.where((rng.random(400) < np.where(bad, .3, .95))[:, None], [[.8, .2]], [[.2, .8]]) + rng.uniform(0, .1, 400)[:, None] * [[1, -1]]
    data = hb.Dataset(np.zeros((400, 2)), y, groups=group)
    width = [(f.high - f.low)[0] for f in (hb.Evaluation(d, p).abstain_curve().frame for d in (data, replace(data, groups=None)))]
    assert width[0] > 1.5 * width[1]
    one = hb.Evaluation(replace(data, groups=np.zeros(400)), p).abstain_curve()
    assert one.frame.low.isna().all()
    with pytest.raises(hb.HackbookError, match="accuracy must be at most"):
        one.threshold_for(.5)


def test_the_smallest_threshold_that_is_good_enough():
    curve = guessed(400).abstain_curve()
    for by in ("low", "accuracy"):
        threshold = curve.threshold_for(.7, by)
        below, at = curve.frame[curve.frame.threshold < threshold], curve.frame[curve.frame.threshold == threshold].iloc[0]
        assert at[by] >= .7 > below[by].max()
    for arguments, says in (((0,), "accuracy"), ((2,), "accuracy"), (("high",), "accuracy"), ((1.,), "the highest low of all thresholds"), ((.9, "high"), "by must be")):
        with pytest.raises(hb.HackbookError, match=says):
            curve.threshold_for(*arguments)


def test_single_examples_and_classes_that_are_absent():
    one = hb.Evaluation(hb.Dataset(np.zeros((1, 2)), [0], ["no", "yes"]), np.array([[.7, .3]]))
    curve = one.abstain_curve()
    assert len(curve.frame) == 1 and curve.plot() and repr(curve) == "AbstainCurve(1 thresholds)"
    for draw in (one.plot_roc, one.plot_precision_recall):
        with pytest.raises(hb.HackbookError, match="of both classes"):
            draw()
    found = one.cost_curve(COSTS)
    assert found.options.cost["always no"] == 0 and np.isnan(found.frame.low).all() and found.plot() and found.sentences
    assert list(one.cost(COSTS).cost) == [0, 1, 0]


def test_a_threshold_is_kept_in_the_record_and_forgotten_by_calibrate(trained):
    run, splits = trained
    curve = hb.evaluate(run, splits.validation).abstain_curve()
    threshold = curve.threshold_for(curve.frame.accuracy.max(), "accuracy")
    assert hb.evaluation.keep_threshold(run, threshold, splits.validation) == run.record["threshold"] == threshold
    assert json.loads((run.folder / "run.json").read_text())["threshold"] == threshold
    again = hb.load_run(run.folder)
    sure = hb.evaluate(again, splits.validation).probabilities.max(axis=1)
    assert (sure >= again.record["threshold"]).sum() == curve.frame.answered[curve.frame.threshold == threshold].iloc[0]
    hb.evaluation.calibrate(again, splits.validation)
    assert "threshold" not in again.record and "threshold" not in hb.load_run(run.folder).record


@pytest.mark.parametrize("call", [lambda run, part: hb.evaluation.keep_threshold(run, .9, part),
                                  lambda run, part: hb.evaluation.choose_threshold(run, part, COSTS)], ids=["keep", "choose"])
def test_only_the_validation_set_is_taken(trained, call):
    run, splits = trained
    opened = len(splits.test.openings)
    for part, says in ((splits.test, "the test set is for the final score"), (splits.train, "the train set of this run"),
                       (splits.parts["test"], "the test set of this run"), (None, "a Dataset with classes"),
                       (hb.Dataset(np.zeros((4, 8, 8)), np.arange(4.), task="regression"), "a Dataset with classes")):
        with pytest.raises(hb.HackbookError, match=says):
            call(run, part)
    with pytest.raises(hb.HackbookError, match="hb.fit returns one"):
        call(run.model, splits.validation)
    assert call(run, splits.validation) and len(splits.test.openings) == opened


@pytest.mark.parametrize("threshold", [0, .5, 1.01, np.nan, np.inf, "high", None])
def test_thresholds_that_cannot_be_kept(trained, threshold):
    run, splits = trained
    with pytest.raises(hb.HackbookError, match="threshold must be above 0.5"):
        hb.evaluation.keep_threshold(run, threshold, splits.validation)


def test_areas_are_scikit_learns():
    result = guessed(200, 2, names=["no", "yes"])
    y, p = result.data.y, result.probabilities[:, 1]
    assert f"{roc_auc_score(y, p):.3f}" in result.plot_roc().alt and f"{roc_auc_score(y, p):.3f}" in result.plot_roc("no").alt
    assert f"{average_precision_score(y, p):.3f}" in result.plot_precision_recall().alt
    assert f"{average_precision_score(1 - y, 1 - p):.3f}" in result.plot_precision_recall("no").alt
    for call in (lambda: result.plot_roc("maybe"), lambda: result.cost_curve(COSTS, positive="maybe"), lambda: result.cost(COSTS, ["yes"])):
        with pytest.raises(hb.HackbookError, match="positive must be no or yes"):
            call()
    with pytest.raises(hb.HackbookError, match="of two classes"):
        guessed(30).plot_roc()


@given(seed=st.integers(0, 99), alarm=st.floats(.01, 100), miss=st.floats(.01, 100), hit=st.floats(-5, 0), positive=st.sampled_from(["no", "yes"]))
def test_the_cost_at_every_threshold(seed, alarm, miss, hit, positive):
    result = guessed(40, 2, seed, names=["no", "yes"])
    found = result.cost_curve({"false_alarm": alarm, "miss": miss, "hit": hit}, positive)
    place = ["no", "yes"].index(positive)
    y, p = result.data.y == place, result.probabilities[:, place]
    cost = [(np.where(y, hit, alarm) * (p >= t) + np.where(y, miss, 0) * (p < t)).mean() for t in found.frame.threshold]
    assert np.allclose(found.frame.cost, cost) and found.options.cost["chosen"] == pytest.approx(min(cost))
    assert found.options.cost["always yes"] == pytest.approx(np.where(y, hit, alarm).mean())
    assert found.options.cost["always no"] == pytest.approx(np.where(y, miss, 0).mean())
    assert found.options.threshold["by theory"] == pytest.approx(alarm / (alarm + miss - hit))
    table = result.cost({"false_alarm": alarm, "miss": miss, "hit": hit}, positive)
    assert table.cost["least expected cost"] == pytest.approx(found.options.cost["by theory"], abs=1e-6)


def test_the_least_expected_cost_is_the_least_for_a_calibrated_classifier():
    result = guessed(4000)
    names = result.data.class_names
    costs = pd.DataFrame([[0, 1, 9], [5, 0, 1], [2, 8, 0.]], names, names)
    table = result.cost(costs)
    assert table.cost["least expected cost"] < table.cost["most probable"] and table.cost["least expected cost"] < table.cost.iloc[2]
    by_hand = [costs.loc[names[y], answer] for y, answer in zip(result.data.y, result.decide(costs))]
    assert table.cost["least expected cost"] == pytest.approx(np.mean(by_hand))
    plain = 1 - pd.DataFrame(np.eye(3), names, names)
    assert table.cost["most probable"] > 0 and list(result.decide(plain)) == [names[k] for k in result.predicted]
    assert result.cost(plain).cost["most probable"] == pytest.approx(1 - result.accuracy)
    asked = result.decide(plain.assign(**{"not sure": .3}))
    assert ((asked == "not sure") == (result.probabilities.max(axis=1) < .7)).all()


@pytest.mark.parametrize("costs, says", [
    (None, "costs must be"), (7, "costs must be"), ({}, "costs must be"), ({"miss": 3}, "false_alarm and miss"), ({"false_alarm": 1, "miss": 2, "late": 3}, "false_alarm and miss"),
    ({"false_alarm": np.nan, "miss": 2}, "missing or no numbers"), ({"false_alarm": "much", "miss": 2}, "missing or no numbers"),
    ({"no": {"yes": 1}}, "the true classes of costs"), ({"no": {"yes": 1}, "yes": {"no": 2, "perhaps": 1}}, "the predicted classes of costs"),
    ({"no": {"yes": 1}, "yes": {}}, "missing or no numbers"), (pd.DataFrame(), "the true classes of costs"),
    (pd.DataFrame(1, ["no", "yes", "no"], ["no", "yes"]), "each class once"), (pd.DataFrame(1, ["no", "yes"], ["no", "yes", "yes"]), "each class once")])
def test_costs_that_are_none(costs, says):
    result = guessed(30, 2, names=["no", "yes"])
    for call in (result.cost, result.decide, result.cost_curve):
        with pytest.raises(hb.HackbookError, match=says):
            call(costs)


def test_markup_is_escaped_and_gains_are_taken():
    result = guessed(60, 2)
    found = result.cost_curve({"false_alarm": 1, "miss": 2, "hit": -4, "correct_rejection": -1}, unit="<i>€</i>")
    assert "<b>" not in found._repr_html_() and "<i>" not in found._repr_html_() and found.plot()
    assert found.options.cost["chosen"] < 0 and repr(found).startswith("CostCurve(<b>1</b> from") and str(found)
    for wrong in ({"false_alarm": 1, "miss": 2, "hit": 3}, {"false_alarm": 0, "miss": 2}):
        with pytest.raises(hb.HackbookError, match="smaller for what is right"):
            result.cost_curve(wrong)


def test_calibrate_that_fails_keeps_temperature_and_threshold(trained):
    run, splits = trained
    run.record |= {"temperature": 2.0, "threshold": 0.8}
    other = hb.Dataset(np.zeros((4, 3)), [0, 1, 0, 1], splits.class_names)
    with pytest.raises(hb.InvalidValue, match="shape"):
        hb.evaluation.calibrate(run, other)
    assert run.record.pop("temperature") == 2 and run.record.pop("threshold") == 0.8
    with pytest.raises(hb.InvalidValue, match="shape"):
        hb.evaluation.keep_threshold(run, 0.9, other)
    assert "threshold" not in run.record


def test_splits_are_no_validation_set(trained):
    run, splits = trained
    for does in (hb.evaluation.calibrate, lambda run, s: hb.evaluation.keep_threshold(run, 0.9, s)):
        with pytest.raises(hb.InvalidValue, match="splits.validation"):
            does(run, splits)


@pytest.mark.parametrize("bins", [0, "a", True, 2.5])
def test_bins_are_a_whole_number(bins):
    result = guessed(30)
    for does in (result.calibration, result.calibration_error, result.plot_calibration):
        with pytest.raises(hb.InvalidValue, match="bins"):
            does(bins)
    assert len(result.calibration(np.int64(5))) == 5


def test_no_sentence_says_nan_where_there_is_no_interval():
    result = guessed(1, classes=2, names=["no", "yes"])
    one = guessed(20, groups=np.zeros(20))
    number = hb.evaluation.RegressionEvaluation(hb.Dataset([[1.0]], [2.0], task="regression"), np.array([3.0]))
    both = hb.compare_results(one, guessed(20, groups=np.zeros(20)))
    for shown in (one, number, both, result.cost_curve(COSTS)):
        assert "nan" not in str(shown), str(shown)
    assert "nan" not in number._repr_html_()
