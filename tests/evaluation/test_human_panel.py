"""A person beside the model: no label is on the page before the end, scores are those computed another way, and the panel works by keyboard."""

import json
import time

import numpy as np
import pandas as pd
import pytest
from browser import notebook_page
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar as of_statsmodels
from statsmodels.stats.proportion import proportion_confint

import hackbook as hb
from hackbook.evaluation import Evaluation, HumanResult, human_baseline
from hackbook.evaluation.regression import RegressionEvaluation

HOSTILE = ['<img src=x onerror="window.hacked=1">', "</script><script>window.hacked=2</script>", "a <b>bold</b> name"]


@pytest.fixture(scope="module")
def splits():
    return hb.split(hb.data.digits().take(np.arange(600)), validation=0.3, test=0.2)


@pytest.fixture(scope="module")
def run(splits, tmp_path_factory):
    hb.set_seed(0)
    return hb.fit(hb.models.cnn(splits, filters=(8,)), splits, 2, to=tmp_path_factory.mktemp("runs"))


def shown(panel):
    """All that the page of a panel holds."""
    return json.dumps([panel.view.about, panel.view.page])


def as_result(data, predicted=None):
    """The result of a model that is always right, or predicts these."""
    if data.class_names:
        return Evaluation(data, np.eye(len(data.class_names))[data.y if predicted is None else predicted])
    return RegressionEvaluation(data, data.y if predicted is None else predicted)


def test_the_page_does_not_depend_on_labels_or_predictions(run, splits):
    panel = human_baseline(run, splits.validation, seed=3)
    for i in range(len(panel)):
        before, label, predicted = shown(panel), panel.data.y.copy(), panel.predicted
        panel.data.y, panel.predicted = (label + 1) % 10, (predicted + 1) % 10
        panel._show()
        after = json.loads(shown(panel))
        after[1]["turn"] -= 1
        assert json.dumps(after) == before
        panel.data.y, panel.predicted = label, predicted
        panel.answer(i % 10)
    assert panel.view.page["result"] is None
    assert panel.result and panel.view.page["result"]["differ"][0]["truth"]


def test_the_page_holds_no_number_that_is_asked_for():
    y = 1234.5 + np.arange(30) * 1.25
    panel = human_baseline(as_result(hb.Dataset(np.zeros((30, 2)), y, task="regression")), examples=5)
    page = shown(panel) + str(panel.still()) + json.dumps({k: str(v) for k, v in panel.view.get_state().items()})
    assert not [value for value in y if f"{value:g}" in page]


def test_the_seed_decides_and_classes_are_in_proportion(run, splits):
    one, same, other = (human_baseline(run.model, splits.validation, seed=s).rows.tolist() for s in (1, 1, 2))
    assert one == same != other and len(set(one)) == 20
    counts = np.bincount(splits.validation.y[one], minlength=10)
    assert np.abs(counts - 20 * np.bincount(splits.validation.y) / len(splits.validation)).max() <= 1


@given(right=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30))
def test_scores_are_those_of_statsmodels(right):
    person, model = np.array(right).T
    y = np.arange(len(right)) % 3
    data = hb.Dataset(np.zeros((len(y), 2)), y, ["a", "b", "c"])
    result = HumanResult(data, np.arange(len(y)), [int(v) for v in np.where(person, y, (y + 1) % 3)], np.where(model, y, (y + 1) % 3), np.ones(len(y)))
    for name, hits in (("person", person), ("model", model)):
        low, high = proportion_confint(hits.sum(), len(y), method="wilson")
        row = result.scores.loc[name]
        assert np.allclose([row.score, row.low, row.high], [hits.mean(), low, high], atol=1e-9) and row.right == hits.sum()
    table = [[(person & model).sum(), (person & ~model).sum()], [(~person & model).sum(), (~person & ~model).sum()]]
    assert np.isclose(result.p, of_statsmodels(table).pvalue)
    assert len(result.differ) == (person != model).sum() and ("better" in result.sentence) == (result.p < 0.05)


def test_six_examples_are_needed():
    """What the sentence says of so few."""
    for n in (5, 6):
        data = hb.Dataset(np.zeros((n, 2)), np.arange(n) % 2, ["a", "b"])
        found = HumanResult(data, np.arange(n), [None] * n, data.y, np.ones(n))
        assert (found.p < 0.05) == (n == 6)
        numbers = hb.Dataset(np.zeros((n, 2)), np.arange(float(n)), task="regression")
        found = HumanResult(numbers, np.arange(n), [float(v) + 1 + v / 9 for v in numbers.y], numbers.y, np.ones(n))
        assert (found.p < 0.05) == (n == 6)


