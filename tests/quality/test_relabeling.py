"""relabel: decisions survive everything, hostile data stays text, and the panel works by keyboard alone in a real browser."""

import html

import numpy as np
import pandas as pd
import pytest
from browser import KERNEL, notebook_page, run_all
from conftest import ROOT

import hackbook as hb
from hackbook.quality.decisions import DECISIONS, example_keys, load_decisions, save_decisions
from hackbook.quality.previews import as_page

HOSTILE = ['<img src=x onerror="window.hacked=1">', "</script><script>window.hacked=2</script>", "'\"&amp;<b>\x07\u202e‮ ,\n=1+1"]


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return hb.Dataset(rng.integers(0, 255, (12, 6, 5), "uint8"), [0, 1, 2] * 4, ["ant", "bee", "cat"], name="bugs")


@pytest.fixture
def review(data, tmp_path):
    return hb.relabel(data, [7, 2, 4], suggested=["cat", None, 0], to=tmp_path / "d.csv")


def test_decisions_back_and_forth(review):
    review.keep()
    assert load_decisions(review.path).values.tolist() == [[review.keys[0], 7, "bee", "keep", ""]]
    review.change("ant")
    review.drop()
    assert review.position == 3
    review.next()
    assert review.position == 3
    review.back()
    review.back()
    review.change(1)
    review.back()
    review.undo()
    review.back()
    review.back()
    review.drop()
    assert review.frame[["row", "label", "decision", "new_label"]].values.tolist() == [[7, "bee", "drop", ""], [4, "bee", "drop", ""]]
    assert load_decisions(review.path).row.tolist() == [7, 4]
    review.go(3)
    review.next()  # from the end to what is open
    assert review.position == 1


def test_goes_on_where_one_stopped(review, data):
    review.keep()
    review.change("ant")
    again = hb.relabel(data, [7, 2, 4], to=review.path)
    assert again.position == 2 and again.frame.equals(review.frame)
    other = hb.relabel(data, [0, 2], to=review.path)
    assert other.position == 0
    other.drop()
    assert load_decisions(review.path).row.tolist() == [7, 0, 2]
    review.drop()  # does not lose what the other wrote
    assert sorted(load_decisions(review.path).row) == [0, 2, 4, 7]


def test_a_moved_example_is_found_and_duplicates_are_told_apart(tmp_path):
    x = np.array([[0, 1], [2, 3], [0, 1], [0, 1]])
    data, path = hb.Dataset(x, ["a", "b", "b", "a"]), tmp_path / "d.csv"
    first = hb.relabel(data, [0, 2], to=path)
    first.keep()
    first.drop()
    third = hb.relabel(data, [3], to=path)  # a duplicate of row 0 with its label, but not row 0
    assert third.position == 0
    third.drop()
    assert load_decisions(path).row.tolist() == [0, 2, 3]
    turned = data.take([1, 3, 2, 0])
    assert hb.relabel(turned, [1, 2, 3], to=path).frame.label.tolist() == ["a", "b", "a"]
    shifted = hb.Dataset(np.r_[[[9, 9]] * 9, x], ["b"] * 9 + ["a", "b", "b", "a"])
    moved = hb.relabel(shifted, [9, 11, 12], to=path)
    assert moved.frame[["row", "decision"]].values.tolist() == [[9, "keep"], [11, "drop"], [12, "drop"]]
    moved.go(0)
    moved.drop()
    assert load_decisions(path).row.tolist() == [9, 11, 12]


@pytest.mark.parametrize("text", ["", "\x00\x01", "a,b\n1,2\n", "{}", ",".join(DECISIONS) + "\nxyz,1,bee,keep,\n"])
def test_a_broken_file_is_refused_and_left_as_it_is(data, tmp_path, text):
    (tmp_path / "d.csv").write_text(text)
    with pytest.raises(hb.HackbookError, match=r"d\.csv"):
        hb.relabel(data, [1], to=tmp_path / "d.csv")
    assert (tmp_path / "d.csv").read_text() == text


def test_a_class_that_left_the_data_is_named(data, tmp_path):
    save_decisions(pd.DataFrame([[example_keys(data, [1])[0], 1, "bee", "change", "dragon"]], columns=DECISIONS), tmp_path / "d.csv")
    with pytest.raises(hb.HackbookError, match="one of ant, bee, cat, got 'dragon'"):
        hb.relabel(data, [1], to=tmp_path / "d.csv")
    assert len(hb.relabel(data, [0], to=tmp_path / "d.csv")) == 1  # another example is no matter


