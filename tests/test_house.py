"""The house is in order: exports in sync, notebooks clean, links and sidebar whole, rules of the library kept."""

import ast
import configparser
import functools
import importlib.util
import inspect
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
PACKAGES = ["core", "files", "devices", "data", "series", "detection", "problem", "quality", "models", "features", "training", "evaluation", "experiments", "explanations", "checks", "live", "search", "cases", "autoencoders", "drawings", "presentation", "deployment", "speech", "cli", "testing"]  # each imports only from those before it


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


def test_readme_is_made_from_the_index():
    shown = call(sys.executable, "tools/readme.py", "--check")
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


def test_a_cell_exports_as_a_whole():
    """nbdev reads directives at the beginning of a cell; further down they are comments, and what follows has the first one's kind."""
    inside = [(path.name, line) for path in ROOMS for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"
              for line in c.source.splitlines()[1:] if line.startswith(("#| export", "#|export"))]
    assert inside == []


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


def test_index_leads_to_every_tutorial_and_package():
    listed = links(ROOT / "nbs/index.ipynb")
    assert {str(p.relative_to(ROOT / "nbs")) for p in TUTORIALS} <= set(listed) and "glossary.ipynb" in listed
    assert {re.sub(r"^\d\d_|\.ipynb$", "", p.split("/")[1]) for p in listed if p.startswith("library/")} == set(PACKAGES)
    assert len([p for p in listed if p.startswith("library/")]) == len(PACKAGES)


@pytest.mark.parametrize("term", ["early stopping", "save model", "dropout slider", "confusion matrix", "learning curves", "NaN loss"])
def test_the_glossary_has_the_terms_people_search_for(term):
    page = "\n".join(c.source for c in nbformat.read(ROOT / "nbs/glossary.ipynb", as_version=4).cells)
    assert term in page


def test_the_glossary_names_what_there_is():
    rows = [r for c in nbformat.read(ROOT / "nbs/glossary.ipynb", as_version=4).cells for r in c.source.splitlines() if r.startswith("| ")]
    options = {(call, name) for r in rows for call, name in re.findall(r"`hb\.([\w.]+)\((?:[^`]*?[(, …])?(\w+)=", r)}
    assert len(rows) > 60 and len(options) > 15
    for function, name in options:
        thing = functools.reduce(getattr, function.split("."), hackbook)
        assert name in inspect.signature(thing).parameters, (function, name)


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


def imported(path):
    """(level, dotted parts) of each relative import, also of those inside of functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            for parts in [node.module.split(".")] if node.module else [[a.name] for a in node.names]:
                yield node.level, parts


def test_a_package_imports_only_from_those_before_it_and_a_module_from_those_before_it():
    """One order for all: no import points up, so there is no circle."""
    order = {package: [p.stem.split("_", 1)[1] for p in sorted(ROOMS) if p.parent.name == package] for package in PACKAGES}
    assert {package for package, modules in order.items() if modules} | {"cli", "testing"} == set(PACKAGES)
    up = []
    for path in MODULES:
        package, module = place(path)
        for level, parts in imported(path):
            if level == 1 and module:
                ok = order[package].index(parts[0]) < order[package].index(module)
            else:
                ok = PACKAGES.index(parts[0]) < PACKAGES.index(package)
            up += [] if ok else [f"{package}.{module} imports {'.'.join(parts)}"]
    assert up == []


def test_folders_mirror_one_another():
    rooms = {(p.parent.name, p.stem.split("_", 1)[1]) for p in ROOMS if p.parent.name != "library"}
    assert rooms == {place(p) for p in MODULES if place(p)[1]}
    assert max(sum(package == name for package, _ in rooms) for name in PACKAGES) <= 14
    assert {p.name for p in (ROOT / "tests").iterdir() if p.is_dir()} - {"bench", "gpu", "saved", "__pycache__"} <= set(PACKAGES)
    numbers = {package: [int(p.name[:2]) for p in sorted(ROOMS) if p.parent.name == package] for package in PACKAGES}
    assert all(n == list(range(len(n))) for n in numbers.values()), numbers


STUBS = sorted((ROOT / "hackbook").rglob("__init__.pyi"))


@pytest.mark.parametrize("stub", STUBS, ids=[p.parent.name for p in STUBS])
def test_stub(stub):
    """lazy_loader knows no `as`; a function of a module's name would hide it, or be hidden."""
    nodes = [n for n in ast.parse(stub.read_text(encoding="utf-8")).body if isinstance(n, ast.ImportFrom)]
    assert not [a.name for n in nodes for a in n.names if a.asname]
    modules = {p.stem for p in stub.parent.glob("*.py")} | {p.name for p in stub.parent.iterdir() if p.is_dir()}
    names = [a.name for n in nodes if n.module for a in n.names]
    assert not set(names) & modules and len(names) == len(set(names))
    package = importlib.import_module(".".join(stub.parent.relative_to(ROOT).parts))
    assert all(getattr(package, name) is not None for name in package.__all__) and set(names) <= set(package.__all__)


def test_what_packages_take_from_another_is_public():
    """Across packages, through the package: what it lists, or one of its modules."""
    wrong = []
    for path in MODULES:
        for level, parts in imported(path):
            if level == 2 and len(parts) > 1:
                wrong.append(f"{place(path)} imports {'.'.join(parts)}")
    assert wrong == []


def mentioned(path):
    """Every hb.X.Y and hackbook.x.y in the code of a page: cells, fences, code spans, error messages."""
    if path.suffix != ".ipynb":
        texts = re.findall(r"```[\s\S]*?```|`[^`]*`", path.read_text(encoding="utf-8"))
    else:
        cells = nbformat.read(path, as_version=4).cells
        texts = [c.source for c in cells if c.cell_type == "code"]
        texts += [t for c in cells if c.cell_type == "markdown" for t in re.findall(r"```[\s\S]*?```|`[^`]*`", c.source)]
    return {m[1] for t in texts for m in re.finditer(r"(?<![\w./'\"])(?:hb|hackbook)\.((?:[A-Za-z]\w*\.)*[A-Za-z]\w*)", t)}


@pytest.mark.parametrize("path", [*NOTEBOOKS, ROOT / "README.md"], ids=[*names, "README"])
def test_public_names_on_pages_can_be_reached(path):
    missing = []
    for name in sorted(mentioned(path)):
        thing = hackbook
        for part in name.split("."):
            if isinstance(thing, type(hackbook)) and not hasattr(thing, part) and importlib.util.find_spec(f"{thing.__name__}.{part}"):
                importlib.import_module(f"{thing.__name__}.{part}")
            thing = getattr(thing, part, None)
        missing += [] if thing is not None else [name]
    assert missing == []


def test_private_names_stand_in_one_module():
    """What hackbook uses of Keras and ipykernel that begins with an underscore; a version that lacks one is told by name."""
    from hackbook.core.keras_internals import INTERNALS, LATER, missing_internals

    assert missing_internals() == []
    private = {entry.split(".")[-1] for entry in [*INTERNALS, *LATER]}
    used = [f"{path.name}: {name}" for path in MODULES if path.stem != "keras_internals" for name in sorted(private)
            if re.search(rf"(\.|['\"]){name}\b", path.read_text(encoding="utf-8"))]
    assert used == []
