"""Live: what it does without a browser, and the tutorial's panel under a person's hands in real JupyterLab."""

import signal
import sys
import threading
from contextlib import nullcontext
from importlib import import_module
from importlib.metadata import version

import nbformat
import numpy as np
import pytest
from browser import CURVES, KERNEL, jupyter_lab, notebook_page, run_cells, wait_for_kernel, write
from conftest import ROOT, call
from packaging.version import Version
from psutil import Process
from test_panel import HEARS, another_cell, ask

import hackbook as hb
from hackbook.live.session import Session
from hackbook.testing import until

live_room = import_module("hackbook.live.live")
TUTORIAL = ROOT / "nbs/tutorials/06_live.ipynb"
pytestmark = pytest.mark.usefixtures("no_thread_is_left")


@pytest.fixture(scope="module")
def splits():
    return hb.split(hb.data.digits().take(np.arange(600)))


def network(splits):
    hb.set_seed(0)
    return hb.models.cnn(splits, filters=(4, 8))


def make(splits, epochs=200, **options):
    return hb.Live(network(splits), splits, epochs=epochs, **{"start": False, **options})


# ---- without a browser


def test_without_a_frontend_it_trains_to_the_end_and_as_fit_does(splits):
    live = make(splits, epochs=2, start=True)
    run = hb.fit(network(splits), splits, epochs=2, schedule="constant", to=None)
    assert live.panel.session.state()["status"] == "finished"
    assert all((a == b).all() for a, b in zip(live.model.get_weights(), run.model.get_weights()))


def test_plain_python_shows_nothing(tmp_path):
    code = ("import hackbook as hb\nsplits = hb.split(hb.data.digits())\nhb.set_seed(0)\n"
            "live = hb.Live(hb.models.cnn(splits, filters=(4, 8)), splits, epochs=1)\nlive._ipython_display_()\nprint(live)")
    shown = call(sys.executable, "-c", code, cwd=tmp_path, PYTHONPATH=ROOT)
    assert shown.stdout == "Live(epoch 1.00 of 1, finished, 1 branches)\n", shown.stdout + shown.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("second", [hb.Live, Session])
def test_a_second_one_on_a_model_that_trains_is_refused(splits, second):
    live = make(splits)
    live.start()
    try:
        with pytest.raises(hb.HackbookError, match="is being trained by another session.*stop that one first"):
            second(live.model, splits)
        assert live.state()["status"] == "running"
        live.stop()
        live.wait()
        again = second(live.model, splits, epochs=1)
        again.start()
        assert again.wait() == "finished"
    finally:
        live.close()


def test_an_interrupt_keeps_the_best_weights(splits):
    live = make(splits)
    live.start()
    until(lambda: len(live.timeline.rows()) >= 3)
    threading.Timer(0.2, signal.raise_signal, [signal.SIGINT]).start()
    assert live.wait() == "stopped"
    best = live.timeline.best()
    loss = live.model.evaluate(splits.validation.x, splits.validation.y, verbose=0)[0]
    assert loss == pytest.approx(best["val_loss"], rel=1e-3) and best["epoch"] <= len(live.timeline.rows()) < 200
    live.close()


def test_an_error_of_the_worker_is_raised_by_wait_and_stands_in_the_panel(splits, monkeypatch):
    def broken(*args):
        raise RuntimeError("the disk is full")

    live = make(splits)
    monkeypatch.setattr("hackbook.live.thread.snapshot", broken)
    live.start()
    with pytest.raises(RuntimeError, match="the disk is full"):
        live.wait()
    assert live.panel.publisher.sent["error"] == "RuntimeError: the disk is full"
    assert live.state()["status"] == "failed"
    live.close()


def test_wait_does_not_block_where_nobody_can_press_go_on(splits):
    live = make(splits, epochs=2)
    live.start()
    live.wait()
    live.rewind(1)
    with pytest.raises(hb.HackbookError, match="paused, and nobody here can press Go on; call start"):
        live.wait()
    assert live.wait(timeout=0.1) == "paused"
    live.rewind(2)  # the end
    assert live.wait() == "finished"
    live.close()


