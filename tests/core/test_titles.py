"""No title of a picture is cut off."""

import itertools
import warnings

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


LONG = ["complaint about delivery", "question about an invoice", "Donaudampfschiff\N{FOX FACE}fahrtsgesellschaft"]


def overlaps(texts):
    """Pairs of texts that are drawn over each other."""
    boxes = [t.get_window_extent() for t in texts if t.get_text()]
    return [pair for pair in itertools.combinations(boxes, 2) if pair[0].shrunk(0.98, 0.9).overlaps(pair[1].shrunk(0.98, 0.9))]


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_long_names_of_classes_leave_room_for_the_confusion_matrix(classes):
    names = LONG[:classes] + [f"kind of class {i}" for i in range(len(LONG), classes)]
    data = hb.Dataset(np.zeros((40, 4)), np.arange(40) % classes, names)
    figure = Evaluation(data, np.eye(classes)[(data.y + 1) % classes]).plot_confusion()
    assert cut(figure) == []
    (ax,) = figure.axes
    width, height = ax.get_window_extent().size / figure.dpi
    assert height / classes > 0.3 and width / classes > 0.35
    for labels in (ax.get_xticklabels(), ax.get_yticklabels()):
        assert len(labels) == classes and overlaps(labels) == []


def test_captions_of_pictures_do_not_overlap(three):
    data = hb.Dataset(three.x, three.y, LONG)
    wrong = Evaluation(data, np.eye(3)[(three.y + 1) % 3])
    for figure in (data.plot(), wrong.plot_mistakes()):
        figure.draw_without_rendering()
        titles = [ax.title for ax in figure.axes if ax.title.get_text()]
        assert len(titles) > 2 and overlaps(titles) == []
        assert all(t.get_window_extent().y1 < figure._suptitle.get_window_extent().y0 for t in titles)
    assert all(t.get_text().endswith("(100% sure)") for t in titles)


def test_a_letter_that_the_font_lacks_draws_no_warning(three):
    data = hb.Dataset(three.x, three.y, LONG)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data.plot().png(), Evaluation(data, np.eye(3)[three.y]).plot_confusion().png()
