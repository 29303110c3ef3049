"""The panel of a training run: its numbers and messages without a browser, and the whole of it in real JupyterLab."""

import json
import sys
import threading
import time
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.metadata import version
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
from browser import CURVES, KERNEL, find_browser, notebook_page, static_page, wait_for_kernel
from conftest import ROOT
from nbclient import NotebookClient
from packaging.version import Version
from sessions import StandIn

import hackbook as hb
from hackbook.core import hear_in_subshell
from hackbook.core import notebook as room
from hackbook.live.challenges import Challenge, reach, save_it, turn_around
from hackbook.live.summary import Timeline
from hackbook.live.panel import Panel, _subshell
from hackbook.live.publisher import brief
from hackbook.live.views import VIEWS

HEARS = Version(version("ipykernel")) >= Version("7.0")  # messages of a page while a cell runs: tried with 6.29, 7.0, 7.2, 7.3 and 7.4
HOSTILE = '<img src=x onerror="window.hacked=1">'


@pytest.fixture(scope="module")
def browser():
    """The system's Chromium."""
    path = find_browser()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def session():
    return StandIn(epochs=4, steps=10, pace=0.001)


@pytest.fixture
def panel(session):
    panel = Panel(session)
    panel.sent = []
    panel.desk.send = panel.sent.append
    yield panel
    session.stop()
    panel.close()


def settle(panel):
    time.sleep(panel.bell.every + 0.1)
    while panel.bell.timer:
        time.sleep(0.01)


# ---- what is sent


def test_brief_is_json_for_any_page():
    odd = {1: (np.float32(1 / 3), np.int64(7), float("nan"), -np.inf, True, None), "x": [object]}
    assert json.loads(json.dumps(brief(odd), allow_nan=False))["1"] == [0.33333, 7, None, None, True, None]


def test_a_refresh_is_a_few_hundred_bytes(panel, session):
    panel._receive({"do": "hello"})
    panel.bell.stop()
    session.on_change = None  # nothing but the call below sends
    panel.sent.clear()
    for _ in range(5):
        session.step()
    panel.push()
    assert len(panel.sent) == 1 and len(json.dumps(panel.sent)) < 1000 and len(panel.sent[0]["points"]) == 5


def test_four_times_a_second_and_the_last_state_arrives(panel, session):
    begin = time.monotonic()
    session.start()
    session.wait(30)
    took = time.monotonic() - begin
    settle(panel)
    states = [m for m in panel.sent if m["kind"] == "news"]
    assert len(states) <= 3 + (took + 1) / panel.bell.every
    assert panel.publisher.sent["status"] == "finished" and session.timeline.points[-1].epoch == 4
    points = [tuple(p) for m in states for p in m["points"]]
    assert len(points) == len(set(points)) == 40


