"""Make the pictures of the front page: `python tools/pictures.py [live] [tutorials]`.

The moving picture is recorded from the real panel in JupyterLab, driven in Chromium; a tutorial's picture is one of its stored outputs.
"""

import base64
import io
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import nbformat
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "nbs/images"
sys.path.insert(0, str(ROOT / "tests"))

CELL = """import numpy as np
import hackbook as hb
digits = hb.split(hb.data.digits(), validation=.3, test=.2)
noise = np.random.default_rng(0).normal(0, 4, (300, 8, 8))
few = hb.Dataset(digits.train.x[:300] + noise, digits.train.y[:300], name="a cheap camera")
clean = hb.Dataset(digits.validation.x.astype(float), digits.validation.y)
splits = hb.Splits(few, clean, digits.test)
hb.set_seed(0)
live = hb.Live(hb.models.cnn(splits, filters=(32, 64), dropout=0.), splits, epochs=40, learning_rate=.003, batch_size=8)"""
# what a hand does, in seconds after Start: a slider by its name and a number of arrow keys, or back to an epoch
HANDS = [(5, "dropout", 60), (9, "rewind", 6), (11, "dropout", 30), (14, "learning_rate", -12)]
SECONDS, PER_SECOND, WIDTH = 17, 4, 760


def act(page, panel, what, number):
    """Move a slider by arrow keys, or go back to an epoch and start from there."""
    if what == "rewind":
        panel.locator("input.epoch").focus()
        page.keyboard.press("Home")
    else:
        panel.locator(f"input[type=range][data-hyperparameter={what}]").focus()
    for _ in range(abs(number)):
        page.keyboard.press("ArrowRight" if number > 0 else "ArrowLeft")
    if what == "rewind":
        panel.locator("button.rewind").click()
        panel.locator("button.start").click()


def record_live(path):
    """The panel of `hb.Live` while sliders are moved, as an animated GIF of less than a megabyte."""
    from browser import notebook_page

    frames = []
    with TemporaryDirectory() as folder, notebook_page(folder, [CELL], width=1180, height=1500) as page:
        panel = page.locator(".hackbook-live").first
        panel.wait_for(timeout=120_000)
        page.wait_for_function("document.querySelector('.hackbook-chart .curves .training + .training')?.getAttribute('d')", timeout=120_000)
        box, last = panel.bounding_box(), panel.locator(".back").bounding_box()
        clip = {**box, "height": last["y"] + last["height"] - box["y"] + 8}
        hands, began = list(HANDS), monotonic()
        while (now := monotonic() - began) < SECONDS:
            if hands and now >= hands[0][0]:
                act(page, panel, *hands.pop(0)[1:])
            frames.append(Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB"))
            page.wait_for_timeout(max(0, 1000 * (began + len(frames) / PER_SECOND - monotonic())))
    height = min(f.height for f in frames)
    size = WIDTH, round(height * WIDTH / frames[0].width)
    small = [f.crop((0, 0, f.width, height)).resize(size, Image.Resampling.LANCZOS) for f in frames]
    strip = Image.new("RGB", (size[0], 3 * size[1]))
    for i, place in enumerate((0, len(small) // 2, -1)):
        strip.paste(small[place], (0, i * size[1]))
    palette = strip.quantize(128, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few = [f.quantize(palette=palette, dither=Image.Dither.NONE) for f in small]
    few[0].save(path, save_all=True, append_images=few[1:], duration=round(1000 / PER_SECOND), loop=0, optimize=True)
    print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB, {len(few)} frames of {size}")


# of each tutorial, which of its pictures shows what it is about
CHOSEN = {"00_your_own_data": 0, "01_digits_cnn": 0, "02_know_your_data": 0, "03_features": -1, "04_train_and_regularize": 4, "05_the_recipe": 0, "06_live": 1, "07_tune": 1, "08_evaluate": 3, "09_present": 2, "10_forecast": 2, "11_autoencoder": 6, "12_speech_digits": 1, "13_find_the_digits": 3}


def tutorial_pictures():
    """One stored picture of each tutorial, 480 pixels wide."""
    for name, place in CHOSEN.items():
        cells = nbformat.read(ROOT / f"nbs/tutorials/{name}.ipynb", as_version=4).cells
        stored = [o.data["image/png"] for c in cells for o in c.get("outputs", []) if "image/png" in o.get("data", {})]
        picture = Image.open(io.BytesIO(base64.b64decode(stored[place]))).convert("RGB")
        picture.thumbnail((480, 480), Image.Resampling.LANCZOS)
        picture.quantize(64, dither=Image.Dither.NONE).save(IMAGES / f"tutorial_{name[:2]}.png", optimize=True)


if __name__ == "__main__":
    asked = sys.argv[1:] or ["live", "tutorials"]
    if "live" in asked:
        record_live(IMAGES / "live.gif")
    if "tutorials" in asked:
        tutorial_pictures()
