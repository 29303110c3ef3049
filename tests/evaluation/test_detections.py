"""A detector from `hb.evaluate` to reports, cards and decks: what works, and what is refused in words."""

import numpy as np
import pytest

import hackbook as hb
from hackbook.core import HackbookError
from hackbook.detection import DetectionEvaluation, scene_splits
from hackbook.evaluation import check_no_windows, examples_of, score_draws


@pytest.fixture(scope="module")
def splits():
    return scene_splits(400, noise=.01)


@pytest.fixture(scope="module")
def run(splits):
    hb.set_seed(0)
    return hb.fit(hb.models.detector(splits, filters=(8, 16, 32), width=16), splits, epochs=8, batch_size=32, learning_rate=.01, to=None)


@pytest.fixture(scope="module")
def result(run, splits):
    return hb.evaluate(run, splits.validation)


def truth(data, shift=0., seed=0):
    """The true boxes as detections, moved at random by so many pixels."""
    rng = np.random.default_rng(seed)
    found = np.concatenate([data.y, rng.uniform(.5, 1, (*data.y.shape[:2], 1))], axis=-1)
    found[..., :4] += rng.normal(0, shift, found[..., :4].shape) if shift else 0
    return DetectionEvaluation(data, np.where(data.y[..., :1] < 0, -1, found))


def test_evaluate_gives_a_result_with_boxes(result, run, splits):
    assert isinstance(result, DetectionEvaluation) and result.data is splits.validation
    assert 0 < result.score < 1 and result.score == result.scores.score["map50"] >= result.scores.score["map"]
    assert examples_of(result)[1] is result.detections
    shown = run.predict(splits.validation)
    assert shown.counts.sum() == len(result.found), "what run.predict shows is what precision and recall are about"


def test_a_sealed_test_part_needs_a_reason(run, splits):
    with pytest.raises(HackbookError, match="reason"):
        hb.evaluate(run, splits.test)


def test_report_has_every_picture_and_escapes_names(run, result, tmp_path):
    data = result.data.take(np.arange(len(result.data)))
    data.class_names = ["<img src=x onerror=alert(1)>", "$a_{$", *data.class_names[2:]]
    hostile = DetectionEvaluation(data, result.detections)
    report = hb.report(run, hostile, to=tmp_path / "r.html")
    page = report.path.read_text(encoding="utf-8")
    assert "<img src=x" not in page and "&lt;img src=x" in page
    assert page.count("data:image/png") == 4
    for words in ("Boxes", "Precision and recall", "Largest errors", "map50", "recall"):
        assert words in page
    assert report.summary["map50"] == pytest.approx(hostile.score)


def test_card_and_deck(run, result, tmp_path):
    problem = hb.Problem("Which digits are on it, and where?", "object-detection")
    card = hb.model_card(problem, run, result).text
    assert "map50" in card and "recall" in card and "Per Class" in card
    deck = hb.present(problem, run, result, to=tmp_path / "deck", minutes=10)
    page = "".join(p.read_text(encoding="utf-8") for p in (tmp_path / "deck").rglob("*.html"))
    assert "boxes found" in page and "Which classes are found" in page and deck is not None


def test_two_detectors_are_compared_on_the_same_draws(result):
    good, bad = truth(result.data), truth(result.data, 3.)
    found = hb.compare_results({"network": bad, "truth": good})
    row = found.frame.loc["truth"]
    assert row.better_by == pytest.approx(good.score - bad.score) and row.low > 0 and row.p < .05
    same = hb.compare_results(bad, bad).frame.iloc[1]
    assert same.better_by == 0 == same.low == same.high
    np.testing.assert_array_equal(score_draws(result.data, bad.detections), bad.drawn_scores)


def test_baselines_are_refused(result, splits):
    with pytest.raises(HackbookError, match="no simple baseline"):
        hb.compare_results(result, splits=splits)


def test_what_needs_one_prediction_per_example_is_refused(run, result, splits):
    for ask in (lambda: hb.experiments.robustness(run, splits.validation), lambda: hb.explain(run, splits.validation),
                lambda: hb.embedding_map(run, splits.validation), lambda: hb.evaluation.calibrate(run, splits.validation),
                lambda: hb.evaluation.human_baseline(result), lambda: hb.evaluation.human_baseline(run, splits.validation),
                lambda: check_no_windows(splits.test, "x"), lambda: hb.experiments.compare_classics(run, result, splits),
                result.slices if hasattr(result, "slices") else lambda: result.slices, lambda: result.confusion, lambda: result.abstain_curve):
        with pytest.raises(HackbookError) as refused:
            ask()
        assert "must be" in str(refused.value) or "boxes" in str(refused.value)