def test_no_thread_is_left_and_none_sends_beside_another(panel, session):
    inside, worst = [], []

    def send(message):
        inside.append(1)
        worst.append(len(inside))
        time.sleep(0.002)
        inside.pop()

    panel.desk.send = send
    before = threading.active_count()
    session.start()
    for i in range(60):
        panel._receive({"do": "set", "name": "dropout", "value": i / 100})
    threads = [threading.Thread(target=panel._receive, args=({"do": "hello"},)) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    session.stop()
    settle(panel)
    session.worker.join(5)
    assert max(worst) == 1 and threading.active_count() <= before


def test_the_timer_speaks_in_the_name_of_the_cell(session):
    """ipykernel 7.0 knows the request that a message belongs to by a context variable, which a new thread has not."""
    request, heard = ContextVar("request"), []
    token = request.set("the cell")
    panel = Panel(session)
    request.reset(token)
    panel.desk.send = lambda message: heard.append(request.get("none"))
    panel.bell.ring()
    settle(panel)
    panel.close()
    assert heard == ["the cell"]


def test_hello_gives_everything_again(panel, session):
    for _ in range(12):
        session.step()
    for _ in range(2):
        panel.sent.clear()
        panel._receive({"do": "hello"})
        assert len(panel.sent[0]["points"]) == 12 and panel.sent[0]["all"] and panel.sent[0]["picture"]["kind"] == "filters"
        assert {"status", "sliders", "branches"} <= set(panel.sent[-1]["state"]) and "challenges" in panel.sent[-1]


def test_until_a_page_is_heard_it_is_told_everything_again(panel, session):
    """What was sent before its script was loaded is lost, and in a busy kernel its hello may wait for the cell to end."""
    session.step()
    panel.push()
    panel.push()
    assert not panel.sent[-1]["all"]  # not on any page
    assert panel.widget is panel.desk
    panel.push()
    assert panel.sent[-1]["all"] and "branches" in panel.sent[-1]["state"]
    panel.push()
    assert not panel.sent[-1]["all"]  # not four times a second
    panel.whole -= 3
    panel.push()
    assert panel.sent[-1]["all"]
    panel._receive({"do": "hello"})
    panel.whole -= 3
    panel.push()
    assert not panel.sent[-1]["all"] and "branches" not in panel.sent[-1]["state"]


def test_renaming_and_deleting_send_everything_again(panel, session):
    session.step()
    panel.push()
    panel._receive({"do": "rename", "branch": "main", "name": HOSTILE})
    assert panel.sent[-1]["all"] and {p[0] for p in panel.sent[-1]["points"]} == {HOSTILE}
    panel._receive({"do": "rewind", "epoch": 0, "branch": HOSTILE})
    session.step()
    session.rename("branch 2", "calm")
    panel._receive({"do": "rewind", "epoch": 0, "branch": HOSTILE})
    session.step()
    panel._receive({"do": "delete", "branch": "calm"})
    assert panel.sent[-1]["all"] and {p[0] for p in panel.sent[-1]["points"]} == {HOSTILE, "branch 3"}


# ---- what is asked for


def test_a_change_is_acknowledged_with_the_value_it_became(panel, session):
    for typed, became, said in ((0.42, 0.4, "0.4"), (5, 0.9, "0.9, the largest there is"), (-1, 0.0, "off, the smallest there is"), (0, 0.0, "off")):
        panel._receive({"do": "set", "name": "dropout", "value": typed, "seq": 3, "from": "me"})
        ack = panel.sent[-1]
        assert (ack["value"], ack["seq"], ack["from"], session.values["dropout"]) == (became, 3, "me", became)
        assert ack["text"] == f"dropout {said}: used from the first batch"
    for typed, said in ((1e-9, "1e-07, the smallest above 0"), (-1, "off, the smallest there is"), (3, "0.1, the largest there is")):
        panel._receive({"do": "set", "name": "l2", "value": typed})
        assert panel.sent[-1]["text"] == f"l2 {said}: used from the first batch"
    session.step()
    panel._receive({"do": "set", "name": "learning_rate", "value": 0.01})
    assert panel.sent[-1]["text"] == "learning rate 0.01: used when the training goes on"


@pytest.mark.parametrize("extendable, said", [(True, "used by More epochs; Rewind sets it back"), (False, "not used: Rewind first, then move it")])
def test_after_the_end_a_slider_promises_only_what_will_happen(panel, session, monkeypatch, extendable, said):
    state = session.state() | dict(status="finished", extendable=extendable)
    monkeypatch.setattr(session, "state", lambda: state)
    panel._receive({"do": "set", "name": "dropout", "value": 0.2})
    assert panel.sent[-1]["text"] == f"dropout 0.2: {said}"


def test_a_slider_that_goes_back_after_a_change_is_sent(panel, session):
    """An answer counts as sent: where the value returns to that of an earlier refresh, the page is told."""
    panel.push()
    panel._receive({"do": "set", "name": "dropout", "value": 0.4, "seq": 1, "from": "me"})
    before = len(panel.sent)
    session.values["dropout"] = 0.0  # as after a rewind
    panel.push()  # or the bell has pushed already
    assert 0.0 in [m.get("state", {}).get("sliders", {}).get("dropout") for m in panel.sent[before:]]
    panel.push()
    assert "sliders" not in panel.sent[-1]["state"]


def test_a_refused_change_is_answered_too(panel, session, monkeypatch):
    """Or the page would wait for the answer for ever."""
    monkeypatch.setattr(session, "set", lambda name, value: 1 / 0)
    panel._receive({"do": "set", "name": "dropout", "value": 0.4, "seq": 7, "from": "me"})
    ack = next(m for m in panel.sent if m["kind"] == "ack")
    assert (ack["value"], ack["seq"], ack["text"]) == (0.0, 7, "") and "ZeroDivisionError" in panel.trouble


def test_a_mark_does_not_wait_for_the_next_refresh(panel):
    panel.bell.every = 30
    panel.push()
    panel.bell.ring()  # the timer is set, and far away
    panel._receive({"do": "set", "name": "dropout", "value": 0.2})
    until = time.monotonic() + 5
    while not (marks := [m for sent in panel.sent for m in sent.get("marks", ())]) and time.monotonic() < until:
        time.sleep(0.01)
    assert marks == [["main", 0.0, "dropout", 0.2]]


def test_every_button_reaches_the_session(panel, session, tmp_path):
    for message in ({"do": "step"}, {"do": "start"}, {"do": "pause"}, {"do": "rewind", "epoch": 0, "branch": None}, {"do": "keep", "branch": "main"}, {"do": "stop"}, {"do": "speed", "speed": 400}, {"do": "more", "epochs": 2}):
        panel._receive({"from": "me", **message})
    settle(panel)
    assert [c[1] for c in session.calls if c[1] != "view"] == ["step", "start", "pause", "rewind", "keep", "stop", "speed", "more", "start"]
    assert {"kind": "said", "text": "kept main in runs/main", "from": "me"} in panel.sent


@pytest.mark.parametrize("message", [{}, {"do": None}, {"do": "on_change"}, {"do": "set"}, {"do": "set", "name": "x", "value": 1}, {"do": "set", "name": "l1", "value": []},
                                     {"do": "rewind"}, {"do": "rename", "branch": "no", "name": "x"}, {"do": "delete", "branch": "no"}], ids=str)
def test_nonsense_from_a_page_stops_nothing(panel, session, message):
    panel._receive(message)
    panel._receive({"do": "step"})
    assert session.at == 1 and panel.trouble == ""


def test_an_error_of_the_worker_and_one_of_the_hand_are_shown(panel, session):
    panel._receive({"do": "delete", "branch": HOSTILE})
    assert HOSTILE in panel.sent[-1]["trouble"]
    session.error_at = 3
    session.start()
    with pytest.raises(RuntimeError):
        session.wait(10)
    settle(panel)
    state = {k: v for m in panel.sent if m["kind"] == "news" for k, v in m["state"].items()}
    assert state["status"] == "failed" and "worker's <b>error" in state["error"]


def test_side_by_side(session):
    panels = Panel(session), Panel(StandIn(epochs=4, steps=10, pace=0.001))
    panels[0].beside(panels[1], titles=("with", "without"))
    assert [p.desk.title for p in panels] == ["with", "without"] and panels[0].desk.palette[0] != panels[1].desk.palette[0]
    panels[1]._receive({"do": "set", "name": "l2", "value": 0.01})
    panels[0]._receive({"do": "step"})
    assert [p.session.values["l2"] for p in panels] == [0.01] * 2 and [p.session.at for p in panels] == [1, 1]
    panels[0].beside(panels[1], shared=False)
    panels[1]._receive({"do": "step"})
    assert [p.session.at for p in panels] == [1, 2]
    for p in panels:
        p.close()


def test_bad_input(session, panel):
    with pytest.raises(hb.HackbookError, match="titles must be two texts"):
        panel.beside(Panel(session), titles=("one",))
    for wrong in ({"every": 0}, {"every": "fast"}, {"view": "loss surface"}):
        with pytest.raises(hb.HackbookError):
            Panel(session, **wrong)


# ---- tasks


def timeline_of(points, **settings):
    timeline = Timeline(20, 4, settings)
    for point in points:
        timeline.point(*point)
    return timeline


@pytest.mark.parametrize("points, done", [
    ([(1, 0.1, 0.975, 0.1, 0.97)], True), ([(1, 0.1, 0.99, 0.1, 0.97)], False), ([(1, 0.1, 0.975, 0.1, 0.969)], False), ([(1, 0.1, 0.999, None, None)], False), ([], False)])
def test_reach(points, done):
    assert reach().check(timeline_of(points)) is done


@pytest.mark.parametrize("lost", [9.0, None, float("nan"), float("inf")])
def test_save_it(lost):
    start, good = (0, 2.3, 0.1), (3, 0.1, 0.98, 0.1, 0.95)
    assert not save_it().check(timeline_of([start, good]))
    assert not save_it().check(timeline_of([start, good, (2, lost, 0.1)]))
    assert save_it().check(timeline_of([start, (2, lost, 0.1), good]))
    assert save_it().check(timeline_of([start, (2, 1.0, 0.1, lost if lost else 9.0, 0.1), good]))
    assert not save_it().check(timeline_of([]))
    timeline = timeline_of([start])
    timeline.fail()
    assert not save_it().check(timeline)
    timeline.point(*good)
    assert save_it().check(timeline)


def test_a_failure_is_remembered_when_its_branch_is_renamed_and_forgotten_with_it():
    timeline = timeline_of([(0.5, 2.3, 0.1), (1, 2.0, 0.2, 2.0, 0.2)])
    timeline.row({"epoch": 1, "val_loss": 2.0, "val_accuracy": 0.2})
    timeline.fail()
    timeline.rename("branch 1", "poor")
    assert [kind for _, kind, event in timeline.log] == ["gone", "points", "points", "failures"]
    assert timeline.news(0)[1] == {"gone": ["branch 1"], "points": [["poor", 0.5, 2.3, 0.1, None, None, 1], ["poor", 1, 2.0, 0.2, 2.0, 0.2, 1]], "marks": []}


def test_turn_around():
    below, above = [(e, 0.5, 0.8, 0.4, 0.9) for e in (1, 2)], (3, 0.5, 0.95, 0.4, 0.9)
    assert turn_around().check(timeline_of(below, dropout=0.5)) and turn_around().check(timeline_of(below, spatial_dropout=0.5))
    assert not turn_around().check(timeline_of(below, dropout=0.0, l2=1))
    assert not turn_around().check(timeline_of([*below, above], dropout=0.5)) and not turn_around().check(timeline_of(below[:1], dropout=0.5))


def test_tasks_are_ticked_and_stay_done(session):
    panel = Panel(session, [Challenge("one step", lambda timeline: len(timeline.points) == 1), Challenge("never", lambda timeline: False)])
    panel.desk.send = lambda message: None
    for _ in range(3):
        session.step()
        panel.push()
    assert [c.done for c in panel.challenges] == [True, False]
    panel.close()


# ---- where it is shown


def run_cells(folder, *cells):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(folder)}}, timeout=120).execute()
    return notebook


