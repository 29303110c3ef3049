"""An app predicts what the run predicts, on this machine alone, and takes what people give without a traceback."""

import json
import os
import re
import wave
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from browser import find_browser

import hackbook as hb
from hackbook.deployment.apps import NOTHING

Client = pytest.importorskip("gradio_client").Client
HOSTILE = ["<script>document.title = 'hacked'</script>", 'a "b" & \'c\'', "long " * 2000, "عربي", "🙂"]


def ask(app, name, *values):
    """What the app answers, as HTML."""
    client = Client(app.url, verbose=False, analytics_enabled=False)
    found = client.predict(*values, api_name=f"/{name}")
    return found["value"] if isinstance(found, dict) else found


@pytest.fixture(scope="module")
def digits():
    return hb.split(hb.data.digits())


@pytest.fixture(scope="module")
def run(digits):
    hb.set_seed(0)
    return hb.fit(hb.models.cnn(digits, filters=(16, 32)), digits, epochs=4, to=None)


@pytest.fixture(scope="module")
def app(run, digits):
    with hb.demo(run, examples=digits.validation) as app:
        yield app


def guess(page):
    return re.search(r'class="guess[^"]*">(?:<bdi>)?(.*?)<', page)[1]


def test_a_drawing_is_predicted_as_by_the_run(app, run, digits):
    x = digits.validation.x[:5]
    for picture, name in zip(x, run.predict(x).best_guess):
        page = ask(app, "draw", json.dumps((picture / 16).ravel().tolist()))
        assert guess(page) == name and page.count("<li") == 10


def test_an_empty_sheet_and_nonsense(app):
    assert ask(app, "draw", "[]") == NOTHING == ask(app, "draw", "")
    for wrong in ("[1, 2]", "{", json.dumps([5.0] * 64), "<b>"):
        page = ask(app, "draw", wrong)
        assert "cannot be predicted" in page and "Traceback" not in page and "<b>'" not in page


def test_a_picture_is_predicted(app, run, digits, tmp_path):
    from gradio_client import handle_file
    from PIL import Image

    Image.fromarray((digits.validation.x[0] * 15.9).astype("uint8")).save(tmp_path / "digit.png")
    page = ask(app, "picture", handle_file(tmp_path / "digit.png"), False)
    assert guess(page) == run.predict(digits.validation.x[:1]).best_guess[0]


def test_a_file_that_is_no_picture_says_so_by_its_name(app, tmp_path, capfd):
    from gradio_client import handle_file

    (tmp_path / "text.png").write_text("no picture")
    page = ask(app, "picture", handle_file(tmp_path / "text.png"), False)
    assert "<p>text.png must be a picture" in page and str(tmp_path.parent) not in page
    assert "Traceback" not in capfd.readouterr().err


def test_the_network_gets_the_pixels_of_the_file(tmp_path):
    from gradio_client import handle_file
    from PIL import Image

    x = np.random.default_rng(0).integers(0, 256, (40, 12, 12), dtype="uint8")
    splits = hb.split(hb.Dataset(x, np.arange(40) % 2, ["a", "b"]))
    run = hb.fit(dense((12, 12)), splits, epochs=1, learning_rate=1e-5, to=None)
    Image.fromarray(x[0]).save(tmp_path / "x.png")
    with hb.demo(run) as app:
        page = ask(app, "picture", handle_file(tmp_path / "x.png"), False)
        source = re.search(r'src="data:image/png;base64,(.*?)"', page)[1]
        seen = np.asarray(Image.open(BytesIO(b64decode(source))), float)
        assert np.abs(seen - 255.0 * (x[0] - x[0].min()) / np.ptp(x[0])).max() <= 1


def test_what_was_uploaded_is_deleted_with_the_app(run, digits, tmp_path):
    from gradio_client import handle_file
    from PIL import Image

    folder = Path(os.environ["GRADIO_TEMP_DIR"])
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (31, 31), dtype="uint8")).save(tmp_path / "own.png")
    before = {p for p in folder.rglob("*") if p.is_file()}
    with hb.demo(run, examples=digits.validation) as app:
        ask(app, "picture", handle_file(tmp_path / "own.png"), False)
        assert list(folder.rglob("own.png"))
    assert not list(folder.rglob("own.png")) and {p for p in folder.rglob("*") if p.is_file()} <= before