def test_waiting_hears_the_page_where_the_kernel_would_not(splits, monkeypatch):
    """ipykernel 6: while `wait` waits, what a slider said is handled."""
    live, heard = make(splits), []

    def hear(most):
        heard.append(most)
        if len(heard) == 3:
            live.stop()  # as a message from the page

    monkeypatch.setattr(live_room, "hearing", lambda: "in wait")
    monkeypatch.setattr(live_room, "ui_events", lambda: nullcontext(hear))
    live.start()
    assert live.wait(60) == "stopped" and len(heard) >= 3 and set(heard) == {20}
    live.start()
    monkeypatch.setattr(live_room, "hearing", lambda: "always")
    heard.clear()
    assert live.wait(0.5) == "running" and not heard
    live.close()


def test_what_is_drawn_and_listed(splits):
    live = make(splits, epochs=2)
    live.start()
    live.wait()
    live.rewind(1)
    live.set("dropout", 0.5)
    live.start()
    live.wait()
    assert live.frame["from"].tolist() == ["", "branch 1"] and "changes=[\n" in live.recipe
    assert live.plot()._repr_png_()[0].startswith(b"\x89PNG")


# ---- in JupyterLab: the tutorial, by keyboard and mouse

THREADS = "sum(t.name == 'hackbook-training' for t in __import__('threading').enumerate())"
DESK = "document.querySelector('.hackbook-live')"


def says(page, word, timeout=60_000):
    page.wait_for_function(f"{DESK}?.querySelector('.status').textContent === {word!r}", timeout=timeout)


def long_tutorial():
    """A copy of it whose first training run is long enough for hands; and the number of the cell with its panel."""
    notebook = nbformat.read(TUTORIAL, as_version=4)
    number = next(i for i, cell in enumerate(notebook.cells) if "hb.Live(" in cell.source and cell.cell_type == "code")
    assert notebook.cells[number].source.count("epochs=6") == 1
    notebook.cells[number].source = notebook.cells[number].source.replace("epochs=6", "epochs=400")
    for cell in notebook.cells[:number + 1]:
        if cell.cell_type == "code":
            cell.outputs = []
    return notebook, number