SETUP = f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'tests')!r}]\nfrom sessions import StandIn\nfrom hackbook.core import frontend\nfrom hackbook.live import Panel, reach, save_it, turn_around"


def test_without_a_frontend_there_is_one_picture_and_no_widget(tmp_path):
    notebook = run_cells(tmp_path, SETUP, "session = StandIn(epochs=2, steps=5, pace=.001)\npanel = Panel(session)\nsession.start()\npanel", "session.wait(); panel.push()\nfrontend()")
    shown = [o for c in notebook.cells[1:2] for o in c.outputs]
    assert [set(o["data"]) for o in shown] == [{"image/png", "text/plain"}]
    assert notebook.cells[2].outputs[0]["data"]["text/plain"] == "'none'" and "widgets" not in notebook.metadata.get("widgets", {})


@pytest.mark.parametrize("where, names, environment, modules", [
    ("vscode", {"__vsc_ipynb_file__": "x.ipynb"}, {}, {}), ("vscode", {}, {"VSCODE_PID": "1"}, {}),
    ("jupyter", {}, {"VSCODE_PID": "1", "JPY_SESSION_NAME": "x.ipynb"}, {}), ("jupyter", {}, {}, {}), ("colab", {}, {}, {"google.colab": None})])
def test_the_frontend_is_told_apart(monkeypatch, session, where, names, environment, modules):
    shell = SimpleNamespace(kernel=SimpleNamespace(_allow_stdin=True), user_ns=names)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    for name in ("VSCODE_PID", "JPY_SESSION_NAME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for name, value in modules.items():
        monkeypatch.setitem(sys.modules, name, value)
    assert room.frontend() == where
    # tried in JupyterLab, with and without subshells: 6.29, 7.0, 7.3 and 7.4
    for version, shells, routes in ((6, 29), False, False), ((7, 0), True, False), ((7, 4), True, True), ((7, 4), False, True):
        shell.kernel.shell_channel_thread = shells and SimpleNamespace()
        monkeypatch.setitem(sys.modules, "ipykernel", SimpleNamespace(version_info=(*version, 0)))
        monkeypatch.setitem(sys.modules, "ipykernel.comm", SimpleNamespace(Comm=type("Comm", (), {"_reply_subshell_for": None} if routes else {})))
        always = shells and (routes or where == "jupyter")
        assert room.hearing() == ("always" if always else "between cells")
        assert ("a slider waits while another cell runs; the" in room.hearing_note()) == (not always) == (room.hearing_note() != "")
        shell.kernel.do_one_iteration = None
        assert room.hearing() == ("always" if always else "in wait") and (".wait()" in room.hearing_note()) == (not always)
        del shell.kernel.do_one_iteration
    shell.kernel._allow_stdin = False
    assert room.frontend() == "none" and room.hearing() == "always"


def test_messages_are_answered_where_they_were_asked(monkeypatch):
    """ipykernel 7.4 routes by the shell that last spoke; the panel's channels must not, and open a subshell where none was asked for."""
    class Comm74:
        _reply_subshell_id = "busy"

        def _reply_subshell_for(self, data, default):
            return self._reply_subshell_id

    class CommDropped:
        def __init__(self):
            self._reply_subshell_id = "busy"

    class Manager:
        made = []

        def _create_subshell(self):
            self.made.append(f"ours {len(self.made)}")
            return self.made[-1]

        def list_subshell(self):
            return self.made[-1:]

    manager = Manager()
    kernel = SimpleNamespace(shell_channel_thread=SimpleNamespace(manager=manager))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=kernel)))
    newer, dropped = Comm74(), CommDropped()
    for comm in newer, dropped, None:  # no channel: nothing to free
        hear_in_subshell(comm, _subshell)
    route = newer._reply_subshell_for
    assert route({}, "asking") == "asking" and not manager.made and not hasattr(dropped, "_reply_subshell_id")
    assert [route({}, None), route({}, None)] == ["ours 0", "ours 0"]
    manager._create_subshell()  # ours is gone
    assert route({}, None) == "ours 2"
    kernel.shell_channel_thread = None  # a kernel without subshells
    assert route({}, None) is None


