"""The notebook of a deck tells the same story: nbconvert makes the same slides of it, in the same order."""

import html
import re

import nbformat
import numpy as np
import pytest

import hackbook as hb
from hackbook.presentation.slides import Points, Slide, Text
from hackbook.presentation.slides_notebook import write_slides

HOSTILE = ["<script>alert(1)</script>", "# a | b", "```\n---\n```", "عربي 🙂", "long " * 2000, "![x](http://example.org/x.png)", "$x$ $5"]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slides")
    problem = hb.Problem("Which digit is it?", "image-classification", who="Teachers")
    splits = problem.split(hb.data.digits().take(np.arange(400)))
    hb.set_seed(0)
    run = hb.fit(hb.models.cnn(splits, filters=(4,)), splits, epochs=2, to=None)
    sources = problem, run, hb.evaluate(run, splits.validation)
    answers = hb.Answers(title="Digits read", problem="Somebody types.", failed="Rotation.", next="More data.")
    deck = hb.present(*sources, to=folder / "deck", minutes=10, answers=answers)
    return deck, hb.present(*sources, to=folder / "slides.ipynb", minutes=10, answers=answers)


def rendered(path):
    """The notebook as nbconvert's slides: the text of each heading."""
    from nbconvert import SlidesExporter

    page, _ = SlidesExporter(embed_images=True).from_filename(str(path))
    return page, [html.unescape(re.sub("<[^>]+>", "", h)).replace("¶", "").strip() for h in re.findall(r"<h[12][^>]*>(.*?)</h[12]>", page, re.S)]


def test_nbconvert_makes_the_same_slides(told):
    deck, path = told
    page, headings = rendered(path)
    assert headings == [" ".join(slide.title.split()) for slide in deck.slides]
    assert page.count("data:image/png;base64") >= 4 and "Somebody types." in page


def test_cells_are_slides_and_notes(told):
    deck, path = told
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    kinds = [cell.metadata.slideshow.slide_type for cell in notebook.cells]
    assert kinds.count("slide") == len(deck.slides) and kinds.count("notes") == sum(bool(s.notes) for s in deck.slides)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_texts(tmp_path, text):
    path = write_slides([Slide("a", "A title", [Text(text, label=text), Points([text])], notes=text)], tmp_path / "slides.ipynb", text)
    page, headings = rendered(path)
    body = page[page.index("A title"):]
    assert "<script>alert" not in body and '<img src="http' not in body and headings == ["A title"]


def test_a_full_disk_leaves_the_old_notebook(told, tmp_path, monkeypatch):
    deck, _ = told
    path = write_slides(deck.slides, tmp_path / "slides.ipynb")
    old = path.read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(path), "write_text", full)
    with pytest.raises(hb.HackbookError, match="intact"):
        write_slides(deck.slides[:1], path)
    assert path.read_bytes() == old
