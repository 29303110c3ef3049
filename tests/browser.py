"""A notebook in a real browser: JupyterLab on a free port of 127.0.0.1, and the system's Chromium driven by Playwright."""

import atexit
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from tempfile import mkdtemp
from urllib.request import Request, urlopen

import nbformat
import pytest
from conftest import ROOT

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# In the page's JavaScript: what is drawn of each training curve. It is in two pieces, of which a refresh draws the second anew: it must be short and go on from the first.
CURVES = """() => [...document.querySelectorAll('.hackbook-chart .curves .training + .training')].map((tip) => {
  const [behind, drawn] = [tip.previousElementSibling, tip].map((path) => path.getAttribute('d')), from = drawn.match(/^M[^L]*/)?.[0] ?? '';
  if (!behind.endsWith(from.slice(1)) || drawn.split('L').length > 41) throw Error(`${behind.slice(-30)} | ${drawn}`);
  return behind + drawn.slice(from.length); })"""
KERNEL = "window.jupyterapp.shell.currentWidget.context.sessionContext.session?.kernel"  # in the page's JavaScript


def find_browser():
    """The path of a Chromium, or a skip that says what is missing."""
    pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install playwright")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    return found or pytest.skip(f"no Chromium here (looked for {', '.join(BROWSERS)}); on Debian and Ubuntu: sudo apt install chromium")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def write(path, record):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record))


class Server:
    """JupyterLab with settings of its own, apart from the user's. It begins with the first page, and serves all of them."""

    def __init__(self):
        self.port, self.token, self.own = free_port(), token_hex(16), Path(mkdtemp(prefix="jupyter-"))
        self.address = f"http://127.0.0.1:{self.port}"
        environment = {**os.environ, "JUPYTER_TOKEN": self.token, "TF_CPP_MIN_LOG_LEVEL": "2",
                       "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}
        for name in ("CONFIG", "DATA", "RUNTIME"):
            environment[f"JUPYTER_{name}_DIR"] = str(self.own / name.lower())
        environment["JUPYTERLAB_SETTINGS_DIR"], environment["JUPYTERLAB_WORKSPACES_DIR"] = str(self.own / "settings"), str(self.own / "workspaces")
        options = {"ServerApp.ip": "127.0.0.1", "ServerApp.port": self.port, "ServerApp.port_retries": 0, "ServerApp.root_dir": "/",
                   "ServerApp.allow_root": True, "ServerApp.open_browser": False, "LabApp.expose_app_in_browser": True,
                   "ContentsManager.pre_save_hook": "hackbook.core.notebook.keep_metadata"}  # as `hackbook lab` says it
        command = [sys.executable, "-m", "jupyterlab", *(f"--{k}={v}" for k, v in options.items())]
        write(self.own / "config/labconfig/page_config.json", {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}})
        with open(self.own / "log", "w") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def ask(self, path, method="GET"):
        with urlopen(Request(f"{self.address}/{path}", method=method, headers={"Authorization": f"token {self.token}"}), timeout=20) as answer:
            return json.loads(answer.read() or "null")

    def wait(self):
        until = time.monotonic() + 60
        while True:
            try:
                return self.ask("api")
            except OSError:
                assert self.process.poll() is None and time.monotonic() < until, (self.own / "log").read_text()
                time.sleep(0.2)

    def end_kernels(self):
        for session in self.ask("api/sessions"):
            self.ask(f"api/sessions/{session['id']}", "DELETE")

    def stop(self):
        self.process.terminate()  # it ends its kernels
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.own, ignore_errors=True)


SERVERS = []


def jupyter_lab():
    if not SERVERS:
        SERVERS.append(Server())
        SERVERS[0].wait()
    return SERVERS[0]


@atexit.register
def stop_jupyter_lab():
    while SERVERS:
        SERVERS.pop().stop()


@contextmanager
def notebook_page(folder, cells, theme="light", width=1000, height=900, microphone=False):
    """A notebook in JupyterLab: Playwright's page, with its console's errors as `.errors`; `microphone`: the browser has one that beeps.

    `cells` is a list of code cells, all of which are run, or a whole notebook, of which none is: see `run_cells`.
    """
    browser_path = find_browser()
    from playwright.sync_api import sync_playwright

    whole = isinstance(cells, nbformat.NotebookNode)
    notebook = cells if whole else nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, Path(folder) / "page.ipynb")
    server = jupyter_lab()
    write(server.own / "settings/@jupyterlab/apputils-extension/themes.jupyterlab-settings", {"theme": f"JupyterLab {theme.title()}"})
    beeps = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"] if microphone else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox", *beeps])
        try:
            page = browser.new_page(viewport={"width": width, "height": height})
            page.errors = []
            page.on("console", lambda m: page.errors.append(f"{m.text} ({m.location.get('url', '')})") if m.type == "error" else None)
            page.on("pageerror", lambda e: page.errors.append(str(e)))
            page.goto(f"{server.address}/doc/tree{Path(folder).resolve().as_posix()}/page.ipynb?reset&token={server.token}")
            page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
            if not whole:
                run_all(page)
            yield page
        finally:
            browser.close()
            server.end_kernels()


# the panel on a page without Jupyter: its own script and style, and what Python would send
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>panel</title><style>:root {{ color-scheme: {theme} }} body {{ margin: 0; background: Canvas; color: CanvasText }}</style><style>{style}</style>
<main></main><script type="module">{script}</script></html>"""
MODEL = """
const traits = {traits}, messages = {messages}, heard = {{}};
const model = {{ get: (name) => traits[name], on: (what, f) => {{ heard[what] = f; }}, send: (message) => {{ sent.push(message); for (const m of messages) heard["msg:custom"](m); }} }};
window.sent = [];
const widget = (await import(URL.createObjectURL(new Blob([{esm}], {{ type: "text/javascript" }})))).default();
widget.initialize({{ model }});
widget.render({{ model, el: document.querySelector("main") }});
"""


@contextmanager
def static_page(browser, panel, theme="light", width=390, height=844):
    """Playwright's page with what `panel` shows now, and its console's errors as `.errors`."""
    desk, sent = panel.desk, []
    desk.send = sent.append
    panel.push(everything=True)
    traits = {name: getattr(desk, name) for name in ("palette", "sliders", "views", "title")}
    script = MODEL.format(traits=json.dumps(traits), messages=json.dumps(sent), esm=json.dumps(desk._esm).replace("</", "<\\/"))
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=theme)
    page.errors = []
    page.on("console", lambda m: page.errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: page.errors.append(str(e)))
    try:
        page.set_content(PAGE.format(theme=theme, style=desk._css, script=script))
        page.wait_for_function("document.querySelector('.hackbook-desk .status')?.textContent && document.querySelector('.hackbook-chart .curves path[d]')")
        yield page
    finally:
        page.close()


def wait_for_kernel(page, timeout=120_000):
    page.wait_for_function(f"{KERNEL}?.status === 'idle' && {KERNEL}.connectionStatus === 'connected'", timeout=timeout)


def run_all(page):
    """Run all cells once the kernel is there."""
    wait_for_kernel(page)
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")


def run_cells(page, first, last):
    """Run the cells from `first` to `last`, counted from 0, one after the other, and wait for each of them to end."""
    wait_for_kernel(page)
    page.evaluate("""async ([first, last]) => {
        const { commands, shell } = window.jupyterapp, notebook = shell.currentWidget.content;
        for (let i = first; i <= last; i++) {
            notebook.deselectAll();
            notebook.activeCellIndex = i;
            await commands.execute('notebook:run-cell');
        }
    }""", [first, last])
