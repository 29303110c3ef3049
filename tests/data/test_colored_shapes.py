"""`hb.data.shapes` draws what it says: three classes that only their outline tells apart."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

import hackbook as hb


@pytest.mark.parametrize("count, size", [(3, 24), (10, 64), (501, 33)])
def test_classes_are_equal_and_pictures_repeat(count, size):
    data = hb.data.shapes(count, size)
    assert data.x.shape == (count, size, size, 3) and data.x.dtype == np.uint8
    assert np.ptp(np.bincount(data.y, minlength=3)) <= 1
    again = hb.data.shapes(count, size)
    assert np.array_equal(data.x, again.x) and np.array_equal(data.y, again.y)
    assert "synthetic" in data.origin


def test_every_shape_is_whole_and_visible():
    """Without noise the shape's area is that of its radius: nothing is cut off, and no color is lost."""
    from hackbook.data.colored_shapes import _distances

    rng = np.random.default_rng(0)
    kind = np.arange(300) % 3
    radius = rng.uniform(6, 15, 300).astype("float32")
    drawn = _distances(kind, radius, np.full((300, 2), 32, "float32"), rng.uniform(0, 6, 300).astype("float32"), 64)
    covered = (0.5 - drawn).clip(0, 1)
    assert np.allclose(covered.sum(axis=(1, 2)), np.pi * radius**2, rtol=0.03)
    border = np.concatenate([covered[:, 0], covered[:, -1], covered[:, :, 0], covered[:, :, -1]], axis=1)
    assert not border.any()


def test_color_does_not_tell_the_class():
    data = hb.data.shapes(900, 32, seed=5)
    pixels = data.x.reshape(900, -1, 3) / 255
    summary = np.concatenate([pixels.mean(axis=1), pixels.std(axis=1)], axis=1)
    assert cross_val_score(LogisticRegression(), summary, data.y, cv=5).mean() < 0.42


@pytest.mark.parametrize("wrong", [{"count": 2}, {"count": 10.5}, {"count": True}, {"size": 23}, {"size": 257}, {"size": None},
                                   {"noise": -0.1}, {"noise": "much"}, {"noise": float("nan")}, {"seed": -1}, {"seed": 1.5}])
def test_what_cannot_be_drawn_is_told(wrong):
    name = next(iter(wrong))
    with pytest.raises(hb.HackbookError, match=f"{name} must be"):
        hb.data.shapes(**{"count": 9, **wrong})