def test_the_tutorial_under_a_persons_hands(tmp_path):
    notebook, number = long_tutorial()
    with notebook_page(tmp_path, notebook, width=1280, height=1200) as page:
        run_cells(page, 0, number)
        page.wait_for_selector(".hackbook-live")
        says(page, "ready")
        desk, chart = page.locator(".hackbook-live"), page.locator(".hackbook-chart")
        assert desk.count() == chart.count() == 1

        # it trains, and is seen to, while another cell computes
        desk.get_by_role("button", name="Start").click()
        says(page, "training")
        page.wait_for_function(f"({CURVES})().every(line => line.length > 50)")
        with another_cell(page, tmp_path):
            page.wait_for_timeout(500)
            before = page.evaluate(CURVES)
            assert len(before) == 2
            page.wait_for_function(f"before => ({CURVES})().every((line, i) => line !== before[i])", arg=before)

        # a slider, by keyboard: a later step uses it
        assert ask(page, tmp_path, "live.timeline.changes()") == []
        step = ask(page, tmp_path, "live.state()['step']")
        rate = desk.get_by_role("slider", name="learning rate", exact=True)
        rate.focus()
        for _ in range(6):
            page.keyboard.press("ArrowLeft")
        page.wait_for_function(f"{DESK}.querySelector('.heard').textContent === 'learning rate 0.00501: used from the next batch'")
        page.wait_for_selector(".hackbook-chart .marks button")
        until(lambda: ask(page, tmp_path, "live.timeline.changes()")[-1][1:] == ["learning_rate", 0.00501])  # acknowledged, then used
        changes = ask(page, tmp_path, "live.timeline.changes()")
        assert step <= changes[0][0] <= changes[-1][0]  # counted in batches that are finished
        until(lambda: ask(page, tmp_path, "live.state()['step']") > changes[-1][0])
        assert ask(page, tmp_path, "float(live.model.optimizer.learning_rate.numpy())") == pytest.approx(0.00501)

        # back to the first epoch: the sliders go back too, and a branch grows
        desk.get_by_role("button", name="Pause").click()
        says(page, "paused")
        desk.get_by_role("slider", name="back to epoch").focus()
        page.keyboard.press("Home")
        page.keyboard.press("ArrowRight")
        desk.get_by_role("button", name="Rewind").click()
        page.wait_for_function(f"{DESK}.querySelector('.where').textContent === 'epoch 1.00 of 400'")
        page.wait_for_function(f"Number({DESK}.querySelector('input[type=text][data-hyperparameter=learning_rate]').value) === 0.01")
        assert desk.locator(".heard").inner_text() == "At the end of epoch 1: move a slider or none, then Go on."
        box = desk.get_by_role("textbox", name="dropout, exact")
        box.fill("0.5")
        box.press("Enter")
        desk.get_by_role("button", name="Go on").click()
        page.wait_for_function(f"{DESK}.querySelector('.branches').tBodies[0].rows.length === 2")
        page.wait_for_function("[...document.querySelectorAll('.hackbook-chart .legend li')].map(e => e.textContent).join() === 'branch 1,branch 2'")
        page.wait_for_function(f"parseFloat({DESK}.querySelector('.where').textContent.split(' ')[1]) > 4")  # for the picture
        assert ask(page, tmp_path, "[live.frame['from'].tolist(), live.frame['at'].tolist()]") == [["", "branch 1"], [0, 1]]
        steps = ask(page, tmp_path, "live._thread.batches.steps")
        assert ask(page, tmp_path, "live.timeline.changes()") == [[steps, "dropout", 0.5]]
        (ROOT / "_run").mkdir(exist_ok=True)
        page.mouse.move(5, 5)
        page.screenshot(path=ROOT / "_run/live-tutorial.png")

        # stop, while another cell is busy
        with another_cell(page, tmp_path):
            page.wait_for_timeout(700)
            desk.get_by_role("button", name="Stop").click()
            if HEARS:
                says(page, "stopped")
        says(page, "stopped")
        assert ask(page, tmp_path, THREADS) == 0

        # the cell again: another run in place of this one
        desk.get_by_role("button", name="Go on").click()
        says(page, "training")
        ask(page, tmp_path, "globals().update(earlier=live) or 1")
        run_cells(page, number, number)
        says(page, "ready")
        assert page.locator(".hackbook-live").count() == 1
        desk.get_by_role("button", name="Start").click()
        says(page, "training")
        assert ask(page, tmp_path, "[earlier.state()['status'], live is earlier]") == ["stopped", False]
        assert ask(page, tmp_path, THREADS) == 1

        # two branches from one; by mouse one is deleted, and the other gets a name and is kept
        name = "[...document.querySelectorAll('.hackbook-live .branches tbody .title')].map(e => e.textContent).join()"
        for branch in ("branch 1", "branch 1,branch 2", "branch 1,branch 2,branch 3"):
            page.wait_for_function(f"{name} === {branch!r}")
            if branch.endswith("3"):
                break
            page.wait_for_function(f"parseFloat({DESK}.querySelector('.where').textContent.split(' ')[1]) > 2")
            if branch != "branch 1":
                desk.get_by_role("combobox", name="of branch").select_option("branch 1")
            desk.get_by_role("slider", name="back to epoch").fill("1")
            desk.get_by_role("button", name="Rewind").click()
            page.wait_for_function(f"{DESK}.querySelector('.where').textContent === 'epoch 1.00 of 400'")
            desk.get_by_role("button", name="Go on").click()
        remove = desk.get_by_role("button", name="delete branch 2")
        remove.click()
        assert remove.inner_text() == "really?"
        remove.click()
        page.wait_for_function(f"{name} === 'branch 1,branch 3'")
        desk.get_by_role("button", name="rename branch 1").click()
        page.keyboard.type("calm")
        page.keyboard.press("Enter")
        page.wait_for_function(f"{name} === 'calm,branch 3'")
        desk.get_by_role("button", name="keep calm").click()
        page.wait_for_function(f"{DESK}.querySelector('.said').textContent.startsWith('kept calm in runs/')")
        assert [run.name for run in (tmp_path / "runs").iterdir() if (run / "run.json").is_file()]
        assert ask(page, tmp_path, "[b['name'] for b in live.state()['branches']]") == ["calm", "branch 3"]

        # an error of the worker stands in the panel, and it goes on from there
        ask(page, tmp_path, "[setattr(l := __import__('importlib').import_module('hackbook.live.thread'), 'taken', l.snapshot), setattr(l, 'snapshot', None)]")
        page.wait_for_function(f"{DESK}.querySelector('.trouble').textContent.includes('NoneType')")
        says(page, "failed")
        assert desk.locator(".trouble").is_visible() and ask(page, tmp_path, THREADS) == 0
        ask(page, tmp_path, "[setattr(l := __import__('importlib').import_module('hackbook.live.thread'), 'snapshot', l.taken)]")
        desk.get_by_role("button", name="Go on").click()
        says(page, "training")
        assert not desk.locator(".trouble").is_visible()

        # an interrupt while no cell runs
        page.evaluate(f"{KERNEL}.interrupt()")
        says(page, "stopped")
        assert ask(page, tmp_path, THREADS) == 0
        assert page.errors == []

        # the kernel is restarted during a run: the old kernel is gone, and the panel says that nobody answers
        desk.get_by_role("button", name="Go on").click()
        says(page, "training")
        kernel = Process(ask(page, tmp_path, "__import__('os').getpid()"))
        page.evaluate(f"{KERNEL}.restart()")
        kernel.wait(20)
        wait_for_kernel(page)
        desk.get_by_role("button", name="Stop").click()
        page.wait_for_function(f"{DESK}.querySelector('.heard').textContent.startsWith('The kernel does not answer')")


