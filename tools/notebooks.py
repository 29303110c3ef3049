"""Run the library's notebooks as tests, and compare what they show with what is stored: `python tools/notebooks.py [PATH] [--workers 2]`.

A cell fails when it raises. Where the text of its result is another than the stored one it is reported, and with `--strict` fails too. Text with a time, a date, a path or an
address in it is not compared; decimals may differ by a tenth, since other processors round otherwise. `tools/execute.py` stores anew.
"""

import argparse
import os
import re
import sys
import time
import traceback
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from math import isclose
from pathlib import Path
from pkgutil import walk_packages

ROOT = Path(__file__).resolve().parents[1]
NUMBER = re.compile(r"-?\d[\d,]*\.?\d*(?:e[+-]?\d+)?")
VOLATILE = re.compile(r"\d ?(?:s|ms|min|seconds|minutes)\b|seconds|\d\d:\d\d|\d{4}-\d\d-\d\d|[\w.]*/[\w.]+/|0x[0-9a-f]+|\bMB\b|\bversion|started")
LEFT_OUT = "nbdev_export()"
STALE = "the stored outputs are not up to date\n"


def same(stored, fresh):
    """Are two texts equal, but for decimals that are close, and for the numbers that Keras gives to layers without a name?"""
    stored, fresh = (re.sub(r"(?<=[a-z])_\d+\b", "", text) for text in (stored, fresh))
    if NUMBER.sub("#", stored).split() != NUMBER.sub("#", fresh).split():
        return False
    return all(a == b or ("." in a + b and isclose(value(a), value(b), rel_tol=0.1, abs_tol=0.03))
               for a, b in zip(NUMBER.findall(stored), NUMBER.findall(fresh)))


def value(text):
    return float(text.replace(",", "").rstrip("."))


def result(outputs):
    """The text of a cell's last expression; '' without one."""
    for output in outputs:
        if output["output_type"] == "execute_result":
            text = output["data"].get("text/plain", "")
            return "".join(text)
    return ""


def differences(stored, fresh):
    """What a reader would be told wrongly: (number of the cell, stored, fresh)."""
    found = []
    for i, (before, now) in enumerate(zip(stored, fresh)):
        if not (VOLATILE.search(before) or VOLATILE.search(now)) and not same(before, now):
            found.append((i, before, now))
    return found


@contextmanager
def unpatched():
    """Take back what a notebook patches onto the package's own classes: the next notebook of this process must not meet it."""
    import hackbook
    for module in walk_packages(hackbook.__path__, "hackbook."):
        import_module(module.name)
    classes = {c for name, module in list(sys.modules.items()) if name.startswith("hackbook.") for c in vars(module).values()
               if isinstance(c, type) and c.__module__ == name}
    before = {c: dict(vars(c)) for c in classes}
    try:
        yield
    finally:
        for c, members in before.items():
            for name, value in vars(c).copy().items():
                if name not in members:
                    delattr(c, name)
                elif value is not members[name]:
                    setattr(c, name, members[name])


def run(path):
    """(what went wrong, or '', and the seconds it took) of one notebook."""
    import pandas
    from execnb.nbio import read_nb
    from execnb.shell import CaptureShell

    began, notebook = time.perf_counter(), read_nb(path)
    stored = [result(c.get("outputs", [])) if c.cell_type == "code" else "" for c in notebook.cells]
    os.chdir(path.parent)
    sys.path.insert(0, str(ROOT))
    os.environ["IN_TEST"] = "1"
    pandas.set_option("display.max_columns", 20)  # as in a kernel; a terminal's width would decide
    shell = CaptureShell(path)
    try:
        with unpatched():
            shell.run_all(notebook, exc_stop=True, preproc=lambda c: c.cell_type != "code" or LEFT_OUT in c.source)
    except BaseException:
        return shell.prettytb(fname=path) if shell.exc else traceback.format_exc(), time.perf_counter() - began
    fresh = [result(c.get("outputs", [])) if c.cell_type == "code" and LEFT_OUT not in c.source else "" for c in notebook.cells]
    told = [f"cell {i} stores\n{before or '(nothing)'}\nand shows\n{now or '(nothing)'}" for i, before, now in differences(stored, fresh)]
    return (STALE + "\n".join(told) if told else ""), time.perf_counter() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", nargs="*", default=["nbs/library"])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--strict", nargs="*", metavar="PACKAGE", help="fail for other text than what is stored, too: in these packages, or in all")
    given = parser.parse_args()
    paths = [p.resolve() for g in map(Path, given.path) for p in (sorted(g.rglob("*.ipynb")) if g.is_dir() else [g])]
    with ProcessPoolExecutor(given.workers) as pool:
        results = list(zip(paths, pool.map(run, paths)))
    failed = [(p, trouble) for p, (trouble, _) in results if trouble]
    for path, trouble in failed:
        print(f"\n{path.relative_to(ROOT)}\n{'=' * 60}\n{trouble}", file=sys.stderr)
    slowest = sorted(results, key=lambda r: -r[1][1])[:5]
    print(f"{len(paths) - len(failed)} of {len(paths)} notebooks as stored; slowest: " + ", ".join(f"{p.stem} {s:.0f} s" for p, (_, s) in slowest))
    strict = lambda path: given.strict is not None and (not given.strict or path.parent.name in given.strict)
    sys.exit(any(strict(path) or not trouble.startswith(STALE) for path, trouble in failed))


if __name__ == "__main__":
    import notebooks  # again, by its name: a notebook takes the place of `__main__` in the worker that runs it
    notebooks.main()