# ---- in JupyterLab

CELLS = [SETUP + "\nsession = StandIn(epochs=40, steps=30, pace=.02)\npanel = Panel(session, [reach(), save_it(), turn_around()], view='predictions')\npanel", "panel.widget"]


def ask(page, folder, code, name="told.json"):
    """What a piece of code in the kernel gives, as plain values."""
    page.evaluate(f"code => {KERNEL}.requestExecute({{code}}).done", f"import json; open({name!r}, 'w').write(json.dumps({code}))")
    return json.loads((folder / name).read_text())


@contextmanager
def another_cell(page, folder):
    """Another cell computes meanwhile."""
    free = folder / "free"
    free.unlink(missing_ok=True)
    code = f"import pathlib, time\nwhile not pathlib.Path({str(free)!r}).exists(): time.sleep(0.02)"
    page.evaluate(f"code => {{ {KERNEL}.requestExecute({{code}}); }}", code)
    try:
        yield
    finally:
        free.touch()


def calls(page, folder, what):
    return [c for c in ask(page, folder, "session.calls") if c[1] == what]


def test_in_jupyterlab(tmp_path):
    with notebook_page(tmp_path, CELLS, width=1280) as page:
        page.wait_for_selector(".hackbook-live >> nth=1", timeout=60_000)
        panel, desk = page.locator(".hackbook-live").first, page.locator(".hackbook-live").first
        page.wait_for_function("document.querySelector('.hackbook-live .status').textContent === 'ready'")
        enabled = lambda: desk.locator(".buttons button[aria-disabled=false]").all_inner_texts()
        assert enabled() == ["Start", "Step"]
        height = panel.bounding_box()["height"]

        # names and values for a screen reader
        names = [n.split(", exact")[0] for n in desk.locator("input[type=text][data-hyperparameter]").evaluate_all("all => all.map(e => e.ariaLabel)")]
        assert names == ["learning rate", "dropout", "l1", "l2", "clip norm", "label smoothing"]
        for name in names:
            assert desk.get_by_role("slider", name=name, exact=True).count() == 1
        assert desk.get_by_role("slider", name="l2").get_attribute("aria-valuetext") == "off"

        # it moves while another cell computes, on both pages
        desk.get_by_role("button", name="Start").click()
        page.wait_for_function("document.querySelector('.hackbook-live .status').textContent === 'training'")
        with another_cell(page, tmp_path):
            page.wait_for_function(f"({CURVES})().length === 4")
            before = page.evaluate(CURVES)
            page.wait_for_function(f"before => ({CURVES})().every((line, i) => line.length > before[i].length)", arg=before)

        # by keyboard: a slider, an exact number; no key of JupyterLab's is pressed by them
        page.evaluate(f"() => {KERNEL}.requestExecute({{code: '1'}}).done")
        desk.get_by_role("slider", name="dropout").focus()
        for _ in range(8):
            page.keyboard.press("ArrowRight")
        page.wait_for_function("document.querySelector('.hackbook-live .heard').textContent === 'dropout 0.4: used from the next batch'")
        # Notebook 7 binds the arrows to whatever in it has the focus: it looks for the word on that very node first
        assert desk.get_by_role("slider", name="dropout").get_attribute("data-lm-suppress-shortcuts") is not None
        box = desk.get_by_role("textbox", name="l2, exact")
        box.fill("3e-3")
        box.press("Enter")
        page.wait_for_function("document.querySelector('.hackbook-live .heard').textContent.startsWith('l2 0.003')")
        box.fill("lots")
        box.press("Enter")
        assert box.get_attribute("aria-invalid") is not None
        box.press("Escape")
        assert box.input_value() == "0.003"
        changes = [c[2:] for c in calls(page, tmp_path, "set")]
        assert ["dropout", 0.4] in changes and changes[-1] == ["l2", 0.003]
        assert page.locator(".hackbook-live").nth(1).get_by_role("textbox", name="dropout, exact").input_value() == "0.40"
        assert desk.get_by_role("slider", name="dropout").get_attribute("aria-valuetext") == "0.40"
        page.wait_for_selector(".hackbook-chart .marks button")
        page.locator(".hackbook-chart .marks").first.locator("button").last.focus()
        assert "l2 0.003" in page.locator(".hackbook-chart .tip:visible").inner_text()

        # a slider that is on its way is not thrown back by what comes from Python meanwhile
        smoothing = desk.get_by_role("slider", name="label smoothing")
        smoothing.focus()
        smoothing.evaluate("e => { window.way = []; new MutationObserver(() => way.push(e.ariaValueText)).observe(e, { attributeFilter: ['aria-valuetext'] }); }")
        for _ in range(10):
            page.keyboard.press("ArrowRight", delay=40)
        page.wait_for_function("document.querySelector('.hackbook-live .heard').textContent.startsWith('label smoothing 0.5')")
        page.wait_for_timeout(400)  # and not afterwards
        way = page.evaluate("way")
        assert way == sorted(way) and way[-1] == "0.50"

        # rewind: a branch; the sliders go back too, however soon after a change
        desk.get_by_role("button", name="Pause").click()
        page.wait_for_function("document.querySelector('.hackbook-live .status').textContent === 'paused'")
        assert enabled() == ["Go on", "Step", "Stop"]
        back = desk.get_by_role("slider", name="back to epoch")
        back.focus()
        page.keyboard.press("Home")
        page.keyboard.press("ArrowRight")
        then = ask(page, tmp_path, "session.stood[1, 1]['dropout']")
        desk.evaluate("""desk => {
            const slider = desk.querySelector('input[type=range][data-hyperparameter=dropout]');
            slider.value = 15;
            slider.dispatchEvent(new Event('input'));
            desk.querySelector('.rewind').click();
        }""")
        page.wait_for_function("then => [...document.querySelectorAll('.hackbook-live input[type=text][data-hyperparameter=dropout]')].every(e => e.value === then)", arg=f"{then:.2f}" if then else "off", timeout=10_000)
        assert ["dropout", 0.75] in [c[2:] for c in calls(page, tmp_path, "set")] and then < 0.75
        assert calls(page, tmp_path, "rewind")[0][2:] == [1, "main"]
        desk.get_by_role("button", name="Step").click()  # what follows is a branch
        page.wait_for_function("document.querySelectorAll('.hackbook-live .branches')[0].tBodies[0].rows.length === 2")
        page.wait_for_function("[...document.querySelectorAll('.hackbook-chart')[0].querySelectorAll('.legend li')].map(e => e.textContent).join() === 'main,branch 2'")

        # a name that is code stays text
        desk.get_by_role("button", name="rename branch 2").click()
        page.keyboard.type(HOSTILE)
        page.keyboard.press("Enter")
        page.wait_for_function("name => [...document.querySelectorAll('.hackbook-chart .legend li')].some(e => e.textContent === name)", arg=HOSTILE)
        assert page.locator(".hackbook-live img").count() == 0 and page.evaluate("window.hacked") is None

        # the recipe
        desk.get_by_role("button", name="Copy the recipe").click()
        page.wait_for_function("document.querySelector('.hackbook-live textarea').value.includes('hb.fit')")
        page.wait_for_function("/copied|selected/.test(document.querySelector('.hackbook-live .said').textContent)")
        page.evaluate("document.querySelectorAll('.hackbook-live textarea').forEach(e => { e.hidden = true; })")

        # the pictures, by keyboard
        page.locator(".hackbook-live").first.get_by_role("tab", name="Predictions").focus()
        for name in VIEWS:
            page.keyboard.press("ArrowRight")
            page.wait_for_selector(f".hackbook-live [role=tab][aria-selected=true] >> text={name.capitalize()}")
            page.wait_for_selector(f".hackbook-live .picture[aria-label={name.capitalize()}] {dict(weights='svg', gradients='.bar').get(name, 'canvas')}")

        # the picture is folded and unfolded by keyboard, and not computed meanwhile
        fold, picture = panel.locator(".view summary"), panel.locator(".view .picture")
        fold.focus()
        page.keyboard.press("Enter")
        picture.wait_for(state="hidden")
        assert ask(page, tmp_path, "session.viewed") is None
        page.keyboard.press("Enter")
        picture.wait_for(state="visible")
        assert ask(page, tmp_path, "session.viewed") == "predictions"

        # nothing has jumped, and no key has reached the notebook
        assert abs(panel.bounding_box()["height"] - height - 30) < 8  # one branch more
        assert page.locator(".jp-Cell").count() == 2

        # the message about a change is over when training goes on
        assert enabled() == ["Go on", "Step", "Stop"]
        desk.get_by_role("slider", name="label smoothing").press("ArrowRight")
        page.wait_for_function("document.querySelector('.hackbook-live .heard').textContent.endsWith('used when the training goes on')")
        desk.get_by_role("button", name="Go on").click()
        page.wait_for_function("document.querySelector('.hackbook-live .status').textContent === 'training'")
        assert desk.locator(".heard").inner_text() == ""

        # stop, while another cell is busy
        with another_cell(page, tmp_path):
            page.wait_for_timeout(700)  # the panel has spoken since from within the busy shell's time
            desk.get_by_role("button", name="Stop").click()
            if HEARS:
                page.wait_for_function("document.querySelector('.hackbook-live .status').textContent === 'stopped'")
        page.wait_for_function("document.querySelector('.hackbook-live .status').textContent === 'stopped'")

        # closing the tab and coming back
        page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
        page.wait_for_timeout(500)
        page.reload()
        page.wait_for_selector(".hackbook-live >> nth=1", timeout=60_000)
        page.wait_for_function("[...document.querySelectorAll('.hackbook-live .status')].every(e => e.textContent === 'stopped')", timeout=30_000)
        assert page.locator(".hackbook-live").first.locator("tbody tr").count() == 2
        wait_for_kernel(page)  # the panel is there before the kernel hears it
        page.locator(".hackbook-live").first.get_by_role("textbox", name="dropout, exact").fill("0.2")
        page.keyboard.press("Enter")
        page.wait_for_function("document.querySelector('.hackbook-live .heard').textContent.startsWith('dropout 0.2')")
        assert page.errors == []


