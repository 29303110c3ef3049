"""A problem survives its file, refuses what it cannot mean, and never opens the test part."""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

import hackbook as hb

NASTY = 'quote " back\\slash\nline\r\ttab \x00\x1f\x7f é 漢 🦊 """ \'\'\' # = [x]'


class Sealed:
    """Splits whose test part must not be asked for."""

    def __init__(self, splits):
        self.train, self.validation, self.class_names = splits.train, splits.validation, splits.class_names

    @property
    def test(self):
        raise AssertionError("the test part was opened")


@pytest.fixture(scope="module")
def sealed():
    return Sealed(hb.split(hb.data.digits()))


def test_round_trip_with_nasty_text(tmp_path):
    problem = hb.Problem(NASTY, "regression", "mape", "2h", -1e-300, NASTY, NASTY, NASTY, NASTY, [NASTY, "", "two"])
    assert hb.load_problem(problem.save(tmp_path / "new/problem.toml")) == problem


def test_a_stored_problem_outlives_its_deadline(tmp_path):
    then = datetime.now().astimezone() - timedelta(days=3)
    problem = hb.Problem("Late?", "forecast", deadline="2h", stated=then)
    again = hb.load_problem(problem.save(tmp_path / "problem.toml"))
    assert again == problem and again.left == timedelta() and "over" in again._repr_html_()


@pytest.mark.parametrize("content", [b"\xff\xfe", b"= 1", b"question = 3\ntask = 'forecast'", b"[tool]\nx = 1", b"", b"x = " + b"[" * 5000,
                                     b"question = 'q'\ntask = 'forecast'\nstated = 3", b"question = 'q'\ntask = 'forecast'\ndeadline = 1979-05-27"])
def test_foreign_files_are_refused(tmp_path, content):
    path = tmp_path / "problem.toml"
    path.write_bytes(content)
    with pytest.raises(hb.InvalidValue, match="must be"):
        hb.load_problem(path)


def test_a_failed_save_keeps_the_file(tmp_path):
    problem = hb.Problem("Which?", "forecast")
    path = problem.save(tmp_path / "problem.toml")
    before = path.read_bytes()
    problem.who = object()
    with pytest.raises(TypeError):
        problem.save(path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "wrong, says",
    [
        ({"task": "images"}, "task must be one of image-classification"),
        ({"metric": "acuracy"}, "metric must be one of accuracy, balanced_accuracy"),
        ({"metric": "rmse"}, "metric must be one of accuracy"),
        ({"deadline": datetime(2020, 1, 1)}, "deadline must be after"),
        ({"deadline": "2020-01-01 10:00"}, "deadline must be after"),
        ({"deadline": "soon"}, "deadline must be like '90 s'"),
        ({"baseline": float("inf")}, "baseline must be a finite number"),
        ({"who": "\ud800"}, "who must be valid Unicode"),
        ({"risks": 3}, "risks must be a list of texts"),
    ],
)
def test_what_it_cannot_mean(wrong, says):
    with pytest.raises(hb.InvalidValue) as caught:
        hb.Problem(**{"question": "Which?", "task": "image-classification", **wrong})
    assert says in str(caught.value)


@pytest.mark.parametrize("metric, bar", [("accuracy", 0.93), ("balanced_accuracy", 0.93), ("f1_macro", 0.93), ("roc_auc", 0.99)])
def test_baselines_on_digits(sealed, metric, bar):
    table = hb.Problem("Which digit?", "image-classification", metric).baselines(sealed)
    assert list(table) == ["baseline", metric, "seconds"] and table[metric].is_monotonic_decreasing
    assert table[metric].max() > bar and (table.seconds > 0).all()
    if metric == "accuracy":
        share = (sealed.validation.y == np.bincount(sealed.train.y).argmax()).mean()
        assert table.set_index("baseline").accuracy["majority class"] == pytest.approx(share)


def test_smaller_errors_come_first(sealed):
    table = hb.Problem("How much ink?", "regression", "mae").baselines(sealed)
    assert table.mae.is_monotonic_increasing and table.baseline[0] == "linear"


def test_parts_of_different_shapes_are_refused(sealed):
    problem, other = hb.Problem("Which digit?", "image-classification"), Sealed(sealed)
    other.validation = hb.Dataset(sealed.validation.x[:, :4], sealed.validation.y)
    with pytest.raises(hb.InvalidValue, match="splits.validation.x must be of train's shape"):
        problem.baselines(other)
    with pytest.raises(hb.InvalidValue, match="y must be complete"):
        hb.Problem("How much?", "regression").score([np.nan], [1.0])


def shop(n=120):
    rng = np.random.default_rng(0)
    km = rng.normal(5, 2, n)
    x = pd.DataFrame({"km": np.where(rng.random(n) < 0.1, np.nan, km), "by": np.where(rng.random(n) < 0.2, None, "bus"), "day": pd.date_range("2026-03-01", periods=n),
                      "old": pd.array(rng.integers(0, 9, n), "Int64")})
    return x, km


