"""Make the pictures of the front page: `python tools/pictures.py [live] [tutorials]`.

The moving picture is recorded from the real panel in JupyterLab, driven in Chromium; a tutorial's picture is one of its stored outputs.
"""

import base64
import io
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "nbs/images"
sys.path.insert(0, str(ROOT / "tests"))

CELL = """import numpy as np
import hackbook as hb
splits = hb.split(hb.data.digits().take(np.arange(0, 1797, 3)), validation=.3)
hb.set_seed(0)
live = hb.Live(hb.models.cnn(splits, filters=(16, 32), dropout=0.), splits, epochs=14, learning_rate=.001, view=None)"""
# what a hand does, in seconds after Start: a slider by its name and a number of arrow keys, or back to an epoch
HANDS = [(3.0, "learning_rate", 16), (6.5, "dropout", 40), (10.0, "learning_rate", -10)]
SECONDS, PER_SECOND, WIDTH = 14, 5, 760


def record_live(path):
    """The panel of `hb.Live` while sliders are moved, as an animated GIF of less than a megabyte."""
    from browser import notebook_page

    frames = []
    with TemporaryDirectory() as folder, notebook_page(folder, [CELL], width=1180, height=1000) as page:
        panel = page.locator(".hackbook-live").first
        panel.wait_for(timeout=120_000)
        page.wait_for_function("document.querySelector('.hackbook-chart .curves .training + .training')?.getAttribute('d')", timeout=120_000)
        hands = list(HANDS)
        for i in range(SECONDS * PER_SECOND):
            if hands and i / PER_SECOND >= hands[0][0]:
                _, name, steps = hands.pop(0)
                slider = panel.locator(f"input[type=range][data-hyperparameter={name}]")
                slider.focus()
                for _ in range(abs(steps)):
                    page.keyboard.press("ArrowRight" if steps > 0 else "ArrowLeft")
            frames.append(Image.open(io.BytesIO(panel.screenshot())).convert("RGB"))
            page.wait_for_timeout(1000 / PER_SECOND - 60)
    height = min(f.height for f in frames)
    size = WIDTH, round(height * WIDTH / frames[0].width)
    small = [f.crop((0, 0, f.width, height)).resize(size, Image.Resampling.LANCZOS) for f in frames]
    palette = small[-1].quantize(48, dither=Image.Dither.NONE)
    few = [f.quantize(palette=palette, dither=Image.Dither.NONE) for f in small]
    few[0].save(path, save_all=True, append_images=few[1:], duration=round(1000 / PER_SECOND), loop=0, optimize=True)
    print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB, {len(few)} frames of {size}")


# of each tutorial, which of its pictures shows what it is about
CHOSEN = {"01_digits_cnn": 0, "02_know_your_data": 0, "03_features": -1, "04_train_and_regularize": 4, "05_the_recipe": 0, "06_live": 1, "07_tune": 1}


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
