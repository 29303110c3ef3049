"""The pad in a notebook: what is drawn is predicted by the kernel, as `run.predict` does, and names are text."""


import numpy as np
import pytest
from browser import notebook_page

import hackbook as hb
from hackbook.deployment import Sketch

HOSTILE = ['<img src=x onerror="window.hacked=1">', "</script><script>window.hacked=2</script>", "long " * 2000]


@pytest.fixture(scope="module")
def splits():
    return hb.split(hb.data.digits())


@pytest.fixture(scope="module")
def run(splits, tmp_path_factory):
    hb.set_seed(0)
    return hb.fit(hb.models.cnn(splits, filters=(8,)), splits, epochs=3, to=tmp_path_factory.mktemp("runs"))


def test_ink_is_predicted_as_the_picture_itself(run, splits):
    sketch = Sketch(run, splits.validation)
    for x in splits.validation.x[:5]:
        assert np.array_equal(sketch.picture(x / 16), x)
        assert np.array_equal(sketch.predict((x / 16).ravel().tolist()).outputs, run.predict(x).outputs)
    assert repr(sketch) == f"Sketch(digits: {sketch.predictions.captions[0]})"
    sketch.clear()
    assert sketch.predictions is None and "nothing drawn yet" in str(sketch.still())


def test_dark_ink_on_paper(run, splits):
    x = 16 - splits.validation.x
    paper = hb.Dataset(x, splits.validation.y, splits.class_names)
    sketch = Sketch(run, paper)
    assert np.array_equal(sketch.picture(np.zeros((8, 8))), np.full((8, 8), 16)) and sketch.picture(np.ones((8, 8))).max() == 0


@pytest.mark.parametrize("ink", [None, "x", np.zeros((9, 9)), np.full((8, 8), np.nan), [], [[0, 1], [0]]])
def test_bad_ink_is_refused(run, ink):
    with pytest.raises(hb.InvalidValue, match="ink must be 8 × 8 numbers from 0 to 1"):
        Sketch(run).picture(ink)


def test_only_pictures_in_gray_are_drawn(run):
    for facts, words in (({"kind": "text", "shape": []}, "its examples are text"), ({"kind": "numbers", "shape": [4], "low": 0.0, "high": 1.0, "dtype": "float32"}, "pictures in gray")):
        with pytest.raises(hb.HackbookError, match=words):
            Sketch(hb.Run(run.model, run.history, {"data": {"input": facts}}))
    with pytest.raises(hb.InvalidValue, match="run must be a Run"):
        Sketch(run.model)


def test_hostile_names_are_text(run, splits):
    data = hb.Dataset(splits.train.x[:90], np.arange(90) % 3, HOSTILE, name="<b>bold</b>")
    parts = hb.split(data)
    hb.set_seed(0)
    hostile = hb.fit(hb.models.cnn(parts, filters=(4,)), parts, epochs=1, to=None)
    sketch = Sketch(hostile)
    sketch.predict(np.eye(8))
    assert "<img src=x" not in str(sketch.still()) and "<script" not in str(sketch.still())
    assert set(sketch._repr_mimebundle_()[0]) >= {"text/plain", "text/html", "application/vnd.jupyter.widget-view+json"}


CELLS = ["""
import numpy as np
import hackbook as hb
run = hb.load_run({folder!r})
run.record['data']['classes'] = {names!r}
sketch = hb.deployment.Sketch(run)
sketch"""]


def test_a_digit_drawn_in_jupyterlab(run, tmp_path):
    names = [*map(str, range(7)), *HOSTILE]
    with notebook_page(tmp_path, [CELLS[0].format(folder=str(run.folder), names=names)]) as page:
        page.wait_for_selector(".hackbook-sketch .pad", timeout=120_000)
        panel = page.locator(".hackbook-sketch")
        panel.scroll_into_view_if_needed()
        box = panel.locator(".pad").bounding_box()
        places = [(box["x"] + box["width"] * (0.5 + 0.18 * np.sin(t)), box["y"] + box["height"] * (0.5 - 0.3 * np.cos(t))) for t in np.linspace(0, 6.28, 20)]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place)
        page.mouse.up()
        page.wait_for_function("document.querySelector('.hackbook-sketch .guess').textContent === '0'", timeout=60_000)
        assert [n[:12] for n in panel.locator(".bars .name").all_inner_texts()[7:]] == [n[:12] for n in HOSTILE]
        assert page.evaluate("window.hacked") is None and panel.locator("img, script").count() == 0
        panel.get_by_role("button", name="Clear").click()
        page.wait_for_function("document.querySelector('.hackbook-sketch .guess').textContent === ''", timeout=30_000)
        assert page.evaluate("document.querySelector('.hackbook-sketch').scrollWidth <= document.querySelector('.hackbook-sketch').clientWidth + 1")
        assert page.errors == []
