"""What only people know is saved whole, refused when broken, and shown as text."""

import json
from dataclasses import asdict, fields
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hackbook as hb
from hackbook.presentation.answers import LONGEST, QUESTIONS, spoken

NAMES = [f.name for f in fields(hb.Answers)]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


def text_of(page):
    """All text of an HTML page, and its tags."""
    texts, tags = [], set()
    parser = HTMLParser()
    parser.handle_data = texts.append
    parser.handle_starttag = lambda tag, attrs: tags.add(tag)
    parser.feed(page)
    return "".join(texts), tags


@given(st.fixed_dictionaries({name: TEXTS for name in NAMES}))
def test_saved_answers_come_back(tmp_path, texts):
    answers = hb.Answers(**texts)
    assert hb.load_answers(answers.save(tmp_path / "a.json")) == answers
    assert set(answers.empty) == {name for name, text in texts.items() if not text.strip()}


def test_every_field_has_a_question_and_a_hint():
    assert list(QUESTIONS) == NAMES
    assert all(q.text.endswith("?") and len(q.hint) > 20 for q in QUESTIONS.values())
    assert sum(q.seconds for q in QUESTIONS.values()) == 140  # of three minutes, with time for the result


@pytest.mark.parametrize("value", [None, 3, 1.5, ["a"], b"a", True])
@pytest.mark.parametrize("name", ["title", "contact"])
def test_other_types_are_refused(name, value, tmp_path):
    with pytest.raises(hb.HackbookError, match=f"{name} must be a text"):
        hb.Answers(**{name: value})
    if not isinstance(value, bytes):
        path = tmp_path / "a.json"
        path.write_text(json.dumps({name: value}))
        with pytest.raises(hb.HackbookError, match=f"{name} must be a text"):
            hb.load_answers(path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b"\xff\xfe\x00", b"[" * 100_000, b'{"titel": "x"}', b'{"title": "\\ud800"}'])
def test_a_broken_file_is_refused_and_stays(content, tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    for read in (hb.load_answers, hb.presentation.ask):
        with pytest.raises(hb.HackbookError):
            read(path)
    assert path.read_bytes() == content


def test_places_that_cannot_be(tmp_path):
    with pytest.raises(hb.HackbookError, match="ask"):
        hb.load_answers(tmp_path / "none.json")
    with pytest.raises(hb.HackbookError, match="json"):
        hb.Answers().save(tmp_path / "a.txt")
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(hb.HackbookError, match="folder"):
        hb.presentation.ask(tmp_path / "folder.json")


def test_a_change_after_construction_is_checked_when_saved(tmp_path):
    answers = hb.Answers(title="Digits")
    path = answers.save(tmp_path / "a.json")
    answers.title = 3
    with pytest.raises(hb.HackbookError):
        answers.save(path)
    assert hb.load_answers(path).title == "Digits"


@given(TEXTS)
def test_texts_are_shown_as_text(text):
    shown, tags = text_of(hb.Answers(title=text, next=text)._repr_html_())
    plain, plain_tags = text_of(hb.Answers(title="x")._repr_html_())
    assert tags == plain_tags and text.strip() in shown


def test_markup_is_escaped():
    page = hb.Answers(team='<script>alert("x")</script>')._repr_html_()
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_the_form_saves_each_text_as_it_is_typed(tmp_path):
    path = tmp_path / "a.json"
    form = hb.presentation.ask(path)
    assert form.widget is form.widget and not path.exists() and "Nothing is saved yet" in form.state.value
    for name in NAMES:
        form.fields[name].value = f"about {name}"
    assert asdict(hb.load_answers(path)) == {name: f"about {name}" for name in NAMES}
    assert "Everything is answered" in form.state.value
    form.fields["next"].value = " "
    assert "Still empty: next" in form.state.value


def test_two_forms_do_not_overwrite_each_other(tmp_path):
    one, other = (hb.presentation.ask(tmp_path / "a.json") for _ in range(2))
    one.widget, other.widget
    one.fields["title"].value = "Digits"
    other.fields["team"].value = "Two"
    assert hb.load_answers(tmp_path / "a.json") == hb.Answers(title="Digits", team="Two")


def test_the_form_says_why_it_did_not_save(tmp_path):
    form = hb.presentation.ask(tmp_path / "a.json")
    form.widget
    form.fields["title"].value = "good"
    form.fields["title"].value = "<b>" * LONGEST
    assert "Not saved" in form.state.value
    assert hb.load_answers(form.path).title == "good"
    form.path.write_text("{")
    form.fields["team"].value = "Two"
    assert "Not saved" in form.state.value and form.path.read_text() == "{"


def test_without_a_browser_the_form_is_a_table(tmp_path):
    shown = hb.presentation.ask(tmp_path / "a.json")._repr_mimebundle_()
    assert set(shown) == {"text/plain", "text/html"}
    assert all(q.text in text_of(shown["text/html"])[0] for q in QUESTIONS.values())


def test_time_to_tell():
    told = hb.Answers(problem="word " * 65, limits="word " * 500)  # limits are written, not told
    assert told.seconds == spoken("word " * 65) == 30
