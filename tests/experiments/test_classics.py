"""A network beside a linear model and gradient boosting: the same rows, scores computed another way, and a sentence that says who wins."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import accuracy_score, root_mean_squared_error

import hackbook as hb
from hackbook.evaluation import unusual_values
from hackbook.experiments import boosting, compare_classics, linear


def table(n=240, task="classification", seed=0):
    """A checkerboard of two numbers, which no line divides, with words, dates and gaps beside it."""
    rng = np.random.default_rng(seed)
    x = pd.DataFrame({"a": rng.uniform(0, 4, n), "b": rng.uniform(0, 4, n), "word": rng.choice(["<b>", "two", "three"], n),
                      "day": pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 300, n), "D"), "flag": rng.random(n) < 0.5})
    odd = (x.a.astype(int) + x.b.astype(int)) % 2
    for column in ("word", "day"):
        x.loc[rng.random(n) < 0.1, column] = None
    y = np.array(["<i>even", "odd"])[odd] if task == "classification" else odd * 10.0 + rng.normal(size=n)
    return hb.Dataset(x, y, task=task, name="board")


def untaught(splits):
    """A run of a network that was hardly trained."""
    hb.set_seed(0)
    return hb.fit(hb.models.mlp(splits, (4,)), splits, epochs=1, learning_rate=1e-5, to=None)


@pytest.fixture(scope="module")
def compared():
    splits = hb.split(table(900))
    run = untaught(splits)
    result = hb.evaluate(run, splits.validation)
    return compare_classics(run, result, splits), splits, run, result


def test_scores_are_those_of_scikit_learn(compared):
    found, splits, run, result = compared
    part, train = splits.validation, splits.train
    frame = found.frame
    assert frame.score["network"] == result.accuracy
    assert frame.score["linear"] == accuracy_score(part.y, linear(splits).fit(train.x, train.y).predict(part.x))
    assert frame.score["gradient boosting"] == accuracy_score(part.y, boosting(splits).fit(train.x, train.y).predict(part.x))
    by_hand = HistGradientBoostingClassifier(random_state=0, categorical_features="from_dtype")
    ready = lambda x: x.assign(word=pd.Categorical(x.word, sorted(train.x.word.dropna().unique())), day=x.day.astype("int64").where(x.day.notna()))
    assert accuracy_score(part.y, by_hand.fit(ready(train.x), train.y).predict(ready(part.x))) == pytest.approx(frame.score["gradient boosting"], abs=0.05)


def test_where_boosting_wins_a_sentence_says_so(compared):
    found, *_ = compared
    assert found.frame.index[0] == "gradient boosting" and found.frame.score.is_monotonic_decreasing
    (line, boosted) = found.sentences
    assert boosted.startswith("gradient boosting is better than network by ") and "interval" in boosted
    assert (found.frame.low <= found.frame.score).all() and (found.frame.score <= found.frame.high).all()
    assert (found.frame.seconds > 0).all() and found.frame.p["gradient boosting"] < 0.01
    assert str(found) == " ".join(found.sentences) and boosted.replace("'", "&#x27;")[:40] in found._repr_html_()
    assert found.plot().png().startswith(b"\x89PNG")


def test_numbers_are_compared_by_their_error():
    splits = hb.split(table(400, "regression"))
    run = untaught(splits)
    found = compare_classics(run, hb.evaluate(run, splits.validation), splits, confidence=0.8)
    part, train = splits.validation, splits.train
    predicted = boosting(splits).fit(train.x, train.y).predict(part.x)
    assert found.metric == "rmse" and found.frame.score["gradient boosting"] == pytest.approx(root_mean_squared_error(part.y, predicted))
    assert found.frame.score.is_monotonic_increasing and found.confidence == 0.8 and "80% interval" in str(found)


def test_what_was_opened_is_not_opened_again(compared):
    _, splits, run, _ = compared
    run = replace(run, record=dict(run.record))
    result = hb.evaluate(run, splits.test, reason="the final score")
    before = len(run.record["openings"])
    compare_classics(run, result, splits)
    assert len(run.record["openings"]) == before


def test_a_class_that_training_lacks_has_probability_0(compared):
    *_, = compared
    splits = hb.split(table())
    names = [*splits.class_names, "third"]
    parts = {p: replace(getattr(splits, p), class_names=names) for p in ("train", "validation")}
    splits = replace(splits, **parts, test=hb.data.Sealed(replace(splits.test.data, class_names=names)))
    run = untaught(splits)
    assert len(compare_classics(run, hb.evaluate(run, splits.validation), splits).frame) == 3


def test_a_single_row_has_no_interval_of_the_difference(compared):
    _, splits, run, _ = compared
    found = compare_classics(run, hb.evaluate(run, splits.validation.take([0])), splits)
    assert found.frame.better_by.notna().sum() == 2


def test_three_hundred_words_and_an_empty_column():
    n = 900
    x = pd.DataFrame({"word": [f"word {i % 300}" for i in range(n)], "none": [None] * n, "size": np.arange(n) % 7.0})
    splits = hb.split(hb.Dataset(x, np.arange(n) % 2))
    run = untaught(splits)
    odd = replace(splits.validation, x=splits.validation.x.assign(word="never seen"))
    assert len(compare_classics(run, hb.evaluate(run, odd), splits).frame) == 3


def test_weights_are_handed_on():
    data = table(300)
    splits = hb.split(replace(data, sample_weight=np.where(data.y == 0, 1e-6, 1)))
    run = untaught(splits)
    part = replace(splits.validation, sample_weight=None)
    frame = compare_classics(run, hb.evaluate(run, part), splits).frame
    always_odd = (part.y == 1).mean()
    assert frame.score["linear"] == pytest.approx(always_odd) and frame.score["gradient boosting"] == pytest.approx(always_odd)


@pytest.mark.parametrize("change, says", [
    (lambda run, result, splits: (run.model, result, splits), "run must be a Run"),
    (lambda run, result, splits: (run, run, splits), "result must be what hb.evaluate returns"),
    (lambda run, result, splits: (run, result, splits.train), "splits must be Splits"),
    (lambda run, result, splits: (run, result, hb.split(hb.data.digits())), "a table, or rows of numbers"),
    (lambda run, result, splits: (run, result, hb.split(table(task="regression"))), "those that board validation comes from"),
])
def test_what_does_not_belong_together_is_refused(compared, change, says):
    _, splits, run, result = compared
    with pytest.raises(hb.HackbookError) as caught:
        compare_classics(*change(run, result, splits))
    assert says in str(caught.value)


# What is unusual in a row


def test_unusual_values_are_those_far_from_the_median_and_rare():
    rng = np.random.default_rng(0)
    n = 400
    x = pd.DataFrame({"size": rng.normal(10, 1, n), "word": rng.choice(["a", "b"], n), "flag": [False] * n, "none": [None] * n,
                      "day": pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 30, n), "D")})
    x.loc[0, ["size", "word", "flag", "day"]] = [30.0, "<script>", True, pd.Timestamp("1990-01-01")]
    x.loc[1, "size"] = np.inf
    x.loc[2, ["size", "day"]] = [np.nan, pd.NaT]
    x.loc[3, ["size", "day"]] = [10.0, pd.Timestamp("2026-01-15")]
    data = hb.Dataset(x, np.arange(n) % 2)
    first, infinite, missing, usual = unusual_values(data, [0, 1, 2, 3], most=9)
    assert "size 30 (median 9." in first and "word <script> (mostly " in first and "flag True (mostly False)" in first and "day 1990-01-01 (median 2026-01-" in first
    assert missing.count("missing") == 2 and usual == ""
    assert unusual_values(data, [0], most=1)[0].count(";") == 0
    worst = hb.Evaluation(data, np.eye(2)[1 - data.y]).worst(3)
    assert list(worst)[5] == "unusual"


def test_nothing_is_unusual_where_all_are_alike_or_alone():
    for x in (pd.DataFrame({"a": [1.0] * 5, "b": ["x"] * 5}), pd.DataFrame({"a": [7.0]}), pd.DataFrame({"a": [None, None]}), pd.DataFrame({"a": list("abcde")})):
        data = hb.Dataset(x, np.arange(len(x), dtype=float), task="regression")
        assert unusual_values(data, range(len(x))) == [""] * len(x)
    assert unusual_values(hb.Dataset(np.ones((3, 2)), np.arange(3.0), task="regression", features=["a", "b"]), []) == []