def kinds():
    """A real Dataset of each kind, with a task for it and the baseline that should win."""
    x, km = shop()
    words = [f"{'card lost' if i % 2 else 'pay later'} {'now please today soon'.split()[i % 4]} {i}" for i in range(120)]
    pairs = pd.DataFrame({"user": [f"u{i % 12}" for i in range(120)], "item": [i // 12 for i in range(120)]})
    month = pd.date_range("2016-01-01", periods=120, freq="MS")
    return {
        "tabular-classification": (hb.Dataset(x, np.where(km > 5, "late", "early")), "linear"),
        "text-classification": (hb.Dataset(words, [i % 2 for i in range(120)]), "nearest centroid"),
        "regression": (hb.Dataset(x, 3 * km, task="regression"), "linear"),
        "forecast": (hb.Dataset(np.arange(120.0)[:, None], np.arange(120) % 12 * 1.0, times=month, task="regression").take(np.random.default_rng(1).permutation(120)), "seasonal naive"),
        "recommendation": (hb.Dataset(pairs, [i % 12 / 4 + i // 12 for i in range(120)], groups=pairs.user, task="regression"), "user and item"),
        "reconstruction": (hb.Dataset(np.random.default_rng(0).normal(size=(120, 3)) @ np.ones((3, 20)), [0, 1] * 60), "PCA, 16 components"),
    }


@pytest.mark.parametrize("task", list(kinds()))
def test_every_kind_goes_from_a_real_split_to_a_baseline(task):
    data, best = kinds()[task]
    splits = hb.split(data, by="random" if task == "recommendation" else None)
    proposal = hb.Problem("Which?", task).propose(data)
    table = proposal.problem.baselines(splits, **({"period": 12} if task == "forecast" else {}))
    assert table.baseline[0] == best and set(table.baseline) == set(proposal.baselines) and np.isfinite(table[proposal.problem.metric]).all()
    assert splits.test.openings == [] and "120 examples" in proposal.problem.data
    assert proposal.problem.adopt(table).baseline_by == best and hb.check_leakage(splits) is not None
    if task == "forecast":
        assert table.mae[0] == 0  # although the file was in no order


@pytest.mark.parametrize(
    "task, kind, says",
    [
        ("text-classification", "tabular-classification", "task must be one for table data, got 'text-classification'; tabular-classification"),
        ("tabular-classification", "text-classification", "task must be one for text data"),
        ("image-classification", "tabular-classification", "task must be one for table data"),
        ("tabular-classification", "regression", "y must be classes, for tabular-classification, got 'numbers to predict'"),
        ("recommendation", "text-classification", "rows of user and item"),
        ("reconstruction", "text-classification", "numbers, for reconstruction"),
        ("forecast", "recommendation", "must be one, for a forecast, got 'several series'"),
    ],
)
def test_a_task_that_the_data_cannot_have(task, kind, says):
    data = kinds()[kind][0]
    problem, splits = hb.Problem("Which?", task), hb.split(data)
    with pytest.raises(hb.HackbookError) as caught:
        problem.baselines(splits)
    assert says in str(caught.value)
    if "user and item" not in says:
        with pytest.raises(hb.HackbookError):
            problem.propose(data)


def test_parts_instead_of_the_whole_and_the_other_way_round():
    data = kinds()["regression"][0]
    with pytest.raises(hb.HackbookError, match="data must be a Dataset.*before it is split"):
        hb.Problem("How much?", "regression").propose(hb.split(data))
    with pytest.raises(hb.HackbookError, match=r"splits.train must be a part with x and y.*hb.split"):
        hb.Problem("How much?", "regression").baselines(data)
    with pytest.raises(hb.HackbookError, match="period must be at most"):
        hb.Problem("How much?", "forecast").baselines(hb.split(kinds()["forecast"][0]), period=999)
    with pytest.raises(hb.HackbookError, match="in the order of time"):
        hb.Problem("How much?", "forecast").baselines(hb.split(kinds()["forecast"][0], by="random"))


def test_a_problem_sets_the_task_of_its_splits():
    data = kinds()["tabular-classification"][0]
    splits = hb.Problem("Late?", "tabular-classification", "f1_macro").split(data, seed=3)
    assert splits.task.metric.name == "f1_macro" and splits.task.name == "tabular-classification" and splits.task.outputs == 2
    assert splits.test.task == splits.validation.task == splits.task and splits.seed == 3 and splits.test.openings == []
    assert data.task.name == "classification"  # the data are not changed
    plain = hb.split(data, seed=3)
    assert [d.fingerprint for d in plain.parts.values()] == [d.fingerprint for d in splits.parts.values()]
    assert plain.task.metric.name == "accuracy"


def test_a_fixed_test_part_gets_the_task_and_keeps_its_openings():
    data = kinds()["regression"][0]
    first = hb.split(data)
    first.test.open("to see")
    again = hb.Problem("How long?", "regression", "mae", unit="minutes").split(data, test=first.test)
    assert again.test.task == again.task and again.task.unit == "minutes" and again.task.show(12.345) == "12.35 minutes"
    assert again.test.openings is first.test.openings and first.test.task.unit == "" and again.test.fingerprint == first.test.fingerprint


@pytest.mark.parametrize(
    "task, kind, says",
    [
        ("text-classification", "tabular-classification", "task must be one for table data"),
        ("classification", "regression", "data.y must be classes, for classification, got 'numbers to predict'"),
        ("regression", "tabular-classification", "data.y must be numbers, for regression, got '2 classes'; read the data with task='regression'"),
        ("forecast", "recommendation", "must be one, for a forecast, got 'several series'"),
        ("forecast", "regression", "times must be given, for a forecast"),
        ("reconstruction", "regression", "task must be one that predicts y, got 'reconstruction'"),
    ],
)
def test_a_split_for_a_task_that_the_data_cannot_have(task, kind, says):
    with pytest.raises(hb.InvalidValue) as caught:
        hb.Problem("Which?", task).split(kinds()[kind][0])
    assert says in str(caught.value)


def test_a_problem_is_one_line_and_its_unit_survives_the_file(tmp_path):
    problem = hb.Problem("How long?", "regression", unit="minutes", baseline=3.0)
    assert repr(problem) == "Problem('How long?', regression, rmse)" and "3 minutes" in problem._repr_html_()
    assert hb.load_problem(problem.save(tmp_path / "problem.toml")).unit == "minutes"
    with pytest.raises(hb.InvalidValue, match="unit must be ''"):
        hb.Problem("Which?", "classification", unit="minutes")
