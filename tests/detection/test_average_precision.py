"""Average precision: equal to pycocotools' on random detections, and weights equal to scenes that are really repeated."""

import contextlib
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hackbook.detection import drawn_precisions, IOU_THRESHOLDS, match_detections, mean_precisions, precision_recall, precisions_of


def padded(scenes, width):
    """Lists of rows as one array, with -1 in the rows that are not used."""
    out = np.full((len(scenes), max([1, *map(len, scenes)]), width), -1., "float32")
    for place, rows in zip(out, scenes):
        if len(rows):
            place[:len(rows)] = rows
    return out


def random_scenes(seed, scenes, classes, boxes, extra, scores=None, jitter=3):
    """True boxes on quarters of a pixel, and detections near them and elsewhere; `scores` different ones, None: all differ."""
    rng = np.random.default_rng(seed)

    def some(n):
        corner = rng.integers(0, 80, (n, 2)) / 4
        return np.hstack([corner, corner + rng.integers(4, 48, (n, 2)) / 4])

    true, found = [], []
    for _ in range(scenes):
        n = rng.integers(0, boxes + 1)
        rows = np.hstack([some(n), rng.integers(0, classes, (n, 1))])
        near = rows[rng.random(n) < .8].repeat(2, axis=0)
        near[:, :4] += rng.integers(-jitter, jitter + 1, (len(near), 4)) / 4
        near[:, 2:4] = np.maximum(near[:, 2:4], near[:, :2] + .25)
        near[rng.random(len(near)) < .2, 4] = rng.integers(classes)
        m = rng.integers(0, extra + 1)
        other = np.hstack([some(m), rng.integers(0, classes, (m, 1))])
        seen = np.vstack([near, other])
        score = rng.random(len(seen)) if scores is None else rng.integers(1, scores + 1, len(seen)) / scores
        true.append(rows)
        found.append(np.hstack([seen, score[:, None]])[rng.permutation(len(seen))])
    return padded(true, 5), padded(found, 6)


def coco_precisions(y, detections, classes, most=100):
    """What pycocotools has in place of `precisions_of`: NaN for a class without a box."""
    coco = pytest.importorskip("pycocotools.coco")
    cocoeval = pytest.importorskip("pycocotools.cocoeval")

    def entries(rows):
        for scene, row in zip(*np.nonzero(rows[..., 4] >= 0)):
            left, top, right, bottom, label, *score = rows[scene, row].astype(float).tolist()
            yield {"image_id": int(scene) + 1, "category_id": int(label) + 1, "bbox": [left, top, right - left, bottom - top],
                   "area": (right - left) * (bottom - top), "iscrowd": 0, **({"score": score[0]} if score else {})}

    with contextlib.redirect_stdout(io.StringIO()):
        truth, found = coco.COCO(), coco.COCO()
        about = {"images": [{"id": i + 1} for i in range(len(y))], "categories": [{"id": c + 1} for c in range(classes)]}
        for index, rows in ((truth, y), (found, detections)):
            index.dataset = about | {"annotations": [{"id": i + 1, **e} for i, e in enumerate(entries(rows))]}
            index.createIndex()
        judge = cocoeval.COCOeval(truth, found, "bbox")
        judge.params.maxDets, judge.params.areaRng, judge.params.areaRngLbl = [most], [[0, 1e10]], ["all"]
        judge.evaluate()
        judge.accumulate()
    precision = judge.eval["precision"][..., 0, 0]
    return np.where(precision[:, 0] > -1, precision.mean(axis=1), np.nan)


@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 4), st.integers(0, 5), st.integers(0, 8), st.sampled_from([None, 1, 3]))
def test_equal_to_pycocotools(seed, scenes, classes, boxes, extra, scores):
    """With ties of scores and overlaps, scenes without boxes or detections, and classes without boxes."""
    y, found = random_scenes(seed, scenes, classes, boxes, extra, scores)
    ours = precisions_of(match_detections(y, found, classes))
    np.testing.assert_allclose(ours, coco_precisions(y, found, classes), atol=1e-9, rtol=0)


@pytest.mark.parametrize("most", [1, 3])
def test_only_the_surest_count(most):
    y, found = random_scenes(0, 20, 2, 6, 10)
    few = precisions_of(match_detections(y, found, 2, most=most))
    np.testing.assert_allclose(few, coco_precisions(y, found, 2, most), atol=1e-9, rtol=0)
    assert np.nanmean(few) < np.nanmean(precisions_of(match_detections(y, found, 2)))


@given(st.integers(0, 10**6), st.integers(2, 8), st.integers(1, 3))
def test_weights_are_as_if_scenes_were_repeated(seed, scenes, classes):
    y, found = random_scenes(seed, scenes, classes, 4, 6)
    counts = np.random.default_rng(seed).multinomial(scenes, np.full(scenes, 1 / scenes), 5).T
    weighted = drawn_precisions(match_detections(y, found, classes), counts)
    for column, drawn in zip(np.moveaxis(weighted, -1, 0), counts.T):
        rows = np.repeat(np.arange(scenes), drawn)
        np.testing.assert_allclose(column, precisions_of(match_detections(y[rows], found[rows], classes)), atol=1e-12, rtol=0)


def test_known_means():
    """Perfect detections score 1 at all thresholds, none 0, and boxes of IoU 0.7 count up to there."""
    y, _ = random_scenes(1, 30, 3, 4, 0)
    sure = np.concatenate([y, np.where(y[..., :1] < 0, -1, .9)], axis=-1)
    sure[..., 4] = y[..., 4]
    ones = np.ones((30, 1))
    assert mean_precisions(drawn_precisions(match_detections(y, sure, 3), ones)) == pytest.approx(1)
    nothing = match_detections(y, np.full((30, 1, 6), -1.), 3)
    assert mean_precisions(drawn_precisions(nothing, ones)) == 0
    box = np.array([[[0, 0, 10, 10, 0]]], float)
    seen = np.array([[[0, 0, 10, 7.2, 0, .5]]])
    assert (precisions_of(match_detections(box, seen, 1))[:, 0] > .99).tolist() == (IOU_THRESHOLDS <= .72).tolist()
    assert np.isnan(mean_precisions(drawn_precisions(match_detections(box, seen, 1), np.zeros((1, 1))))).all()


def test_the_curve_ends_at_all_detections():
    y, found = random_scenes(3, 40, 2, 4, 4)
    matches = match_detections(y, found, 2)
    curve = precision_recall(matches, 1)
    assert len(curve) == (matches.label == 1).sum() and curve.score.is_monotonic_decreasing and curve.recall.is_monotonic_increasing
    right = (matches.found[matches.label == 1, 0] >= 0).sum()
    assert curve.recall.iloc[-1] == pytest.approx(right / (y[..., 4] == 1).sum()) and 0 < right < len(curve)
    assert curve.precision.iloc[-1] == pytest.approx(right / len(curve))


def test_the_order_of_scenes_and_rows_does_not_matter():
    y, found = random_scenes(5, 25, 3, 4, 5)
    rng = np.random.default_rng(0)
    order = rng.permutation(25)
    moved = precisions_of(match_detections(y[order][:, rng.permutation(y.shape[1])], found[order][:, rng.permutation(found.shape[1])], 3))
    np.testing.assert_allclose(moved, precisions_of(match_detections(y, found, 3)), atol=1e-12)
