"""A model card says what the record says, is read by the Hub's own parser, and shows every text as text."""

import html
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from huggingface_hub import ModelCard, RepoCard
from markdown_it import MarkdownIt

import hackbook as hb
from hackbook.presentation.card_sections import energy
from hackbook.presentation.markdown import as_markdown, markdown_table, one_line

SAVED = ROOT / "tests/saved"
HOSTILE = "<script>alert('x')</script> a|b `c` --- : # {x: y} \"q\" *z* [l](javascript:1) $e$ 👩‍🚀 שלום\n---\n# head"
NAMES = ["<b>0</b>|x<img src=x onerror=alert(1)>", "a: {b}\n---\n# c", "`x` 👩‍🚀 שלום"]


def render(text):
    return MarkdownIt("commonmark", {"html": True}).enable("table").render(text)


def trained(folder, data, problem, **more):
    hb.set_seed(0)
    splits = problem.split(data)
    run = hb.fit(hb.models.cnn(splits, filters=(4,)), splits, epochs=2, to=folder / "runs", **more)
    return splits, run


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    problem = hb.Problem("Which digit is this?", "image-classification", baseline=.9, baseline_by="linear", who="A school", risks=["A wrong grade"])
    splits, run = trained(folder, hb.data.digits().take(np.arange(400)), problem)
    return folder, problem, splits, run, hb.evaluate(run, splits.test, reason="the card")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    digits = hb.data.digits().take(np.arange(300))
    data = hb.Dataset(digits.x, digits.y % 3, NAMES, name=HOSTILE, origin=HOSTILE, groups=np.array(NAMES)[np.arange(300) // 10 % 3])
    problem = hb.Problem(HOSTILE, "image-classification", who=HOSTILE, worth=HOSTILE, risks=[HOSTILE], baseline=.5, baseline_by=HOSTILE)
    splits = hb.split(data, by="class")
    hb.set_seed(0)
    run = hb.fit(hb.models.cnn(splits, filters=(4,)), splits, epochs=1, to=None)
    return problem, run, hb.evaluate(run, splits.validation)


@pytest.fixture(scope="module")
def ink(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ink")
    digits = hb.data.digits().take(np.arange(200))
    problem = hb.Problem("How much ink?", "regression", "mae", unit="levels", baseline=3.)
    data = hb.Dataset(digits.x, digits.x.mean(axis=(1, 2)), name="ink", task="regression")
    splits, run = trained(folder, data, problem)
    return folder, problem, splits, run, hb.evaluate(run, splits.validation)


def compared(card, result, folder):
    """The card as the Hub's parser reads it; its scores are those of the evaluation."""
    path = folder / "read.md"
    path.write_bytes(card.text.encode())
    read = ModelCard.load(path)
    values = {r.metric_name.split()[0]: r.metric_value for r in read.data.eval_results}
    assert values == result.scores.score.dropna().to_dict()
    assert RepoCard.load(path).text.strip() == card.body.strip()
    return read.data


def test_the_hub_reads_what_was_recorded(digits, tmp_path):
    folder, problem, splits, run, result = digits
    answers = hb.Answers(title="Digits", license="CC-BY-4.0", team="Two")
    data = compared(hb.model_card(problem, run, result, answers=answers), result, tmp_path)
    assert (data.license, data.library_name, data.pipeline_tag, data.model_name) == ("cc-by-4.0", "keras", "image-classification", "Digits")
    assert {r.dataset_split for r in data.eval_results} == {"test"}
    assert {r.dataset_revision for r in data.eval_results} == {run.record["data"]["test"]["fingerprint"]}
    row = result.scores.loc["accuracy"]
    assert data.eval_results[0].metric_name == f"accuracy (95% interval {row.low:.4g} to {row.high:.4g})"


def test_the_body_has_the_numbers_of_the_record(digits):
    folder, problem, splits, run, result = digits
    body = hb.model_card(problem, run, result).body
    for part in ("train", "validation", "test"):
        assert run.record["data"][part]["fingerprint"] in body
    assert f"once ({run.record['openings'][0]['time']}: the card)" in body
    error, low, high = result.calibration_error()
    assert f"Expected calibration error {error:.3f} (95% interval {low:.3f} to {high:.3f})" in body
    for name, row in result.classes.iterrows():
        assert f"| {name} | {row.precision:.4g} | {row.recall:.4g} | {row.f1:.4g} | {row.f1_low:.4g} | {row.f1_high:.4g} |" in body
    assert "accuracy 90.0% by linear" in body and "A wrong grade" in body and "A school" in body


def test_sections_are_those_of_the_template_in_its_order(digits):
    import huggingface_hub

    folder, problem, splits, run, result = digits
    template = (Path(huggingface_hub.__file__).parent / "templates/modelcard_template.md").read_text()
    known = [h.removesuffix(" [optional]") for h in re.findall("^## (.*)", template, flags=re.M)]
    answers = hb.Answers(failed="One thing.", contact="Here.")
    ours = re.findall("^## (.*)", hb.model_card(problem, run, result, answers=answers).body, flags=re.M)
    assert ours == [h for h in known if h in ours] and len(ours) >= 9


def test_what_nobody_said_is_left_out(digits):
    folder, problem, splits, run, result = digits
    text = hb.model_card(problem, run, result).text
    assert "More Information Needed" not in text and "license" not in text.lower()
    for heading in ("Contact", "What Did Not Work", "Next Steps", "Model Examination", "Developed by"):
        assert heading not in text
    headings = re.findall(r"^(#+) .*\n\n(#*)", text, flags=re.M)
    assert all(not after or len(after) > len(level) for level, after in headings)  # no heading without anything below


def test_answers_stand_in_the_card(digits):
    folder, problem, splits, run, result = digits
    names = ["team", "audience", "problem", "approach", "failed", "next", "intended_use", "limits", "contact"]
    body = hb.model_card(problem, run, result, answers=hb.Answers(**{n: f"said about {n.replace('_', ' ')}" for n in names})).body
    assert all(f"said about {n.replace('_', ' ')}" in body for n in names) and "A school" not in body


def test_the_code_runs_as_printed(digits):
    folder, problem, splits, run, result = digits
    card = hb.model_card(problem, run, result, to=folder / "cards" / "card.md")
    code = re.search("```python\n(.*?)```", card.body, flags=re.S)[1]
    shown = subprocess.run([sys.executable, "-c", code], cwd=card.path.parent, capture_output=True, text=True, timeout=600)
    assert shown.returncode == 0 and shown.stdout.startswith("Predictions("), shown.stderr


def test_the_code_of_a_table_with_odd_names_runs(tmp_path):
    rng = np.random.default_rng(0)
    x = pd.DataFrame(rng.normal(size=(80, 2)).astype("float32"), columns=["<b>k'm</b> ```", "h\n```"])
    data = hb.Dataset(x, (x.sum(axis=1) > 0).astype(int), ["lo", "hi"])
    splits = hb.split(data)
    import keras

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, "softmax")])
    run = hb.fit(model, splits, epochs=1, to=tmp_path / "runs")
    result = hb.evaluate(run, splits.validation)
    card = hb.model_card(hb.Problem("Up?", "tabular-classification"), run, result, to=tmp_path / "card.md")
    code = re.search("```python\n(.*?)\n```\n", card.body, flags=re.S)[1]
    assert "<b>" not in card.body and card.metadata["pipeline_tag"] == "tabular-classification"
    run_there = {}
    exec(code.replace(repr("runs/" + run.folder.name), repr(str(run.folder))), run_there)
    assert set(run_there["x"]) == set(x)


