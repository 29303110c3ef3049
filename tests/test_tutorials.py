"""Every tutorial runs under papermill, and what it produced is right, not only there."""

import re
import sys

import nbformat
import pandas as pd
import pytest
from conftest import ROOT, TUTORIALS, call, hackbook_run, outputs, read_json
from hackbook.cli import execute

SMALL = {  # a set of parameters for every tutorial
    "00_your_own_data": {"epochs": 12, "seed": 1},
    "01_digits_cnn": {"epochs": 6, "seed": 1},
    "02_know_your_data": {"seeds": 8},
    "03_features": {"epochs": 20, "folds": 3, "repeats": 1},
    "04_train_and_regularize": {"seeds": 1},
    "05_the_recipe": {"epochs": 4, "seed": 1},
    "06_live": {"epochs": 12, "seed": 1},
    "07_tune": {"epochs": 4, "seed": 1, "budget": "25 s"},
    "08_evaluate": {"seed": 1},
    "09_present": {"seed": 1, "epochs": 4},
    "10_forecast": {"seed": 1, "epochs": 4},
     "11_autoencoder": {"seed": 1, "epochs": 12},
     "12_speech_digits": {"seed": 1, "epochs": 8, "passes": 8},
     "13_find_the_digits": {"seed": 1, "scenes": 700, "epochs": 5}}
CONDITION = "{'width': [8, 16, 32], 'dropout': {'in': (0., .5), 'when': {'width': %d}}}"
MEMORIZED = "{'overfit small batch': '%s', 'labels': 'fail'}"
ANSWERS = {  # to every exercise a right one and a wrong one
    "00_your_own_data": [("bars", "bars + 1"), ("told", "'no wine'"), ("hb.load_run(seen.folder)", "seen")],
    "01_digits_cnn": [("wrong", "len(result.right)"), ("enough", "0"), ("small", "run")],
    "02_know_your_data": [("'therapy'", "'age'"), ("counted", "counted + 1"), ("0", "1")],
    "03_features": [("enough", "3"), ("min(agreed)", "'0,0'"), ("hb.features.pca(splits, 16)", "hb.features.pca(splits, 3)")],
    "04_train_and_regularize": [("comparison.gap.idxmin()", "'plain'"), ("round(fraction, 2)", "0.01"),
                                ("tried['dropout'][0]", "by_schedule['constant'][0]")],
    "05_the_recipe": [("'activations'", "'batch'"), (MEMORIZED % "pass", MEMORIZED % "fail"), ("0.03", "50.")],
    "06_live": [("'plain'", "'L2'"), ("48", "6"), ("mine(0.6)", "mine(0.0)")],
    "07_tune": [("625", "20"), ("'learning_rate'", "'dropout'"), (CONDITION % 32, CONDITION % 8)],
    "08_evaluate": [("misled", "result.accuracy"), ("round(answered, 2)", "1.0"), ("forged", "right[0]")],
    "09_present": [("len(lengths[10]) - len(lengths[3])", "3"), ("exported.frame.kilobytes.idxmin()", "'model.keras'"), ("asked", "submission")],
    "10_forecast": [("below", "below + 1"), ("round(held, 2)", "0.0"), ("half", "run")],
    "11_autoencoder": [("needed", "8"), ("coarse", "64"), ("wide", "run")],
    "12_speech_digits": [("round(gap, 2)", "gap + 0.2"), ("by_voice.idxmin()", "'voice 2'"),
                         ("speaker.said(['eye', 'ah'], [speaker.voice_at(1), speaker.voice_at(-1)])", "speaker.said(['eye', 'ah'], ['voice 1', 'voice 2'])")],
    "13_find_the_digits": [("1 / 3", "0.5"), ("missed", "missed + 1"), ("run.predict(hb.detection.scenes(1, seed=9).x)", "run.predict(data.x[:2])")]}
NEEDED = {  # by those answers
    "01_digits_cnn": "small = hb.fit(hb.models.cnn(splits, filters=(4, 8)), splits, epochs=20, to=None)",
    "06_live": """
def mine(dropout):  # for the third answer
    mine = hb.Live(network(), few, epochs=15, start=False, show=False)
    mine.set("dropout", dropout)
    mine.start()
    mine.wait()
    return mine""",
    "08_evaluate": """
forged = [with_mark(result.data.x[result.right], np.full(result.right.sum(), column)) for column in range(10)]
told = [run.predict(x).probabilities.argmax(axis=1) for x in forged]
fooled = np.argwhere(np.array(told) != result.data.y[result.right])[0]
forged = forged[fooled[0]][fooled[1]]""",
    "09_present": """
columns = pd.DataFrame({"id": ids} | {f"p_{i}": 0.1 for i in range(10)})
asked = hb.submission(run, unlabelled, columns, to="asked.csv", ids=ids)""",
    "10_forecast": "half = trained(hb.series.windows(ocean, length=24, horizon=12, validation=96, test=96))",
    "11_autoencoder": "wide = trained(hb.models.autoencoder(splits, code=16), splits)"}


