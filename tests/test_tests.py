"""What a test must not do: set a limit in seconds, or draw without a seed. Looked for in the tests and in the library's notebooks."""

import ast
import re

import nbformat
import pytest
from conftest import ROOMS, ROOT

CLOCK = re.compile(r"\b(?:perf_counter|monotonic|process_time|time\.time)\(\)")
SECONDS = re.compile(r"\b(?:seconds|took|elapsed|duration)\b")
DRAWS = re.compile(r"default_rng\(\)|np\.random\.(?:rand|normal|uniform|choice|shuffle|permutation)\w*\(|(?<![\w.])random\.(?:random|choice|shuffle|sample|uniform|randint)\(")


def times(tree):
    """Names that stand for seconds: what was computed from a clock."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and CLOCK.search(ast.unparse(node.value)):
            found |= {n.id for target in node.targets for n in ast.walk(target) if isinstance(n, ast.Name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and found & {n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)} and isinstance(node.value, ast.BinOp):
            found |= {n.id for target in node.targets for n in ast.walk(target) if isinstance(n, ast.Name)}
    return found


def is_number(node):
    return all(isinstance(n, (ast.Constant, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop)) for n in ast.walk(node))


def limits(source):
    """The comparisons in assertions that ask whether something took less than a fixed number of seconds."""
    tree, found = ast.parse(source), []
    clocks = times(tree)
    for check in ast.walk(tree):
        for node in ast.walk(check) if isinstance(check, ast.Assert) else ():
            if not isinstance(node, ast.Compare):
                continue
            for left, operator, right in zip([node.left, *node.comparators], node.ops, node.comparators):
                if isinstance(operator, (ast.Gt, ast.GtE)):
                    left, right = right, left
                text = ast.unparse(left)
                timed = CLOCK.search(text) or SECONDS.search(text) or clocks & {n.id for n in ast.walk(left) if isinstance(n, ast.Name)}
                if timed and isinstance(operator, (ast.Lt, ast.LtE, ast.Gt, ast.GtE)) and is_number(right) and not is_number(left):
                    found.append(ast.unparse(node))
    return found


def draws(source):
    """The functions, and other statements of the module, that draw and do not speak of a seed."""
    parts = [ast.unparse(node) for node in ast.parse(source).body]
    return [part.splitlines()[0] for part in parts if DRAWS.search(re.sub(r"'[^'\n]*'", "", part)) and "seed" not in part]


def cells(path):
    """The code of a notebook that Python alone understands."""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code" and "%%" not in cell.source:
            yield re.sub(r"^[%!?].*$", "", cell.source, flags=re.M)


TESTS = sorted(p for p in (ROOT / "tests").rglob("*.py") if "bench" not in p.parts)


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_no_limit_in_seconds_and_nothing_drawn_without_a_seed(path):
    source = path.read_text(encoding="utf-8")
    assert limits(source) == [] and draws(source) == []


@pytest.mark.parametrize("path", ROOMS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_nor_in_the_examples_of_a_notebook(path):
    assert [found for source in cells(path) for found in limits(source) + (draws(source) if "seed" not in source else [])] == []


@pytest.mark.parametrize("source, wrong", [
    ("began = time.perf_counter()\nwork()\nassert time.perf_counter() - began < 3", 1),
    ("began = time.time()\ntook = time.time() - began\nassert 20 >= took", 1),
    ("assert report.seconds < 20", 1),
    ("assert 0 < report.seconds", 0),
    ("assert run.seconds < 1.5 * other.seconds", 0),
    ("until = time.monotonic() + 60\nassert time.monotonic() < until", 0)])
def test_limits_are_found(source, wrong):
    assert len(limits(source)) == wrong


@pytest.mark.parametrize("line, wrong", [
    ("x = np.random.default_rng().normal(3)", 1), ("x = np.random.rand(3)", 1), ("x = random.choice(y)", 1),
    ("x = np.random.default_rng(0).normal(3)", 0), ("x = random.Random(0).choice(y)", 0), ("x = keras.random.normal(3, seed=1)", 0),
    ("def f(seed):\n    random.seed(seed)\n    return random.random()", 0)])
def test_draws_are_found(line, wrong):
    assert len(draws(line)) == wrong