def test_beside_each_other_and_at_800_pixels(tmp_path):
    """Screenshots for a person are in _run; what stays on the page without a kernel is one picture."""
    cells = [SETUP + "\none, two = (Panel(StandIn(epochs=5, steps=20, pace=.005), view=view) for view in ('predictions', 'gradients'))\none.beside(two)",
             "three = Panel(StandIn(epochs=5, steps=20, pace=.005), [reach()], view='filters')\nthree"]
    with notebook_page(tmp_path, cells, width=1600, height=1000) as page:
        page.wait_for_selector(".hackbook-live >> nth=2", timeout=60_000)
        page.wait_for_function("[...document.querySelectorAll('.hackbook-live .status')].every(e => e.textContent === 'ready')")
        left, right = page.locator(".hackbook-beside .hackbook-live").all()
        left.get_by_role("textbox", name="l2, exact").fill("0.001")
        page.keyboard.press("Enter")
        left.get_by_role("button", name="Start").click()
        page.locator(".hackbook-live").nth(2).get_by_role("button", name="Start").click()
        page.wait_for_function("[...document.querySelectorAll('.hackbook-live .status')].every(e => e.textContent === 'finished')", timeout=60_000)
        assert right.get_by_role("textbox", name="l2, exact").input_value() == "0.001"
        (ROOT / "_run").mkdir(exist_ok=True)
        third = page.locator(".hackbook-live").nth(2)
        wide = "panel => [...panel.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > panel.getBoundingClientRect().right + 1 && !e.closest('.summary, .unseen, .curves')).length"
        for theme in ("light", "dark"):
            page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", f"JupyterLab {theme.title()}")
            page.wait_for_function("light => document.body.dataset.jpThemeLight === light", arg=json.dumps(theme == "light"))
            page.set_viewport_size({"width": 1600, "height": 1000})
            page.locator(".hackbook-beside").screenshot(path=ROOT / f"_run/live-{theme}-beside.png")
            page.set_viewport_size({"width": 800, "height": 1300})
            third.scroll_into_view_if_needed()
            page.wait_for_function("e => e.clientWidth < 700 && e.querySelector('svg.curves').clientWidth < e.clientWidth / 2", arg=third.locator(".hackbook-chart").element_handle())
            third.screenshot(path=ROOT / f"_run/live-{theme}-800.png")
            assert third.evaluate(wide) == 0
            ink, paper = (third.evaluate(f"e => getComputedStyle(e).{k}") for k in ("color", "backgroundColor"))
            light = [sum(map(float, c.split("(")[1].rstrip(")").split(",")[:3])) > 382 for c in (ink, paper)]
            assert light == ([False, True] if theme == "light" else [True, False])
        page.wait_for_function("document.querySelectorAll('.jp-OutputArea-child .jp-RenderedImage img').length === 3")
        assert page.locator(".jp-OutputArea-child .jp-RenderedImage:visible").count() == 0  # the panel stands in its place
        page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
        page.wait_for_timeout(700)
        assert page.errors == []
    kinds = [[sorted(o["data"])[0] for o in cell.outputs] for cell in nbformat.read(tmp_path / "page.ipynb", as_version=4).cells]
    assert kinds == [["application/vnd.jupyter.widget-view+json", "image/png", "image/png"], ["application/vnd.jupyter.widget-view+json", "image/png"]]