def answered(name, folder):
    """The tutorial, with each exercise first left open, then answered rightly, then wrongly: its path."""
    notebook, answers = nbformat.read(ROOT / f"nbs/tutorials/{name}.ipynb", as_version=4), iter(ANSWERS[name])
    code, cells = nbformat.v4.new_code_cell, []
    for cell in notebook.cells:
        cells.append(cell)
        if "answer = None" in cell.source:
            cells += [code(cell.source.replace("hb.exercise(", f"answer = {answer}\nhb.exercise(")) for answer in next(answers)]
    first = next(i for i, cell in enumerate(cells) if "answer = None" in cell.source)
    cells.insert(first, code(NEEDED.get(name, "")))
    notebook.cells = cells
    nbformat.write(notebook, folder / f"{name}.ipynb")
    return folder / f"{name}.ipynb"


@pytest.fixture(scope="module")
def commanded(tmp_path_factory):
    """Run a tutorial once, as a person does, with its small parameters: name → the folder, and what the command showed."""
    done = {}

    def run(name):
        if name not in done:
            folder = tmp_path_factory.mktemp(name)
            parameters = [word for key, value in SMALL[name].items() for word in ("-p", f"{key}={value}")]
            done[name] = folder, hackbook_run(answered(name, tmp_path_factory.mktemp("answered")), folder, *parameters)
        assert done[name][1].returncode == 0, done[name][1].stderr
        return done[name]

    return run


@pytest.fixture
def executed(commanded):
    """A tutorial's folder: name → path."""
    return lambda name: commanded(name)[0]


@pytest.mark.parametrize("name", [t.stem for t in TUTORIALS])
def test_tutorial_runs_cleanly(executed, name):
    shown = outputs(executed(name) / f"{name}.ipynb")
    assert [o for o in shown if o.output_type == "error" or o.get("name") == "stderr"] == []
    assert sum("image/png" in o.get("data", {}) for o in shown) >= 3


@pytest.mark.parametrize("name", [t.stem for t in TUTORIALS])
def test_tutorial_stores_its_outputs(name):
    cells = nbformat.read(ROOT / f"nbs/tutorials/{name}.ipynb", as_version=4).cells
    assert sum("parameters" in c.metadata.get("tags", []) for c in cells) == 1
    assert sum(bool(c.get("outputs")) for c in cells) > len(cells) / 4


@pytest.mark.parametrize("name", ANSWERS)
def test_exercises_tell_right_from_wrong(executed, name):
    shown = [o.get("data", {}).get("text/plain", "").strip("'\"") for o in outputs(executed(name) / f"{name}.ipynb")]
    said = [text[:7] for text in shown if text.startswith(("Not answered", "Right!", "Not yet"))]
    assert said == ["Not ans", "Right!", "Not yet"] * len(ANSWERS[name])


@pytest.mark.parametrize("name", ["00_your_own_data"])
def test_ones_own_files_come_to_predictions_and_reports(executed, name):
    folder = executed(name)
    for part, data in (("pictures", "photos test"), ("table", "wines test")):
        figures, page = read_json(folder / f"{part}.json"), (folder / f"{part}.html").read_text(encoding="utf-8")
        assert figures["data"] == data and figures["accuracy"] > 0.85 and figures["accuracy"] == figures["baselines"]["the network"]
        assert "Beside simple predictions" in page and len(figures["baselines"]) == 4
    shown = "".join(o.get("data", {}).get("text/plain", "") for o in outputs(folder / f"{name}.ipynb"))
    assert "with black bars)" in shown and "Predictions(barolo" in shown


@pytest.mark.parametrize("name", ["01_digits_cnn"])
def test_first_tutorial_result(executed, name):
    folder = executed(name)
    figures = read_json(folder / "report.json")
    low, high = figures["interval"]
    assert 0.95 < figures["accuracy"] <= 1 and low < figures["accuracy"] <= high
    assert figures["examples"] == 270 and figures["data"] == "digits test"
    assert figures["parameters"].items() >= {"epochs": 6, "learning_rate": 0.01, "batch_size": 64, "seed": 1}.items()