def test_the_outcome_is_kept_with_the_run(run, splits):
    panel = human_baseline(run, splits.validation, examples=6, seed=5, who="us")
    for label in panel.data.y[:4]:
        panel.answer(int(label), seconds=2)
    panel.answer(None, seconds=4)
    panel.undo()
    again = human_baseline(hb.load_run(run.folder), splits.validation, examples=6, seed=5, who="us")
    assert again.frame.person.tolist() == panel.frame.person.tolist() and len(again.frame) == 4
    assert human_baseline(run, splits.validation, examples=6, seed=6, who="us").frame.empty  # other examples
    again.answer(None, seconds=9)
    early = again.finish()
    kept = hb.load_run(run.folder).record
    assert "human_answers" not in kept and len(early.frame) == 5
    expected = dict(who="us", part="digits", examples=5, right=4, not_sure=1, seconds=2.0, seed=5, fingerprint=splits.validation.fingerprint)
    assert {name: kept["human"][name] for name in expected} == expected | {"part": splits.validation.name}
    assert np.allclose(kept["human"]["interval"], proportion_confint(4, 5, method="wilson"))
    assert kept["human"]["model"]["right"] == (early.predicted == early.data.y).sum()
    for late in (lambda: again.answer(1), again.undo):
        with pytest.raises(hb.InvalidValue, match="another seed"):
            late()
    assert again.finish() is early is again.result


def test_the_test_set_is_opened_with_a_reason_and_counted(run):
    parts = hb.split(hb.data.digits().take(np.arange(300)), validation=0.3, test=0.3)
    with pytest.raises(hb.InvalidValue, match="reason"):
        human_baseline(run, parts.test)
    for wrong in (dict(examples=0), dict(examples=2.5), dict(examples=True), dict(seed=-1)):
        with pytest.raises(hb.InvalidValue):
            human_baseline(run, parts.test, reason="the baseline", **wrong)
    assert parts.test.openings == []
    human_baseline(run, parts.test, 4, reason="the baseline")
    assert len(parts.test.openings) == 1 and run.record["openings"][-1]["reason"] == "the baseline"


@pytest.mark.parametrize("wrong", ["zebra", 10, -1, 1.5, True, [1], np.nan])
def test_what_is_no_class_is_told_and_nothing_is_answered(run, splits, wrong):
    panel = human_baseline(run.model, splits.validation, 3)
    view = panel.view
    with pytest.raises(hb.InvalidValue, match="class must be"):
        panel.answer(wrong)
    panel._told({"do": "answer", "at": 0, "value": wrong, "seconds": 1})
    assert "class must be" in view.page["trouble"] and view.page["at"] == 0


@pytest.mark.parametrize("wrong", ["4", np.nan, np.inf, True, [1.0]])
def test_what_is_no_number_is_told(wrong):
    panel = human_baseline(as_result(hb.Dataset(np.zeros((4, 2)), np.arange(4.0), task="regression")))
    with pytest.raises(hb.InvalidValue, match="a finite number"):
        panel.answer(wrong)
    panel.answer(None)
    with pytest.raises(hb.InvalidValue, match="at least one"):
        panel.finish()


def test_numbers_have_the_score_of_the_task():
    rng = np.random.default_rng(0)
    y = rng.normal(size=30)
    panel = human_baseline(as_result(hb.Dataset(np.zeros((30, 2)), y, task="regression"), y + 0.5), examples=10)
    panel.answer(None)
    for true in panel.data.y[1:]:
        panel.answer(np.float32(true - 2))
    result = panel.result
    assert np.allclose(result.scores.score, [2, 0.5], atol=1e-5) and result.scores.examples.tolist() == [9, 9]
    assert "The model is better" in result.sentence and np.isclose(result.p, 2 / 2**9)
    assert len(result.differ) == 9 and panel.frame.person_error.isna().sum() == 1 and repr(result.plot())


def test_one_example_and_an_absent_class():
    data = hb.Dataset(np.zeros((1, 4, 4)), [1], ["a", "b", "absent"])
    panel = human_baseline(as_result(data))
    panel.answer("absent")
    assert panel.result.scores.right.tolist() == [0, 1] and "1 example tells little" in panel.result.sentence
    number = human_baseline(as_result(hb.Dataset(np.zeros((1, 2)), [3.0], task="regression")))
    number.answer(3)
    assert number.result.p == 1 and number.view.page["result"]["sentence"]