def test_a_loaded_run_has_the_same_card(digits):
    folder, problem, splits, run, result = digits
    assert hb.model_card(problem, hb.load_run(run.folder), result).text == hb.model_card(problem, run, result).text


def test_runs_of_older_records(tmp_path):
    splits = hb.split(hb.data.digits().take(np.arange(400)))
    run = hb.load_run(SAVED / "classes")
    result = hb.evaluate(run, splits.validation)
    card = hb.model_card(hb.Problem("Which digit?", "image-classification"), run, result)
    compared(card, result, tmp_path)
    assert "pipeline_tag" not in card.metadata  # the record does not say what the examples were
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 3)).astype("float32")
    line = hb.Dataset(x, x.sum(axis=1), task="regression")
    run = hb.load_run(SAVED / "numbers")
    compared(hb.model_card(hb.Problem("How much?", "regression"), run, hb.evaluate(run, line)), hb.evaluate(run, line), tmp_path)


def test_a_run_that_was_not_saved_has_no_code(hostile):
    problem, run, result = hostile
    assert "```" not in hb.model_card(problem, run, result).body


def test_regression(ink, tmp_path):
    folder, problem, splits, run, result = ink
    card = hb.model_card(problem, run, result, to=tmp_path / "card.md")
    compared(card, result, tmp_path)
    assert "pipeline_tag" not in card.metadata and card.path.read_bytes().decode() == card.text
    assert "Per Class" not in card.body and "Calibration" not in card.body
    assert f"**{result.mae:.4g} levels**" in card.body and "a baseline to beat: mae 3 levels" in card.body
    assert "never, by the record of this run" in card.body and "the validation set" in card.body


