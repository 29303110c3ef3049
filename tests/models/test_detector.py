"""A detector: its loss, what it makes of boxes, its file, and what it refuses."""

import subprocess
import sys

import numpy as np
import pytest

import hackbook as hb
from hackbook.core import HackbookError, center_overlaps, detection_losses, detections, grid_shape
from hackbook.data import TASKS
from hackbook.detection import BoxedImages
from hackbook.models import detector


def squares(count, seed=0, size=32, empty=False):
    """Bright and dark squares on gray, one or two per picture."""
    rng = np.random.default_rng(seed)
    x = np.full((count, size, size), 110) + rng.integers(0, 20, (count, size, size))
    y = []
    for picture in x:
        boxes = []
        for half in rng.permutation(2)[: rng.integers(0 if empty else 1, 3)]:
            side, kind = rng.integers(8, 15), rng.integers(2)
            left, top = half * size // 2 + rng.integers(0, size // 2 - side + 1), rng.integers(0, size - side + 1)
            picture[top:top + side, left:left + side] = (20, 240)[kind]
            boxes.append([left, top, left + side, top + side, kind])
        y.append(boxes)
    return BoxedImages(x.astype("uint8"), y, ["dark", "bright"], "squares")


@pytest.fixture(scope="module")
def splits():
    return hb.split(squares(240))


@pytest.fixture(scope="module")
def run(splits):
    hb.core.set_seed(0)
    return hb.fit(detector(splits, filters=(8, 16, 16), width=16), splits, epochs=30, batch_size=16, learning_rate=.02, to=None)


def test_the_loss_falls_and_boxes_fit(run, splits):
    history = run.history
    assert history.loss.iloc[-1] < .5 * history.loss.iloc[0]
    assert history.val_box_iou.iloc[-1] > .6 and run.metric == "box_iou"
    found = run.predict(splits.validation.x)
    assert np.abs(found.counts - splits.validation.counts).mean() < .8


def test_an_overfit_batch_is_found_again():
    data = squares(12, seed=3)
    splits = hb.data.Splits(data, data, hb.data.Sealed(data), 0, "squares")
    hb.core.set_seed(0)
    model = detector(splits, filters=(8, 16, 16), width=32)
    run = hb.fit(model, splits, epochs=250, batch_size=12, learning_rate=.02, weight_decay=0., to=None)
    found = run.predict(data.x, threshold=.3).outputs
    assert ((found[..., 4] >= 0).sum(axis=1) == data.counts).all()
    for boxes, true in zip(found, data.y):
        for box in true[true[:, 4] >= 0]:
            iou = hb.detection.ious(boxes[boxes[:, 4] == box[4]], box[None])
            assert iou.max() > .8


def test_pictures_without_boxes_have_a_finite_loss(splits):
    model = detector(splits, filters=(8, 8), width=8)
    y = np.full((2, 3, 5), -1, "float32")
    outputs = model.predict(splits.train.x[:2], verbose=0)
    assert np.isfinite(np.asarray(detection_losses(y, outputs))).all()
    for extreme in (1e4, -1e4):
        assert np.isfinite(np.asarray(detection_losses(splits.train.y[:2], np.full_like(outputs, extreme)))).all()
    metric = splits.task.epoch_function()
    metric.update_state(y, outputs)
    assert float(metric.result()) == 0


def test_gradients_are_finite_without_boxes_and_with_boxes_beyond_the_grid():
    import tensorflow as tf

    y = np.full((3, 2, 5), -1, "float32")
    y[1, 0] = [0, 0, 1, 1, 1]            # smaller than a cell
    y[2, 0] = [-40, -40, -30, -30, 0]    # nowhere
    outputs = tf.Variable(np.random.default_rng(0).normal(size=(3, 4, 5, 6)).astype("float32"))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(detection_losses(y, outputs))
    assert np.isfinite(tape.gradient(loss, outputs).numpy()).all()


def encoded(boxes, classes, size=(20, 28)):
    """An output that says exactly these boxes, each at the cell of its center."""
    rows, columns, numbers = grid_shape(size, classes)
    output = np.full((1, rows, columns, numbers), -9, "float32")
    for left, top, right, bottom, number, logit in boxes:
        x, y = (left + right) / 8, (top + bottom) / 8
        row, column = int(y), int(x)
        output[0, row, column, :4] = x - column - .5, y - row - .5, np.log((right - left) / 4), np.log((bottom - top) / 4)
        output[0, row, column, 4 + int(number)] = logit
    return output


