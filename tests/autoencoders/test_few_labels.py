"""Features for few labels: the same draws for all, scikit-learn's scores, a sealed test part, and an honest sentence."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

import hackbook as hb
from hackbook.autoencoders import FewLabels, few_labels
from hackbook.autoencoders.semi_supervised import crossed_interval, drawn_labels


@pytest.fixture(scope="module")
def splits():
    return hb.split(hb.data.digits().take(np.arange(450)))


@pytest.fixture(scope="module")
def run(splits):
    examples = hb.data.reconstruct(splits)
    hb.set_seed(0)
    return hb.fit(hb.models.autoencoder(examples, code=8, units=(32,)), examples, epochs=5, learning_rate=.003, seed=0, to=None)


@pytest.fixture(scope="module")
def found(run, splits):
    return few_labels(run, splits, per_class=5, draws=4, seed=1)


def test_numbers_score_as_scikit_learn_does(found, splits):
    x = {part: np.asarray(data.x, float).reshape(len(data), -1) / 16 for part, data in (("train", splits.train), ("validation", splits.validation))}
    scale = StandardScaler().fit(x["train"])
    chosen = drawn_labels(splits.train.y, 5, 4, 1)[2]
    model = LogisticRegression(max_iter=2000).fit(scale.transform(x["train"])[chosen], splits.train.y[chosen])
    score = model.score(scale.transform(x["validation"]), splits.validation.y)
    assert found.table["numbers"][2] == pytest.approx(score, abs=1.5 / len(splits.validation))


def test_every_draw_has_as_many_of_each_class(splits):
    for chosen in drawn_labels(splits.train.y, 5, 6, 0):
        assert (np.bincount(splits.train.y[chosen]) == 5).all() and len(np.unique(chosen)) == 50


def test_tables_hold_what_was_scored(found):
    assert found.frame.groupby("features").size().to_dict() == {"PCA": 4, "codes": 4, "numbers": 4}
    assert (found.scores.low <= found.scores.accuracy).all() and (found.scores.accuracy <= found.scores.high).all()
    np.testing.assert_allclose(found.scores.accuracy.sort_index(), found.table.mean().sort_index())
    for other, row in found.differences.iterrows():
        assert row.better_by == pytest.approx(found.scores.accuracy["codes"] - found.scores.accuracy[other])


def test_equal_seeds_draw_equal_labels_and_the_test_part_stays_sealed(run, splits, found):
    pd.testing.assert_frame_equal(few_labels(run, hb.data.reconstruct(splits), 5, 4, 1).frame, found.frame)
    assert not few_labels(run, splits, 5, 4, 2).frame.equals(found.frame) and splits.test.openings == []


@pytest.mark.parametrize("first, second, said", [(.9, .5, "codes are better than PCA"), (.5, .9, "codes are worse than PCA"), (.7, .7, "no evidence that codes and PCA")])
def test_the_sentence_says_what_the_interval_says(first, second, said):
    rng = np.random.default_rng(0)
    made = FewLabels({"codes": rng.random((6, 200)) < first, "PCA": rng.random((6, 200)) < second}, 3)
    assert said in made.sentence and "codes" in made._repr_html_() and repr(made).startswith("FewLabels(3 per class, 6 draws")
    assert made.plot().axes[0].get_yticklabels()


@pytest.mark.parametrize("draw, example", [(1, 0), (0, 1), (1, 1), (0, 0)])
def test_intervals_hold_over_draws_and_examples(draw, example):
    """In 95 of 100 cases or more, whichever of the two matters."""
    rng = np.random.default_rng(0)

    def holds():
        values = draw * rng.normal(size=(8, 1)) + example * rng.normal(size=(1, 60)) + rng.normal(size=(8, 60))
        _, low, high = crossed_interval(values)
        return low <= 0 <= high

    assert np.mean([holds() for _ in range(600)]) > .93


def test_what_cannot_be_drawn_is_refused(run, splits):
    rarest = np.bincount(splits.train.y).min()
    for wrong in (dict(per_class=rarest + 1), dict(per_class=0), dict(per_class=2.5), dict(per_class=True), dict(draws=1), dict(draws="ten"), dict(seed=-1), dict(confidence=2)):
        with pytest.raises(hb.HackbookError):
            few_labels(run, splits, **wrong)
    with pytest.raises(hb.HackbookError, match="must be Splits"):
        few_labels(run, splits.train)


def test_other_examples_are_refused(run, splits):
    with pytest.raises(hb.HackbookError, match="one trained on others"):
        few_labels(run, hb.split(hb.data.digits().take(np.arange(450)), seed=5))
    numbers = hb.split(hb.data.Dataset(np.random.default_rng(0).normal(size=(60, 3)), np.arange(60.), task="regression"))
    with pytest.raises(hb.HackbookError, match="with classes"):
        few_labels(run, numbers)