def test_hostile_texts_stay_text(hostile, tmp_path):
    problem, run, result = hostile
    names = ["title", "team", "audience", "problem", "approach", "failed", "next", "intended_use", "limits", "license", "contact"]
    answers = hb.Answers(**{name: HOSTILE for name in names})
    card = hb.model_card(problem, run, result, answers=answers,
                         evidence={HOSTILE: pd.DataFrame({HOSTILE: [HOSTILE]}), NAMES[0]: result.confused(), "slices": result.slices("class")})
    data = compared(card, result, tmp_path)
    assert data.model_name == one_line(HOSTILE) == data.to_dict()["license_name"] and data.license == "other"
    assert yaml.safe_load(card.text.split("\n---\n")[0].removeprefix("---\n")) == card.metadata
    shown = render(card.text)      # by a viewer that takes the header for Markdown, too
    assert "<script" not in card.text and "<script" not in shown and "<img" not in shown and "<b>" not in shown
    page = render(card.body)
    assert "<script" not in page and "<img" not in page and "<b>" not in page and "<a " not in page and "<hr" not in page and "<em>" not in page
    assert "&lt;script&gt;" in page and "👩‍🚀" in page and "שלום" in page
    for table in re.findall("<table>.*?</table>", page, flags=re.S):
        rows = [len(re.findall("<t[hd][ >]", row)) for row in re.findall("<tr>.*?</tr>", table, flags=re.S)]
        assert len(set(rows)) == 1
    assert [h for h in re.findall("<h2>(.*?)</h2>", page) if "head" in h] == []


def test_groups_have_a_table(hostile):
    problem, run, result = hostile
    body = hb.model_card(problem, run, result).body
    slices = result.slices("group", min_examples=2).frame
    assert "#### Per Group" in body and len(slices) == 3
    for row in slices.itertuples():
        assert f"| {as_markdown(row.value)} | {row.examples} | {row.score:.4g} |" in body


def test_evidence_brings_its_sentences(digits):
    folder, problem, splits, run, result = digits
    comparison = hb.compare_results({"cnn": result}, splits=splits)
    slices = result.slices()
    body = hb.model_card(problem, run, result, evidence=[comparison, slices, comparison.frame]).body
    assert "#### Comparison" in body and "#### Slices" in body and "#### Table" in body
    for sentence in [*comparison.sentences, *slices.sentences]:
        assert f"- {as_markdown(sentence)}" in body