# ---- chart, Start and all sliders on one screen

SEEN = """() => {
  const box = (all) => { const r = all.map((e) => e.getBoundingClientRect());
    return { left: Math.min(...r.map((b) => b.left)), top: Math.min(...r.map((b) => b.top)), right: Math.max(...r.map((b) => b.right)), bottom: Math.max(...r.map((b) => b.bottom)) }; };
  const boxes = (what) => [...document.querySelectorAll(what)];
  return { frame: box(boxes('.jp-WindowedPanel-outer, html').slice(-1)), plots: boxes('.hackbook-chart .paper').map((e) => box([e])), start: box(boxes('.transport .buttons')),
           sliders: boxes('.slider').map((e) => box([e])), picture: box(boxes('.view')), width: document.querySelector('.hackbook-live').clientWidth }; }"""
WIDE = 1100  # from here on the sliders stand beside the chart


def check_one_screen(page):
    """All of them are visible and none covers another; the teaching picture is under them."""
    seen = page.evaluate(SEEN)
    parts, frame = [*seen["plots"], seen["start"], *seen["sliders"]], seen["frame"]
    assert len(seen["plots"]) == 2 and len(seen["sliders"]) == 9
    for a in parts:
        assert frame["left"] <= a["left"] < a["right"] <= frame["right"] and frame["top"] <= a["top"] < a["bottom"] <= min(frame["bottom"], page.viewport_size["height"]), (a, frame)
        assert a["right"] - a["left"] > 150 and a["bottom"] - a["top"] > 25
        for b in parts:
            assert a is b or a["right"] <= b["left"] or b["right"] <= a["left"] or a["bottom"] <= b["top"] or b["bottom"] <= a["top"], (a, b)
    charts, beside = max(p["bottom"] for p in seen["plots"]), seen["width"] >= WIDE
    for slider in seen["sliders"]:
        assert (slider["left"] > max(p["right"] for p in seen["plots"])) if beside else (slider["top"] > charts)
    assert seen["picture"]["top"] > charts and (beside or seen["picture"]["top"] > max(s["bottom"] for s in seen["sliders"]))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return beside