def test_a_row_of_words_and_dates_goes_through_its_pipeline():
    rng = np.random.default_rng(0)
    x = pd.DataFrame({"km": rng.normal(size=90), "town": rng.choice(["Ulm", "Bonn"], 90),
                      "since": pd.Timestamp(2024, 1, 1) + pd.to_timedelta(rng.integers(0, 500, 90), "D")})
    raw = hb.split(hb.Dataset(x, (x.km > 0).astype(int), ["far", "near"], features=list(x)))
    pipeline = hb.features.scale(raw).fit(raw.train.x)
    splits = hb.features.transform(raw, pipeline)
    run = hb.fit(dense(splits.train.x.shape[1:]), splits, epochs=2, to=None)
    row = raw.validation.x.iloc[[0]]
    expected = run.predict(np.asarray(pipeline.transform(row), "float32"))
    with hb.demo(run, examples=raw.validation, pipeline=pipeline) as app:
        page = ask(app, "row", float(row.km.iloc[0]), row.town.iloc[0], str(row.since.iloc[0])[:10])
        assert guess(page) == expected.best_guess[0] and f"{expected.probability[0]:.1%} sure" in page
        assert "since must be a date" in ask(app, "row", 1.0, "Ulm", "yesterday?")
    with pytest.raises(hb.InvalidValue, match="examples must be rows"):
        hb.demo(run, pipeline=pipeline)


def test_an_address_of_another_machine_is_refused_at_once(run):
    with pytest.raises(hb.HackbookError, match="leave host= out"):
        hb.demo(run, host="203.0.113.7")


def test_it_listens_on_this_machine_alone(app, run):
    port = int(app.url.rstrip("/").rsplit(":", 1)[1])
    here = [c.laddr for c in psutil.Process().net_connections("inet") if c.status == "LISTEN" and c.laddr.port == port]
    assert {place.ip for place in here} == {"127.0.0.1"}
    with pytest.raises(hb.HackbookError, match="leave port= out"):
        hb.demo(run, port=port)


def test_only_an_app_for_this_machine_says_that_nothing_is_sent(run):
    for host, said in (("127.0.0.1", True), ("0.0.0.0", False)):
        with hb.demo(run, host=host) as app:
            assert ("nothing is sent" in str(app.blocks.config["components"])) == said


def test_closing_frees_the_port(run):
    app = hb.demo(run)
    assert f'<a href="{app.url}"' in app._repr_html_()
    port = int(app.url.rstrip("/").rsplit(":", 1)[1])
    app.close()
    app.close()
    assert "closed" in app._repr_html_()
    hb.demo(run, port=port).close()


def test_a_digit_drawn_with_the_mouse(app):
    chromium = find_browser()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 860})
        asked, said = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.goto(app.url)
        page.wait_for_selector("canvas.pad")
        frame = page.locator("canvas.pad").bounding_box()
        at = lambda x, y: (frame["x"] + x * frame["width"], frame["y"] + y * frame["height"])
        page.mouse.move(*at(0.5, 0.15))
        page.mouse.down()
        for turn in np.linspace(0, 2 * np.pi, 40):
            page.mouse.move(*at(0.5 + 0.22 * np.sin(turn), 0.5 - 0.35 * np.cos(turn)))
        page.mouse.up()
        page.wait_for_selector("#answer .guess bdi:text-is('0')")
        browser.close()
    away = [url for url in asked if not url.startswith((app.url, "data:", "blob:"))]
    assert away == [] and said == []


def table():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 2)).astype("float32")
    return hb.split(hb.Dataset(x, (x.sum(axis=1) > 0).astype(int), HOSTILE[:2], features=["<b>km</b>", "h"]))


