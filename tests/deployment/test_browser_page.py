"""The demo in one file: opened from disk by a browser that is offline, it predicts what Keras predicts, and sends nothing."""

import gzip
import http.server
import io
import os
import re
import tarfile
import threading
from base64 import b64encode
from contextlib import contextmanager

import numpy as np
import pytest
from browser import find_browser
from PIL import Image

import hackbook as hb
from hackbook.deployment import engine as parts
from hackbook.deployment import fetch_engine, load_engine, write_demo
from hackbook.deployment.browser_page import demo_input, drawing_style, page_facts

HOSTILE = ['<img src=x onerror="window.hacked=1">', "</script><script>window.hacked=2</script>", "'\"`${window.hacked=3}", "long " * 2000, "שלום ‮abc", "🦊👩‍🚀"]
ONE = [[[0.4, 0.32], [0.52, 0.2], [0.52, 0.8]]]
ZERO = [[[0.5 + 0.18 * np.sin(t), 0.5 - 0.3 * np.cos(t)] for t in np.linspace(0, 6.28, 24)]]


@pytest.fixture(scope="module")
def engine():
    try:
        return load_engine()
    except hb.NotFound as e:
        pytest.skip(str(e))


@pytest.fixture(scope="module")
def splits():
    return hb.split(hb.data.digits())


@pytest.fixture(scope="module")
def run(splits):
    hb.set_seed(0)
    return hb.fit(hb.models.cnn(splits, filters=(8,)), splits, epochs=3, to=None)


@pytest.fixture(scope="module")
def demo(run, splits, engine, tmp_path_factory):
    return write_demo(run, tmp_path_factory.mktemp("demo") / "demo.html", hb.evaluate(run, splits.validation))


