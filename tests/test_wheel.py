"""What `pip install hackbook` gets: all of the package, and enough to train with."""

import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT, call

HELD = {str(p.relative_to(ROOT)) for pattern in ("*.py", "*.pyi", "*.js", "*.css") for p in (ROOT / "hackbook").rglob(pattern)}
EPOCH = """
import hackbook as hb, numpy as np
splits = hb.split(hb.data.digits().take(np.arange(300)))
hb.set_seed(0)
run = hb.fit(hb.models.cnn(splits, filters=(4, 8)), splits, epochs=1, to=None)
hb.live.Panel, hb.quality.Relabel     # their scripts and styles are read where they are defined
print(len(run.history), hb.__file__)
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Wheel and sdist, built from a copy of what git knows and of what is new."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in files.splitlines():
        if name.startswith(("hackbook/", "nbs/tutorials/", "s", "p", "M", "R", "L", "C")) and (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    shown = call(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, source)
    assert shown.returncode == 0, shown.stdout[-2000:] + shown.stderr[-2000:]
    (wheel,), (sdist,) = out.glob("*.whl"), out.glob("*.tar.gz")
    return wheel, sdist


def test_wheel_and_sdist_hold_every_package_script_style_and_stub(built):
    wheel, sdist = built
    assert {"hackbook/live/panel.js", "hackbook/quality/relabeling.css", "hackbook/data/__init__.pyi", "hackbook/__init__.pyi"} <= HELD
    with zipfile.ZipFile(wheel) as file:
        assert {n for n in file.namelist() if n.startswith("hackbook/")} == HELD
        assert {Path(n).name for n in file.namelist() if "/data/share/hackbook/tutorials/" in n} == {p.name for p in (ROOT / "nbs/tutorials").glob("*.ipynb")}
    with tarfile.open(sdist) as file:
        names = {n.split("/", 1)[1] for n in file.getnames() if "/" in n}
    assert HELD | {"settings.ini", "README.md", "pyproject.toml", "setup.py", "LICENSE"} <= names


def test_the_wheel_imports_and_trains_in_a_fresh_environment(built, tmp_path):
    """The requirements are those of this environment, seen through a path: the editable installation is not."""
    venv.create(tmp_path / "fresh", with_pip=False)
    python = tmp_path / "fresh/bin/python"
    site = next((tmp_path / "fresh/lib").glob("python3*/site-packages"))
    shown = call(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", "-q", built[0])
    assert shown.returncode == 0, shown.stderr
    (site / "requirements.pth").write_text("\n".join(p for p in sys.path if p.endswith("site-packages")))
    shown = call(python, "-c", EPOCH, cwd=tmp_path, PYTHONPATH="")
    assert shown.returncode == 0, shown.stderr[-2000:]
    epochs, file = shown.stdout.split()
    shown = call(python, "-c", "from hackbook.cli import main; main()", "tutorials", tmp_path / "mine", cwd=tmp_path, PYTHONPATH="", JUPYTER_DATA_DIR=tmp_path / "jupyter")
    assert (tmp_path / "mine/01_digits_cnn.ipynb").is_file() and "hackbook lab" in shown.stdout, shown.stderr[-2000:]
    assert epochs == "1" and Path(file).is_relative_to(site)


def test_an_editable_installation_imports_beside_a_clone_of_its_name(tmp_path):
    """In the folder that holds a clone called hackbook, Python must not take the clone itself for the package."""
    clone, site = tmp_path / "hackbook", tmp_path / "site"
    clone.mkdir()
    for name in ("setup.py", "settings.ini", "pyproject.toml", "README.md", "LICENSE"):
        (clone / name).write_bytes((ROOT / name).read_bytes())
    shutil.copytree(ROOT / "hackbook", clone / "hackbook", ignore=shutil.ignore_patterns("__pycache__"))
    build = "import sys; from setuptools.build_meta import build_editable; build_editable(sys.argv[1])"
    shown = subprocess.run([sys.executable, "-c", build, site], cwd=clone, capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr[-2000:]
    with zipfile.ZipFile(next(site.glob("*.whl"))) as wheel:
        wheel.extractall(site)
    bare = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    others = [p for p in sys.path if p.endswith("site-packages")]  # its packages, without the installation of hackbook that it may hold
    code = f"import site, sys; sys.path += {others!r}; site.addsitedir({str(site)!r}); import hackbook; print(hackbook.__file__, hackbook.fit.__name__)"
    shown = subprocess.run([sys.executable, "-S", "-c", code], cwd=tmp_path, env=bare, capture_output=True, text=True)
    assert shown.stdout.split() == [str(clone / "hackbook/__init__.py"), "fit"], shown.stderr
