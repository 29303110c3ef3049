"""Boxes, pictures with boxes, and composed scenes."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

import hackbook as hb
from hackbook.detection import BoxedImages, areas, clipped, ious, letterboxed, padded, turned


def drawn(rng, n, height=48, width=64):
    start = rng.integers(0, [width - 1, height - 1], (n, 2))
    return np.concatenate([start, rng.integers(start + 1, [width + 1, height + 1])], axis=1)


def covered(boxes, height=48, width=64):
    """Each box as a mask of pixels."""
    y, x = np.mgrid[:height, :width]
    return np.array([(x >= b[0]) & (x < b[2]) & (y >= b[1]) & (y < b[3]) for b in boxes])


@given(st.integers(0, 10**6))
def test_areas_and_ious_count_pixels(seed):
    rng = np.random.default_rng(seed)
    a, b = drawn(rng, 4), drawn(rng, 3)
    masks = covered(a)[:, None], covered(b)[None]
    both, either = (masks[0] & masks[1]).sum(axis=(2, 3)), (masks[0] | masks[1]).sum(axis=(2, 3))
    assert np.allclose(ious(a, b), both / either) and np.allclose(areas(a), covered(a).sum(axis=(1, 2)))


def test_ious_equal_keras():
    from keras.utils.bounding_boxes import compute_iou

    rng = np.random.default_rng(0)
    a, b = drawn(rng, 5).astype("float32"), drawn(rng, 6).astype("float32")
    assert np.allclose(ious(a, b), compute_iou(a, b, "xyxy"), atol=1e-5)
    assert ious([[1, 1, 1, 1]], [[1, 1, 1, 1]]) == 0


@given(st.integers(0, 10**6), st.integers(1, 8))
def test_a_box_turns_as_its_picture(seed, turn):
    (box,) = drawn(np.random.default_rng(seed), 1)
    picture = Image.fromarray(covered([box])[0].astype("uint8"))
    picture.getexif()[0x0112] = turn
    shown = np.asarray(ImageOps.exif_transpose(picture)).astype(bool)
    assert (covered([turned(box, turn, 48, 64)], *shown.shape)[0] == shown).all()


@given(st.integers(20, 400), st.integers(20, 400), st.integers(16, 200), st.integers(16, 200), st.integers(0, 10**6))
def test_a_box_is_resized_as_its_picture(height, width, tall, wide, seed):
    (box,) = drawn(np.random.default_rng(seed), 1, height, width).astype(float)
    there = letterboxed(box, height, width, (tall, wide))
    whole = letterboxed([0, 0, width, height], height, width, (tall, wide))
    shown = np.asarray(ImageOps.pad(Image.fromarray(np.full((height, width), 255, "uint8")), (wide, tall)))
    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    assert np.allclose(whole, [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
    assert np.allclose(letterboxed(there, height, width, (tall, wide), back=True), box)
    assert (there[:2] >= whole[:2] - 1e-9).all() and (there[2:] <= whole[2:] + 1e-9).all()


def test_cut_at_the_edge():
    assert clipped([[-5, -1, 200, 7, 3]], 48, 64).tolist() == [[0, 0, 64, 7, 3]]


@pytest.fixture(scope="module")
def scenes():
    return hb.detection.scenes(200, seed=4)


def test_take_replace_pickle_and_fingerprint(scenes):
    some = scenes.take([5, 3, 5], "some")
    assert some.name == "some" and (some.y == scenes.y[[5, 3, 5]]).all() and (some.groups == scenes.groups[[5, 3, 5]]).all()
    assert scenes.take(scenes.counts == 1).counts.max() == 1 and len(scenes) == 200
    assert pickle.loads(pickle.dumps(scenes)).fingerprint == scenes.fingerprint == replace(scenes, name="b").fingerprint
    moved = scenes.y.copy()
    moved[0, 0, 0] += 1
    assert replace(scenes, y=moved).fingerprint != scenes.fingerprint
    assert [len(scenes.boxes(i)) for i in range(9)] == scenes.counts[:9].tolist()


def test_pictures_without_a_box_are_kept_and_can_be_taken():
    data = BoxedImages(np.zeros((3, 20, 20), "uint8"), [[], [[1, 1, 5, 5, 0]], []])
    assert data.counts.tolist() == [0, 1, 0] and data.take([0, 2]).counts.sum() == 0
    assert data.take([0, 2]).frame.boxes.tolist() == [0] and data.take([0]).boxes(0).empty
    assert data.take([0]).plot().axes


def test_unused_rows_go_last():
    y = np.full((1, 3, 5), -1.0)
    y[0, 2] = 1, 1, 5, 5, 0
    data = BoxedImages(np.zeros((1, 20, 20), "uint8"), y)
    assert data.y[0].tolist() == [[1, 1, 5, 5, 0], [-1] * 5, [-1] * 5] and data.y.dtype == np.float32


@pytest.mark.parametrize("boxes, says", [
    ([[]], "no box on any picture"), ([[[1, 1, 5, 5]]], "five numbers"), ([[[5, 1, 1, 5, 0]]], "swapped corners"),
    ([[[1, 1, 1, 5, 0]]], "zero area"), ([[[1, 1, 5, 21, 0]]], "outside the picture"), ([[[-2, 1, 5, 5, 0]]], "outside the picture"),
    ([[[np.nan, 1, 5, 5, 0]]], "NaN"), ([[[1, 1, np.inf, 5, 0]]], "NaN or infinite"), ([[[1, 1, 5, 5, 2]]], "class that is not listed"),
    ([[[1, 1, 5, 5, .5]]], "class that is not listed"), ([[[1, 1, 5, 5, 0]] * 1000], "1,000 boxes on one picture"),
    ([[], []], "boxes of 2 pictures"), ("cat", "one list per picture"), (np.zeros((1, 5)), "five numbers")])
def test_wrong_boxes_are_refused_by_name(boxes, says):
    with pytest.raises(hb.HackbookError, match=says):
        BoxedImages(np.zeros((1, 20, 20), "uint8"), boxes, ["cat", "dog"])


@pytest.mark.parametrize("x", [np.zeros((1, 20, 20)), np.zeros((1, 20, 20, 4), "uint8"), np.zeros((1, 400), "uint8")])
def test_other_than_pictures_of_bytes_are_refused(x):
    with pytest.raises(hb.HackbookError, match="pictures, uint8"):
        BoxedImages(x, [[[1, 1, 5, 5, 0]]])


def test_two_classes_of_one_name_are_refused_and_a_plain_dataset_too():
    with pytest.raises(hb.HackbookError, match="different names"):
        BoxedImages(np.zeros((1, 20, 20), "uint8"), [[[1, 1, 5, 5, 0]]], ["cat", "cat"])
    with pytest.raises(hb.HackbookError, match="BoxedImages"):
        hb.Dataset(np.zeros((2, 20, 20), "uint8"), [0, 1], task="object-detection")


def test_a_split_keeps_groups_and_equal_pictures_together(scenes):
    splits = hb.split(scenes, seed=2)
    parts = list(splits.parts.values())
    groups = [set(p.groups) for p in parts]
    assert not groups[0] & groups[1] and not groups[0] & groups[2] and sum(map(len, parts)) == len(scenes)
    assert splits.frame.loc["all"].sum() == scenes.counts.sum() and all(isinstance(p, BoxedImages) for p in parts)
    twice = replace(scenes.take(np.repeat(np.arange(100), 2)), groups=None)
    content = [{x.tobytes() for x in p.x} for p in hb.split(twice).parts.values()]
    assert not content[0] & content[1] and not content[0] & content[2] and not content[1] & content[2]
    fixed = hb.split(parts[0], test=parts[2])
    assert fixed.test.fingerprint == parts[2].fingerprint
    with pytest.raises(hb.HackbookError, match="by must be one of random, group"):
        hb.split(scenes, by="class")


def test_inspect_and_clean(scenes):
    assert not len(hb.inspect(scenes))
    seen = hb.inspect(replace(scenes.take([*range(60), 7]), y=[*scenes.y[:60], np.repeat(scenes.y[7:8, :1], 3, axis=1)[0]]))
    assert "boxes" in set(seen.frame.check) and seen.plot()._repr_png_()
    assert not len(hb.find_label_issues(scenes))
    with pytest.raises(hb.HackbookError, match="clean_boxes"):
        hb.clean(scenes, "drop_duplicates")


def test_pictures_are_drawn_with_their_boxes(scenes):
    figure = scenes.plot(examples=6)
    words = [t.get_text() for ax in figure.axes for t in ax.texts]
    assert len(figure.axes) == 8 and len(words) == sum(len(ax.patches) for ax in figure.axes) > 5
    ax = hb.subplots()[1]
    ax.set_ylim(64, 0)
    hb.detection.draw_boxes(ax, padded([[[1, 20, 5, 30, 1]]], 3)[0], ["cat", "dog"], [.75, 0, 0])
    assert [t.get_text() for t in ax.texts] == ["dog 0.75"]
    assert "<script>" not in replace(scenes, class_names=[f"<script>{c}" for c in scenes.class_names])._repr_html_()
    assert str(scenes.counts.sum()) not in repr(scenes)


def test_scenes_hold_what_they_promise(scenes):
    boxes = scenes.y[scenes.y[..., 4] >= 0]
    sides = boxes[:, 2:4] - boxes[:, :2]
    assert set(scenes.counts) == {1, 2, 3, 4, 5} and set(boxes[:, 4]) == set(range(10))
    assert 8 <= sides[:, 1].min() and sides[:, 1].max() <= 30 and np.ptp(sides[:, 1]) > 12
    assert (boxes[:, :4] % 1 == 0).all() and 0 < np.mean(scenes.x.std(axis=(1, 2)))
    for size, most in ((32, 2), (128, 8)):
        other = hb.detection.scenes(12, size=size, most=most)
        assert other.x.shape[1:] == (size, size) and other.counts.max() <= most
    assert (hb.detection.scenes(30, seed=1).x == hb.detection.scenes(30, seed=1).x).all()


@pytest.mark.parametrize("overlap", [0, .4])
def test_overlap_is_kept(overlap):
    data = hb.detection.scenes(40, overlap=overlap, seed=1)
    shared = 0
    for i, n in enumerate(data.counts):
        b = data.y[i, :n]
        union = ious(b, b)
        both = union * (areas(b)[:, None] + areas(b)) / (1 + union)
        fraction = both / np.minimum(areas(b)[:, None], areas(b))
        shared = max(shared, (fraction - np.eye(n)).max())
    assert shared <= overlap + 1e-9 and (overlap == 0 or shared > .15)


def test_a_scene_is_of_one_hand():
    source = hb.data.digits()
    two = replace(source.take(np.arange(40)), groups=np.repeat(["a", "b"], 20))
    two.x[:20] = 0
    two.x[:20, :, 3:5] = 16     # the first hand writes bars alone
    data = hb.detection.scenes(30, noise=0, digits=two)
    assert set(data.groups) == {"a", "b"}
    sides = {g: (data.y[data.groups == g][..., 2] - data.y[data.groups == g][..., 0]) for g in "ab"}
    assert sides["a"].max() < 12 < sides["b"].max()
    assert hb.detection.scenes(5, digits=replace(two, groups=None)).groups is None


@pytest.mark.parametrize("options", [{"count": 0}, {"count": 2.5}, {"size": 8}, {"most": 0}, {"overlap": -.1}, {"noise": np.nan}, {"noise": 2},
                                     {"seed": "a"}, {"digits": "digits"}, {"count": True}])
def test_arguments_of_scenes_are_checked(options):
    with pytest.raises(hb.HackbookError, match=next(iter(options))):
        hb.detection.scenes(**{"count": 2, **options})


def test_digits_that_are_too_wide_for_a_scene_are_refused_and_the_widest_fits():
    x = np.zeros((20, 16, 64), "uint8")
    x[:, 7:9, 2:62] = 255
    with pytest.raises(hb.InvalidValue, match="at most 1.75 times as wide as high, got '30 times'; leave"):
        hb.detection.scenes(5, digits=hb.Dataset(x, np.arange(20) % 2))
    x = np.zeros((20, 20, 40), "uint8")
    x[:, 4:16, 8:29] = 255      # 21 × 12: as wide as is allowed
    for size in (32, 64):
        made = hb.detection.scenes(60, size=size, most=2, digits=hb.Dataset(x, np.arange(20) % 2))
        found = made.y[made.y[..., 4] >= 0]
        assert (found[:, 2] - found[:, 0]).max() > .7 * size and found[:, :4].min() >= 0 and found[:, :4].max() <= size