@pytest.fixture(scope="module")
def chromium():
    path = find_browser()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(browser, path, width=1280, height=900, scheme="light"):
    """The page of a file in a browser that is offline; all that it asks for and complains about must be nothing."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    context.set_offline(True)
    page, asked, errors = context.new_page(), [], []
    page.on("request", lambda r: asked.append(r.url))
    page.on("console", lambda m: errors.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: errors.append(str(e)))
    try:
        page.goto(path.resolve().as_uri())
        page.wait_for_selector("body[data-state=ready], body[data-state=failed]", timeout=120_000)
        yield page
        assert errors == [] and [url for url in asked if not url.startswith(("file:", "blob:", "data:"))] == []
    finally:
        context.close()


def ask(page, x):
    """What the page predicts, one row per example."""
    flat = np.asarray(x, float).reshape(len(x), -1).tolist()
    return np.array(page.evaluate("async (xs) => { const out = []; for (const x of xs) out.push(await hackbookDemo.predict(x)); return out }", flat))


def draw(page, strokes):
    box = page.locator("canvas.pad").bounding_box()
    for stroke in strokes:
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=3)
        page.mouse.up()
    page.wait_for_selector(".bars .best")


def test_it_is_one_small_file_that_predicts_as_keras_does(demo, run, splits, chromium):
    assert demo.megabytes < 15
    x = splits.validation.x[:60]
    with opened(chromium, demo.path) as page:
        found = ask(page, x)
    assert np.abs(found - run.model.predict(x, verbose=0)).max() < 1e-4


def test_a_drawn_digit_is_classified(demo, chromium):
    with opened(chromium, demo.path) as page:
        for digit, strokes in {"1": ONE, "0": ZERO}.items():
            draw(page, strokes)
            for _ in range(50):
                if page.locator(".guess").inner_text() == digit:
                    break
                page.wait_for_timeout(100)
            assert page.locator(".guess").inner_text() == digit
            page.get_by_role("button", name="Clear").click()
            assert page.locator(".guess").inner_text() == ""
            assert page.locator("[role=status]").text_content() == ""
        page.get_by_role("button", name="7", exact=True).press("Enter")  # an example, by keyboard
        page.wait_for_selector(".bars .best")
        assert page.locator(".guess").inner_text() == "7"
        page.wait_for_selector("[role=status]:not(:empty)", state="attached")
        assert "7, " in page.locator("[role=status]").text_content()


def test_where_and_how_large_a_digit_is_drawn_does_not_matter(demo, chromium):
    small = [[[0.1 + 0.25 * x, 0.6 + 0.25 * y] for x, y in stroke] for stroke in ZERO]
    with opened(chromium, demo.path) as page:
        large, little = (np.array(page.evaluate("(s) => hackbookDemo.ink(s)", strokes)) for strokes in (ZERO, small))
        dot = np.array(page.evaluate("hackbookDemo.ink([[[.5, .5]]])"))
    assert np.abs(large - little).max() <= 1 and large.max() == 16 and 0 < dot.sum() < large.sum()


@pytest.mark.parametrize("mode, size", [("L", (31, 20)), ("RGB", (8, 40)), ("RGBA", (50, 50)), ("L", (8, 8)), ("RGB", (301, 203))])
def test_an_uploaded_picture_is_read_as_by_run_predict(mode, size, chromium, engine, tmp_path, pictures_run):
    channels = {"L": 1, "RGB": 3, "RGBA": 4}[mode]
    x = np.random.default_rng(0).integers(0, 256, (size[1], size[0], channels), dtype="uint8")
    if mode == "RGBA":
        x[..., 3] = 255
    file = tmp_path / "picture.png"
    Image.fromarray(x[..., 0] if mode == "L" else x).save(file)
    page_file, run = pictures_run
    expected = run.predict(file)
    with opened(chromium, page_file) as page:
        page.set_input_files("#file", file)
        page.wait_for_selector(".bars .best")
        content = b64encode(file.read_bytes()).decode()
        read = page.evaluate("async (text) => hackbookDemo.read(new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))]))", content)
        assert np.array_equal(np.reshape(read, expected.x.shape[1:]), expected.x[0])
        assert np.abs(ask(page, expected.x) - expected.probabilities).max() < 1e-4
        (tmp_path / "no.png").write_text("no picture")
        page.set_input_files("#file", tmp_path / "no.png")
        page.wait_for_selector(".problem:not(:empty)")
        assert "no picture that the browser can read" in page.locator(".problem").inner_text()


@pytest.fixture(scope="module")
def pictures_run(engine, tmp_path_factory):
    """A run on pictures as `hb.data.images` reads them, with hostile names of classes, a temperature and a threshold; and its page."""
    rng = np.random.default_rng(0)
    y = np.arange(120) % len(HOSTILE)
    x = rng.integers(0, 256, (120, 16, 16, 1), dtype="uint8")
    splits = hb.split(hb.Dataset(x, y, HOSTILE, name="<b>bold</b>"))
    hb.set_seed(0)
    run = hb.fit(hb.models.cnn(splits, filters=(4,)), splits, epochs=1, to=None)
    run.record |= {"temperature": 2.5, "threshold": 0.99}
    path = tmp_path_factory.mktemp("hostile") / "demo.html"
    write_demo(run, path, examples=splits.validation, title="<i>title</i>")
    return path, run


@pytest.mark.parametrize("width, scheme", [(390, "light"), (1280, "dark"), (1920, "light")])
def test_hostile_names_are_text_and_nothing_overflows(pictures_run, chromium, width, scheme):
    path, run = pictures_run
    with opened(chromium, path, width, 900, scheme) as page:
        page.locator(".example").nth(1).click()
        page.wait_for_selector(".bars .best")
        assert page.evaluate("window.hacked") is None and page.locator("main img, main script, h1 i, header b").count() == 0
        names = page.locator(".bars .name").all_inner_texts()
        assert [n[:20] for n in names] == [n[:20] for n in HOSTILE] and page.title() == "<i>title</i>"
        assert page.locator(".guess").inner_text() == "not sure" and "perhaps" in page.locator(".sureness").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
        serious = [v["id"] for v in axe.run(page).response["violations"] if v["impact"] in ("serious", "critical")]
        assert serious == []


def test_axe_and_width_of_the_digits(demo, chromium):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    for width, scheme in ((390, "dark"), (1280, "light"), (1920, "dark")):
        with opened(chromium, demo.path, width, 900, scheme) as page:
            draw(page, ZERO)
            page.locator("summary").click()
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert "Permission is hereby granted" in page.locator("footer pre").inner_text()
            assert [v["id"] for v in axe.run(page).response["violations"] if v["impact"] in ("serious", "critical")] == []


@pytest.mark.parametrize("logits", [False, True])
def test_a_row_of_a_table(chromium, engine, tmp_path, logits):
    import keras

    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 3)).astype("float32")
    data = hb.Dataset(x, (x.sum(axis=1) > 0).astype(int), ["low", "high"], features=["<b>km</b>", "h", "°C"])
    splits = hb.split(data)
    hb.set_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, None if logits else "softmax")])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True) if logits else None
    run = hb.fit(model, splits, epochs=2, to=None, **({"loss": loss} if logits else {}))
    write_demo(run, tmp_path / "demo.html", examples=splits.validation)
    with opened(chromium, tmp_path / "demo.html", 390) as page:
        page.wait_for_selector(".bars .best")
        assert page.locator(".field label").all_inner_texts() == ["<b>km</b>", "h", "°C"]
        assert np.abs(ask(page, x[:5]) - run.predict(x[:5]).probabilities).max() < 1e-4
        page.fill("#paste", "1; -2\n3e2")
        page.wait_for_selector(".far:not(:empty)")
        assert page.input_value("#field2") == "300" and "°C" in page.locator(".far").inner_text()
        page.fill("#field0", "")
        page.wait_for_selector(".problem:not(:empty)")
        assert "Every field needs a number" in page.locator(".problem").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_series_that_predicts_a_number(chromium, engine, tmp_path):
    import keras

    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 50, 2)).astype("float32")
    splits = hb.split(hb.Dataset(x, x.mean(axis=(1, 2)) * 100, task="regression"))
    hb.set_seed(0)
    model = keras.Sequential([keras.Input((50, 2)), keras.layers.GRU(4), keras.layers.Dense(1)])
    run = hb.fit(model, splits, epochs=1, to=None)
    write_demo(run, tmp_path / "demo.html", hb.evaluate(run, splits.validation))
    with opened(chromium, tmp_path / "demo.html") as page:
        assert np.abs(ask(page, x[:5])[:, 0] - run.predict(x[:5]).predicted).max() < 1e-4
        page.fill("#paste", "1 2 3")
        page.wait_for_selector(".problem:not(:empty)")
        assert "100 numbers are needed, these are 3" in page.locator(".problem").inner_text()


def test_without_the_engine_the_error_names_the_call(run, tmp_path, monkeypatch):
    monkeypatch.setenv("HACKBOOK_CACHE", str(tmp_path))
    with pytest.raises(hb.NotFound, match=r"hb\.deployment\.fetch_engine\(\) once"):
        write_demo(run, tmp_path / "demo.html")
    assert not (tmp_path / "demo.html").exists()


def test_a_write_that_fails_leaves_the_old_page(run, engine, tmp_path, monkeypatch):
    (tmp_path / "demo.html").write_text("old")
    write_text = type(tmp_path).write_text

    def full(self, text, **options):
        write_text(self, text[:1000], **options)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(tmp_path), "write_text", full)
    with pytest.raises(hb.HackbookError, match="free some space"):
        write_demo(run, tmp_path / "demo.html")
    assert (tmp_path / "demo.html").read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


def test_what_cannot_be_shown_is_refused(run, splits, engine, tmp_path):
    for wrong, words in (({"to": "demo.htm"}, "ends in .html"), ({"result": 0.9}, "an Evaluation or None"), ({"examples": splits.test}, "try splits.validation")):
        with pytest.raises(hb.InvalidValue, match=words):
            write_demo(run, **{"to": tmp_path / "demo.html"} | wrong)
    texts = hb.Run(run.model, run.history, {"data": {"input": {"kind": "text", "shape": []}}})
    with pytest.raises(hb.HackbookError, match="cannot be converted: its examples are text"):
        write_demo(texts, tmp_path / "demo.html")
    assert list(tmp_path.iterdir()) == []


def test_the_frame_of_drawings_is_measured():
    x = np.zeros((30, 28, 28), "uint8")
    x[:, 4:24, 10:16] = 255
    facts = {"kind": "image", "shape": [28, 28], "dtype": "uint8", "low": 0.0, "high": 255.0}
    style = drawing_style(facts, hb.Dataset(x, np.arange(30) % 2))
    assert style["box"] == 20 / 28 and not style["dark"]
    assert drawing_style(facts, hb.Dataset(255 - x, np.arange(30) % 2))["dark"]
    assert drawing_style(facts | {"shape": [28, 28, 3]}) is None


def test_the_page_holds_nothing_of_the_sealed_part(run, splits):
    facts = page_facts(run, splits.validation)
    assert len(facts["examples"]) == 10 and demo_input(run)["shape"] == [8, 8]


# The engine: what is downloaded is that one package, or nothing.


@contextmanager
def registry(content, monkeypatch):
    """A registry of npm on 127.0.0.1 that gives this content for every package."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{server.server_port}/")
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def package(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            (member := tarfile.TarInfo(name)).size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def known(content, files, monkeypatch):
    """Let a package and its files be those that are expected."""
    sums = {name: parts.hashlib.sha256(body).hexdigest() for name, body in files.items() if name in parts.ENGINE_FILES}
    monkeypatch.setattr(parts, "ENGINE_SHA256", parts.hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(parts, "ENGINE_FILES", sums)


def test_another_package_is_refused(tmp_path, monkeypatch):
    with registry(package({"package/evil.js": b"1"}), monkeypatch), pytest.raises(hb.InvalidValue, match="sha256 of http://127.0.0.1"):
        fetch_engine(tmp_path, progress=False)
    with pytest.raises(hb.NotFound):
        load_engine(tmp_path)


def test_a_package_is_unpacked_by_name_alone(tmp_path, monkeypatch):
    files = {"../outside": b"no", "/etc/outside": b"no"} | {name: name.encode() * 100 for name in parts.ENGINE_FILES}
    content = package(files)
    known(content, files, monkeypatch)
    cache = tmp_path / "cache"
    with registry(content, monkeypatch):
        folder = fetch_engine(cache, progress=False)
    assert sorted(os.listdir(folder)) == ["LICENSE", "engine.mjs", "engine.wasm.gz"] and os.listdir(tmp_path) == ["cache"] and os.listdir(cache) == [folder.name]
    assert gzip.decompress(load_engine(cache).wasm) == files["package/dist/ort-wasm-simd-threaded.wasm"]
    assert fetch_engine(cache, progress=False) == folder  # offline: the registry is gone
    (folder / "engine.wasm.gz").write_bytes((folder / "engine.wasm.gz").read_bytes()[:50])
    with pytest.raises(hb.InvalidValue, match="downloads it again"):
        load_engine(cache)
    with registry(content, monkeypatch):
        fetch_engine(cache, progress=False)
    assert load_engine(cache).module == files["package/dist/ort.wasm.bundle.min.mjs"]


def test_a_package_that_lacks_a_file_is_refused(tmp_path, monkeypatch):
    names = list(parts.ENGINE_FILES)
    content = package({names[0]: b"module"})
    known(content, {name: b"module" for name in names}, monkeypatch)
    with registry(content, monkeypatch), pytest.raises(hb.InvalidValue, match="must be the package onnxruntime-web"):
        fetch_engine(tmp_path, progress=False)


def test_the_license_is_that_of_the_package(engine):
    assert "Copyright (c) Microsoft Corporation" in engine.license and re.search(rb"ONNX Runtime Web v1\.30\.0\s", engine.module[:200]) and b"MIT License" in engine.module[:200]
