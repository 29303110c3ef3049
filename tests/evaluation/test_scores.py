"""Scores of a thousand draws at once, and intervals that contain the true score as often as they say."""

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

import hackbook as hb
from hackbook.core import bootstrap, drawn_as_one, draws, percentiles, resampled, wilson
from hackbook.data import METRICS, TASKS
from hackbook.evaluation import DRAWN, score_intervals, score_table


def world(rng, n, groups=None, classes=3):
    """Classes of unequal size and probabilities that are better than chance; members of a group are alike."""
    y = rng.choice(classes, size=n, p=np.arange(classes, 0, -1) / np.arange(classes + 1).sum())
    logits = 1.5 * rng.normal(size=(n, classes))
    if groups is not None:
        logits += 1.5 * rng.normal(size=(groups.max() + 1, classes))[groups]
    return y, softmax(2.5 * np.eye(classes)[y] + logits, axis=1)


@given(st.integers(0, 10**6), st.integers(2, 40), st.integers(2, 5), st.integers(0, 2))
def test_scores_of_draws_are_scores_of_the_drawn(seed, n, classes, decimals):
    rng = np.random.default_rng(seed)
    y, p = world(rng, n, classes=classes)
    p = softmax(np.log(p).round(decimals), axis=1)  # with ties
    (counts,) = draws(np.arange(n), resamples=5, seed=seed)
    for name, metric in ((n, m) for n, m in METRICS.items() if m.family != "detection"):
        true, told = (y, p) if metric.family == "classification" else (y + 1.0, p[:, 0])
        given_ = told.argmax(axis=1) if told.ndim == 2 and not metric.probabilities else told
        many = DRAWN[name](counts, true, given_)
        for score, c in zip(many, counts.T.astype(int)):
            rows = np.repeat(np.arange(n), c)
            if name == "r2" and len(set(true[rows])) < 2:
                continue
            try:
                expected = metric(true[rows], told[rows])
            except hb.HackbookError:
                expected = np.nan
            assert score == pytest.approx(expected, abs=2e-5, nan_ok=True), name


def test_metrics_equal_scikit_learns():
    y, p = world(np.random.default_rng(0), 300)
    table = score_table(TASKS["classification"], y, p, [m.name for m in METRICS.values() if m.family == "classification"]).score
    hard = p.argmax(axis=1)
    assert table.accuracy == sk.accuracy_score(y, hard) and table.balanced_accuracy == pytest.approx(sk.balanced_accuracy_score(y, hard))
    assert table.f1_macro == pytest.approx(sk.f1_score(y, hard, average="macro")) and table.log_loss == pytest.approx(sk.log_loss(y, p))
    assert table.roc_auc == pytest.approx(sk.roc_auc_score(y, p, multi_class="ovr"))
    assert table.pr_auc == pytest.approx(sk.average_precision_score(np.eye(3)[y], p))
    assert table.brier == pytest.approx(np.mean(((p - np.eye(3)[y]) ** 2).sum(axis=1)))
    two, q = (y > 0).astype(int), np.stack([p[:, 0], 1 - p[:, 0]], axis=1)
    assert METRICS["brier"](two, q) == pytest.approx(sk.brier_score_loss(two, q[:, 1])) and METRICS["roc_auc"](two, q) == pytest.approx(sk.roc_auc_score(two, q[:, 1]))


