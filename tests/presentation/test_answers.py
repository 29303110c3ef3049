"""Answers are texts in a JSON file: what a form or a hand wrote is read back, and nothing else is."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hackbook as hb
from hackbook.presentation import ask
from hackbook.presentation.answers import QUESTIONS, spoken

TEXTS = st.dictionaries(st.sampled_from(list(QUESTIONS)), st.text(st.characters(exclude_categories=["Cs"]), max_size=80))


@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_what_is_saved_is_loaded(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("answers") / "answers.json"
    answers = hb.Answers(**texts)
    answers.save(path)
    assert hb.load_answers(path) == answers
    assert set(answers.empty) == {name for name in QUESTIONS if not texts.get(name, "").strip()}


@pytest.mark.parametrize("text", ["[]", "{", '{"color": "red"}', '{"title": 3}', '{"title": null}', "[" * 100_000, json.dumps({"team": "a" * 10_001})])
def test_what_is_no_answer_is_refused(tmp_path, text):
    path = tmp_path / "answers.json"
    path.write_text(text)
    with pytest.raises(hb.HackbookError):
        hb.load_answers(path)


def test_a_missing_file_names_the_form(tmp_path):
    with pytest.raises(hb.NotFound, match="hb.presentation.ask"):
        hb.load_answers(tmp_path / "answers.json")


def test_the_form_saves_as_one_types(tmp_path):
    form = ask(tmp_path / "answers.json")
    form.widget  # makes the fields
    form.fields["title"].value = "Read <b>digits</b>"
    form.fields["next"].value = "word " * 65
    saved = hb.load_answers(tmp_path / "answers.json")
    assert saved.title == "Read <b>digits</b>" and saved.seconds == spoken(saved.next) == 30
    assert "too long" in form.timings["next"].value and "0:30" in form.state.value
    form.fields["team"].value = "a" * 10_001
    assert "Not saved" in form.state.value and hb.load_answers(tmp_path / "answers.json") == saved
    assert ask(tmp_path / "answers.json").answers == saved


def test_answers_are_shown_as_texts():
    page = hb.Answers(title="<script>alert(1)</script>", limits='"<img>')._repr_html_()
    assert "<script" not in page and "<img" not in page and "&lt;script&gt;" in page