def dense(shape, classes=2):
    from keras import Input, Sequential, layers

    return Sequential([Input(shape), layers.Flatten(), layers.Dense(classes, "softmax")])


def test_a_row_with_hostile_names():
    splits = table()
    run = hb.fit(dense((2,)), splits, epochs=1, to=None)
    with hb.demo(run, examples=splits.validation) as app:
        page = ask(app, "row", 1.0, 2.0)
        assert "<script" not in page and page.count("<li") == 2
        assert "cannot be predicted" in ask(app, "row", None, 2.0)


def test_a_series():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 40, 2)).astype("float32")
    splits = hb.split(hb.Dataset(x, rng.integers(2, size=60), ["up", "down"]))
    run = hb.fit(dense((40, 2)), splits, epochs=1, to=None)
    with hb.demo(run) as app:
        name = run.predict(x[:1]).best_guess[0]
        assert guess(ask(app, "series", " ".join(map(str, x[0].ravel())))) == name
        assert "cannot be predicted" in ask(app, "series", "1 2 three")


def test_a_detector_shows_its_boxes(tmp_path):
    from gradio_client import handle_file
    from PIL import Image

    splits = hb.detection.scene_splits(60)
    run = hb.fit(hb.models.detector(splits, filters=(4, 8), width=4), splits, epochs=1, to=None)
    cells = run.model.get_layer("cells")
    kernel, bias = cells.get_weights()
    bias[4 + 7] = 3.0  # hardly trained, it takes everything for a seven
    cells.set_weights([kernel * 0, bias])
    picture = splits.validation.x[0]
    found = run.predict(picture).predicted[0]
    assert len(found) > 1 and set(found[:, 4]) == {7}
    Image.fromarray(picture).save(tmp_path / "scene.png")
    with hb.demo(run, examples=splits.validation) as app:
        page = ask(app, "picture", handle_file(tmp_path / "scene.png"), False)
        assert page.count('class="box"') == page.count("<li") == len(found)
        left, top = 100 * found[0, :2] / 64
        assert f"left: {left:.2f}%; top: {top:.2f}%" in page and f"{len(found)} boxes with a score of 0.3 or more" in page
    with pytest.raises(hb.HackbookError, match="a detector"):
        hb.demo(run, tmp_path / "demo.html")


def test_a_text():
    from keras import Sequential, layers

    texts = np.array([f"{kind} day {i}" for i in range(30) for kind in ("good", "bad")], object)
    splits = hb.split(hb.Dataset(texts, np.tile([0, 1], 30), ["good", "bad"]))
    words = layers.TextVectorization(output_sequence_length=4)
    words.adapt(["good day", "bad day"])
    model = Sequential([words, layers.Embedding(10, 3), layers.GlobalAveragePooling1D(), layers.Dense(2, "softmax")])
    run = hb.fit(model, splits, epochs=1, to=None)
    with hb.demo(run) as app:
        page = ask(app, "text", "good <b>day</b>")
        assert guess(page) == run.predict(["good <b>day</b>"]).best_guess[0] and "<b>day" not in page


def test_a_sound(tmp_path):
    from gradio_client import handle_file

    folder = tmp_path / "sounds"
    rng = np.random.default_rng(0)
    for name in "ab":
        (folder / name).mkdir(parents=True)
        for i in range(20):
            with wave.open(str(folder / name / f"{i}.wav"), "wb") as file:
                file.setnchannels(1), file.setsampwidth(2), file.setframerate(8000)
                file.writeframes((3000 * rng.normal(size=800)).astype("<i2").tobytes())
    splits = hb.split(hb.data.sounds(folder))
    run = hb.fit(dense(splits.train.x.shape[1:]), splits, epochs=1, to=None)
    with hb.demo(run) as app:
        path = folder / "a" / "0.wav"
        assert guess(ask(app, "sound", handle_file(path))) == run.predict(path).best_guess[0]


def test_without_gradio_the_extra_is_named(run, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(hb.HackbookError, match=r"hackbook\[demo\]"):
        hb.demo(run)
