"""The command `hackbook`: its version, the tutorials in a folder of one's own, and JupyterLab with the tutorials trusted."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import papermill
import pytest
from conftest import ROOT
from jupyter_client.kernelspec import NoSuchKernel
from jupyter_core.paths import jupyter_data_dir
from nbformat.sign import NotebookNotary
from typer.testing import CliRunner

import hackbook
from hackbook import cli
from hackbook.core import HackbookError

TUTORIALS = sorted((ROOT / "nbs/tutorials").glob("*.ipynb"))


@pytest.fixture(autouse=True)
def own_signatures(tmp_path, monkeypatch):
    """What is signed here is not signed for the person who runs the tests."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))


@pytest.fixture
def started(monkeypatch):
    """The commands that would have been started."""
    commands = []
    monkeypatch.setattr(subprocess, "call", lambda command: commands.append(command) or 0)
    return commands


def command(*arguments):
    shown = CliRunner().invoke(cli.app, [str(a) for a in arguments])
    return shown.exit_code, shown.output


def trusted(path):
    Path(jupyter_data_dir()).mkdir(exist_ok=True)
    return NotebookNotary(data_dir=jupyter_data_dir()).check_signature(nbformat.read(path, as_version=4))


def test_version():
    assert command("--version") == (0, f"hackbook {hackbook.__version__}\n")


def test_tutorials_of_ones_own(tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "02_know_your_data.ipynb").write_text("my own")
    status, shown = command("tutorials", mine)
    assert status == 0 and f"{len(TUTORIALS) - 1} tutorials copied into {mine}" in shown and f"hackbook lab {mine}" in shown
    assert {p.name for p in mine.iterdir()} == {p.name for p in TUTORIALS}
    assert (mine / "02_know_your_data.ipynb").read_text() == "my own"
    assert (mine / "06_live.ipynb").read_bytes() == (ROOT / "nbs/tutorials/06_live.ipynb").read_bytes()
    assert trusted(mine / "06_live.ipynb") and trusted(mine / TUTORIALS[0].name)


def test_lab_trusts_the_tutorials_and_nothing_else(tmp_path, started):
    other = tmp_path / "other.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]), other)
    before = [p.read_bytes() for p in TUTORIALS]
    assert not trusted(TUTORIALS[0])
    status, _ = command("lab", tmp_path, "--no-browser")
    assert status == 0 and all(map(trusted, TUTORIALS)) and not trusted(other)
    assert [p.read_bytes() for p in TUTORIALS] == before
    ((program, *options),) = started
    assert program == sys.executable and {"--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={tmp_path}", "--no-browser"} <= set(options)


def test_lab_begins_with_the_first_tutorial(tmp_path, started):
    command("lab")
    command("lab", "--no-browser")
    command("tutorials", tmp_path / "mine")
    command("lab", tmp_path / "mine")
    for options, root, at in zip(started, [ROOT / "nbs", ROOT / "nbs", tmp_path / "mine"], ["tutorials/", "tutorials/", ""]):
        assert f"--ServerApp.root_dir={root}" in options
        assert f"--LabApp.default_url=/lab/tree/{at}{TUTORIALS[0].name}" in options
    assert "--no-browser" in started[1]


def test_a_folder_that_is_not_there(tmp_path, started):
    shown = CliRunner().invoke(cli.app, ["lab", str(tmp_path / "nowhere")])
    assert isinstance(shown.exception, FileNotFoundError) and "hackbook tutorials" in str(shown.exception) and started == []


def lesson(folder, *sources):
    """A notebook whose first cell holds its parameters."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    cells[0].metadata["tags"] = ["parameters"]
    folder.mkdir(exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "python3", "language": "python"}}), folder / "lesson.ipynb")
    return folder / "lesson.ipynb"


ERRORS = """import sys
from hackbook.cli import _is_ours

assert "hackbook.training.divergence" not in sys.modules
print([name for name in ("HackbookError", "NotFound", "Diverged", "OutOfMemory", "NotOfBoxes", "ValueError") if _is_ours(name)])
"""


def test_the_command_knows_every_error_of_ours():
    """Also those of modules that it has not loaded."""
    shown = subprocess.run([sys.executable, "-c", ERRORS], capture_output=True, text=True, check=True).stdout
    assert shown == "['HackbookError', 'NotFound', 'Diverged', 'OutOfMemory', 'NotOfBoxes']\n"
    error = SimpleNamespace(ename="Diverged", evalue="lower the learning rate", exec_count=2)
    assert cli._explained(error, Path("a.ipynb")) == "lower the learning rate"


def test_the_cell_of_another_error_is_named():
    error = SimpleNamespace(ename="Session", evalue="no error", exec_count=2)     # a class of ours, but no error
    assert cli._explained(error, Path("a.ipynb")) == "a.ipynb stopped at cell 2 with Session: no error; look at it in a.ipynb"


def test_a_kernel_that_dies(tmp_path):
    dies = lesson(tmp_path, "a = 1", "print(a)", "import os; os._exit(1)")
    says = "the kernel died while it ran .*most likely the memory ran out: take fewer examples.*how far it came is in "
    with pytest.raises(HackbookError, match=says):
        cli.execute(dies, tmp_path / "out", progress=False)
    assert nbformat.read(tmp_path / "out/lesson.ipynb", 4).cells[1].outputs[0].text == "1\n"


def test_a_kernel_that_is_not_installed(tmp_path, monkeypatch):
    def absent(*arguments, **options):
        raise NoSuchKernel("python3")

    monkeypatch.setattr(papermill, "execute_notebook", absent)
    with pytest.raises(HackbookError, match="there is no kernel named python3, .*pip install ipykernel"):
        cli.execute(lesson(tmp_path, "a = 1"), tmp_path / "out", progress=False)


@pytest.mark.parametrize("link", [False, True])
def test_the_notebook_itself_is_not_overwritten(tmp_path, link):
    source = lesson(tmp_path / "mine", "a = 1", "print(a)")
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    before, to = source.read_bytes(), tmp_path / ("link" if link else "mine")
    with pytest.raises(HackbookError, match=f"to must be another folder than the notebook's, .* got .*{to.name}'; leave it out"):
        cli.execute(source, to, {"a": 5}, progress=False)
    assert source.read_bytes() == before


def test_an_earlier_report_goes_when_the_notebook_runs(tmp_path):
    source, report = lesson(tmp_path, "a = 1"), tmp_path / "out/report.json"
    report.parent.mkdir()
    report.write_text("{}")
    for wrong in "nope=1", "nothing":     # no parameter of it; no value
        assert command("run", source, "--to", report.parent, "-p", wrong, "--no-progress")[0] == 1 and report.exists()
    status, shown = command("run", source, "--to", report.parent, "--no-progress")
    assert status == 0 and "test accuracy" not in shown and not report.exists()


def test_make_lab_is_the_command():
    (line,) = [text for text in (ROOT / "Makefile").read_text().split("\nlab:")[1].splitlines()[1:2]]
    assert line.strip() == "@$(BIN)/hackbook lab" and Path(cli.__file__).is_relative_to(ROOT)
