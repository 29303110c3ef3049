"""Is a model better? Paired, corrected for many, and beside the baselines."""

import numpy as np
import pandas as pd
import pytest

import hackbook as hb
from hackbook.evaluation import RegressionEvaluation, baseline_results, mcnemar
from hackbook.problem.baselines import linear_numbers, majority


@pytest.fixture(scope="module")
def splits():
    return hb.split(hb.data.digits())


def right_by(data, fraction, seed):
    """An evaluation that is right about as often as said."""
    rng = np.random.default_rng(seed)
    told = np.where(rng.random(len(data)) < fraction, data.y, (data.y + 1) % 10)
    return hb.Evaluation(data, np.eye(10)[told] * 0.9 + 0.01)


def test_equal_models_are_seldom_called_different(splits):
    part = splits.validation.take(np.arange(100))
    alarms = [hb.compare_results(right_by(part, 0.8, i), right_by(part, 0.8, 1000 + i)).frame.p.iloc[1] < 0.05 for i in range(100)]
    assert np.mean(alarms) <= 0.08


def test_a_better_model_is_found_and_many_are_corrected(splits):
    part = splits.validation
    results = {"good": right_by(part, 0.9, 0), "bad": right_by(part, 0.6, 1)} | {f"other {i}": right_by(part, 0.9, i + 2) for i in range(8)}
    compared = hb.compare_results(results)
    assert compared.frame.p["bad"] < 0.001 and "bad is worse than good" in str(compared)
    alone = mcnemar(results["good"].right, results["other 3"].right)
    assert compared.frame.p["other 3"] >= alone and (compared.frame.better_by[1:] <= compared.frame.high[1:]).all()


def test_baselines_stand_in_the_table(splits):
    part = splits.validation
    compared = hb.compare_results({"mine": right_by(part, 0.97, 0)}, splits=splits)
    assert list(compared.frame.index) == ["mine", "baseline: majority class", "baseline: nearest centroid", "baseline: linear"]
    assert compared.frame.score["baseline: majority class"] == np.mean(majority(splits.train.x, splits.train.y, part.x).argmax(axis=1) == part.y)
    assert "baseline: majority class is worse than mine" in str(compared)


def test_baselines_know_classes_that_the_part_lacks(splits):
    few = splits.validation.take(splits.validation.y < 3)
    for result in baseline_results(splits, few).values():
        assert result.probabilities.shape == (len(few), 10) and np.allclose(result.probabilities.sum(axis=1), 1, atol=1e-4)


def test_baselines_of_numbers():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    splits = hb.split(hb.Dataset(x, x[:, 0] + 0.1 * rng.normal(size=200), task="regression"))
    part = splits.validation
    compared = hb.compare_results({"guess": RegressionEvaluation(part, np.zeros(len(part)))}, splits=splits)
    linear = linear_numbers(splits.train.x, splits.train.y, part.x)
    assert compared.frame.score["baseline: linear"] == pytest.approx(np.mean((linear - part.y) ** 2) ** 0.5)
    assert compared.frame.low["baseline: linear"] > 0 and "baseline: linear is better than guess" in str(compared)


def test_groups_count_as_one_piece_of_evidence(splits):
    """The same difference on the same examples, that of a few people."""
    part = splits.validation
    a, b = right_by(part, 0.9, 0), right_by(part, 0.84, 1)
    people = np.arange(len(part)) % 5
    grouped = [hb.Evaluation(hb.Dataset(part.x, part.y, part.class_names, groups=people), r.probabilities) for r in (a, b)]
    free, bound = hb.compare_results(a, b).frame, hb.compare_results(*grouped).frame
    assert free.better_by["b"] == bound.better_by["b"] and bound.p["b"] >= 0.002
    assert bound.high["b"] - bound.low["b"] != pytest.approx(free.high["b"] - free.low["b"], rel=1e-6)


def test_what_cannot_be_compared_is_refused(splits):
    result = right_by(splits.validation, 0.9, 0)
    for results, options, says in (((result,), {}, "or splits for baselines"), ((), {"splits": splits}, "0 of them"), ((result, 0.9), {}, "what hb.evaluate returns"),
                                   ((result,), {"splits": splits.train}, "must be Splits"), ((result, result), {"confidence": 95}, "confidence"),
                                   ((result,), {"splits": hb.split(hb.Dataset(np.zeros((30, 2)) + np.arange(30)[:, None], [0, 1] * 15))}, "those that digits validation comes from")):
        with pytest.raises(hb.HackbookError, match=says):
            hb.compare_results(*results, **options)


def test_names_are_escaped(splits):
    result = right_by(splits.validation, 0.9, 0)
    html = hb.compare_results({"<b>a</b>": result, "<i>": right_by(splits.validation, 0.5, 1)})._repr_html_()
    assert "<b>a" not in html and "<i>" not in html and isinstance(hb.compare_results(result, result).frame, pd.DataFrame)
