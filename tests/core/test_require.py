"""What `require` is given is computed before it looks: it has to be there for good input as well."""

import ast
from pathlib import Path

import pytest

import hackbook as hb

MODULES = sorted(p for p in Path(hb.__file__).parent.rglob("*.py") if not p.name.startswith("_"))


def fragile(node):
    """Does the expression take an element that need not be there, or a name that not every object has?"""
    if isinstance(node, ast.Call):
        return getattr(node.func, "id", "") == "next"
    if isinstance(node, ast.Attribute):
        return node.attr == "__name__" and not isinstance(node.value, ast.Call)
    if not isinstance(node, ast.Subscript):
        return False
    element = isinstance(node.slice, (ast.Constant, ast.UnaryOp))
    return element and (isinstance(node.value, ast.Subscript) or getattr(node.value, "attr", "") in ("iloc", "iat"))


def test_fragile():
    found = [fragile(ast.parse(text, mode="eval").body) for text in ("y[bad][0]", "text.iloc[0]", "next(a)", "build.__name__", "odd[:3]", "type(x).__name__", "x.shape[1]")]
    assert found == [True] * 4 + [False] * 3


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.stem)
def test_no_check_dies_on_good_input(path):
    calls = [n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "require"]
    assert [ast.unparse(c) for c in calls if any(fragile(n) for a in [*c.args[1:], *c.keywords] for n in ast.walk(a))] == []


def test_a_partial_function_is_searched_as_it_is():
    from functools import partial

    from hackbook.search.space import Space
    from hackbook.search.tuning import _check_space
    _check_space(partial(lambda splits, width=8: None, width=4), Space({"width": [4, 8]}))


def test_decisions_that_are_no_table():
    for wrong in (5, None):
        with pytest.raises(hb.HackbookError, match="must be a table with the columns"):
            hb.quality.save_decisions(wrong, "never.csv")