@pytest.mark.parametrize("name", ["01_digits_cnn"])
def test_first_tutorial_keeps_its_run(executed, name):
    folder = executed(name)
    (run,) = (folder / "runs").iterdir()
    assert sorted(p.name for p in run.iterdir()) == ["checkpoints", "history.csv", "model.keras", "run.json"]
    history, record = pd.read_csv(run / "history.csv"), read_json(run / "run.json")
    assert history.epoch.tolist() == [1, 2, 3, 4, 5, 6]
    assert history.loss.iloc[-1] < history.loss.iloc[0] / 5 and (history.seconds > 0).all()
    assert record["seconds"] == read_json(folder / "report.json")["training_seconds"] > 0


@pytest.mark.parametrize("name", ["01_digits_cnn"])
def test_saved_model_needs_no_hackbook(executed, name):
    (run,) = (executed(name) / "runs").iterdir()
    code = ("import sys; sys.modules['hackbook'] = None\nimport keras, numpy as np\nfrom sklearn.datasets import load_digits\n"
            f"model, digits = keras.saving.load_model({str(run / 'model.keras')!r}), load_digits()\n"
            "print((model.predict(digits.images.astype('uint8'), verbose=0).argmax(1) == digits.target).mean())")
    assert float(call(sys.executable, "-c", code).stdout) > 0.97


@pytest.mark.parametrize("name", ["01_digits_cnn"])
def test_first_tutorial_report_is_self_contained(executed, name):
    page = (executed(name) / "report.html").read_text(encoding="utf-8")
    figures = read_json(executed(name) / "report.json")
    assert f"{figures['accuracy']:.1%}" in page and page.count("data:image/png;base64,") >= 2
    assert not re.search(r"""(src|href)=["'](?!data:)|<script|@import|url\(""", page)


@pytest.mark.parametrize("name", ["01_digits_cnn"])
def test_first_tutorial_separates_training_from_test_accuracy(executed, name):
    shown = "".join(o.get("data", {}).get("text/plain", "") for o in outputs(executed(name) / f"{name}.ipynb"))
    rows = re.findall(r"(all|50) examples +(training|validation) set +([01]\.\d+)", shown)
    accuracy = {(network, part): float(value) for network, part, value in rows}
    assert len(accuracy) == len(rows) == 4
    assert accuracy["50", "training"] > 0.95 > accuracy["50", "validation"] + 0.05
    assert accuracy["all", "validation"] > accuracy["50", "validation"] + 0.05


@pytest.mark.parametrize("name", ["03_features"])
def test_features_tutorial_result(executed, name):
    shown = [o.get("data", {}).get("text/plain", "") for o in outputs(executed(name) / f"{name}.ipynb")]
    table = next(t for t in shown if "behind_low" in t)
    mean = {name: float(value) for name, value in re.findall(r"(all pixels|autoencoder|PCA|kept, \w+) +\d+ +(0\.\d+)", table)}
    assert mean["all pixels"] > mean["autoencoder"] > mean["PCA"] > max(mean["kept, filter"], mean["kept, L1"]) > 0.6
    lost = dict(re.findall(r"^(PCA|autoencoder) +(0\.\d+)$", next(t for t in shown if "variance lost" in t), re.M))
    assert 0.05 < float(lost["autoencoder"]) < float(lost["PCA"]) < 0.4
    assert any("rows of digits train alone" in t for t in shown) and "Leakage(leaks=[])" in shown


def table(text):
    """The rows of a printed table of numbers: name → values."""
    return {name.strip(): [float(v) for v in values.split()] for name, values in re.findall(r"^([^\W\d][\w -]*?(?: \d\.\d)?) {2,}((?:(?:[-\d.]+|NaN) *)+)$", text, re.M)}


