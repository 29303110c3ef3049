"""Sliders for a code: what they say is decoded by the kernel, names are text, and without a kernel there is a grid."""

import re
from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
from browser import find_browser, notebook_page
from PIL import Image

import hackbook as hb
from hackbook.autoencoders import CodeWalk, decode, encode, walk_scripts
from hackbook.autoencoders.walk_panel import _rgba

HOSTILE = '"><img src=x onerror="window.hacked=1"><script>window.hacked=2</script>'


@pytest.fixture(scope="module")
def splits():
    return hb.split(hb.data.digits())


@pytest.fixture(scope="module")
def run(splits, tmp_path_factory):
    hb.set_seed(0)
    pictures = hb.data.reconstruct(splits)
    return hb.fit(hb.models.autoencoder(pictures, code=6, units=(32,)), pictures, epochs=5, learning_rate=0.003, seed=0, to=tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def x(splits):
    return splits.validation.x[:60]


@pytest.fixture
def walk(run, x):
    return CodeWalk(run, x, 4)


def test_it_begins_at_the_mean_and_moves_by_standard_deviations(run, x, walk):
    codes = encode(run, x)
    assert np.allclose(walk.code, codes.mean(axis=0), atol=1e-5) and walk.numbers == walk.effects.index[:4].tolist()
    walk.move(3, -1.5)
    expected = codes.mean(axis=0)
    expected[3] -= 1.5 * codes.std(axis=0)[3]
    assert np.allclose(walk.code, expected, atol=1e-4) and np.allclose(walk.deviations, -1.5 * np.eye(6)[3], atol=1e-4)
    assert np.array_equal(walk.picture, decode(run, walk.code[None])[0]) and walk.picture.dtype == x.dtype
    walk.code[0] = 99  # a copy
    walk.reset()
    assert not walk.deviations.any() and "at the mean of the codes" in repr(walk)


def test_between_two_examples(run, x, walk):
    codes = encode(run, x)
    for share in (0, 0.25, 1):
        walk.between(7, 2, share)
        assert np.allclose(walk.code, (1 - share) * codes[7] + share * codes[2], atol=1e-4) and walk.share == share
    walk.move(0, 1)
    assert walk.share is None and walk.pair == (7, 2)
    assert walk.plot().alt.startswith("The code of this picture")


@pytest.mark.parametrize("wrong, says", [
    (lambda w: w.move(6, 0), "number must be a whole number, 0 to 5, got 6"),
    (lambda w: w.move(-1, 0), "number must be a whole number"),
    (lambda w: w.move(True, 0), "number must be a whole number"),
    (lambda w: w.move("0", 0), "number must be a whole number"),
    (lambda w: w.move(0, np.inf), "deviations must be a number from -100 to 100"),
    (lambda w: w.move(0, None), "deviations must be a number"),
    (lambda w: w.between(0, 60, 0.5), "b must be a whole number, 0 to 59, got 60"),
    (lambda w: w.between(0, 1, -0.1), "share must be a number from 0 to 1"),
    (lambda w: w.set([1, 2]), "of shape (examples, 6)"),
    (lambda w: w.set("code"), "of shape (examples, 6)"),
    (lambda w: w.set([np.nan] * 6), "finite")])
def test_what_cannot_be_done_is_refused_and_changes_nothing(walk, wrong, says):
    before = walk.code
    with pytest.raises(hb.HackbookError, match=re.escape(says)):
        wrong(walk)
    assert np.array_equal(walk.code, before) and walk.pair == (0, 1)


def test_what_is_no_autoencoder_of_pictures_is_refused(run, x, splits):
    hb.set_seed(0)
    with pytest.raises(hb.HackbookError, match="run must be a Run"):
        CodeWalk(run.model, x)
    for examples, says in ((x[:1], "2 or more"), (x[0], "2 or more"), (x[:0], "must be"), (np.zeros((3, 9, 9)), "8")):
        with pytest.raises(hb.HackbookError, match=says):
            CodeWalk(run, examples)
    for most in (0, -1, 2.5, True, None):
        with pytest.raises(hb.InvalidValue, match="max_sliders must be a whole number, 1 or more"):
            CodeWalk(run, x, most)
    table = hb.data.reconstruct(hb.split(hb.Dataset(splits.validation.x.reshape(-1, 64)[:90, :8].astype("float32"), np.arange(90) % 2, name="rows")))
    rows = hb.fit(hb.models.autoencoder(table, code=2, units=(4,)), table, epochs=1, to=None)
    with pytest.raises(hb.HackbookError, match="one on pictures"):
        CodeWalk(rows, table.validation)


def test_messages_of_the_page(walk):
    view, (first, *_) = walk.view, walk.numbers
    assert (view.about["numbers"], view.about["size"], view.about["examples"], view.about["shape"]) == (walk.numbers, 6, 60, [8, 8])
    walk._told({"moves": [[first, 1.5], [walk.numbers[1], -2]]})
    assert view.page["deviations"] == [1.5, -2, 0, 0] and view.page["turn"] == 1 and view.page["part"] is None
    assert view.pixels == _rgba(walk._decoded[None]).tobytes() and len(view.ends) == 2 * 8 * 8 * 4
    ends = view.ends
    walk._told({"between": [4, 5, 0.5], "moves": []})
    assert (view.page["pair"], view.page["part"], view.page["turn"]) == ([4, 5], 0.5, 2) and view.ends != ends
    walk._told({"reset": True, "moves": [[first, 1]]})
    assert view.page["deviations"] == [1, 0, 0, 0]
    walk.move(first, 2)  # from another cell
    assert view.page["deviations"][0] == 2 and view.page["turn"] == 4


@pytest.mark.parametrize("junk", [None, [], "reset", 3, {}, {"ink": [1]}, {"moves": 3}, {"moves": [[1]]}, {"moves": [1, 2]}, {"moves": [["a", 1]]}, {"moves": [[0, "1"]]},
                                  {"moves": [[99, 0]]}, {"moves": [[0, float("nan")]]}, {"between": [0, 1]}, {"between": "abc"}, {"between": [0, 1, None]}, {"between": [0, 1e9, 0]}])
def test_junk_is_shown_as_trouble_and_answered(walk, junk):
    view, before = walk.view, walk.code
    walk._told(junk)
    assert "must be" in view.page["trouble"] and view.page["turn"] == 1 and np.array_equal(walk.code, before)
    walk._told({"moves": []})
    assert view.page["trouble"] == "" and walk.view is view


def test_bytes_of_gray_and_of_colors():
    assert _rgba(np.array([[[0.0, 1.0, np.nan]]])).tolist() == [[[[255] * 4, [0, 0, 0, 255], [255] * 4]]]
    assert _rgba(np.full((1, 1, 1, 3), [0.0, 2.0, 1.0])).tolist() == [[[[0, 255, 255, 255]]]]
    assert _rgba(np.zeros((2, 5, 4, 4))).shape == (2, 5, 4, 4)


def test_a_grid_where_there_is_no_kernel(run, x, walk):
    across, down = walk.effects.index[:2]
    text = str(walk.still())
    assert 'data-rows="13"' in text and 'data-columns="13"' in text and f'data-numbers="{across} {down}"' in text
    sheet = np.asarray(Image.open(BytesIO(b64decode(re.search(r"base64,([^\"]+)", text)[1]))).convert("RGBA"))
    assert sheet.shape == (13 * 8, 13 * 8, 4)
    walk.move(int(across), -2.5)
    walk.move(int(down), 2.5)
    corner = _rgba(walk._decoded[None])[0]
    assert np.abs(sheet[-8:, :8].astype(int) - corner).max() <= 1   # down to the left


def test_one_number_makes_one_row(splits):
    hb.set_seed(0)
    pictures = hb.data.reconstruct(splits)
    walk = CodeWalk(hb.fit(hb.models.autoencoder(pictures, code=1, units=(4,)), pictures, epochs=1, to=None), splits.validation)
    assert walk._grid().shape == (1, 13, 8, 8, 4) and 'data-rows="1"' in str(walk.still())


def test_hostile_names_are_text(run, x):
    named = hb.Run(run.model, run.history, run.record | {"data": run.record["data"] | {"name": HOSTILE}})
    walk = CodeWalk(named, x)
    text = str(walk.still())
    assert "<img src=x" not in text and "<script>window" not in text and text.count("<script") == 1
    assert set(walk._repr_mimebundle_()[0]) >= {"text/plain", "text/html", "application/vnd.jupyter.widget-view+json"}


@pytest.fixture
def chromium():
    path = find_browser()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


PIXELS = "(canvas) => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]"


@pytest.mark.parametrize("scripts", [True, False])
def test_the_grid_in_a_browser(chromium, run, x, scripts):
    walk = CodeWalk(hb.Run(run.model, run.history, run.record | {"data": run.record["data"] | {"name": HOSTILE}}), x)
    page = chromium.new_context(java_script_enabled=scripts, viewport={"width": 390, "height": 844}).new_page()
    errors = []
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.set_content(f"<!doctype html><html lang=en><body>{walk.still()}</body></html>")
    root, image = page.locator(".hackbook-walk"), page.locator(".hackbook-walk img")
    box = image.bounding_box()
    assert box["width"] > 150 and abs(box["width"] / box["height"] - 1) < 0.03 and image.get_attribute("alt").startswith("grid of decoded pictures")
    if scripts:
        across, down = (root.get_by_label(f"number {n}", exact=False).nth(0) for n in walk.effects.index[:2])
        page.wait_for_function("document.querySelector('.hackbook-walk output').textContent === '0.00'")
        before = root.locator("canvas").evaluate(PIXELS)
        across.press("End")
        assert across.get_attribute("aria-valuetext") == "2.50 standard deviations" and down.get_attribute("aria-valuetext") == "0.00 standard deviations"
        assert root.locator("canvas").evaluate(PIXELS) != before
        across.dblclick()
        assert root.locator("canvas").evaluate(PIXELS) == before
        image.click(position={"x": 2, "y": box["height"] - 2})
        assert [o.inner_text() for o in root.locator("output").all()] == ["−2.50", "2.50"]
        assert page.evaluate("window.hacked") is None and page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")
    assert errors == []
    page.context.close()


def test_all_walks_of_a_site_share_one_script():
    script, style = walk_scripts()
    assert "walks()" in script and ".hackbook-walk" in style and "</" not in script


CELL = """
import hackbook as hb
run = hb.load_run({folder!r})
walk = hb.autoencoders.CodeWalk(run, hb.split(hb.data.digits()).validation.x[:60], 4)
walk"""
TURN = "Number(document.querySelector('.hackbook-walk').dataset.turn)"


def test_sliders_in_jupyterlab(run, tmp_path):
    with notebook_page(tmp_path, [CELL.format(folder=str(run.folder))]) as page:
        page.wait_for_selector(".hackbook-walk .shown canvas", timeout=120_000)
        panel = page.locator(".hackbook-walk")
        panel.scroll_into_view_if_needed()
        picture, ranges, boxes = panel.locator(".shown canvas"), panel.locator(".sliders input[type=range]"), panel.locator(".sliders input[type=text]")

        def settled():  # nothing is on its way: the turn stays
            page.wait_for_function(f"() => new Promise((r) => {{ const t = {TURN}; setTimeout(() => r(t === {TURN} && t > 0), 500); }})", timeout=60_000)

        assert ranges.count() == 4 and ranges.nth(0).get_attribute("min") == "0"
        start = picture.evaluate(PIXELS)
        ranges.nth(0).press("End")
        settled()
        moved = picture.evaluate(PIXELS)
        assert moved != start and boxes.nth(0).input_value() == "2.50" and ranges.nth(0).get_attribute("aria-valuetext") == "2.50"
        for i in range(40):  # faster than the kernel answers: the newest wins
            ranges.nth(1).fill(str(10 + 2 * i))
        settled()
        assert boxes.nth(1).input_value() == "1.90" and boxes.nth(0).input_value() == "2.50"
        ranges.nth(0).dblclick()
        settled()
        assert boxes.nth(0).input_value() == "0.00" and boxes.nth(1).input_value() == "1.90"
        panel.locator(".share").focus()
        panel.locator(".share").press("End")
        settled()
        assert panel.locator(".share").get_attribute("aria-label") == "from example 0 to example 1" and panel.locator(".share").get_attribute("aria-valuetext") == "100 % of the way"
        first = panel.get_by_label("number of the first example")
        first.fill("999")
        first.press("Tab")
        settled()
        assert first.input_value() == "59" and panel.get_by_role("img", name="example 59").count() == 1
        panel.get_by_role("button", name="Another pair").click()
        settled()
        panel.get_by_role("button", name="Reset").click()
        settled()
        assert picture.evaluate(PIXELS) == start and [b.input_value() for b in boxes.all()] == ["0.00"] * 4
        assert panel.locator(".problem").inner_text() == "" and page.errors == []