@pytest.mark.parametrize("n, groups", [(30, 0), (300, 30)])
def test_intervals_contain_the_true_score(n, groups):
    """95 of 100 times; 150 test sets of 30 examples, and of 30 groups of ten."""
    number = np.arange(n) % groups if groups else None
    metrics = [METRICS[name] for name in ("accuracy", "f1_macro", "roc_auc", "log_loss")]
    whole = world(np.random.default_rng(1), 100_000, np.arange(100_000) // 10 if groups else None)
    truth = np.array([metric(*whole) for metric in metrics])
    rng, held = np.random.default_rng(2), []
    for _ in range(150):
        y, p = world(rng, n, number)
        if len(set(y)) == 3:
            _, low, high = score_intervals(metrics, y, p, groups=number).T
            held.append((low <= truth) & (truth <= high))
    fraction = np.mean(held, axis=0)
    assert (fraction >= 0.90).all() and (fraction <= 0.995).all()


def test_groups_and_blocks_of_time_are_drawn_whole():
    groups = np.array(["a", "b", "a", "c", "b"])
    for counts in draws(drawn_as_one(5, groups), 50):
        assert (counts[0] == counts[2]).all() and (counts[1] == counts[4]).all()
    times = np.random.default_rng(0).permutation(64)
    block = drawn_as_one(64, times=times)
    assert (block == times // 4).all()  # 64 examples: blocks of four
    days = [f"2026-01-{day:02}" for day in (3, 1, 2, 5, 4, 8, 7, 6)]
    assert drawn_as_one(8, times=np.array(days, object)).tolist() == [1, 0, 0, 2, 1, 3, 3, 2]
    assert (drawn_as_one(5, groups, times=range(5)) == [0, 1, 0, 2, 1]).all()


def test_neighbors_in_time_widen_an_interval():
    rng = np.random.default_rng(0)
    wrong = np.cumsum(rng.normal(size=500)) / 10
    apart, together = (np.diff(score_intervals([METRICS["mae"]], np.zeros(500), wrong, times=t)[0, 1:]) for t in (None, np.arange(500)))
    assert together > 1.5 * apart


def test_resamples_are_equal_in_any_blocks(monkeypatch):
    """A million examples are drawn in many small parts, and the draws are those of one."""
    whole = np.concatenate(list(draws(np.arange(50), 30, seed=3)), axis=1)
    assert whole.shape == (50, 30) and (whole.sum(axis=0) == 50).all()
    values = np.arange(50.0)
    slow = resampled(np.mean, values, resamples=30, seed=3)
    assert slow == pytest.approx(resampled(lambda c, v: v @ c / 50, values, resamples=30, seed=3, vectorized=True))


def test_one_example_or_group_has_no_interval():
    y, p = np.array([1]), np.array([[0.2, 0.8]])
    assert np.isnan(score_intervals([METRICS["log_loss"]], y, p)[0, 1:]).all() and np.isnan(bootstrap(np.mean, np.ones(9), groups=["a"] * 9)).all()
    assert score_intervals([METRICS["accuracy"]], y, p)[0].tolist() == [1, *wilson(1, 1)]


def test_an_interval_of_groups_that_are_all_right_has_a_width():
    y = np.zeros(60, int)
    assert score_intervals([METRICS["accuracy"]], y, y, groups=np.arange(60) // 6)[0].tolist() == [1, *wilson(10, 10)]


def test_percentiles_are_corrected():
    """Widened for few units; moved where the scores lie to one side; NaN is left out."""
    scores = np.random.default_rng(0).normal(size=1000)
    few, many = percentiles(scores, 10), percentiles(scores, 10_000)
    assert few[0] < many[0] < many[1] < few[1] and many == pytest.approx((-1.96, 1.96), abs=0.15)
    assert percentiles(scores, 10_000, score=0.5)[1] > many[1] and percentiles(scores, 10_000, score=np.median(scores)) == pytest.approx(many, abs=0.02)
    assert percentiles(np.append(scores, np.nan), 10) == pytest.approx(few) and np.isnan(percentiles([np.nan], 10)).all()
    with pytest.raises(hb.InvalidValue, match="confidence"):
        percentiles(scores, 10, 95)


def test_percentages_near_zero_are_told():
    with pytest.warns(UserWarning, match="1 of 4 true values are near 0"):
        METRICS["mape"]([1e-6, 5.0, 6.0, 7.0], [1.0, 5, 6, 7])
    data = hb.Dataset(np.arange(4.0)[:, None], [1e-6, 5.0, 6.0, 7.0], task="regression")
    assert "mape" not in hb.evaluation.RegressionEvaluation(data, np.arange(4.0)).scores.index


def test_areas_are_left_out_where_a_class_is_missing():
    data = hb.Dataset(np.zeros((6, 2)), [0, 0, 0, 2, 2, 2], ["a", "<b>", "c"])
    result = hb.Evaluation(data, np.tile([0.5, 0.2, 0.3], (6, 1)))
    assert not {"roc_auc", "pr_auc"} & set(result.scores.index) and result.classes.loc["<b>", "examples"] == 0
    assert np.isnan(result.classes.loc["<b>", "f1_low"]) and result.classes.loc["a", "f1_low"] < result.classes.loc["a", "f1"] < result.classes.loc["a", "f1_high"]
    assert "<b>" not in result._repr_html_()


def test_a_metric_of_ones_own_has_an_interval():
    own = hb.data.Metric("misses", False, "classification", "number of errors", lambda y, p: float((y != p).sum()))
    y, p = world(np.random.default_rng(0), 80)
    score, low, high = score_intervals([own], y, p)[0]
    assert low < score == (y != p.argmax(axis=1)).sum() < high