@pytest.mark.parametrize("name", ["04_train_and_regularize"])
def test_regularize_tutorial_result(executed, name):
    shown = [o.get("data", {}).get("text/plain", "") for o in outputs(executed(name) / f"{name}.ipynb")]
    schedules, comparison = (table(next(t for t in shown if "spread" in t and name in t)) for name in ("cosine", "dropout"))
    means = {**schedules, **comparison}
    training, validation, gap = ({name: values[i] for name, values in means.items()} for i in range(3))
    assert training["constant"] > max(training["one-cycle"], training["cosine"])
    assert validation["constant"] < min(validation["one-cycle"], validation["cosine"])
    for way in "L1", "L2", "dropout":
        assert validation[way] > validation["plain"] + 0.02
        assert gap[way] < gap["plain"] - 0.05
        assert training[way] < training["plain"]
    clipped = next(t for t in shown if "SGD" in t)
    rows = [[float(v) for v in re.findall(r"\b[01]\.\d{3}", line)] for line in clipped.splitlines()[1:]]
    assert max(rows[0]) < 0.5 < 0.85 < min(rows[1] + rows[2] + rows[3])
    ended = next(t for t in shown if t.startswith("plain ") and "finished" in t)
    assert "no better validation loss" in ended and "stopped by the budget" in ended
    runs = list((executed(name) / "runs/regularize").iterdir())
    assert len(runs) == 4 and all((run / "model.keras").is_file() for run in runs)


@pytest.mark.parametrize("name", ["02_know_your_data"])
def test_second_tutorial_finds_what_was_planted(executed, name):
    shown = "\n".join(o.get("data", {}).get("text/plain", "") for o in outputs(executed(name) / f"{name}.ipynb"))
    issues, found = map(int, re.search(r"(\d+) label issues, (\d+) of them mistyped", shown).groups())
    assert found >= 10 and found > issues / 2
    assert "120 examples dropped" in shown and "column therapy alone tells" in shown
    score = {name: float(mean) for name, mean in re.findall(r"(as found|duplicates in one set|cleaned, labels fixed) +([01]\.\d+)", shown)}
    assert score["as found"] > score["duplicates in one set"] + 0.03


@pytest.mark.parametrize("name", ["05_the_recipe"])
def test_recipe_fixes_one_fault_after_the_other(executed, name):
    shown = [o.get("data", {}).get("text/plain", "") for o in outputs(executed(name) / f"{name}.ipynb")]
    table = next(t for t in shown if "first to fail" in t)
    rows = re.findall(r"^(as written|scaled|unfrozen|one softmax|examples apart|smaller steps) +([01]\.\d+) +(\S.*?) +(\d+)$", table, re.M)
    assert [first for _, _, first, _ in rows] == ["input", "frozen layers", "output", "batch", "first steps", "–"]
    failed = [int(n) for *_, n in rows]
    assert failed[0] >= 5 and failed[-1] == 0 and failed == sorted(failed, reverse=True)
    assert float(rows[0][1]) < 0.3 and float(rows[-1][1]) > 0.9


@pytest.mark.parametrize("name", ["06_live"])
def test_live_tutorial_result(executed, name):
    notebook = nbformat.read(executed(name) / f"{name}.ipynb", as_version=4)
    shown = [o.get("data", {}).get("text/plain", "") for o in outputs(executed(name) / f"{name}.ipynb")]
    rates = table(next(t for t in shown if "too small" in t and "learning_rate" in t))
    assert [rates[name][0] for name in ("too small", "right", "too large")] == [0.0001, 0.01, 1.0]
    assert rates["right"][-1] > 0.95 > 0.6 > max(rates["too small"][-1], rates["too large"][-1])
    training, validation, gap = ({k: v[i] for k, v in table(next(t for t in shown if "much dropout" in t)).items()} for i in range(3))
    assert gap["plain"] > gap["dropout"] + 0.05 and gap["plain"] > gap["L2"] + 0.02 and gap["much dropout"] < -0.1
    assert training["plain"] > max(training["dropout"], training["L2"]) and min(validation["dropout"], validation["L2"]) > validation["plain"] - 0.03
    saved = table(next(t for t in shown if "late clipping" in t))
    assert saved["clipping"][0] > 0.9 > max(saved["no clipping"][0], saved["late clipping"][0])
    whatif = table(re.sub("as it was(?=  )", "", next(t for t in shown if "untouched" in t and "from" in t)))
    assert len(whatif) == 3 and whatif["untouched"][-1] > max(whatif["slower"][-1], whatif["dropout"][-1])
    assert any("the same weights, to the last bit" in t for t in shown)
    printed = "".join(o.text for o in outputs(executed(name) / f"{name}.ipynb") if o.output_type == "stream")
    assert "changes=[\n    (48, 'dropout', 0.6),\n])" in printed
    panels = [c for c in notebook.cells if c.cell_type == "code" and "= hb.Live(" in c.source and "answer" not in c.source]
    assert len(panels) == 4
    for cell in panels:  # a picture, and below it the session as a replay
        picture, replay = cell.outputs
        assert set(picture.data) == {"image/png", "text/plain"} and "hackbook-replay" in replay.data["text/html"]


