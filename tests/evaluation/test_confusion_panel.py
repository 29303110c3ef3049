"""The confusion matrix to click on: cells without a browser, and the whole of it in real JupyterLab."""

import html
import time

import numpy as np
import pandas as pd
import pytest
from browser import notebook_page

import hackbook as hb
from hackbook.evaluation import Evaluation

HOSTILE = ['<img src=x onerror="window.hacked=1">', "</script><script>window.hacked=2</script>", "a <b>bold</b> name"]


def made(data, right=0.7, seed=0):
    """An Evaluation with drawn probabilities, of which about a fraction `right` is right."""
    rng = np.random.default_rng(seed)
    n, k = len(data), len(data.class_names)
    p = rng.dirichlet(np.ones(k), n)
    target = np.where(rng.random(n) < right, data.y, rng.integers(0, k, n))
    p[np.arange(n), target] += 1
    return Evaluation(data, p / p.sum(axis=1, keepdims=True))


@pytest.fixture
def result():
    return made(hb.data.digits().take(np.arange(300)))


def test_every_cell_holds_its_examples(result):
    panel = result.browse()
    for true in result.data.class_names:
        for predicted in result.data.class_names:
            rows = panel.select(true, predicted)
            assert len(rows) == result.confusion.loc[true, predicted] and panel.selected is rows
            table = result.frame.loc[rows]
            assert (table.true == true).all() and (table.predicted == predicted).all() and table.probability.is_monotonic_decreasing
            assert len(panel.frame) == len(rows)


def test_code_goes_on_with_what_is_selected(result, tmp_path):
    panel = result.browse()
    worst = result.confused().iloc[0]
    assert len(panel.selected) == worst.examples and panel.selected.dtype.kind == "i"
    part = result.data.take(panel.selected)
    assert set(part.y) == {result.data.class_names.index(worst.true)}
    assert hb.relabel(result.data, panel.selected, to=tmp_path / "d.csv").rows == panel.selected.tolist()


def test_at_most_so_many_are_sent(result):
    panel = result.browse(max_examples=3)
    panel.select(0, 0)
    page = panel.view.page
    assert len(page["examples"]) == 3 < page["of"] == len(panel.selected)
    assert [e["row"] for e in page["examples"]] == panel.selected[:3].tolist()


@pytest.mark.parametrize("wrong", [10, -1, "ten", None, 1.5, True, [1]])
def test_unknown_classes_change_nothing(result, wrong):
    panel = result.browse()
    before = panel.cell, panel.selected.tolist()
    page = panel.view
    for cell in ((wrong, 0), (0, wrong)):
        with pytest.raises(hb.InvalidValue, match="class must be"):
            panel.select(*cell)
    panel._told({"do": "select", "true": wrong, "predicted": 0})
    assert "class must be" in page.page["trouble"] and (panel.cell, panel.selected.tolist()) == before


@pytest.mark.parametrize("wrong", [0, -1, 2.5, "3", None])
def test_bad_numbers_of_examples(result, wrong):
    with pytest.raises(hb.InvalidValue, match="max_examples must be"):
        result.browse(wrong)


def test_without_errors_and_with_one_example():
    perfect = Evaluation(hb.Dataset(np.eye(3), [0, 1, 2]), np.eye(3))
    panel = perfect.browse()
    assert panel.cell is None and len(panel.selected) == len(panel.frame) == 0 and panel.view.page["true"] is None
    one = Evaluation(hb.Dataset(np.eye(1, 3), [1], ["a", "b", "absent"]), np.eye(3)[[2]])
    assert one.browse().selected.tolist() == [0] and one.browse().select("absent", "absent").tolist() == []
    assert "<img" in str(panel.still())


def test_two_hundred_classes_are_few_in_the_matrix_and_all_can_be_chosen():
    data = hb.Dataset(np.zeros((2000, 2, 2), "uint8"), np.arange(2000) % 200, [f"class {i}" for i in range(200)])
    panel = made(data).browse()
    grid = panel._grid()
    assert len(grid["drawn"]) == len(grid["counts"]) == 20 and "of 200 classes" in grid["note"]
    assert all(grid["counts"][i][i] == panel.result.confusion.iloc[n, n] for i, n in enumerate(grid["drawn"]))
    outside = next(n for n in range(200) if n not in grid["drawn"])
    assert len(panel.select(outside, outside)) == panel.result.confusion.iloc[outside, outside]


@pytest.mark.parametrize("x, sample_rate", [
    (np.zeros((6, 300, 400, 3), "uint8"), None), (["x" * 9000] * 6, None), (pd.DataFrame({"a": [1.0, None] * 3, "b": list("uvwxyz")}), None),
    (np.zeros((6, 8000), "int16"), 8000), (np.zeros((6, 400_000), "int16"), 8000), (np.full((6, 30), np.nan), None)], ids=lambda x: str(np.shape(x)))
