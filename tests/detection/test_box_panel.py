"""Boxes drawn on photos: what is stored without a browser, and drawing in real JupyterLab by mouse and by keyboard."""

import html
import json
import time

import numpy as np
import pytest
from browser import notebook_page
from PIL import Image

import hackbook as hb
from hackbook.detection import BoxPanel, read_boxes

HOSTILE = ['<img src=x onerror="window.hacked=1">', "</script><script>window.hacked=2</script>", "a <b>bold</b> $name$"]


def photo(path, height=300, width=400, turn=None, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height // 10, width // 10, 3), "uint8")).resize((width, height))
    if turn:
        image.getexif()[0x0112] = turn
    image.save(path, exif=image.getexif())


@pytest.fixture
def photos(tmp_path):
    for i, name in enumerate(["a.jpg", "below/b.png", "c.jpg"]):
        photo(tmp_path / "photos" / name, seed=i)
    return tmp_path / "photos"


@pytest.fixture
def panel(photos, tmp_path):
    return BoxPanel(photos, ["cat", "dog"], tmp_path / "labels")


def put(at, boxes, kept=(), **more):
    return {"do": "put", "at": at, "boxes": boxes, "kept": list(kept), **more}


def test_messages_become_labels_that_are_read(panel, tmp_path):
    view = panel.view
    assert not panel.file.exists() and view.page["turn"] == 0
    panel._told(put(0, [[10, 20, 110.5, 220, 1], [0, 0, 400, 300, 0]]))
    panel._told({"do": "show", "at": 2})
    panel._told(put(2, []))
    assert (view.page["turn"], view.page["done"], view.page["trouble"], view.photo["at"]) == (3, 2, "", 2)
    record = json.loads(panel.file.read_text())
    assert [i["file_name"] for i in record["images"]] == ["a.jpg", "c.jpg"]
    assert [a["bbox"] for a in record["annotations"]] == [[10, 20, 100.5, 200], [0, 0, 400, 300]]
    data = read_boxes(panel.file, panel.home, size=(300, 400))
    assert data.class_names == ["cat", "dog"] and data.counts.tolist() == [2, 0] and len(data.findings) == 0
    assert data.y[0, 0].tolist() == [10, 20, 110.5, 220, 1] and data.rejected.file.tolist() == ["below/b.png"]
    assert (panel.read(size=(300, 400)).y == data.y).all()
    assert sorted(p.name for p in (tmp_path / "labels").iterdir()) == ["annotations.json"]      # nothing is copied


@pytest.mark.parametrize("message, says", [
    (None, "message must be"), ("put", "message must be"), ({"do": "drop"}, "message must be"), ({"do": ["put"]}, "message must be"),
    ({"do": "undo"}, "undo must be"), ({"do": "show", "at": 3}, "picture must be"), ({"do": "show", "at": "../a"}, "picture must be"),
    ({"do": "show", "at": True}, "picture must be"), (put(9, []), "picture must be"), (put(0, [[1, 2, 3, 4]]), "rows of left"),
    (put(0, [[1, 2, 3, "x", 0]]), "rows of left"), (put(0, {"a": 1}), "list of up to"), (put(0, 7), "list of up to"), (put(0, ["abcde"]), "rows of left"),
    (put(0, [[10, 10, 410, 20, 0]]), "outside the picture"), (put(0, [[10, 10, 5, 20, 0]]), "swapped corners"), (put(0, [[10, 10, 10, 20, 0]]), "zero area"),
    (put(0, [[10, 10, float("nan"), 20, 0]]), "NaN or infinite"), (put(0, [[10, 10, 20, 20, 2]]), "class that is not listed"),
    (put(0, [[10, 10, 20, 20, None]]), "rows of left"), (put(0, [[1, 1, 2, 2, 0]] * 501), "list of up to 500"),
    ({"do": "put", "at": 0, "boxes": []}, "kept must be"), (put(0, [[10, 10, 20, 20, 10**400]]), "rows of left")], ids=str)
def test_bad_messages_are_refused_with_a_sentence(panel, message, says):
    panel.view
    if message != {"do": "undo"}:
        panel._told(put(0, [[1, 2, 30, 40, 0]]))
    before = panel.file.read_bytes() if panel.file.exists() else None
    panel._told(message)
    assert says in panel.view.page["trouble"]
    assert (panel.file.read_bytes() if panel.file.exists() else None) == before
    panel._told(put(0, [[1, 2, 30, 41, 0]]))
    assert panel.view.page["trouble"] == "" and len(panel.frame) == 1


def test_a_failed_write_changes_nothing(panel, monkeypatch):
    panel.put([(1, 2, 30, 40, "dog")])
    stored, frame = panel.file.read_bytes(), panel.frame
    panel.view

    def full(*a):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("hackbook.core.files.move", full)
        panel._told(put(0, []))
        assert "could not be written" in panel.view.page["trouble"] and panel.view.page["boxes"] == [[1, 2, 30, 40, 1]]
        with pytest.raises(hb.HackbookError, match="No space left"):
            panel.undo()
    assert panel.file.read_bytes() == stored and panel.frame.equals(frame)
    assert [p.name for p in panel.to.iterdir()] == ["annotations.json"]
    panel.undo()
    assert len(panel.frame) == 0 and panel.labeled == []


def test_another_panel_is_not_written_over(panel, photos):
    panel.put([(1, 2, 30, 40, "dog")])
    other = BoxPanel(photos, to=panel.to)
    other.put([(5, 5, 50, 50, "cat")], "c.jpg")
    with pytest.raises(hb.InvalidValue, match="run the cell of the panel again"):
        panel.put([])
    assert len(BoxPanel(photos, to=panel.to).frame) == 2 and len(panel.frame) == 1


def test_reopening_goes_on(panel, photos):
    panel.put([(1, 2, 30, 40, "dog")], 0)
    panel.put([], 1)
    again = BoxPanel(photos, ["bird", "cat", "dog"], panel.to)      # a class more
    assert again.at == 2 and again.labeled == ["a.jpg", "below/b.png"] and again.frame.equals(panel.frame)
    again.put([(1, 2, 30, 40, "bird")])
    assert read_boxes(again.file, photos).boxes(0)["class"].tolist() == ["dog"]
    with pytest.raises(hb.InvalidValue, match="with bird"):
        BoxPanel(photos, ["cat", "dog"], panel.to)
    (photos / "c.jpg").unlink()                                     # labels of photos that are not there stay
    fewer = BoxPanel(photos, to=panel.to)
    fewer.put([], 0)
    assert len(fewer) == 2 and fewer.frame.file.tolist() == ["c.jpg"]


def test_undo_takes_steps_back_over_photos(panel):
    panel.view
    panel._told(put(0, [[1, 2, 30, 40, 0]]))
    for k in range(3):
        panel._told(put(0, [[2 + k, 2, 31 + k, 40, 0]], merge=k > 0))      # arrows held down are one step
    panel._told(put(1, []))
    for photos, left in ((["a.jpg"], [4]), (["a.jpg"], [1]), ([], [])):
        panel._told({"do": "undo"})
        assert (panel.labeled, panel.frame.left.tolist()) == (photos, left) and panel.at == (1 if left == [4] else 0)
    panel._told({"do": "undo"})
    assert "undo must be called after one" in panel.view.page["trouble"] and not panel.view.page["undo"]


def test_labels_that_are_more_than_boxes_are_refused(panel, photos):
    panel.put([(1, 2, 30, 40, "dog")])
    record = json.loads(panel.file.read_text())
    for more in ({"segmentation": [[1, 2, 3, 4, 5, 6]]}, {"iscrowd": 1}, {"keypoints": [1, 2, 2]}):
        panel.file.write_text(json.dumps(record | {"annotations": [record["annotations"][0] | more]}))
        with pytest.raises(hb.InvalidValue, match=next(iter(more))):
            BoxPanel(photos, to=panel.to)
    panel.file.write_text(json.dumps(record | {"annotations": [record["annotations"][0] | {"segmentation": []}]}))
    assert len(BoxPanel(photos, to=panel.to).frame) == 1
    for broken in ("{", "[]", "3"):
        panel.file.write_text(broken)
        with pytest.raises(hb.InvalidValue, match="must be"):
            BoxPanel(photos, to=panel.to)


def test_wrong_boxes_of_a_file_are_told(panel, photos):
    panel.put([(1, 2, 30, 40, "dog"), (5, 5, 50, 60, "cat")])
    record = json.loads(panel.file.read_text())
    record["annotations"][0]["bbox"] = [350, 10, 100, 20]
    panel.file.write_text(json.dumps(record))
    again = BoxPanel(photos, to=panel.to)
    assert again.findings.what.tolist() == ["reaches outside the picture"] and again.frame.right.max() == 400
    assert "Wrong boxes in annotations.json: 1" in again.view.page["trouble"]


def test_labels_without_sizes_are_drawn(panel, photos, monkeypatch):
    import hackbook.detection.box_panel as module

    panel.put([(100, 75, 200, 150, "dog")])
    record = json.loads(panel.file.read_text())
    for image in record["images"]:
        del image["height"], image["width"]
    panel.file.write_text(json.dumps(record))
    drawn, draw = [], module.boxed_grid
    monkeypatch.setattr(module, "boxed_grid", lambda x, boxes, *more, **options: drawn.append(boxes) or draw(x, boxes, *more, **options))
    again = BoxPanel(photos, to=panel.to)
    assert "<img" in str(again.still()) and drawn[0][0].tolist() == [[64, 80, 128, 128, 1]]
    again.put([(1, 2, 30, 40, 0)], "c.jpg")
    assert len(BoxPanel(photos, to=panel.to).frame) == 2


def test_turned_photos_are_shown_upright_and_large_ones_small(tmp_path):
    photo(tmp_path / "p/turned.jpg", 2000, 3000, turn=6)
    panel = BoxPanel(tmp_path / "p", ["cat"], tmp_path / "labels")
    shown = panel.view.photo
    assert (shown["height"], shown["width"]) == (3000, 2000) and shown["source"].startswith("data:image/jpeg")
    from base64 import b64decode
    from io import BytesIO

    assert Image.open(BytesIO(b64decode(shown["source"].split(",")[1]))).size == (683, 1024)
    panel._told(put(0, [[1900, 2900, 2000, 3000, 0]]))
    assert panel.view.page["trouble"] == ""
    data = panel.read()
    assert data.x.shape[1:3] == (3000, 2000) and data.y[0, 0].tolist() == [1900, 2900, 2000, 3000, 0] and len(data.rejected) == 0


def test_photos_that_take_no_boxes(photos, tmp_path):
    (photos / "a.jpg").write_bytes(b"no photo")
    panel = BoxPanel(photos, ["cat"], tmp_path / "labels")
    assert "takes no boxes: not an image" in panel.view.photo["problem"] and panel.view.photo["source"] == ""
    panel._told(put(0, [[1, 2, 3, 4, 0]]))
    assert "takes no boxes" in panel.view.page["trouble"] and not panel.file.exists()
    panel.put([(1, 2, 30, 40, 0)], "c.jpg")
    photo(photos / "c.jpg", 200, 200)      # another photo by that name
    again = BoxPanel(photos, to=panel.to)
    again.show("c.jpg")
    assert "200 × 200 pixels, with labels of a picture of 400 × 300" in again.view.photo["problem"]


def test_lists_arrays_and_boxed_images(photos, tmp_path):
    some = BoxPanel([photos / "c.jpg", str(photos / "below/b.png"), photos / "c.jpg"], ["cat"], tmp_path / "l1")
    assert some.files == ["c.jpg", "below/b.png"] and some.home == photos
    digits = hb.detection.scenes(4, seed=2)
    plain = BoxPanel(digits.x, ["cat"], tmp_path / "l2")
    plain.put([(1, 2, 30, 40, 0)])
    assert (read_boxes(tmp_path / "l2").x[0] == digits.x[0]).all()
    boxed = BoxPanel(digits, to=tmp_path / "l3")
    boxed.put(None, 3)
    data = read_boxes(tmp_path / "l3")
    assert np.abs(data.y - digits.y[:3, :data.y.shape[1]]).max() < 0.011 and data.class_names == digits.class_names
    assert BoxPanel(digits, to=tmp_path / "l3").labeled == boxed.labeled     # what was taken away stays away
    with pytest.raises(hb.InvalidValue, match="must be those in"):
        BoxPanel(digits.x[:3], ["cat"], tmp_path / "l2")


@pytest.mark.parametrize("wrong, error", [
    (dict(photos="nowhere"), "no folder"), (dict(photos=["nowhere.jpg"]), "no file"), (dict(photos=[]), "one photo or more"),
    (dict(class_names="cat"), "list of names"), (dict(class_names=[]), "different names"), (dict(class_names=None), "different names"),
    (dict(class_names=["a", "a"]), "different names"), (dict(run=hb), "Run of a detector"), (dict(photos=np.zeros((2, 8, 8))), "must be pictures")], ids=str)
def test_bad_arguments(photos, tmp_path, wrong, error):
    with pytest.raises(hb.HackbookError, match=error):
        BoxPanel(**dict(photos=photos, class_names=["cat"], to=tmp_path / "labels") | wrong)
    assert not (tmp_path / "labels").exists()


def test_hostile_names_are_text(tmp_path):
    photo(tmp_path / "p" / '<img src=x onerror="1">.png')
    panel = BoxPanel(tmp_path / "p", HOSTILE, tmp_path / "labels")
    panel.put([(1, 2, 30, 40, HOSTILE[0]), (5, 2, 30, 40, HOSTILE[1]), (1, 9, 30, 40, HOSTILE[2])])
    page = str(panel.still())
    assert "<img src=x" not in page and "<script" not in page and page.count("<img") == 1
    assert read_boxes(panel.file, panel.home).boxes(0)["class"].tolist() == HOSTILE
    assert html.escape(panel.files[0], quote=False) not in page      # it is part of the picture


class Detector:
    """A Run of a detector, as far as the panel asks."""

    record = {"data": {"input": {"boxes": True}}}
    asked = 0

    def predict(self, paths):
        from types import SimpleNamespace

        self.asked += 1
        if self.asked > 2:
            raise hb.InvalidValue("the detector fails")
        rows = np.array([[16, 8 + 8, 32, 24 + 8, 0, 0.9], [32, 24, 48, 40, 1, 0.8], [0, 8, 9, 9, 2, 0.7], [3, 3, 3, 5, 0, 0.6]])
        return SimpleNamespace(x=np.zeros((1, 64, 64, 3), "uint8"), predicted=[rows], class_names=["dog", "cat", "bird"])


def test_a_detector_proposes(photos, tmp_path):
    panel = BoxPanel(photos, ["cat", "dog"], tmp_path / "labels", run=Detector())
    page = panel.view.page
    # 400 × 300 in 64 × 64: 6.25 pixels per pixel, 8 rows of black above
    assert page["proposed"] == [[100, 50, 200, 150, 1, 0.9, 0], [200, 100, 300, 200, 0, 0.8, 1]] and not panel.file.exists()
    panel._told(put(0, [page["proposed"][1][:5]], kept=[0]))
    assert [p[6] for p in panel.view.page["proposed"]] == [0] and len(panel.frame) == 1
    panel._told(put(0, [[200, 100, 300, 200, 0]], kept=[]))
    panel._told({"do": "undo"})
    assert [p[6] for p in panel.view.page["proposed"]] == [0] and panel.run.asked == 1
    panel.show(1)
    panel.show(2)
    assert panel.view.page["trouble"] == "the detector fails" and panel.view.page["proposed"] == []
    assert BoxPanel(photos, to=panel.to, run=Detector()).labeled == ["a.jpg"]


CELLS = ["""import hackbook as hb, numpy as np
panel = hb.detection.BoxPanel('photos', ['cat', 'dog', 'bird'])
panel""", f"""from types import SimpleNamespace
class Detector:
    record = {{'data': {{'input': {{'boxes': True}}}}}}
    def predict(self, paths):
        rows = np.array([[16, 16, 32, 32, 0, .9], [32, 24, 48, 40, 1, .8]])
        return SimpleNamespace(x=np.zeros((1, 64, 64, 3), 'uint8'), predicted=[rows], class_names={HOSTILE!r})
hostile = hb.detection.BoxPanel('other', {HOSTILE!r}, to='others', run=Detector())
hostile""", """import json, pathlib
if panel.file.exists():
    data = hb.detection.read_boxes('labels', 'photos', size=(300, 400))
    read = json.dumps([list(data.files), data.y.tolist(), data.class_names, len(hostile.frame)])
    pathlib.Path('read.json').write_text(read)"""]
TURN = "([panel, turn]) => Number(panel.dataset.turn) >= turn"
LONG = """() => { window.long = []; new PerformanceObserver((list) => window.long.push(...list.getEntries().map((e) => Math.round(e.duration))))
  .observe({ type: 'longtask' }); }"""


def test_in_jupyterlab(photos, tmp_path):
    from browser import run_cells

    photo(tmp_path / "other" / '<img src=x onerror="window.hacked=3">.png')
    with notebook_page(tmp_path, CELLS, height=1000) as page:
        page.wait_for_selector(".hackbook-boxes >> nth=1")
        panel = page.locator(".hackbook-boxes").first
        panel.scroll_into_view_if_needed()
        handle, stage = panel.element_handle(), panel.locator(".stage")
        file = tmp_path / "labels/annotations.json"
        page.wait_for_function("(panel) => panel.querySelector('img').complete", arg=handle)
        page.evaluate(LONG)

        def acted(act, steps=1):
            turn = int(panel.get_attribute("data-turn"))
            act()
            page.wait_for_function(TURN, arg=[handle, turn + steps], timeout=30_000)

        def drag(start, end):
            frame = stage.bounding_box()
            place = lambda at: (frame["x"] + at[0] / 400 * frame["width"], frame["y"] + at[1] / 300 * frame["height"])
            page.mouse.move(*place(start))
            page.mouse.down()
            page.mouse.move(*place(end), steps=4)
            page.mouse.up()

        def stored():
            record = json.loads(file.read_text())
            return [(a["image_id"], a["category_id"] - 1, *a["bbox"]) for a in record["annotations"]]

        key = page.keyboard.press
        # by mouse: draw, resize by a handle, move, and a key for the class
        acted(lambda: drag((40, 30), (140, 130)))
        acted(lambda: key("2"))
        assert np.allclose(stored(), [(0, 1, 40, 30, 100, 100)], atol=1.5)
        acted(lambda: drag((140, 130), (200, 180)))
        acted(lambda: drag((100, 100), (120, 90)))
        assert np.allclose(stored(), [(0, 1, 60, 20, 160, 150)], atol=3)
        drag((300, 200), (301, 201))                # a click beside: nothing is chosen any longer, nothing is drawn
        acted(lambda: drag((100, 60), (150, 120)))  # now one inside of the other
        assert panel.locator("ol button[aria-pressed=true]").count() == 1 and len(stored()) == 2
        # by keyboard alone
        before = stored()
        acted(lambda: key("ArrowRight"))
        acted(lambda: key("Shift+ArrowDown"))
        after = stored()
        assert np.allclose(np.subtract(after[1], before[1]), [0, 0, 2, 0, 0, 2]) and after[0] == before[0]
        acted(lambda: key("Delete"))
        assert stored() == before[:1] and "1 box" in panel.locator(".about").inner_text()
        acted(lambda: key("Control+z"))
        assert len(stored()) == 2
        key("Shift+S")
        acted(lambda: key("Backspace"))
        assert stored() == before[:1]
        acted(lambda: key("n"))
        assert "photo 2 of 3" in panel.locator(".note").inner_text() and panel.locator(".box:visible").count() == 0
        acted(lambda: key("Enter"))
        acted(lambda: key("3"))
        assert np.allclose(stored()[1], (1, 2, 150, 112.5, 100, 75))
        acted(lambda: key("PageDown"))
        acted(lambda: key("0"))
        assert panel.locator("[aria-pressed=true]", has_text="Nothing here").count() == 1
        for letter in ("d", "d", "x", "b", "m", "ArrowDown", "Shift+ArrowUp", "+", "-", "f", "Escape"):
            key(letter)  # JupyterLab's own keys do nothing to the notebook
        assert page.locator(".jp-Cell").count() == 3 and page.locator(".jp-MarkdownCell").count() == 0
        assert page.evaluate("document.activeElement.className") == "stage"
        assert page.evaluate("window.long.filter((ms) => ms > 200)") == [], "the page stood still"
        shot = tmp_path / "shot.png"
        panel.screenshot(path=shot)
        assert Image.open(shot).width > 400

        other = page.locator(".hackbook-boxes").nth(1)
        other.scroll_into_view_if_needed()
        assert all(name in other.inner_text() for name in HOSTILE) and other.locator("img").count() == 1
        assert other.locator("script, ol b, bdi *").count() == 0 and other.locator(".box.proposed").count() == 2
        panel, handle = other, other.element_handle()
        other.locator(".stage").focus()
        acted(lambda: key("a"))
        assert other.locator(".box.proposed:visible").count() == 0 and other.locator(".box:visible").count() == 2
        run_cells(page, 2, 2)
        until = time.monotonic() + 30
        while not (tmp_path / "read.json").exists() or not (tmp_path / "read.json").read_text().endswith("]"):
            assert time.monotonic() < until, page.locator(".jp-Cell").nth(2).inner_text()
            time.sleep(0.1)
        files, y, names, accepted = json.loads((tmp_path / "read.json").read_text())
        assert files == ["a.jpg", "below/b.png", "c.jpg"] and names == ["cat", "dog", "bird"] and accepted == 2
        assert [int(rows[0][4]) for rows in y] == [1, 2, -1] and y[1][0][:4] == [150, 112.5, 250, 187.5]
        assert page.evaluate("window.hacked") is None and page.errors == []
        axe = pytest.importorskip("axe_playwright_python.sync_playwright")
        found = axe.Axe().run(page, context=".hackbook-boxes").response["violations"]
        assert [(v["id"], [n["html"][:200] for n in v["nodes"]]) for v in found] == []