def test_decoding_gives_exactly_the_boxes():
    boxes = [[2, 3, 12, 11, 0, 2.], [14, 1, 27, 18, 2, 1.], [1, 1, 4, 4, 1, .5]]
    found = detections(encoded(boxes, 3), (20, 28), most=5)[0]
    np.testing.assert_allclose(found[:3, :5], np.array(boxes)[:, :5], atol=1e-4)
    np.testing.assert_allclose(found[:3, 5], 1 / (1 + np.exp(-np.array([2., 1., .5]))), atol=1e-6)
    assert found.shape == (5, 6) and found.dtype == np.float32 and (found[3:] == -1).all()


def test_suppression_is_per_class_and_boxes_end_at_the_picture():
    same = [[2, 2, 14, 14, 0, 2.], [2, 2, 22, 14, 0, 1.], [2, 2, 12, 18, 1, .5], [18, 12, 34, 24, 1, 0.]]
    found = detections(encoded(same, 2), (20, 28), iou=.5)[0]
    np.testing.assert_allclose(found[:3, :5], [[2, 2, 14, 14, 0], [2, 2, 12, 18, 1], [18, 12, 28, 20, 1]], atol=1e-4)
    assert (found[3:] == -1).all()
    assert (detections(encoded(same, 2), (20, 28), iou=.9)[0, :, 4] >= 0).sum() == 4
    assert (detections(encoded(same, 2), (20, 28), threshold=.7)[0, :, 4] >= 0).sum() == 1
    assert (detections(encoded(same, 2), (20, 28), most=1)[0, :, 4] >= 0).sum() == 1


def test_many_pictures_at_once_are_those_one_by_one():
    rng = np.random.default_rng(0)
    outputs = rng.normal(size=(300, 4, 4, 6)).astype("float32")
    together = detections(outputs, (16, 16), most=7)
    one_by_one = np.concatenate([detections(o[None], (16, 16), most=7) for o in outputs[250:260]])
    np.testing.assert_allclose(together[250:260], one_by_one, atol=1e-5)


def test_overlap_looks_at_the_cell_of_the_center():
    boxes = [[2, 3, 12, 11, 0, 2.], [14, 1, 27, 18, 1, 1.]]
    y = np.array([[*[box[:5] for box in boxes], [-1] * 5]], "float32")
    overlap, real = (np.asarray(v) for v in center_overlaps(y, encoded(boxes, 2)))
    np.testing.assert_allclose(overlap[0, :2], 1, atol=1e-5)
    assert real.tolist() == [[1, 1, 0]]


def test_the_file_loads_without_hackbook(run, splits, tmp_path):
    folder = run.save(tmp_path)
    np.save(tmp_path / "x.npy", splits.validation.x[:3])
    code = (f"import sys, numpy as np, keras; model = keras.models.load_model({str(folder / 'model.keras')!r}, compile=False); "
            f"np.save({str(tmp_path / 'y.npy')!r}, model.predict(np.load({str(tmp_path / 'x.npy')!r}), verbose=0)); "
            "assert not [m for m in sys.modules if m.startswith('hackbook')]")
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, timeout=300, env={"PATH": "", "TF_CPP_MIN_LOG_LEVEL": "3"})
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), run.model.predict(splits.validation.x[:3], verbose=0), atol=1e-4)
    again = hb.load_run(folder)
    np.testing.assert_allclose(again.predict(splits.validation.x).outputs, run.predict(splits.validation.x).outputs, atol=1e-3)


@pytest.mark.parametrize("size", [(16, 16), (33, 50), (40, 23, 3)])
def test_sizes_and_channels(size):
    rng = np.random.default_rng(0)
    data = BoxedImages(rng.integers(0, 255, (20, *size)).astype("uint8"), [[[1, 1, 9, 9, 0]]] * 20, ["thing"])
    splits = hb.split(data)
    model = detector(splits, filters=(4, 4, 4), width=4)
    assert model.output_shape[1:] == grid_shape(size, 1)
    assert np.isfinite(float(splits.task.loss_function()(data.y, model.predict(data.x, verbose=0))))


def test_preflight_passes_or_says_why_not(splits):
    hb.core.set_seed(0)
    found = hb.preflight(detector(splits, filters=(8, 16, 16), width=16), splits, batch_size=16, steps=60)
    assert found.ok, str(found)
    assert all(c.finding for c in found.checks)
    for check in found.checks:
        check.plot()