def test_what_cannot_be_written_stands_in_the_panel_and_changes_nothing(review):
    review.keep()
    panel = review.panel
    review.path.write_text("broken")
    review._told({"do": "drop", "at": 1})
    assert "d.csv" in panel.page["trouble"] and (review.position, len(review.made)) == (1, 1)
    review.path.unlink()
    review.path.mkdir()
    review._told({"do": "drop", "at": 1})
    assert panel.page["trouble"] and (review.position, len(review.made)) == (1, 1)


def test_the_panel_acts_on_the_page_that_was_seen(review):
    review._told({"do": "keep", "at": 2, "to": None})
    review._told({"do": "change", "at": 0, "to": 2})
    review._told({"do": "change", "at": 1, "to": None})
    assert review.frame[["row", "decision", "new_label"]].values.tolist() == [[7, "change", "cat"], [4, "keep", ""]]
    turn = review.panel.page["turn"]
    review._told({"do": "back", "at": 0})
    assert review.panel.page["turn"] == turn + 1 and review.panel.page["at"] == 0


@pytest.mark.parametrize("indices", [[12], [-1], [0.5], [[1, 2]], ["a"], [True], 3, None, np.zeros(11, bool)])
def test_bad_indices(data, tmp_path, indices):
    with pytest.raises(hb.HackbookError, match="indices must be"):
        hb.relabel(data, indices, to=tmp_path / "d.csv")


@pytest.mark.parametrize("suggested", [["cat"], ["cat", "cow"], [1, 3], [1, -1], [True, 1]])
def test_bad_suggestions(data, tmp_path, suggested):
    with pytest.raises(hb.HackbookError, match="suggested must be"):
        hb.relabel(data, [1, 2], suggested=suggested, to=tmp_path / "d.csv")


def test_bad_data_and_places(data, tmp_path):
    for wrong in (data.x, hb.Dataset(data.x, np.arange(12.0), task="regression"), None):
        with pytest.raises(hb.HackbookError, match="data must be"):
            hb.relabel(wrong, [1], to=tmp_path / "d.csv")
    (tmp_path / "file").write_text("")
    for to in (tmp_path, tmp_path / "file/d.csv"):
        with pytest.raises(hb.HackbookError):
            hb.relabel(data, [1], to=to)


def test_indices_of_any_kind(data, tmp_path):
    kinds = ([4, 2, 4], np.array([4, 2], "uint8"), pd.Series([4, 2]), (4, 2))
    assert [hb.relabel(data, i, to=tmp_path / "d.csv").rows for i in kinds] == [[4, 2]] * 4
    assert hb.relabel(data, data.y == 2, to=tmp_path / "d.csv").rows == [2, 5, 8, 11]
    assert hb.relabel(data, [4, 2, 4], suggested=["ant", np.nan, "cat"], to=tmp_path / "d.csv").suggested == [0, None]


def test_nothing_to_go_through(data, tmp_path):
    review = hb.relabel(data, [], to=tmp_path / "d.csv")
    assert (len(review), review.position, len(review.frame), review.panel.page["of"]) == (0, 0, 0, 0)
    review.next()
    review.back()
    with pytest.raises(hb.HackbookError, match="at an example"):
        review.keep()
    assert not (tmp_path / "d.csv").exists() and "0 of 0" in str(review.still())


@pytest.mark.parametrize("x", [
    np.zeros((2, 1, 1), "uint8"), np.zeros((2, 4, 1, 1)), np.full((2, 3, 5, 3), np.nan), np.ones((2, 9, 9, 4), "float32"),
    np.random.default_rng(0).normal(size=(2, 900, 1300, 3)), np.eye(2, 3), np.arange(2000).reshape(2, 1000), np.zeros((2, 2, 2, 2, 2)),
    pd.DataFrame({"a": [1, None], "b": pd.to_datetime(["2026-01-01", None])}), ["", "x" * 50_000]], ids=lambda x: str(np.shape(x)))
def test_every_kind_of_example_has_a_page(x, tmp_path):
    review = hb.relabel(hb.Dataset(x, [0, 1]), [1, 0], to=tmp_path / "d.csv")
    page = review.panel.page["shown"]
    assert page["kind"] and len(str(page)) < 4_000_000 and max(page.get("width", 0), page.get("height", 0)) <= 288
    assert len(str(review.still())) > 100


@pytest.mark.parametrize("samples", [np.array([[-3.0, np.nan, 1.0]] * 2), np.zeros((2, 5000), "int16")], ids=str)
def test_sounds_of_any_kind(samples):
    page = as_page(hb.Dataset(samples, [0, 1], sample_rate=8000), 0, -1, 1)
    assert page["kind"] == "sound" and page["source"].startswith("data:audio/wav;base64,UklGR") and "nan" not in page["curve"]