@pytest.mark.parametrize("result, data", [(None, None), ("run", None), (3, hb.data.digits())])
def test_what_is_no_run(result, data):
    with pytest.raises(hb.HackbookError):
        human_baseline(result, data)


@pytest.mark.parametrize("x, sample_rate", [
    (np.zeros((6, 30, 40, 3), "uint8"), None), (["x" * 9000] * 6, None), (pd.DataFrame({"a": [1.0, None] * 3, "b": list("uvwxyz")}), None),
    (np.zeros((6, 800), "int16"), 8000), (np.full((6, 30), np.nan), None)], ids=lambda x: str(np.shape(x)))
def test_every_kind_of_example(x, sample_rate):
    panel = human_baseline(as_result(hb.Dataset(x, [0, 1] * 3, HOSTILE[:2], sample_rate=sample_rate, name=HOSTILE[0])), examples=3)
    assert panel.view.page["shown"]["kind"] and "<img src=x" not in str(panel.still())
    for _ in range(3):
        panel.answer(HOSTILE[0])
    assert panel.result and "<img src=x" not in str(panel.still()) and "<script" not in panel.result._repr_html_()


CELLS = ["""import hackbook as hb, numpy as np
from hackbook.evaluation import Evaluation, human_baseline
data = hb.data.digits()
panel = human_baseline(Evaluation(data, np.eye(10)[data.y]), examples=4)
panel""", f"""names = {HOSTILE!r}
texts = hb.Dataset(names * 9, names * 9, name=names[0])
human_baseline(Evaluation(texts, np.eye(3)[texts.y]), examples=2)""",
         "many = hb.Dataset(np.zeros((60, 4, 4)), np.arange(60) % 30, [f'class {i}' for i in range(30)])\nhuman_baseline(Evaluation(many, np.eye(30)[many.y]), examples=1)",
         "open('answers.txt', 'w').write(panel.frame.to_csv())"]


def test_by_keyboard_in_jupyterlab(tmp_path):
    from browser import run_cells

    digits = hb.data.digits()
    truth = human_baseline(as_result(digits), examples=4).data.y
    with notebook_page(tmp_path, CELLS) as page:
        page.wait_for_selector(".hackbook-evaluation >> nth=2")
        panels = [page.locator(".hackbook-evaluation").nth(i) for i in range(3)]

        def press(panel, *keys):
            for key in keys:
                turn = panel.get_attribute("data-turn")
                page.keyboard.press(key)
                page.wait_for_function("([panel, turn]) => panel.dataset.turn !== turn", arg=[panel.element_handle(), turn], timeout=30_000)

        first, hostile, many = panels
        first.focus()
        press(first, str(truth[0]), "5", "Backspace", ".", str(truth[2]), str(truth[3]))
        assert "4 of 4 answered" in first.inner_text() and "true" not in first.inner_text()
        page.keyboard.press("d")
        page.keyboard.press("d")  # JupyterLab's own keys do nothing to the notebook
        assert page.locator(".jp-Cell").count() == 4
        press(first, "Enter")
        assert "3 of 4 right, 75%" in first.inner_text() and first.locator(".end li").count() == 1
        run_cells(page, 3, 3)
        until = time.monotonic() + 30
        while not (tmp_path / "answers.txt").exists() or "not sure" not in (tmp_path / "answers.txt").read_text():
            assert time.monotonic() < until
            time.sleep(0.1)

        hostile.focus()
        press(hostile, "1", "2")
        hostile.get_by_text("show the score").click()
        hostile.locator(".scores").wait_for()
        assert HOSTILE[0] in hostile.inner_text() and hostile.locator("img, script, .shown b").count() == 0

        many.locator("input").focus()
        page.keyboard.press("Enter")  # nothing is typed: nothing is answered
        page.keyboard.type("class 17")
        press(many, "Enter", "Enter")
        assert "1 answered" in many.inner_text()
        assert page.evaluate("window.hacked") is None and page.errors == []
        axe = pytest.importorskip("axe_playwright_python.sync_playwright")
        assert [v["id"] for v in axe.Axe().run(page, context=".hackbook-evaluation").response["violations"]] == []