def nine_sliders(epochs=4, steps=20):
    session = StandIn(epochs=epochs, steps=steps)
    for name in ("spatial_dropout", "augment", "weight_decay"):
        session.sliders[name] = SimpleNamespace(**{**vars(session.sliders["dropout"]), "name": name})
        session.values[name] = 0.1
    return session


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_chart_start_and_sliders_are_on_one_screen(tmp_path, theme):
    """At these sizes of the window; screenshots for a person are in _run."""
    cell = SETUP + "\nfrom test_panel import nine_sliders\nsession = nine_sliders()\npanel = Panel(session, [reach()])\nfor _ in range(50): session.step()\npanel"
    cell = cell.replace("sys.path[:0] = [", f"sys.path[:0] = [{str(ROOT / 'tests/live')!r}, ")
    layouts = {}
    with notebook_page(tmp_path, [cell], theme=theme, width=1280, height=720) as page:
        page.wait_for_selector(".hackbook-chart .curves path[d]", state="attached", timeout=60_000)
        for width, height in ((1280, 720), (1440, 900)):
            page.set_viewport_size({"width": width, "height": height})
            page.locator(".hackbook-live").evaluate("e => e.scrollIntoView({ block: 'start' })")
            page.wait_for_timeout(400)
            page.screenshot(path=ROOT / f"_run/one-screen-{theme}-{width}.png")
            layouts[width] = check_one_screen(page)
        page.evaluate("document.querySelector('.hackbook-live').style.width = '820px'")  # as with JupyterLab's file browser open
        page.wait_for_timeout(400)
        page.screenshot(path=ROOT / f"_run/one-screen-{theme}-narrow.png")
        layouts[820] = check_one_screen(page)
        assert page.errors == []
    assert layouts == {1280: True, 1440: True, 820: False}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width, height", [(390, 844), (1280, 720), (1440, 900)])
def test_and_on_a_page_without_jupyter(browser, theme, width, height):
    session = nine_sliders()
    panel = Panel(session)
    for _ in range(50):
        session.step()
    with static_page(browser, panel, theme, width, height) as page:
        page.screenshot(path=ROOT / f"_run/one-screen-static-{theme}-{width}.png")
        assert check_one_screen(page) == (width >= WIDE) and page.errors == []
    panel.close()


def test_data_on_a_static_page_stays_text(browser, session):
    panel = Panel(session, [Challenge(HOSTILE, lambda story: False)])
    session.rename("main", HOSTILE)
    session.step()
    with static_page(browser, panel) as page:
        assert page.locator(".hackbook-live img").count() == 0 and page.evaluate("window.hacked") is None
        assert page.locator(".legend").inner_text().strip() == page.locator(".tasks li").inner_text().replace(", not yet", "").strip() == HOSTILE
    panel.close()


# ---- what the chart says, on a static page


def readouts(page):
    """Training, validation and gap above the two plots."""
    return page.locator(".hackbook-chart .readout b").all_inner_texts()


def test_what_is_shown_is_what_is_recorded(browser):
    """The last batch has three examples: in the mean over an epoch they count as three, not as a batch."""
    whole = hb.data.digits()
    part = lambda begin, end: whole.take(np.arange(begin, end))
    splits = hb.Splits(part(0, 131), part(131, 200), part(200, 260))
    hb.set_seed(0)
    session = hb.live.Session(hb.models.cnn(splits, filters=(4, 8)), splits, epochs=2, learning_rate=0.02)
    panel = Panel(session)
    try:
        session.start()
        session.wait()
        row, points = session.timeline.rows()[-1], session.timeline.points[-3:]
        assert [p.examples for p in points] == [64, 64, 3]
        recorded = [row["loss"], row["val_loss"], abs(row["loss"] - row["val_loss"]), row["accuracy"], row["val_accuracy"], abs(row["accuracy"] - row["val_accuracy"])]
        assert abs(np.mean([p.loss for p in points]) - row["loss"]) > 0.001  # so a wrong mean would be seen
        assert session.timeline.ends[-1].metric == pytest.approx(row["accuracy"], abs=1e-4)
        with static_page(browser, panel) as page:
            assert [float(v) for v in readouts(page)] == pytest.approx(recorded, abs=1.1e-4)
    finally:
        session.close()
        panel.close()


YS = """([at, kind]) => { const paper = document.querySelectorAll('.hackbook-chart .paper')[at], down = paper.querySelector('.axis').y1.baseVal.value;
  return [...paper.querySelectorAll(`.curves .${kind}`)].flatMap((e) => [...(e.getAttribute('d') || '').matchAll(/([\\d.-]+) ([\\d.-]+)/g)].map((m) => [+m[1], +m[2]]))
    .map(([x, y]) => [x, y, down]); }"""
EPOCHS = "() => [...document.querySelectorAll('.hackbook-chart .paper')[0].querySelectorAll('text[text-anchor=middle]')].map((e) => +e.textContent)"


