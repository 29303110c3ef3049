"""No title of a picture is cut off."""

import numpy as np
import pytest

import hackbook as hb
from hackbook.evaluation import Evaluation

NAMES = ["sunflower", "dandelion", "marguerite"]


def cut(figure):
    """The titles that leave the picture, after it is drawn as a notebook draws it."""
    figure.png()
    figure.draw_without_rendering()  # at the figure's own resolution
    width = figure.bbox.width
    texts = [t for ax in figure.axes for t in ax.get_children() if hasattr(t, "get_text") and t.get_text() == ax.get_title(loc="left")]
    texts += [figure._suptitle] if figure._suptitle else []
    boxes = {t.get_text(): t.get_window_extent() for t in texts if t.get_text()}
    return [text for text, box in boxes.items() if box.x0 < 0 or box.x1 > width]


@pytest.fixture(scope="module")
def three():
    rng = np.random.default_rng(0)
    return hb.Dataset(rng.integers(0, 255, (60, 16, 16, 3)).astype("uint8"), np.arange(60) % 3, NAMES, name="flowers of the meadow")


def test_sample_grid_of_three_classes(three):
    figure = three.plot()
    assert cut(figure) == [] and "flowers of the meadow: 3 examples of each class" in figure.alt


def test_confusion_matrix_of_three_classes(three):
    wrong = np.eye(3, dtype="float32")[(three.y + 1) % 3]
    figure = Evaluation(three, wrong).plot_confusion()
    assert cut(figure) == [] and "\n" in figure.axes[0].get_title(loc="left") and "\n" not in figure.alt


def test_a_title_runs_into_no_picture_beside_it():
    figure, axes = hb.subplots(1, 2, width=6)
    for ax in axes:
        hb.label_axes(ax, "validation loss of the network with dropout")
    figure.png()
    figure.draw_without_rendering()
    first = next(t for t in axes[0].get_children() if hasattr(t, "get_text") and t.get_text() == axes[0].get_title(loc="left"))
    assert first.get_window_extent().x1 < axes[1].get_window_extent().x0


def test_a_short_title_stays_on_its_line():
    figure, ax = hb.subplots()
    hb.label_axes(ax, "Validation loss 0.2 at best")
    figure.png()
    assert ax.get_title(loc="left") == "Validation loss 0.2 at best"
