"""A newcomer in JupyterLab: pictures, a CSV and arrays from files to prediction and report; names by TAB; a notebook that is only opened."""

import html
import json
import re

import nbformat
import numpy as np
import pytest
from browser import KERNEL, jupyter_lab, notebook_page, wait_for_kernel
from conftest import ROOT
from PIL import Image
from sklearn.datasets import load_digits, load_wine

from hackbook.cli import lab_command, trust
from hackbook.core import UNTRUSTED
from hackbook.live import Replay

FIRST = "import hackbook as hb\nimport keras\nimport numpy as np\nimport pandas as pd\n'begun'"
PICTURES = """
data = hb.data.images('photos', size=(12, 12))
splits = hb.split(data, validation=.2, test=.2, seed=0)
hb.set_seed(0)
run = hb.fit(hb.models.cnn(splits, filters=(8,)), splits, epochs=6, to=None)
result = hb.evaluate(run, splits.test, reason='the final score')
hb.report(run, result, to='pictures.html', splits=splits)
print('pictures:', repr(data), run.predict('photos/red/03.png'))
result.plot_confusion()
"""
TABLE = """
data = hb.data.table('wines.csv', target='wine')
raw = hb.split(data, validation=.2, test=.2, seed=0)
rows = pd.read_csv('wines.csv').drop(columns='wine')[::80]
for name, splits in {'raw': raw, 'pca': hb.features.transform(raw, hb.features.pca(raw, 6))}.items():
    hb.set_seed(0)
    run = hb.fit(hb.models.mlp(splits, units=(16,)), splits, epochs=12, learning_rate=.02, to='runs')
    result = hb.evaluate(run, raw.validation)
    hb.report(run, result, to=f'table-{name}.html', splits=splits)
    again = hb.load_run(run.folder)
    print(f'table {name}:', *again.predict(rows).best_guess, *again.predict('wines.csv').best_guess[::80])
"""
ARRAYS = """
held = np.load('numbers.npz')
splits = hb.split(hb.Dataset(held['x'], held['y']), validation=.2, test=.2, seed=0)
hb.set_seed(0)
run = hb.fit(hb.models.cnn(splits, filters=(4, 8)), splits, epochs=3, to=None)
result = hb.evaluate(run, splits.test, reason='the final score')
hb.report(run, result, to='arrays.html', splits=splits)
print('arrays:', run.predict(held['x'][0]), run.predict(held['x'][:2, ::2, ::2]))
'all done'
"""
TEXTS = "[...document.querySelectorAll('.jp-OutputArea-output')].map(e => e.textContent).join('\\n')"


@pytest.fixture
def files(tmp_path):
    """Three problems, as files: pictures of many sizes, a CSV with words and gaps, arrays of 28 × 28 pixels."""
    rng = np.random.default_rng(0)
    for place, color in enumerate(("red", "green", "blue")):
        (tmp_path / "photos" / color).mkdir(parents=True)
        for number in range(15):
            x = rng.integers(0, 90, (*rng.integers(12, 40, 2), 3))
            x[..., place] += 120
            Image.fromarray(x.astype("uint8")).save(tmp_path / "photos" / color / f"{number:02}.png")
    wines = load_wine(as_frame=True)
    table = wines.data.assign(shade=np.where(wines.data.hue > 1, "warm", "cold"), wine=np.array(["barolo", "grignolino", "barbera"])[wines.target])
    table.loc[::9, "ash"] = np.nan
    table.to_csv(tmp_path / "wines.csv", index=False)
    digits = load_digits()
    few = digits.target < 3
    x = (digits.images[few][:240].repeat(4, axis=1).repeat(4, axis=2)[:, 2:30, 2:30] * 15).astype("uint8")
    np.savez(tmp_path / "numbers.npz", x=x, y=digits.target[few][:240])
    return tmp_path


def test_three_problems_from_files_to_prediction_and_report(files):
    with notebook_page(files, [FIRST, PICTURES, TABLE, ARRAYS]) as page:
        page.wait_for_function(f"(text => text.includes(\"'all done'\") || text.includes('Error'))({TEXTS})", timeout=300_000)
        shown = page.evaluate(TEXTS)
        assert "Error" not in shown, shown[-3000:]
        assert page.locator("[data-mime-type='application/vnd.jupyter.stderr']").all_inner_texts() == []  # no red lines
        assert re.search(r"pictures: Dataset\('photos', 45 examples of 12×12×3 uint8 \(\d+ with black bars\), 3 classes\) Predictions\(red .*brought to 12 × 12", shown), shown
        for way in "raw", "pca":
            assert f"table {way}: barolo grignolino barbera barolo grignolino barbera" in shown, shown
        assert re.search(r"arrays: Predictions\(0 \(\d+ %\)\) Predictions\(0 .*2 pictures of 14 × 14 brought to 28 × 28", shown), shown
        for name in "pictures", "table-raw", "table-pca", "arrays":
            numbers, text = json.loads((files / f"{name}.json").read_text()), (files / f"{name}.html").read_text(encoding="utf-8")
            assert numbers["accuracy"] > 0.6 and numbers["baselines"].keys() >= {"the network", "linear"} and "Beside simple predictions" in text

        # what a person types next: the names after `hb.`, in one list
        page.evaluate("window.jupyterapp.commands.execute('notebook:insert-cell-below')")
        page.locator(".jp-Notebook .jp-CodeCell").last.locator(".cm-content").click()
        page.keyboard.type("hb.")
        items = page.locator(".jp-Completer-item")
        for _ in range(10):  # JupyterLab waits one second for the kernel, and jedi imports what it lists: on a busy machine one presses again
            page.keyboard.press("Tab")
            page.wait_for_timeout(3_000)
            if items.count():
                break
        names = items.count()
        assert 20 < names < 40, names
        assert page.errors == []


def test_a_notebook_that_is_only_opened(tmp_path):
    """Its file stays as it was; where it is not trusted, words take the place of the panel, and `hackbook lab` brings it back."""
    stored = [o.data["text/html"] for c in nbformat.read(ROOT / "nbs/tutorials/06_live.ipynb", 4).cells for o in c.get("outputs", []) if "hackbook-replay" in o.get("data", {}).get("text/html", "")]
    record = json.loads(html.unescape(re.search(r'<script type="application/json">(.*?)</script>', stored[-1], re.S)[1]))
    cell = nbformat.v4.new_code_cell("live", outputs=[nbformat.v4.new_output("display_data", {"text/html": Replay(record).html(), "text/plain": "HTML"})])
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"language_info": {"name": "python"}})
    hook = next(o for o in lab_command(tmp_path) if "pre_save_hook" in o)
    assert hook.split("=")[1] in " ".join(jupyter_lab().process.args)  # the server of the tests saves as `hackbook lab` does
    with notebook_page(tmp_path, notebook) as page:
        before = (tmp_path / "page.ipynb").read_bytes()
        wait_for_kernel(page)
        page.wait_for_selector(f".hackbook-replay >> text={UNTRUSTED[:40]}")
        page.evaluate(f"() => {KERNEL}.requestExecute({{code: '1'}}).done")
        page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
        assert json.loads((tmp_path / "page.ipynb").read_bytes())["metadata"] == json.loads(before)["metadata"]
        assert (tmp_path / "page.ipynb").read_bytes() == before
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_DATA_DIR", str(jupyter_lab().own / "data"))
        trust([tmp_path / "page.ipynb"])
    with notebook_page(tmp_path, notebook) as page:
        page.wait_for_selector(".hackbook-replay[data-on] svg")
        assert UNTRUSTED[:40] not in page.locator(".hackbook-replay").inner_text()
