"""`make bench` measures and writes what it promises."""

import sys

import pytest
from conftest import call, read_json


def test_import_is_measured(tmp_path):
    shown = call(sys.executable, "tests/bench/run.py", "--only", "import", "--seeds", 1, "--to", tmp_path)
    assert shown.returncode == 0, shown.stderr
    results = read_json(tmp_path / "results.json")
    machine = results.pop("machine")
    assert machine["cores"] > 0 and machine["processor"] and "Keras" in machine
    ((name, values),) = results.items()
    assert name == "import" and set(values) == {"ours", "peer", "ratio", "unit", "note"} and values["unit"] == "s"
    assert values["ratio"] == pytest.approx(values["peer"] / values["ours"], rel=1e-3) and values["ratio"] > 1
    assert "import" in shown.stdout and "ratio" in shown.stdout


def test_unknown_figure_is_refused(tmp_path):
    shown = call(sys.executable, "tests/bench/run.py", "--only", "imprt", "--to", tmp_path)
    assert shown.returncode == 1 and "one of import, lazy, mnist, minute, fit, live," in shown.stderr and not list(tmp_path.iterdir())