def section_three():
    """The cells of the tutorial up to the panel of its third section, without the panels before it."""
    cells = [c.source for c in nbformat.read(TUTORIAL, as_version=4).cells if c.cell_type == "code"]
    third = next(i for i, source in enumerate(cells) if "hb.live.save_it(" in source)
    needed = [s for s in cells[:third] if any(begin in s for begin in ("import hackbook", "examples = ", "digits = ", "def camera", "def network"))]
    return [s.split("live = hb.Live(")[0] for s in needed] + [cells[third]]


def test_section_three_of_the_tutorial_at_the_speed_of_a_hand(tmp_path):
    """Slow motion: a slider moved in the middle of the training run acts there; then the run is saved as the task asks."""
    with notebook_page(tmp_path, section_three(), width=1280, height=900) as page:
        page.wait_for_selector(".hackbook-live", timeout=120_000)
        says(page, "ready")
        desk = page.locator(".hackbook-live")
        cells = page.locator(".jp-Cell").count()
        speed = desk.get_by_role("slider", name="speed", exact=True)
        speed.focus()
        assert speed.get_attribute("aria-valuetext") == "full"
        page.keyboard.press("Home")
        assert speed.get_attribute("aria-valuetext") == "2 batches per second at most"
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")  # 10
        desk.get_by_role("button", name="Start").click()
        says(page, "training")
        epoch = f"parseFloat({DESK}.querySelector('.where').textContent.split(' ')[1])"
        page.wait_for_function(f"{epoch} >= 1")
        assert ask(page, tmp_path, "live.state()['speed']") == 10

        # in the middle of the run, while another cell computes
        with another_cell(page, tmp_path):
            desk.get_by_role("slider", name="clip norm", exact=True).focus()
            page.keyboard.press("End")
            for _ in range(3):
                page.keyboard.press("ArrowLeft")
            if HEARS:
                page.wait_for_function(f"/^clip norm [\\d.]+: used from the next batch$/.test({DESK}.querySelector('.heard').textContent)")
        page.wait_for_selector(".hackbook-chart .marks button")
        changes, state = ask(page, tmp_path, "[live.timeline.changes(), live.state()]")
        assert state["status"] == "running" and state["epoch"] < state["epochs"]
        assert state["steps"] <= changes[0][0] <= changes[-1][0] <= state["step"] and changes[-1][1] == "clip_norm"
        assert ask(page, tmp_path, "live.values['clip_norm']") == changes[-1][2] == pytest.approx(70.8, rel=0.02)
        (ROOT / "_run").mkdir(exist_ok=True)
        page.screenshot(path=ROOT / "_run/live-by-hand.png")

        # to the end at full speed; its buttons say what next, and going back tells the end of that epoch
        speed.press("End")
        says(page, "finished")
        assert desk.locator(".heard").inner_text() == "Next: More epochs goes on, Rewind goes back to try other sliders."
        back = desk.get_by_role("slider", name="back to epoch")
        assert back.input_value() == "7"
        back.focus()
        page.keyboard.press("Home")
        desk.get_by_role("button", name="Rewind").click()
        page.wait_for_function(f"{DESK}.querySelector('.where').textContent === 'epoch 0.00 of 8'")
        assert desk.locator(".heard").inner_text() == "Before the first step: move a slider or none, then Go on."
        assert desk.locator(".readout b").all_inner_texts() == ["–"] * 6
        box = desk.get_by_role("textbox", name="clip norm, exact")
        box.fill("1")
        box.press("Enter")
        desk.get_by_role("button", name="Go on").click()
        says(page, "finished")
        page.wait_for_selector(".hackbook-live .tasks li.ok")
        row = ask(page, tmp_path, "live.timeline.rows()[-1]")
        shown = [float(v) for v in desk.locator(".readout b").all_inner_texts()]
        assert shown[0] == pytest.approx(row["loss"], abs=1.1e-4) and shown[3] == pytest.approx(row["accuracy"], abs=2e-4)
        assert page.locator(".jp-Cell").count() == cells and page.errors == []  # no key has reached the notebook


