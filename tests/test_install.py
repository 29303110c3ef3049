"""`make` explains itself, and an installation that cannot work ends in one clear line."""

import os
import shutil
import sys

import pytest
from conftest import ROOT, call


def stub(folder, name, script):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def install(python, folder, **environment):
    """The one line that install.sh ends with."""
    shown = call("sh", ROOT / "tools/install.sh", python, folder / "venv", **environment)
    assert shown.returncode == 1 and "Traceback" not in shown.stdout + shown.stderr
    (line,) = shown.stderr.splitlines()
    return line


def test_python_missing(tmp_path):
    assert "python9 is missing; install Python 3.11 or newer" in install("python9", tmp_path)


def test_python_too_old(tmp_path):
    old = stub(tmp_path, "python3", 'case "$*" in *version_info*) exit 1;; *python_version*) echo 3.9.2;; esac')
    assert "Python 3.11 or newer is needed" in (line := install(old, tmp_path)) and "is 3.9.2" in line


def test_venv_missing(tmp_path):
    bare = stub(tmp_path, "python3", f'case "$*" in *ensurepip*) exit 1;; esac; exec "{sys.executable}" "$@"')
    assert "sudo apt install python3-venv" in install(bare, tmp_path)


def test_no_network(tmp_path):
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_EXTRA_INDEX_URL": "", "PIP_RETRIES": 0, "PIP_CONFIG_FILE": os.devnull,
               "PIP_FIND_LINKS": "", "PIP_NO_INDEX": ""}
    assert "the package index cannot be reached; check the network connection" in install(sys.executable, tmp_path, **nowhere)


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_make_alone_lists_every_target():
    shown = call("make")
    for target in ("run", "test", "check", "lab", "docs", "bench", "clean"):
        assert f"\n  {target} " in shown.stdout
    assert shown.returncode == 0


def test_an_engine_that_cannot_be_downloaded_is_one_line(tmp_path):
    """Everything but a demo in one file works without it: the installation succeeds."""
    make = 'case "$*" in *-m\\ venv*) mkdir -p "$3/bin"; printf "#!/bin/sh\\nexit 0\\n" >"$3/bin/python"; printf "#!/bin/sh\\nexit 1\\n" >"$3/bin/hackbook"; chmod +x "$3"/bin/*;; esac'
    shown = call("sh", ROOT / "tools/install.sh", stub(tmp_path, "python3", make), tmp_path / "venv")
    assert shown.returncode == 0 and shown.stderr == "", shown.stderr
    assert "call `hackbook engine` when you are online" in shown.stdout.splitlines()[-1]