def test_hostile_data_is_escaped_where_nothing_runs(tmp_path):
    data = hb.Dataset(HOSTILE, HOSTILE, name=HOSTILE[0])
    review = hb.relabel(data, [0, 1, 2], suggested=HOSTILE, to=tmp_path / "d.csv")
    review.change(HOSTILE[2])
    page = str(review.still())
    assert "<img src=x" not in page and "<script" not in page and html.escape(HOSTILE[1], quote=False) in page
    assert hb.relabel(data, [0, 1, 2], to=tmp_path / "d.csv").frame.new_label.tolist() == [HOSTILE[2]]


def press(page, *keys, seen=".count, .facts"):
    """Press keys one by one, each after the page that the one before it brought; letters in "change to" bring none."""
    text = "s => [...document.querySelector('.hackbook-relabel').querySelectorAll(s)].map(e => e.innerText).join()"
    for key in keys:
        before = page.evaluate(text, seen)
        page.keyboard.press(key)
        if key not in ("c", "7"):
            page.wait_for_function(f"([seen, before]) => ({text})(seen) !== before", arg=[seen, before], timeout=30_000)


def tab_into(page, selector):
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"Tab does not lead to {selector}")


def test_by_keyboard_alone_in_jupyterlab(tmp_path):
    cells = ["import hackbook as hb\ndata = hb.data.digits()\nreview = hb.relabel(data, [5, 6, 7, 8], suggested=[9, None, 1, 3])\nreview",
             "other = 1"]
    with notebook_page(tmp_path, cells) as page:
        page.wait_for_selector(".hackbook-relabel")
        page.locator(".jp-CodeCell").first.click(position={"x": 30, "y": 10})
        page.keyboard.press("Escape")
        tab_into(page, ".hackbook-relabel")
        press(page, "k", "c", "7", "Enter", "d")
        assert load_decisions(tmp_path / "decisions.csv")[["row", "decision", "new_label"]].values.tolist() == [
            [5, "keep", ""], [6, "change", "7"], [7, "drop", ""]]
        press(page, "ArrowLeft", "u", "ArrowRight", "c", "Enter")  # Enter alone takes the suggestion
        assert "The end; 1 of 4 not decided." in page.locator(".hackbook-relabel").inner_text()
        press(page, "ArrowRight", "k")
        assert load_decisions(tmp_path / "decisions.csv")[["row", "decision", "new_label"]].values.tolist() == [
            [5, "keep", ""], [6, "change", "7"], [7, "keep", ""], [8, "change", "3"]]
        press(page, "ArrowRight")
        for key in ("x", "d", "d", "a", "y"):  # JupyterLab's own keys do nothing to the notebook while the panel has the focus
            page.keyboard.press(key)
        assert page.locator(".jp-Cell").count() == 2 and page.errors == []
        page.evaluate(f"async () => {{ await {KERNEL}.restart(); }}")  # says so, and goes on when the cell is run again
        press(page, "ArrowLeft", seen=".problem")
        assert "run this cell again" in page.locator(".hackbook-relabel .problem").inner_text()
        run_all(page)
        page.wait_for_function("document.querySelector('.hackbook-relabel .facts')?.innerText.startsWith('All decided.')")
        assert page.errors == []


def test_hostile_data_does_not_run_in_the_browser(tmp_path):
    cells = [f"import hackbook as hb, pandas as pd\nbad = {HOSTILE!r}\ntexts = hb.Dataset(bad, bad, name=bad[0])\n"
             "rows = hb.Dataset(pd.DataFrame({bad[0]: bad, 'b': bad}), bad, name=bad[1])",
             "hb.relabel(texts, [0, 1, 2], suggested=bad[::-1], to='<b>d.csv')", "hb.relabel(rows, [0, 1, 2], to='e.csv')"]
    with notebook_page(tmp_path, cells) as page:
        page.wait_for_selector(".hackbook-relabel >> nth=1")
        for i in range(2):
            panel = page.locator(".hackbook-relabel").nth(i)
            assert HOSTILE[0] in panel.inner_text()
            panel.focus()
            page.keyboard.press("c")
            page.keyboard.type("script")
            assert panel.locator("li").all_inner_texts() == [HOSTILE[1]]
            page.keyboard.press("Enter")
            page.wait_for_function("panel => panel.innerText.includes('1 of 3 decided')", arg=panel.element_handle())
            assert HOSTILE[1] in panel.inner_text() and panel.locator("img, script, b").count() == 0
        assert page.evaluate("window.hacked") is None and page.errors == []
    assert load_decisions(tmp_path / "<b>d.csv").new_label.tolist() == [HOSTILE[1]]


def test_the_package_carries_the_view():
    assert '"*.js", "*.css"' in (ROOT / "setup.py").read_text() and {"relabeling.js", "relabeling.css"} <= {p.name for p in (ROOT / "hackbook/quality").iterdir()}
