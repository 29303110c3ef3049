"""`hackbook run -p name=value`: a value is what it says in JSON or Python, and else a text."""

import ast
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hackbook.cli import _value

SAID = [("false", False), ("False", False), ("FALSE", False), ("true", True), ("null", None), ("None", None), ("1e-3", 0.001), ("3", 3), ("-2", -2), ("[1,2]", [1, 2]), ("[true, null]", [True, None]),
        ('{"a": [1, 2]}', {"a": [1, 2]}), ("{'a': True}", {"a": True}), ('"5"', "5"), ("'5'", "5"), ("007", "007"), ("12:30", "12:30"), ("5 min", "5 min"), ("one-cycle", "one-cycle"), ("", ""),
        ("a=b", "a=b"), ("1_000", 1000), ("[1, 2", "[1, 2"), ("none", "none"), ("no", "no"), ("2026-01-31", "2026-01-31"), (" false ", False), ("{1, 2}", "{1, 2}"), ("(8, 16)", [8, 16]), ("1,2", [1, 2]), ("2j", "2j")]


@pytest.mark.parametrize("text, value", SAID)
def test_a_value_is_what_it_says(text, value):
    assert _value(text) == value and type(_value(text)) is type(value)


pieces = st.sampled_from(["true", "false", "null", "None", "[", "]", "{", "}", "(", ")", ",", ":", '"', "'", "1", "e", "-", ".", "\\", " ", "0x", "lambda", "**9", "\x00"])


@given(st.text(max_size=30) | st.lists(pieces, max_size=12).map("".join) | st.just("[" * 5000) | st.just("-" * 9000) | st.just("9" * 5000))
def test_any_text_becomes_a_parameter(text):
    from papermill.translators import PythonTranslator

    value = _value(text)
    written = PythonTranslator.translate(value)  # as it gets into the notebook
    if isinstance(value, str):
        assert value == text or ast.literal_eval(text.strip()) == value or text.strip().startswith('"')
    elif not isinstance(value, float) or math.isfinite(value):
        assert ast.literal_eval(written) == value or value != value
