"""An exercise says what kind of answer it wants, and stops no notebook."""

import ast

import nbformat
import pytest
from conftest import TUTORIALS

import hackbook as hb

SCRAP = [0, -1, 2.5, "x", "", [], [1], {}, {"a": 1}, object(), len, hb.Problem, float("nan"), b"x", (1, 2), True]


@pytest.mark.parametrize("right, says", [(4, "a whole number"), (0.25, "a number"), ("dropout", "a text, in quotes"), ({"a": "pass"}, "a dict"), ([1, 2], "a list"), (True, "True or False")])
def test_a_wrong_kind_is_told(right, says):
    assert hb.exercise(right, right) == "Right!"
    for answer in [a for a in SCRAP if not isinstance(a, type(right)) and not (isinstance(right, float) and isinstance(a, int))]:
        said = hb.exercise(answer, right, "A hint.")
        assert f"The answer is {says}" in said and type(answer).__name__ in said and said.endswith("A hint."), said


def test_a_whole_number_is_a_number_and_true_is_none():
    assert hb.exercise(1, 1.0) == "Right!" and "a number" in hb.exercise(True, 1.0) and "a whole number" in hb.exercise(True, 1)


@pytest.mark.parametrize("wanted, says", [(float, "a number"), (hb.Dataset, "a Dataset"), ("a Run, what hb.fit returns", "a Run, what hb.fit returns"), (None, "cannot be checked")])
def test_a_check_that_breaks_is_an_answer_too(wanted, says):
    assert says in hb.exercise(object(), lambda run: run.model.count_params() < 3000, "", wanted)


@pytest.mark.parametrize("answer", SCRAP, ids=range(len(SCRAP)))
def test_nothing_raises(answer):
    for right in (3, "a", {"a": 1}, lambda a: a.b, lambda a: a > 3, lambda a: 1 / 0):
        assert hb.exercise(answer, right).startswith(("Right!", "Not yet."))


@pytest.mark.parametrize("path", TUTORIALS, ids=[t.stem for t in TUTORIALS])
def test_every_check_by_a_function_says_what_it_wants(path):
    """Where the right answer is worked out by a function, its kind cannot be told from a value."""
    checks = [c.source for c in nbformat.read(path, as_version=4).cells if "hb.exercise(" in c.source]
    assert len(checks) == 3
    for source in checks:
        tree = ast.parse(source)
        functions = {f.name for f in ast.walk(tree) if isinstance(f, ast.FunctionDef)}
        functions |= {a.targets[0].id for a in ast.walk(tree) if isinstance(a, ast.Assign) and isinstance(a.value, ast.Lambda)}
        (call,) = [c for c in ast.walk(tree) if isinstance(c, ast.Call) and getattr(c.func, "attr", "") == "exercise"]
        by_function = isinstance(call.args[1], ast.Lambda) or getattr(call.args[1], "id", "") in functions
        assert not by_function or "wanted" in {k.arg for k in call.keywords} or len(call.args) > 3, source