def test_a_study_is_told(digits, tmp_path):
    folder, problem, splits, run, result = digits
    study = hb.load_study(shutil.copy(SAVED / "study.db", tmp_path))
    other = next(n for n in study.ranked().trial if n != study.by_score().trial[0])
    study.optuna.set_user_attr(f"repeat {other} 1", {"status": "finished", "score": .999, "scores": [.999], "seconds": 1., "training": 1., "reason": "", "seed": 1, "worker": "", "folder": ""})
    assert study.ranked().trial[0] == other and study.ranked().score[0] != study.frame.score.max()     # best by mean, not by score
    body = hb.model_card(problem, run, result, study=study).body
    assert f"- **Best score in the search:** {study.frame.score.max():.4f}, which is optimistic" in body
    assert f"{len(study.frame)} trials" in body and f"{study.frame.seconds.sum():,.0f} s of training" in body


def test_energy_is_a_range_with_its_assumption(digits):
    folder, problem, splits, run, result = digits
    cores = run.record["machine"]["cores"]
    low, high = energy(run.seconds, cores)
    body = hb.model_card(problem, run, result).body
    assert low == pytest.approx(2 * cores * run.seconds / 3600) and high == pytest.approx(7.5 * low)
    assert f"{low:.2g} to {high:.2g} Wh ({cores} cores × 2 to 15 watts per core × {run.seconds:.1f} s" in body


def test_a_single_example_and_other_examples(digits, tmp_path):
    folder, problem, splits, run, result = digits
    one = hb.evaluate(run, splits.validation.take([0]))
    card = hb.model_card(problem, run, one)
    compared(card, one, tmp_path)
    assert "no part of the split" in card.body and not re.search(r"\bnan\b", card.text.lower())
    train = hb.model_card(problem, run, hb.evaluate(run, splits.train)).body
    assert "say little about new data" in train


def test_what_does_not_belong_together_is_refused(digits, ink, tmp_path):
    folder, problem, splits, run, result = digits
    other = ink
    for problem_, run_, result_, more in [
        (other[1], run, result, {}), (problem, run, other[4], {}), (problem, other[3], result, {}), (None, run, result, {}), (problem, run.model, result, {}),
        (problem, run, None, {}), (problem, run, result, {"answers": "x"}), (problem, run, result, {"study": 3}), (problem, run, result, {"evidence": "x"}),
        (problem, run, result, {"evidence": 3}), (problem, run, result, {"to": tmp_path / "card.html"}),
    ]:
        with pytest.raises(hb.HackbookError):
            hb.model_card(problem_, run_, result_, **more)
    assert not list(tmp_path.iterdir())


def test_a_card_that_cannot_be_written_leaves_the_old_one(digits, tmp_path, monkeypatch):
    folder, problem, splits, run, result = digits
    path = tmp_path / "card.md"
    path.write_text("old")

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(hb.HackbookError, match="what was there before is intact"):
        hb.model_card(problem, run, result, to=path)
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 1


@given(st.text(max_size=60))
def test_markdown_shows_any_text(text):
    page = render(f"- **x:** {as_markdown(text)}")
    assert re.findall("<([a-z0-9]+)", page) == ["ul", "li", "strong"]
    assert one_line(html.unescape(re.sub("<[^>]*>", "", page)).replace("x:", "", 1)) == one_line(text)


@given(st.lists(st.text(max_size=30), min_size=2, max_size=2))
def test_a_table_keeps_its_shape(cells):
    page = render(markdown_table(pd.DataFrame([cells, cells], columns=["a", "b"])))
    assert page.count("<td") == 4 and page.count("<th>") == 2


def test_a_card_is_json_like_data(digits):
    folder, problem, splits, run, result = digits
    card = hb.model_card(problem, run, result)
    assert json.loads(json.dumps(card.metadata)) == card.metadata
    assert "\n" not in repr(card) and card._repr_markdown_() == card.body
