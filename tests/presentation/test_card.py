"""A model card is what the record says: it is read back with the parser of the Hugging Face Hub."""

import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import yaml
from huggingface_hub import EvalResult, ModelCard

import hackbook as hb

HOSTILE = ["<script>alert(1)</script>", 'a|b "quoted" `code`', "---\nline: [break", "عربي", "🙂 " + "long " * 1990]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    data = hb.data.digits().take(np.arange(400))
    splits = hb.split(data)
    hb.set_seed(0)
    run = hb.fit(hb.models.cnn(splits, filters=(4,)), splits, epochs=2, to=tmp_path_factory.mktemp("runs"))
    return splits, run, hb.evaluate(run, splits.test, reason="for the card")


@pytest.fixture(scope="module")
def problem():
    return hb.Problem("Which digit is it?", "image-classification", "accuracy", baseline=0.1, baseline_by="chance")


def test_the_hub_reads_it_back(problem, trained, tmp_path):
    splits, run, result = trained
    answers = hb.Answers(title="Read digits", license="apache-2.0", limits="Only digits.")
    card = hb.model_card(problem, run, result, answers=answers, to=tmp_path / "card.md")
    found = ModelCard.load(tmp_path / "card.md")
    assert found.data.license == "apache-2.0" and found.data.library_name == "keras" and found.data.pipeline_tag == "image-classification"
    scores = {r.metric_type: r.metric_value for r in found.data.eval_results}
    assert all(isinstance(r, EvalResult) and r.dataset_split == "test" for r in found.data.eval_results)
    assert scores["accuracy"] == result.accuracy and scores["f1"] == float(result.scores.score["f1_macro"])
    low, high = result.scores.loc["accuracy", ["low", "high"]]
    assert f"interval {low:.4g} to {high:.4g}" in next(r.metric_name for r in found.data.eval_results if r.metric_type == "accuracy")
    assert found.content.endswith(card.body + "\n") and "for the card" in card.body
    for part in splits.train, splits.validation:
        assert part.fingerprint in card.body


def test_what_nobody_answered_is_left_out(problem, trained):
    _, run, result = trained
    body = hb.model_card(problem, run, result).body
    assert "Contact" not in body and "License" not in body and "Next Steps" not in body
    assert not re.search(r"more information needed|\bTODO\b|\bNone\b|\bnan\b", body, re.I)
    headings = re.findall("^(#+) (.+)$", body, flags=re.M)
    after = [m.end() for m in re.finditer("^#+ .+$", body, flags=re.M)]
    assert len(headings) > 10 and all(body[end:].strip() for end in after)


def test_the_code_on_it_runs(problem, trained, tmp_path):
    _, run, result = trained
    body = hb.model_card(problem, run, result, to=tmp_path / "card.md").body
    code = re.search("```python\n(.*?)```", body, re.S)[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and "Predictions" in done.stdout, done.stderr


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_stay_texts(trained, text):
    _, run, result = trained
    question = "Which " + text.replace("\n", " ")[:40]
    problem = hb.Problem(question, "image-classification", "accuracy")
    answers = hb.Answers(title=text, team=text, limits=text, license=text, contact=text)
    card = hb.model_card(problem, run, result, answers=answers)
    _, header, body = card.text.split("---\n", 2) if "---\n" not in text else ("", *card.text[4:].split("\n---\n", 1))
    metadata = yaml.safe_load(header)
    assert metadata["model-index"][0]["name"] == " ".join(text.split()) and "<script" not in body
    tables = [block for block in body.split("\n\n") if block.startswith("| ")]
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_classes_with_hostile_names(problem):
    digits = hb.data.digits().take(np.arange(300))
    data = hb.Dataset(digits.x, digits.y, [f"{i} {(HOSTILE * 2)[i]}"[:60] for i in range(10)])
    splits = hb.split(data)
    hb.set_seed(0)
    run = hb.fit(hb.models.cnn(splits, filters=(2,)), splits, epochs=1, to=None)
    body = hb.model_card(problem, run, hb.evaluate(run, splits.validation)).body
    assert "<script" not in body and "How to Get Started" not in body  # the run was not saved
    rows = re.search(r"#### Per Class\n\n(.*?)\n\n", body, re.S)[1].splitlines()
    assert len(rows) == 12 and len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1


def test_a_card_of_numbers(tmp_path):
    data = hb.data.digits().take(np.arange(200))
    data = hb.Dataset(data.x, data.x.mean(axis=(1, 2)), name="ink", task="regression")
    problem = hb.Problem("How much ink?", "regression", "mae", unit="levels")
    splits = problem.split(data)
    run = hb.fit(hb.models.cnn(splits, filters=(4,)), splits, epochs=1, to=None)
    result = hb.evaluate(run, splits.validation)
    hb.model_card(problem, run, result, to=tmp_path / "card.md")
    found = ModelCard.load(tmp_path / "card.md")
    assert {r.metric_type for r in found.data.eval_results} >= {"mae", "rmse"} and "Per Class" not in found.content


def test_wrong_sources(problem, trained, tmp_path):
    _, run, result = trained
    wrong = hb.Problem("How much?", "regression", "mae")
    for arguments, words in (((wrong, run, result), "problem.task"), ((problem, result, run), "run must be"), ((problem, run, 0.98), "result must be")):
        with pytest.raises(hb.HackbookError, match=words):
            hb.model_card(*arguments)
    with pytest.raises(hb.HackbookError, match=".md"):
        hb.model_card(problem, run, result, to=tmp_path / "card.html")
    other = replace(result.data, class_names=[f"class {i}" for i in range(10)])
    with pytest.raises(hb.HackbookError, match="of this run"):
        hb.model_card(problem, run, hb.Evaluation(other, result.probabilities))


def test_a_full_disk_leaves_the_old_card(problem, trained, tmp_path, monkeypatch):
    _, run, result = trained
    path = tmp_path / "card.md"
    hb.model_card(problem, run, result, to=path)
    old = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(path), "write_bytes", full)
    with pytest.raises(hb.HackbookError, match="intact"):
        hb.model_card(problem, run, result, answers=hb.Answers(title="new"), to=path)
    assert path.read_bytes() == old and [p.name for p in tmp_path.iterdir()] == ["card.md"]