@pytest.mark.parametrize("options, says", [
    ({"filters": (16,)}, "filters must be a tuple of two whole numbers"), ({"filters": (16, 0)}, "filters"), ({"filters": 16}, "filters"),
    ({"filters": (4,) * 6}, "leave out the last"), ({"width": 0}, "width"), ({"noise": -1}, "noise"), ({"brightness": 2}, "brightness")])
def test_refuses_what_cannot_be_built(splits, options, says):
    with pytest.raises(HackbookError, match=says):
        detector(splits, **options)


def test_refuses_other_data_and_other_models(splits, run):
    import keras

    digits = hb.split(hb.data.digits())
    with pytest.raises(HackbookError, match="BoxedImages, pictures with boxes"):
        detector(digits)
    with pytest.raises(HackbookError, match="numbers per cell"):
        hb.fit(keras.Sequential([keras.Input((32, 32)), keras.layers.Flatten(), keras.layers.Dense(2)]), splits, to=None)
    with pytest.raises(HackbookError, match="threshold"):
        run.predict(splits.validation.x, threshold=3)
    with pytest.raises(HackbookError, match="class_weight"):
        hb.fit(run.model, splits, epochs=1, class_weight="balanced", to=None)
    assert TASKS["object-detection"].has_own_loss


def test_live_shows_boxes_beside_the_true_ones(run, splits):
    import json

    from hackbook.live.view_pictures import draw
    from hackbook.live.views import predictions

    seen = predictions(run.model, splits)()
    assert len(seen["images"]) == len(seen["true"]) == len(seen["found"]) == 6 and len(json.dumps(seen)) < 40_000
    some = [box for boxes in seen["found"] for box in boxes]
    assert some and all(0 <= v <= 1 for box in some for v in box[:4]) and {box[4] for box in some} <= {"dark", "bright"}
    assert len(draw(seen).axes[0].patches) == len(seen["true"][0]) + len(seen["found"][0])


def test_the_space_of_tune_builds_detectors(splits):
    space = hb.search.default_space(detector, splits)
    for filters in space["filters"]:
        detector(splits, filters=filters)
    with pytest.raises(HackbookError, match="pictures with boxes"):
        hb.search.default_space(detector, hb.split(hb.data.digits()))


def test_tables_of_boxes(run, splits):
    found = run.predict(splits.validation.x)
    frame = found.frame
    assert len(frame) == found.counts.sum() == sum(map(len, found.predicted)) and frame.score.between(.3, 1).all()
    assert set(frame["class"]) <= {"dark", "bright"} and (frame.right > frame.left).all()
    assert len(run.predict(splits.validation.x, threshold=.99).frame) < len(frame)
    assert found[2].counts[0] == found.counts[2] and "boxes on" in repr(found)
    assert len(found.plot().axes) >= 12 and "<table" in found._repr_html_()
    with pytest.raises(HackbookError, match="to have probabilities"):
        found.probability


def test_tune_finds_a_detector(splits, tmp_path):
    space = {"learning_rate": (.005, .03, "log"), "filters": [(4, 8), (4, 8, 8)], "width": 8}
    study = hb.tune(detector, splits, space, budget=2, epochs=2, finalists=0, batch_size=32, to=tmp_path / "study.db", runs=None)
    assert study.metric == "val_box_iou" and study.direction == "maximize" and study.frame.score.between(0, 1).all()


def test_a_wrong_class_counts_as_no_overlap():
    boxes = [[2, 3, 12, 11, 0, 2.], [14, 1, 27, 18, 1, 1.]]
    y = np.array([[[*boxes[0][:4], 1], boxes[1][:5]]], "float32")
    overlap = np.asarray(center_overlaps(y, encoded(boxes, 2))[0])
    np.testing.assert_allclose(overlap, [[0, 1]], atol=1e-5)


def test_mixed_precision_learns_too(splits):
    model = detector(splits, filters=(8, 8), width=8)
    run = hb.fit(model, splits, epochs=2, batch_size=32, precision="mixed_bfloat16", to=None)
    assert np.isfinite(run.history.val_loss).all() and run.predict(splits.validation.x[:2]).outputs.shape == (2, 100, 6)


def test_live_trains_a_detector(splits):
    live = hb.Live(detector(splits, filters=(8, 8), width=8), splits, epochs=1, batch_size=32)
    assert live.wait() == "finished"
    assert len(live.frame) == 1 and "val_box_iou" in live.frame
