"""Slices: numbers computed another way, planted failures found, and nothing called evident by chance."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.stats import fisher_exact, ttest_ind

import hackbook as hb


def answered(x, right, groups=None, classes=3, **more):
    """An Evaluation with the given right and wrong answers."""
    y = np.arange(len(right)) % classes
    data = hb.Dataset(x, y, [f"<b>{c}</b>" for c in range(classes)], groups=groups, **more)
    return hb.Evaluation(data, np.eye(classes)[np.where(right, y, (y + 1) % classes)])


def with_errors(x, errors, groups=None):
    """A RegressionEvaluation with the given errors."""
    y = np.arange(len(errors), dtype=float)
    return hb.evaluation.RegressionEvaluation(hb.Dataset(x, y, task="regression", groups=groups), y + errors)


def table(rng, n):
    gaps = np.where(rng.random(n) < .2, np.nan, rng.normal(size=n))
    return pd.DataFrame({"a": rng.normal(size=n), "b": rng.integers(3, size=n), "gaps": gaps, "word": rng.choice(list("xyz"), n)})


def test_numbers_are_those_of_scipy_and_the_harm_is_what_is_lost():
    rng = np.random.default_rng(1)
    x, right = table(rng, 200), rng.random(200) < .7
    found = answered(x, right).slices()
    order = list(zip(found.frame.evident, found.frame.harm))
    assert order == sorted(order, reverse=True) and len(order) > 10
    for row, i in zip(found.frame.itertuples(), found.members):
        inside = np.isin(np.arange(200), i)
        assert (row.examples, row.score, row.rest) == (len(i), pytest.approx(right[inside].mean()), pytest.approx(right[~inside].mean()))
        counts = [[right[inside].sum(), (~right[inside]).sum()], [right[~inside].sum(), (~right[~inside]).sum()]]
        assert row.p == pytest.approx(fisher_exact(counts).pvalue)
        assert row.low <= row.difference <= row.high and row.p <= row.p_corrected
        assert right.mean() + row.harm == pytest.approx(row.rest)
    missing = found.frame[found.frame.value == "missing"].iloc[0]
    assert missing.examples == x.gaps.isna().sum() and found.frame.examples.min() >= found.min_examples == 10


def test_errors_have_a_permutation_test_and_welchs_interval():
    rng = np.random.default_rng(2)
    x, errors = table(rng, 120), rng.normal(size=120)
    found = with_errors(x, errors).slices()
    assert found.metric.name == "mae" and found.score == pytest.approx(np.abs(errors).mean())
    row = found.frame[found.frame.what == "word"].iloc[0]
    inside = (x.word == row.value).to_numpy()
    welch = ttest_ind(np.abs(errors[inside]), np.abs(errors[~inside]), equal_var=False)
    assert (row.low, row.high) == pytest.approx(tuple(welch.confidence_interval()))
    assert abs(row.p - welch.pvalue) < .1 and 0 < row.p <= 1


def test_nothing_is_evident_by_chance():
    """200 classifiers that guess: any evident slice in at most 5 % of them."""
    blamed = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        blamed += answered(table(rng, 150), rng.random(150) < 1 / 3).slices().frame.evident.any()
    assert blamed <= 10


def test_groups_that_differ_are_not_blamed_for_a_trait_of_theirs_by_chance():
    """Each group has its own accuracy; where it was recorded has nothing to do with it."""
    blamed = naive = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        group = np.repeat(np.arange(12), 20)
        right = rng.random(240) < rng.beta(3, 1.5, 12)[group]
        site = rng.permutation(list("xxxyyyzzzwww"))[group]
        blamed += answered(np.zeros((240, 4, 4)), right, group).slices({"site": site}).frame.evident.any()
        naive += answered(np.zeros((240, 4, 4)), right).slices({"site": site}).frame.evident.any()
    assert blamed <= 6 < naive


@pytest.mark.parametrize("kind", ["accuracy", "error"])
def test_a_planted_failure_ranks_first(kind):
    rng = np.random.default_rng(3)
    x = table(rng, 600)
    bad = (x.word == "y").to_numpy()
    if kind == "accuracy":
        result = answered(x, rng.random(600) < np.where(bad, .5, .95))
    else:
        result = with_errors(x, rng.normal(size=600) * np.where(bad, 4, 1))
    found = result.slices()
    assert tuple(found.frame.loc[0, ["what", "value", "evident"]]) == ("word", "y", True)
    assert np.array_equal(found.examples(0), np.flatnonzero(bad))
    assert "word y" in found.sentences[0] and "evident (p" in found.sentences[0]
    crossed = result.slices(["class", "word"] if kind == "accuracy" else ["word", "b"], depth=2).frame
    assert crossed.what.str.contains(", ").any() and crossed.value[0] == "y"


def test_one_bad_group_is_found_among_many_and_not_among_two():
    rng = np.random.default_rng(4)
    group = np.repeat([f"<i>{g}</i>" for g in range(15)], 30)
    right = rng.random(450) < np.where(group == "<i>7</i>", .3, .95)
    found = answered(np.zeros((450, 4, 4)), right, group).slices("group")
    assert tuple(found.frame.loc[0, ["value", "evident"]]) == ("<i>7</i>", True) and found.frame.evident.sum() == 1
    html = found._repr_html_()
    least, most = found.plot().axes[0].get_xlim()
    assert -.1 < least and most < 1.1, "no bar where no accuracy can lie"
    assert "<i>" not in html and "&lt;i&gt;7" in html
    two = np.repeat(["a", "b"], 225)
    found = answered(np.zeros((450, 4, 4)), right, two).slices("group")
    assert found.frame.p.isna().all() and "fewer than three groups" in found.sentences[1] and found.plot()


def test_groups_of_one_example_and_of_all():
    rng = np.random.default_rng(5)
    x, right = table(rng, 80), rng.random(80) < .8
    alone = answered(x, right, np.arange(80)).slices()
    assert alone.frame.p.between(0, 1).all() and not (alone.frame.what == "group").any() and alone.left_out >= 80
    together = answered(x, right, np.zeros(80)).slices()
    assert together.frame.p.isna().all() and not together.frame.evident.any()


@pytest.mark.parametrize("n", [1, 2, 19, 30])
def test_few_examples(n):
    x = pd.DataFrame({"a": np.arange(n)})
    for result in (answered(x, np.ones(n, bool), classes=2), with_errors(x, np.zeros(n))):
        found = result.slices()
        assert len(found) == len(found.members) and found.sentences and str(found) and repr(found) and found._repr_html_()
        if n < 20:
            assert len(found) == 0 and found.sentences[0].startswith("No slice is large enough")
            with pytest.raises(hb.HackbookError, match="slices must be one at least, got 'none'"):
                found.plot()


def test_perfect_and_constant_results():
    x = pd.DataFrame({"a": np.arange(100), "same": 1})
    for result in (answered(x, np.ones(100, bool)), with_errors(x, np.ones(100))):
        found = result.slices()
        assert not found.frame.evident.any() and (found.frame.what != "same").all() and np.allclose(found.frame.harm, 0)


def test_pictures_sounds_texts_and_times():
    rng = np.random.default_rng(6)
    right = rng.random(60) < .8
    color = rng.integers(256, size=(60, 5, 6, 3)).astype("uint8")
    assert set(answered(color, right).slices(min_examples=5).frame.what) == {"class", "brightness", "contrast", "sharpness", "ink"}
    texts = ["word " * k for k in rng.integers(1, 20, 60)]
    assert set(answered(texts, right, times=np.arange(60)).slices().frame.what) == {"class", "characters", "time"}
    sounds = rng.integers(-99, 99, (60, 20)).astype("int16")
    assert {"class", "loudness"} <= set(answered(sounds, right, sample_rate=10).slices().frame.what)
    assert set(answered(rng.normal(size=(60, 90)), right).slices().frame.what) == {"class"}
    days = pd.date_range("2026-01-01", periods=60, tz="Europe/Berlin")
    assert "2026-01-01+01:00 to 2026-01-15+01:00" in set(answered(texts, right, times=days).slices("time").frame.value)


def test_lazy_pictures_know_the_size_of_their_files(tmp_path):
    rng = np.random.default_rng(7)
    for name in "ab":
        (tmp_path / name).mkdir()
        for k in range(12):
            size = (8, 8) if k % 2 else (16, 12)
            Image.fromarray(rng.integers(256, size=size).astype("uint8")).save(tmp_path / name / f"{k}.png")
    data = hb.data.images(tmp_path, size=(8, 8), lazy=True)
    known = hb.quality.traits(data)
    assert set(known["pixels"]) == {64, 192}
    whole = replace(data, x=np.asarray(data.x))
    assert np.allclose(known["ink"], hb.quality.traits(whole)["ink"], atol=.05)


@given(values=st.lists(st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(), st.text(max_size=3), st.dates()), min_size=40, max_size=40),
       bins=st.integers(2, 6))
def test_any_trait_is_cut_into_slices_that_hold_each_example_once(values, bins):
    result = answered(np.zeros((40, 4, 4)), np.arange(40) % 4 > 0)
    try:
        found = result.slices({"trait": values}, bins=bins, min_examples=2)
    except hb.HackbookError:
        return
    members = np.concatenate([*found.members, []])
    assert len(members) == len(set(members)) and found.frame.examples.sum() == len(members)
    assert found._repr_html_() and found.sentences


@pytest.mark.parametrize("arguments, says", [
    (dict(by="speaker"), "by must be among class, a, b, gaps, word"),
    (dict(by=["class", 3]), "by must be among"), (dict(by=7), "by must be among"),
    (dict(by={"camera": ["phone"]}), "camera must be one value for each of the 50 examples"),
    (dict(by={"camera": np.zeros((50, 2))}), "one value for each"),
    (dict(bins=0), "bins"), (dict(bins=2.5), "bins"), (dict(min_examples=1), "min_examples"), (dict(min_examples="many"), "min_examples"),
    (dict(depth=True), "depth"), (dict(depth=3), "depth")])
def test_bad_input(arguments, says):
    rng = np.random.default_rng(8)
    with pytest.raises(hb.HackbookError, match=says):
        answered(table(rng, 50), np.ones(50, bool)).slices(**arguments)


def test_rows_and_metrics():
    rng = np.random.default_rng(9)
    result = answered(table(rng, 50), rng.random(50) < .5)
    for row in (-1, 99, "class", 1.5):
        with pytest.raises(hb.HackbookError, match="row"):
            result.slices().examples(row)
    y = np.arange(1., 51)
    task = replace(hb.data.TASKS["regression"], metric=hb.data.METRICS["mape"])
    wrong = hb.evaluation.RegressionEvaluation(hb.Dataset(table(rng, 50), y, task=task), y * 1.1)
    assert wrong.slices().metric.name == "mape" and wrong.slices().score == pytest.approx(.1)
    f1 = replace(result.data, task=replace(result.data.task, metric=hb.data.METRICS["f1_macro"]))
    assert replace(result, data=f1).slices().sentences[-1] == "f1_macro is no mean over examples; the slices are compared by accuracy."


def test_every_way_to_the_results_has_the_methods_of_all_rooms():
    for place in (hb, hb.evaluation):
        assert all(hasattr(place.Evaluation, name) for name in ("slices", "abstain_curve", "cost_curve", "calibration"))
    assert hasattr(hb.evaluation.RegressionEvaluation, "slices")


def test_neighbors_in_time_are_one_unit():
    """Errors in bursts of six: a slice with one of four bursts is evident only where each example counts for itself."""
    wrong = np.isin(np.arange(240) // 6, (1, 12, 23, 34))
    p = np.where(wrong[:, None], [0.1, 0.9], [0.9, 0.1])
    part = {"part": np.where(np.arange(240) < 12, "first", "later")}

    def first(times):
        frame = hb.Evaluation(hb.Dataset(np.zeros((240, 2)), np.zeros(240, int), ["no", "yes"], times=times), p).slices(part).frame
        return frame[frame.value == "first"].iloc[0]

    alone, blocks = first(None), first(np.arange(240))
    assert alone.difference == pytest.approx(blocks.difference) and alone.examples == 12
    assert alone.evident and not blocks.evident and blocks.p > 3 * alone.p and blocks.low < alone.low