def test_no_validation_leaves_the_picture_and_the_axis_grows(browser):
    """As under a dropout that was pulled up: the accuracies fall by half after they were high."""
    session = StandIn(epochs=60)
    panel = Panel(session)
    for epoch in range(1, 31):
        val = 0.97 if epoch < 25 else 0.55
        session.timeline.point(epoch - 0.5, 0.2, val, examples=64)
        session.timeline.point(epoch, 0.2, val - 0.1, 0.2, val, examples=64)
        session.timeline.row({"epoch": epoch, "loss": 0.2, "accuracy": val, "val_loss": 0.2, "val_accuracy": val})
        session.at = epoch * session.steps
        if epoch in (3, 30):
            with static_page(browser, panel, width=1000) as page:
                if epoch == 3:
                    assert page.evaluate(EPOCHS)[-1] == 8  # of 60
                    continue
                assert page.evaluate(EPOCHS)[-1] in (35, 40)
                for kind in ("validation", "training"):
                    drawn = page.evaluate(YS, [1, kind])
                    assert len(drawn) > 20 and all(0 <= y <= down for _, y, down in drawn)

                # the values of the curve under the pointer
                x, y, _ = max(page.evaluate(YS, [1, "validation"]))
                box = page.locator(".hackbook-chart .paper").nth(1).bounding_box()
                page.mouse.move(box["x"] + x, box["y"] + y - 3)
                assert page.locator(".hackbook-chart .plot").nth(1).locator(".tip").inner_text() == "validation 0.5500 at epoch 30.00"
                page.mouse.move(box["x"] + x, box["y"] - 200)
                assert page.locator(".hackbook-chart .tip:visible").count() == 0 and page.errors == []
    panel.close()


def test_going_back_and_the_branches_are_told(browser):
    session = StandIn(epochs=4, steps=10)
    panel = Panel(session)
    session.set("learning_rate", 0.000316)
    for _ in range(40):
        session.step()
    assert session.status == "finished"
    then = {epoch: next(p for p in session.timeline.points if p.epoch == epoch) for epoch in (2, 4)}
    with static_page(browser, panel, width=1000) as page:
        assert page.locator(".heard").inner_text() == "Next: More epochs goes on, Rewind goes back to try other sliders."
        assert page.get_by_role("button", name="Start").get_attribute("title") == "Not now: it is finished: More epochs or Rewind"
        back = page.get_by_role("slider", name="back to epoch")
        assert (back.input_value(), page.locator(".rewind").get_attribute("aria-disabled")) == ("3", "false")  # goes back, if pressed at once
        back.fill("4")
        assert page.locator(".rewind").get_attribute("aria-disabled") == "true"
        page.locator(".rewind").click(force=True)
        assert [m for m in page.evaluate("sent") if m["do"] == "rewind"] == []
        assert float(readouts(page)[1]) == pytest.approx(then[4].val_loss, abs=1e-4)
    session.rewind(2)
    with static_page(browser, panel, width=1000) as page:
        assert float(readouts(page)[1]) == pytest.approx(then[2].val_loss, abs=1e-4)
        summary = page.locator(".summary").inner_text()
        assert summary.startswith("paused, epoch 2 of 4") and f"validation {then[2].val_loss:.4f}" in summary
        circle, drawn = page.locator(".here").first.get_attribute("cx"), page.evaluate(YS, [0, "validation"])
        assert float(circle) == pytest.approx(sorted({x for x, *_ in drawn})[1], abs=0.2)  # the second of four ends of epochs
        assert page.locator(".heard").inner_text() == "At the end of epoch 2: move a slider or none, then Go on."
        assert [e for e in page.locator(".branches th[scope=col]").all_inner_texts() if "best" in e] == ["best validation accuracy"]
        assert page.locator(".branches tbody td").nth(3).inner_text() == "learning rate 0.000316"  # on the first branch too
        delete = page.get_by_role("button", name="delete main")
        assert (delete.get_attribute("aria-disabled"), delete.get_attribute("title")) == ("true", "It is the present branch: Rewind to another one first")
        delete.click(force=True)
        said = lambda text: page.wait_for_function("text => document.querySelector('.heard').textContent === text", arg=text)
        said(delete.get_attribute("title"))

        # all digits of a small number; what is no number is told
        box = page.get_by_role("textbox", name="learning rate, exact")
        assert box.input_value() == "0.000316" and box.evaluate("e => e.scrollWidth <= e.clientWidth")
        box.fill("abc")
        box.press("Enter")
        assert box.get_attribute("aria-invalid") == "true"
        said("learning rate: “abc” is not a number; it stays 0.000316, from 0.00001 to 1")
        box.press("Tab")
        assert (box.input_value(), box.get_attribute("aria-invalid")) == ("0.000316", None) and "abc" in page.locator(".heard").inner_text()
        assert [m for m in page.evaluate("sent") if m["do"] == "set"] == [] and page.errors == []
    panel.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_narrow_screen_nothing_is_cut(browser, theme):
    session = nine_sliders()
    panel = Panel(session, [reach()], view="gradients")
    session.set("learning_rate", 0.000316)
    for _ in range(50):
        session.step()
    session.rewind(1)
    session.step()
    with static_page(browser, panel, theme, 320, 1400) as page:
        page.screenshot(path=ROOT / f"_run/narrow-{theme}.png")
        assert page.evaluate("document.documentElement.scrollWidth") == 320
        cut = "all => all.filter((e) => e.scrollWidth > e.clientWidth + 1 || e.getBoundingClientRect().right > 320).map((e) => e.className + e.textContent)"
        assert page.locator(".buttons button, .slider label, .slider input[type=text], .readout, .acts, .heard, .norms b").evaluate_all(cut) == []
        assert "e" not in "".join(page.locator(".norms b").all_inner_texts())
    panel.close()


def test_filters_of_color_pictures_are_in_color():
    rng = np.random.default_rng(0)
    splits = hb.split(hb.Dataset(rng.integers(0, 256, (60, 8, 8, 3)).astype("uint8"), np.arange(60) % 2))
    model = hb.models.cnn(splits, filters=(4,))
    for kind in ("filters", "activations", "predictions"):
        seen = VIEWS[kind](model, splits)()
        image = np.array(seen["images"][0])
        assert image.ndim == 3 and image.shape[-1] == 3 and np.ptp(image, axis=-1).max() > 20 and hb.live.draw(seen).png(dpi=40)
