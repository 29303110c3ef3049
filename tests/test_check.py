"""`make check` runs what a change touches, and nothing else."""

import json

import check
import nbformat
import pytest

CODE = {"00_splits": "from hackbook.core import require\nx = 1", "01_tables": "from hackbook.data.splits import split\ny = 2", "02_alone": "z = 3"}


@pytest.fixture
def house(tmp_path, monkeypatch):
    """Three notebooks, the modules that they import, and what git says has changed."""
    for name, text in {"core/__init__.pyi": "from .files import (require, save)\n", "core/files.py": "a = 1", "data/__init__.pyi": "", "data/splits.py": "b = 1"}.items():
        (tmp_path / "hackbook" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "hackbook" / name).write_text(text)
    (tmp_path / "nbs/library/data").mkdir(parents=True)
    for name, code in CODE.items():
        write(tmp_path, name, code)
    touched = set()
    for name, value in {"ROOT": tmp_path, "PASSED": tmp_path / "passed.json", "RECORD": tmp_path / "record", "changed": lambda: touched}.items():
        monkeypatch.setattr(check, name, value)
    return tmp_path, touched


def write(folder, name, *codes):
    cells = [nbformat.v4.new_markdown_cell("# Title"), *map(nbformat.v4.new_code_cell, codes)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / f"nbs/library/data/{name}.ipynb")


def run():
    """The names of the notebooks that run; all pass."""
    names, keys = check.to_run()
    check.PASSED.write_text(json.dumps(keys))
    return [name.rpartition("/")[2].removesuffix(".ipynb") for name in names]


def test_what_never_ran_here_runs_if_git_says_that_it_changed(house):
    house[1].add("nbs/library/data/02_alone.ipynb")
    assert run() == ["02_alone"] and run() == []


def test_a_notebook_runs_again_for_its_own_code_and_for_that_of_what_it_imports(house):
    folder, _ = house
    assert run() == []
    (folder / "hackbook/core/files.py").write_text("a = 2")  # through the package's stub
    assert run() == ["00_splits"]
    (folder / "hackbook/data/splits.py").write_text("b = 2")  # by the module's name
    assert run() == ["01_tables"]
    write(folder, "02_alone", "z = 4")
    assert run() == ["02_alone"] and run() == []


@pytest.mark.parametrize("touched, wanted", [
    ("hackbook/data/splits.py", "tests/data"), ("nbs/library/data/10_splits.ipynb", "tests/data"), ("tests/data/test_splits.py", "tests/data"),
    ("tests/test_saved.py", "tests/test_saved.py")])
def test_without_a_record_the_tests_of_the_package_run(house, touched, wanted, capsys):
    folder, changed = house
    (folder / "tests/data").mkdir(parents=True)
    changed.add(touched)
    assert wanted in check.tests() and "RECORD=1" in capsys.readouterr().out
    changed.clear()
    assert wanted not in check.tests()


def test_with_a_record_pytest_testmon_picks_them(house):
    (house[0] / "record").touch()
    assert "--testmon" in check.tests()
