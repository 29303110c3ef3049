"""Test what a change touches: `make check`.

A notebook of the library runs where its code has changed since it last passed here, or the code of a module that it imports by name.
pytest-testmon picks the tests that execute what has changed, from a record of which test executes what: `make check RECORD=1` writes it,
and takes as long as `make test`. Without the record the tests of the changed packages run, and those of the house rules.
"""

import json
import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import notebooks
from execnb.nbio import read_nb

ROOT = Path(__file__).resolve().parents[1]
PASSED, RECORD = ROOT / ".venv/.passed.json", ROOT / ".testmondata"
IMPORT = re.compile(r"from hackbook(?:\.(\w+))?(?:\.(\w+))? import ([\w, ]+)")
HOUSE = ["tests/test_house.py", "tests/test_words.py", "tests/test_tests.py"]


def changed():
    """Files that differ from the last commit, or are not in it."""
    shown = subprocess.run(["git", "status", "--porcelain", "-z", "--untracked-files=all"], cwd=ROOT, capture_output=True, text=True)
    return {entry[3:] for entry in shown.stdout.split("\0") if entry}


def homes():
    """The module that each public name of a package comes from, as its stub says."""
    found = {}
    for stub in (ROOT / "hackbook").rglob("__init__.pyi"):
        for module, names in re.findall(r"^from \.(\w+) import \(?([\w,\s]+)", stub.read_text(), re.M):
            found |= {(stub.parent.name, name): stub.parent / f"{module}.py" for name in re.findall(r"\w+", names)}
    return found


def modules(source, known):
    """The modules that a notebook imports by name, as paths."""
    found = set()
    for package, module, names in IMPORT.findall(source):
        if module:
            found.add(ROOT / f"hackbook/{package}/{module}.py")
        found |= {known[package, name] for name in re.findall(r"\w+", names) if (package, name) in known}
    return {path for path in found if path.is_file()}


def key(path, known):
    """What decides whether a notebook passes: its code, and that of the modules that it imports."""
    source = "\n".join(c.source for c in read_nb(path).cells if c.cell_type == "code")
    parts = [source, *(p.read_text() for p in sorted(modules(source, known)))]
    return sha256("\0".join(parts).encode()).hexdigest()


def to_run():
    """Notebooks to run, and the keys of all; one that never ran here counts as changed where git says so."""
    known, touched = homes(), changed()
    passed = json.loads(PASSED.read_text()) if PASSED.is_file() else {}
    keys = {str(p.relative_to(ROOT)): key(p, known) for p in sorted((ROOT / "nbs/library").rglob("*.ipynb"))}
    return [name for name, k in keys.items() if (passed[name] != k if name in passed else name in touched)], passed | keys


def tests():
    """What pytest is called with."""
    aside = ["--ignore=tests/test_library.py", "-q", "--durations=5"]
    if "--record" in sys.argv:
        return [*aside, "-n", "3", "--dist", "loadscope", "--no-loadscope-reorder", "--testmon-noselect"]
    if RECORD.is_file():
        return [*aside, "--testmon"]
    print("make check: no record of what each test executes, so the tests of the changed packages run; make check RECORD=1 writes it", flush=True)
    parts = [Path(name).parts for name in changed()]
    packages = {p[1] for p in parts if p[0] in ("hackbook", "tests") and len(p) > 2} | {p[2] for p in parts if p[:2] == ("nbs", "library") and len(p) > 3}
    files = [name for name in changed() if re.fullmatch(r"tests/test_\w+\.py", name)]
    return [*aside, "-n", "2", "--dist", "loadscope", *files, *HOUSE, *(f"tests/{p}" for p in sorted(packages) if (ROOT / "tests" / p).is_dir())]


def main():
    run, keys = to_run()
    if run and subprocess.run([sys.executable, notebooks.__file__, *run, "--strict"], cwd=ROOT).returncode:
        sys.exit(1)
    PASSED.write_text(json.dumps(keys))
    ended = subprocess.run([sys.executable, "-m", "pytest", *tests()], cwd=ROOT).returncode
    sys.exit(ended if ended != 5 else 0)  # 5: no test was touched


if __name__ == "__main__":
    main()
