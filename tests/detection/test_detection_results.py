"""Scores, errors, pictures and the threshold slider of detections."""

import numpy as np
import pytest
from test_average_precision import random_scenes

from hackbook.core import HackbookError
from hackbook.detection import BoxedImages, DetectionEvaluation, errors_by_scene, KINDS, missed_boxes


def some(seed=0, scenes=60, classes=3, groups=None, names=None):
    """A result on random scenes that share no object with the true ones but by its boxes."""
    y, found = random_scenes(seed, scenes, classes, 5, 3)
    x = np.random.default_rng(seed).integers(0, 255, (scenes, 40, 40)).astype("uint8")
    y[y[..., 4] >= 0] = np.clip(y[y[..., 4] >= 0], 0, 40)
    return DetectionEvaluation(BoxedImages(x, y, names or list("abcdefgh")[:classes], "random", groups=groups), found)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("threshold", [0., .3, .7])
def test_every_box_and_every_detection_counts_once(seed, threshold):
    result = some(seed).at(threshold)
    each, found, y = result.each, result.found, result.data.y
    assert len(found) == ((result.detections[..., 4] >= 0) & (result.detections[..., 5] >= threshold)).sum()
    assert (each[list(KINDS)].sum() == found.kind.value_counts().reindex(KINDS, fill_value=0)).all()
    assert (each.boxes == each.right + each.wrong_class + each.misplaced + each.missed).all()
    about = found[found.kind.isin(["right", "wrong_class", "misplaced"])]
    assert not about.duplicated(["scene", "box"]).any(), "a true box is taken once"
    label = y[about.scene, about.box, 4]
    assert ((label == about.label) == (about.kind != "wrong_class")).all()
    assert (about.iou[about.kind != "misplaced"] >= .5).all() and (missed_boxes(y, found).sum(axis=1) == each.missed).all()
    assert each.equals(errors_by_scene(y, found))


def test_the_threshold_moves_precision_and_recall_and_not_map():
    result = some()
    curve = result.thresholds
    for threshold in curve.index[[5, len(curve) // 2, -1]]:
        here = result.at(float(threshold)).scores.score
        assert here["precision"] == pytest.approx(curve.precision[threshold]) and here["recall"] == pytest.approx(curve.recall[threshold])
        assert here["map50"] == result.score
    assert curve.recall.is_monotonic_increasing and len(curve) == len(np.unique(result.matches.score))
    high = result.at(1.).scores
    assert np.isnan(high.score["precision"]) and high.score["recall"] == 0
    for wrong in (-.1, 1.1, "a", None, True, np.nan):
        with pytest.raises(HackbookError, match="threshold"):
            result.at(wrong)


def test_intervals_cover_and_shrink_with_more_scenes():
    few, many = some(1, 40), some(1, 400)
    for scores in (few.scores, many.scores):
        assert (scores.low < scores.score).all() and (scores.score < scores.high).all()
    width = lambda r: r.scores.high - r.scores.low  # noqa: E731
    assert (width(many) < .6 * width(few)).all()


def test_groups_are_drawn_whole_and_a_single_one_has_no_interval():
    alone = some(2, 40)
    paired = some(2, 40, groups=np.repeat(np.arange(4), 10))
    assert paired.score == alone.score
    assert np.all([np.ptp(c.reshape(4, 10, -1), axis=1).max() == 0 for c in paired.counts]), "scenes of a group are drawn together"
    single = some(2, 40, groups=np.zeros(40))
    assert single.scores.low.isna().all() and "interval unknown" in str(single) and single.score == alone.score
    assert single.drawn_scores.shape == (0,)


def test_nothing_detected_and_classes_without_boxes():
    result = some(classes=3, names=["a", "b", "c"])
    nothing = DetectionEvaluation(result.data, np.full((60, 1, 6), -1.))
    assert nothing.score == 0 and np.isnan(nothing.scores.score["precision"]) and nothing.each.missed.sum() == nothing.each.boxes.sum()
    more = DetectionEvaluation(BoxedImages(result.data.x, result.data.y, ["a", "b", "c", "never"], "x"), result.detections)
    assert more.score == result.score and np.isnan(more.classes.ap50["never"]) and more.classes.boxes["never"] == 0
    for shown in (nothing, more):
        assert shown.plot_boxes() and shown.plot_precision_recall() and shown.browse_thresholds(2).still() and shown._repr_html_()


def test_worst_are_those_with_the_most_errors():
    result = some(4)
    worst = result.worst(5)
    assert len(worst) == 5 and worst.errors.min() >= result.each.errors.drop(worst.index).max()
    assert result.plot_worst(3).alt.startswith("The 3 worst of")


def test_names_from_the_data_are_text_everywhere():
    hostile = "<script>alert(1)</script>"
    result = some(names=[hostile, "$\\frac{$", "\"'&"])
    page = result.browse_thresholds(30).still() + result._repr_html_()
    assert "<script" not in page and "&lt;script" in page
    assert result.plot_boxes(30).png() and result.plot_precision_recall().png() and result.plot_worst().png()


def test_the_slider_moves_the_result():
    panel = some(6).browse_thresholds(3)
    before = len(panel.result.found)
    panel.widget.children[0].value = .9
    assert panel.threshold == pytest.approx(.9) and len(panel.result.found) < before
    assert "Score 0.90" in panel.widget.children[1].value
    panel.move(.2)
    assert panel.widget.children[0].value == pytest.approx(.2)
    shown = panel._repr_mimebundle_()
    assert "svg" in shown["text/html"] and "<script" not in shown["text/html"]


@pytest.mark.parametrize("wrong, words", [(np.zeros((3, 2, 6)), "60, most, 6"), (np.zeros((60, 2, 5)), "a box, its class and score"),
                                          (np.full((60, 1, 6), np.nan), "finite"), (np.full((60, 1, 6), 9.), "below 3")])
def test_detections_of_other_scenes_are_refused(wrong, words):
    with pytest.raises(HackbookError, match=words):
        DetectionEvaluation(some().data, wrong).score