def test_more_epochs_by_keyboard(tmp_path):
    code = "import hackbook as hb\nsplits = hb.split(hb.data.digits())\nlive = hb.Live(hb.models.cnn(splits, filters=(4, 8)), splits, epochs=2)"
    with notebook_page(tmp_path, nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)]), width=1280, height=720) as page:
        run_cells(page, 0, 0)
        says(page, "finished")
        desk = page.locator(".hackbook-live")
        more = desk.get_by_role("button", name="More epochs")
        assert more.is_visible() and desk.get_by_role("spinbutton", name="how many more epochs").input_value() == "1"
        desk.get_by_role("slider", name="dropout", exact=True).focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function(f"{DESK}.querySelector('.heard').textContent === 'dropout 0.21: used by More epochs; Rewind sets it back'")
        (ROOT / "_run").mkdir(exist_ok=True)
        page.screenshot(path=ROOT / "_run/live-more.png")
        more.focus()
        page.keyboard.press("Tab")
        page.keyboard.type("300")
        page.keyboard.press("Enter")
        says(page, "training")
        assert page.evaluate("document.activeElement.className") == "pause" and not more.is_visible()
        page.wait_for_function(f"parseFloat({DESK}.querySelector('.where').textContent.split(' ')[1]) > 2")
        page.keyboard.press("Enter")  # Pause
        says(page, "paused")
        assert desk.locator(".where").inner_text().endswith("of 302")
        assert ask(page, tmp_path, "[live.timeline.changes(), len(live.timeline.branches)]") == [[[2 * ask(page, tmp_path, "live.state()['steps']"), "dropout", 0.21]], 1]
        assert page.errors == []


@pytest.mark.skipif(Version(version("ipykernel")) < Version("7.4"), reason="older kernels hear a page that asks for no subshell between cells")
def test_a_page_that_asks_for_no_subshell_is_heard_all_the_same(tmp_path):
    """As in VS Code and Colab, whose messages come by the channel that a cell holds while it runs."""
    settings = jupyter_lab().own / "settings/@jupyterlab/apputils-extension/kernels-settings.jupyterlab-settings"
    write(settings, {"commsOverSubshells": "disabled"})
    code = ("import hackbook as hb\nget_ipython().user_ns['__vsc_ipynb_file__'] = 'page.ipynb'\nsplits = hb.split(hb.data.digits())\n"
            "live = hb.Live(hb.models.cnn(splits, filters=(4, 8)), splits, epochs=5000)")
    try:
        with notebook_page(tmp_path, nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)]), width=1280) as page:
            run_cells(page, 0, 0)
            says(page, "training")
            desk = page.locator(".hackbook-live")
            assert not desk.locator(".note").is_visible()
            assert ask(page, tmp_path, "__import__('hackbook').core.frontend()") == "vscode"
            page.evaluate(f"code => {{ {KERNEL}.requestExecute({{code}}); }}", "ended = live.wait()")  # busy until Stop is heard
            page.wait_for_function(f"{KERNEL}.status === 'busy'")
            desk.get_by_role("slider", name="dropout", exact=True).focus()
            page.keyboard.press("ArrowRight")
            page.wait_for_function(f"{DESK}.querySelector('.heard').textContent === 'dropout 0.21: used from the next batch'")
            page.wait_for_selector(".hackbook-chart .marks button")
            desk.get_by_role("button", name="Pause").click()
            says(page, "paused")
            desk.get_by_role("button", name="Go on").click()
            says(page, "training")
            desk.get_by_role("button", name="Stop").click()
            says(page, "stopped")
            assert ask(page, tmp_path, "[ended, live.timeline.changes()[0][1:]]") == ["stopped", ["dropout", 0.21]]
            assert page.errors == []
    finally:
        settings.unlink()