@pytest.mark.parametrize("name", ["07_tune"])
def test_tune_tutorial_result(executed, name):
    shown = [o.get("data", {}).get("text/plain", "") for o in outputs(executed(name) / f"{name}.ipynb")]
    tried = table(next(t for t in shown if "learning rates tried" in t))
    assert tried["grid"][1] == 3 and tried["random"][1] == 9
    spent = table(next(t for t in shown if "settings" in t and "epochs" in t).replace("TPE, halving", "pruned"))
    assert spent["grid"][:2] == spent["random"][:2] == [9, 36] and spent["pruned"][0] == 18 and spent["pruned"][1] < 2 * 36
    finalists = next(t for t in shown if "spread" in t and "seeds" in t)
    none = "Empty DataFrame" in finalists  # the budget was over before a winner could be repeated: a busy machine
    assert none or all(int(row.split()[-1]) >= 1 for row in finalists.splitlines()[1:])
    assert any(re.match(r"'\d+\.\d seconds of 25 s'", t) for t in shown)
    assert any("nothing was trained" in t for t in shown)
    rates = re.findall(r"^[12] workers? +([\d.]+)$", next(t for t in shown if "runs per minute" in t), re.M)
    assert len(rates) == 2 and min(map(float, rates)) > 0


def test_index_runs(tmp_path):
    shown = outputs(execute(ROOT / "nbs/index.ipynb", tmp_path, progress=False))
    (score,) = re.findall(r"'(0\.\d{4}) \(95% interval", "".join(o.get("data", {}).get("text/plain", "") for o in shown))
    assert float(score) > 0.95


@pytest.mark.parametrize("name", ["01_digits_cnn"])
def test_command_says_what_it_came_to(commanded, name):
    _, shown = commanded(name)
    assert re.search(r"test accuracy +0\.\d{4}, 95% interval 0\.\d{4} to [01]\.\d{4} \(270 examples\)", shown.stdout)
    assert re.search(r"training time +\d+\.\d s", shown.stdout) and "report.html" in shown.stdout and "make lab" in shown.stdout
    assert "Executing: 100%" in shown.stderr and "Traceback" not in shown.stderr and "WARNING" not in shown.stderr


@pytest.mark.parametrize("name", ["09_present"])
def test_what_the_jury_gets(executed, name):
    folder = executed(name)
    page = (folder / "deck/index.html").read_text(encoding="utf-8")
    assert len(page) < 5e6 and page.count("<section") >= 9 and "Content-Security-Policy" in page and "https://" not in re.sub(r"<script>[\s\S]*?</script>", "", page)
    numbers = read_json(folder / "deck/numbers.json")
    assert f"{numbers['accuracy']:.1%}" in page and sum(s["seconds"] for s in numbers["slides"]) == 180
    card = (folder / "card.md").read_text(encoding="utf-8")
    assert card.startswith("---\n") and f"value: {numbers['accuracy']}" in card and "once (" in card
    sample, sent = (pd.read_csv(folder / f"{file}.csv", dtype=str) for file in ("sample", "submission"))
    assert sent.id.tolist() == sample.id.tolist() and set(sent.digit) <= set("0123456789")
    assert {p.name for p in (folder / "export").iterdir()} >= {"model.keras", "model.onnx", "model.tflite", "labels.json"}


@pytest.mark.parametrize("name", ["10_forecast"])
def test_one_can_be_forecast_and_one_cannot(executed, name):
    shown = [o.get("data", {}).get("text/plain", "") for o in outputs(executed(name) / f"{name}.ipynb")]
    table = next(t for t in shown if "skill" in t and "elnino" in t)
    skill = {line.split()[0]: float(line.split()[-1]) for line in table.splitlines()[1:]}
    assert skill["elnino"] > 0.1 > skill["google"]


@pytest.mark.parametrize("name", ["11_autoencoder"])
def test_eight_numbers_hold_more_than_those_of_pca(executed, name):
    shown = [o.get("data", {}).get("text/plain", "") for o in outputs(executed(name) / f"{name}.ipynb")]
    error = dict(re.findall(r"^(\w.*?) {2,}(0\.\d+)$", next(t for t in shown if "mean picture" in t), re.M))
    assert float(error["autoencoder, 8 numbers"]) < 0.95 * float(error["PCA, 8 numbers"]) < 0.5 * float(error["mean picture"])
    size = float(re.search(r"pictures, ([\d.]+) each", "".join(shown))[1])
    assert 2 < size < 8
    assert any("anomalous" in t for t in shown) and any("10 per class" in t for t in shown)
