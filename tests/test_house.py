"""The house is in order: exports in sync, notebooks clean, links and sidebar whole, rules of the library kept."""

import ast
import configparser
import os
import re
import shutil
import sys

import nbformat
import pytest
import yaml
from conftest import NOTEBOOKS, ROOMS, ROOT, TUTORIALS, call

import hackbook

names = [str(p.relative_to(ROOT / "nbs")) for p in NOTEBOOKS]
MODULES = sorted(p for p in (ROOT / "hackbook").rglob("*.py") if not p.name.startswith("_"))
PACKAGES = ["core", "data", "problem", "quality", "models", "features", "training", "evaluation", "checks", "live", "search", "presentation", "cli"]  # each imports only from those before it


@pytest.fixture
def copy(tmp_path):
    """A copy of what nbdev reads and writes, so that the tests change nothing here."""
    for name in ("settings.ini", "_quarto.yml", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("nbs", "hackbook"):
        shutil.copytree(ROOT / name, tmp_path / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "runs", "report.html", "report.json"))
    return tmp_path


def content(folder, *patterns):
    return {p.relative_to(folder): p.read_bytes() for pattern in patterns for p in folder.rglob(pattern) if "__pycache__" not in p.parts}


def nbdev(command, cwd):
    shown = call(sys.executable, "-c", command, cwd=cwd, PYTHONPATH=cwd)
    assert shown.returncode == 0, shown.stderr
    return shown


def test_export_changes_nothing(copy):
    before = content(copy / "hackbook", "*.py")
    nbdev("from nbdev.doclinks import nbdev_export; nbdev_export()", copy)
    assert content(copy / "hackbook", "*.py") == before and len(before) >= len(ROOMS) + 1


def test_clean_changes_nothing(copy):
    before = content(copy / "nbs", "*.ipynb")
    nbdev("from nbdev.clean import nbdev_clean; nbdev_clean()", copy)
    changed = [str(k) for k, v in content(copy / "nbs", "*.ipynb").items() if v != before[k]]
    assert changed == []


def test_docs_preprocess_without_quarto(copy):
    nbdev("from nbdev.serve import proc_nbs; proc_nbs('nbs', n_workers=1)", copy)
    assert (copy / "_proc/_quarto.yml").read_text() == (ROOT / "_quarto.yml").read_text()
    page = nbformat.read(copy / "_proc/library/training/11_fitting.ipynb", as_version=4)
    text = "\n".join(c.source + str(c.get("outputs", "")) for c in page.cells)
    assert "nbdev_export()" not in text and "how often each example is seen" in text
    assert len(list((copy / "_proc").rglob("*.ipynb"))) == len(NOTEBOOKS)


def test_readme_is_made_from_the_index():
    shown = call(sys.executable, ".ci/readme.py", "--check")
    assert shown.returncode == 0, shown.stderr


@pytest.mark.parametrize("path", NOTEBOOKS, ids=names)
def test_notebook_is_tidy(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert path.stat().st_size < 1_000_000
    assert "widgets" not in notebook.metadata
    assert notebook.metadata.kernelspec.name == "python3" and notebook.metadata.kernelspec.language == "python"
    shown = [o for c in notebook.cells for o in c.get("outputs", [])]
    assert not [o for o in shown if o.output_type == "error" or o.get("name") == "stderr"]
    assert not [o for o in shown if "application/vnd.jupyter.widget-view+json" in o.get("data", {})]
    title = notebook.cells[0].source
    assert re.match(r"# \S.*\n\n> \S", title), "cell one is `# Title` and `> one line on what it is for`"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=names)
def test_no_machine_leaks_into_outputs(path):
    assert not re.search(r"/tmp/|/home/|/root/|/Users/|site-packages", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=names)
def test_code_fits_the_page(path):
    code = [line for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code" for line in c.source.splitlines()]
    assert [line for line in code if len(line) > (128 if path in ROOMS else 110)] == []


def test_rooms_export_and_tutorials_do_not():
    for path in ROOMS:
        source = [c.source for c in nbformat.read(path, as_version=4).cells]
        assert source[1].startswith("#| default_exp ") and source[-1].endswith("nbdev_export()"), path.name
    for path in TUTORIALS:
        assert not re.search(r"#\s*\|\s*(export|default_exp)", path.read_text(encoding="utf-8")), path.name
    assert (ROOT / "nbs/tutorials/.notest").exists()


def links(path):
    """Targets of Markdown links and images: of a notebook's prose, or of a file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        text = "\n\n".join(c.source for c in nbformat.reads(text, as_version=4).cells if c.cell_type == "markdown")
    return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```[\s\S]*?```|`[^`]*`", "", text))


@pytest.mark.parametrize("path", [*NOTEBOOKS, ROOT / "README.md", ROOT / "CHANGELOG.md"], ids=[*names, "README", "CHANGELOG"])
def test_links_resolve(path):
    for target in links(path):
        if not target.startswith(("https://", "#")):
            assert (path.parent / target.split("#")[0]).exists(), target
            assert path.parent == ROOT or (path.parent / target).resolve().is_relative_to(ROOT / "nbs"), f"{target} is outside of the docs site"


def pages(node):
    """Every page that a part of the Quarto configuration names."""
    if isinstance(node, str):
        return [node] if node.endswith(".ipynb") else []
    return [page for child in (node.values() if isinstance(node, dict) else node) for page in pages(child)] if isinstance(node, (dict, list)) else []


def test_sidebar_lists_every_page_and_no_other():
    website = yaml.safe_load((ROOT / "_quarto.yml").read_text())["website"]
    listed = pages(website["sidebar"])
    assert sorted(listed) == sorted(names) and set(pages(website["navbar"])) <= set(names)
    assert os.readlink(ROOT / "nbs/_quarto.yml") == "../_quarto.yml"


def test_index_lists_every_page():
    listed = links(ROOT / "nbs/index.ipynb")
    assert {n for n in names if n != "index.ipynb"} <= set(listed)


def test_one_place_for_name_version_and_requirements():
    settings = configparser.ConfigParser()
    settings.read(ROOT / "settings.ini")
    assert hackbook.__version__ == settings["DEFAULT"]["version"]
    assert "[project]" not in (ROOT / "pyproject.toml").read_text()
    assert f"## {hackbook.__version__}" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("path", MODULES, ids=[str(p.relative_to(ROOT / "hackbook").with_suffix("")) for p in MODULES])
def test_library_rules(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    assert not calls & {"print", "eval", "exec"}
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names} | {
        n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert not [m for m in imported if m and (m.startswith("matplotlib.pyplot") or m == "pickle")]


def place(path):
    """Package and module of a file of the library; what lies beside the packages is its own."""
    parts = path.relative_to(ROOT / "hackbook").with_suffix("").parts
    return parts if len(parts) == 2 else (*parts, None)


def test_a_room_imports_only_from_rooms_before_it():
    order = {package: [p.stem.split("_", 1)[1] for p in sorted(ROOMS) if p.parent.name == package] for package in PACKAGES}
    for path in MODULES:
        package, room = place(path)
        for node in [n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.ImportFrom) and n.level]:
            names = node.module.split(".") if node.module else [a.name for a in node.names]
            if node.level == 1 and room:
                assert all(order[package].index(u) < order[package].index(room) for u in names[:1]), (path, names)
            else:
                assert PACKAGES.index(names[0]) < PACKAGES.index(package), (path, names)
    assert {p for p, rooms in order.items() if rooms} | {"cli"} == set(PACKAGES)