def test_every_kind_of_example_has_a_small_page(x, sample_rate):
    panel = made(hb.Dataset(x, [0, 1] * 3, sample_rate=sample_rate), right=0).browse()
    panel.select(panel.cell[0], panel.cell[1])
    assert len(str(panel.view.page)) < 400_000 and len(str(panel.still())) < 150_000
    assert panel.view.page["examples"][0]["kind"] in ("image", "text", "table", "sound", "curve")


def test_hostile_names_are_escaped_where_nothing_runs():
    page = str(made(hb.Dataset(HOSTILE * 4, HOSTILE * 4, name=HOSTILE[0]), right=0).browse().still())
    assert "<img src=x" not in page and "<script" not in page and "<b>bold" not in page and html.escape(HOSTILE[1], quote=False) in page


def test_nothing_of_the_front_end_is_imported_before_it_is_shown():
    from conftest import call
    import sys

    code = ("import sys, numpy as np, hackbook as hb; from hackbook.evaluation import Evaluation; e = Evaluation(hb.Dataset(np.eye(2), [0, 1]), np.eye(2)[::-1]); "
            "e.browse(); print([m for m in ('ipywidgets', 'anywidget', 'tensorflow') if m in sys.modules])")
    shown = call(sys.executable, "-c", code)
    assert shown.stdout.strip() == "[]", shown.stderr


CELLS = ["""import hackbook as hb, numpy as np, pandas as pd
from hackbook.evaluation import Evaluation
data = hb.data.digits()
rng = np.random.default_rng(0)
target = np.where(rng.random(len(data)) < .6, data.y, (data.y + 1) % 10)
panel = Evaluation(data, np.eye(10)[target] * .9 + .01).browse()
panel""", f"""bad = {HOSTILE!r}
rows = pd.DataFrame({{bad[0]: bad * 4, 'b': bad * 4}})
hostile = Evaluation(hb.Dataset(rows, bad * 4, name=bad[0]), np.eye(3)[np.arange(12) // 4]).browse()
hostile""", "open('rows.txt', 'w').write(' '.join(map(str, panel.selected)))"]
TURN = "([panel, turn]) => panel.dataset.turn !== turn"
CLICKS = """async (panel) => { const took = [], examples = panel.querySelector('.examples');
  for (const cell of [...panel.querySelectorAll('[role=gridcell]')].filter((c) => c.textContent).slice(0, 10)) {
    const begin = performance.now(), turn = panel.dataset.turn;
    cell.click();
    while (panel.dataset.turn === turn) await new Promise((later) => setTimeout(later, 2));
    await Promise.all([...examples.querySelectorAll('img')].map((image) => image.decode()));
    await new Promise(requestAnimationFrame);
    took.push(performance.now() - begin);
  }
  return took; }"""


def test_in_jupyterlab(tmp_path):
    from browser import run_cells

    with notebook_page(tmp_path, CELLS) as page:
        page.wait_for_selector(".hackbook-evaluation >> nth=1")
        panel = page.locator(".hackbook-evaluation").first
        handle = panel.element_handle()

        def acted(act):
            turn = panel.get_attribute("data-turn")
            act()
            page.wait_for_function(TURN, arg=[handle, turn], timeout=30_000)

        assert panel.locator("[role=gridcell][tabindex='0']").count() == 1
        acted(panel.locator("[aria-label^='true 3, predicted 4:']").first.click)
        words = panel.locator(".examples").inner_text()
        many = int(panel.locator("[aria-label^='true 3, predicted 4:']").first.inner_text())
        assert f"3 predicted as 4: {many} examples" in words and f"and {many - 20} more" in words
        assert panel.locator(".examples img").count() == 20 and panel.locator("[aria-selected=true]").inner_text() == str(many)
        # by keyboard: up and left to the diagonal, and Enter
        page.keyboard.press("ArrowLeft")
        acted(lambda: page.keyboard.press("Enter"))
        assert "3, predicted correctly" in panel.locator(".examples").inner_text()
        page.keyboard.press("d")
        page.keyboard.press("d")  # JupyterLab's own keys do nothing to the notebook
        assert page.locator(".jp-Cell").count() == 3
        acted(panel.locator(".pairs button").nth(1).click)
        assert panel.locator(".pairs button[aria-pressed=true]").count() == 1
        label = panel.locator(".pairs button[aria-pressed=true]").get_attribute("aria-label")
        took = page.evaluate(CLICKS, handle)
        print("milliseconds per click:", *sorted(round(t) for t in took))  # pytest -rP shows it
        acted(panel.locator(".pairs button").nth(1).click)
        run_cells(page, 2, 2)
        until = time.monotonic() + 30
        while len((tmp_path / "rows.txt").read_text().split() if (tmp_path / "rows.txt").exists() else []) != int(label.split(": ")[1].split()[0]):
            assert time.monotonic() < until
            time.sleep(0.1)

        other = page.locator(".hackbook-evaluation").nth(1)
        assert HOSTILE[0] in other.inner_text() and other.locator("img, script, .rows b").count() == 0
        assert page.evaluate("window.hacked") is None and page.errors == []
        axe = pytest.importorskip("axe_playwright_python.sync_playwright")
        assert [v["id"] for v in axe.Axe().run(page, context=".hackbook-evaluation").response["violations"]] == []
