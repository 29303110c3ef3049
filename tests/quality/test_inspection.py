"""Each planted fault is found, with the right examples; on clean data nothing high is reported, and nothing is changed."""

import re
from inspect import signature

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_iris, load_wine

import hackbook as hb
from hackbook.quality.cleaning import FIXES
from hackbook.quality.inspection import CHECKS
from hackbook.testing import joined, sentences, sklearn_table, tones

KNOWN = {"low", "medium", "high"}


SETS = {"digits": hb.data.digits, "texts": sentences, "tones": tones, "cancer": lambda: sklearn_table(load_breast_cancer)}
everything = pytest.mark.parametrize("kind", SETS)


def found(data, check):
    return [f for f in hb.inspect(data).findings if f.check == check]


@pytest.mark.parametrize("load", [hb.data.digits, lambda: sklearn_table(load_breast_cancer), lambda: sklearn_table(load_wine), lambda: sklearn_table(load_iris), sentences])
def test_clean_data_is_not_accused(load):
    data = load()
    before, seen = data.fingerprint, hb.inspect(data)
    told = [(f.check, len(f.examples)) for f in seen.findings if f.check != "suspicious labels"]
    assert told == ([("duplicates", 1)] if data.name == "load_iris" else [])  # Fisher's table does have one row twice
    assert sum(len(f.examples) for f in seen.findings) <= 3 and all(f.severity != "high" for f in seen.findings)
    assert data.fingerprint == before


@everything
def test_duplicates_and_conflicts(kind):
    data = SETS[kind]()
    n = len(data)
    x = hb.core.rows(data.x, [4, 9, 11])
    other = (data.y[11] + 1) % len(data.class_names)
    faulty = joined(data, x, [data.y[4], data.y[9], other])
    (twice,), (torn,) = found(faulty, "duplicates"), found(faulty, "conflicts")
    assert (twice.severity, twice.examples, twice.beside) == ("medium", (n, n + 1), (4, 9))
    assert (torn.severity, set(torn.examples)) == ("high", {11, n + 2})


def test_near_duplicates_of_images_and_texts():
    data = hb.data.digits()
    near = data.x[[4, 9]].copy()
    near[:, 0, 0] += 1
    faulty = joined(data, near, [data.y[4], (data.y[9] + 1) % 10])
    (same,), (across,) = found(faulty, "near-duplicates"), found(faulty, "near-duplicates across classes")
    assert (same.severity, same.examples, same.beside) == ("medium", (1797,), (4,))
    assert (across.severity, across.examples, across.beside) == ("high", (1798,), (9,))
    data = sentences()
    (same,) = found(joined(data, np.array([data.x[4].upper() + "!"], object), [data.y[4]]), "near-duplicates")
    assert (same.examples, same.beside) == ((60,), (4,))


def test_near_duplicates_of_rows_and_faint_sounds():
    data = sklearn_table(load_breast_cancer)
    close = data.x.iloc[[4]] * (1 + 1e-6)
    (same,) = found(joined(data, close, [data.y[4]]), "near-duplicates")
    assert (same.examples, same.beside) == ((569,), (4,))
    data = tones()
    faint = data.x.copy()
    faint[:6] *= 0.02
    assert found(hb.Dataset(faint, data.y, sample_rate=8000), "near-duplicates") == []


def test_times_make_duplicates_legitimate():
    data = hb.Dataset(np.arange(60)[:, None] % 7, np.arange(60) % 2, times=pd.date_range("2026-01-01", periods=60))
    assert not {"duplicates", "conflicts"} & {f.check for f in hb.inspect(data).findings}


def test_columns():
    rng = np.random.default_rng(0)
    words = pd.Series(load_breast_cancer().data[:, 0]).astype(object)
    words[[3, 5]] = "unknown"
    data = sklearn_table(load_breast_cancer, row=range(569), name=[f"P{i:03}" for i in rng.permutation(569)], clinic="north", nothing=None,
                 words=words, mostly=np.where(np.arange(569) < 400, np.nan, rng.normal(size=569)))
    assert found(data, "identifiers")[0].examples == ("row", "name")
    assert found(data, "constant columns")[0].examples == ("clinic", "nothing")
    assert found(data, "mixed types")[0].examples == ("words",)
    assert (found(data, "mostly missing")[0].severity, found(data, "mostly missing")[0].examples) == ("high", ("nothing", "mostly"))


def test_missing_values_and_outliers():
    data = sklearn_table(load_breast_cancer)
    data.x.loc[[4, 9], "mean area"], data.x.loc[11, "mean texture"], data.x.loc[20, "mean radius"] = np.nan, np.inf, 1e5
    assert (found(data, "missing")[0].severity, found(data, "missing")[0].examples) == ("low", (4, 9, 11))
    assert found(data, "outliers")[0].examples == (20,)
    prices = hb.Dataset(data.x[["mean texture", "mean smoothness"]].fillna(0), np.r_[load_breast_cancer().data[:-1, 1], 1e6], task="regression")
    assert 568 in found(prices, "outliers")[0].examples and "number to predict" in found(prices, "outliers")[0].finding


def test_blank_examples_and_odd_lengths():
    data = hb.data.digits()
    data.x[7] = 3
    assert found(data, "blank")[0].examples == (7,)
    data = sentences()
    data.x[7], data.x[9] = " \n", "card " * 300
    assert found(data, "blank")[0].examples == (7,) and found(data, "lengths")[0].examples == (9,)
    data = tones()
    data.x[7], data.x[9], data.x[11] = 0, np.clip(data.x[9] * 20, -1, 1), 0.5 * np.sin(np.arange(4000) / 9)
    assert found(data, "blank")[0].examples == (7,)
    assert found(data, "clipped")[0].examples == (9,) and found(data, "cut off")[0].examples == (11,)


@pytest.mark.parametrize("small, severity", [(100, None), (60, "low"), (15, "medium"), (2, "high")])
def test_imbalance(small, severity):
    y = np.r_[np.zeros(200, int), np.ones(small, int)]
    data = hb.Dataset(np.random.default_rng(0).normal(size=(len(y), 8)), y)
    assert [f.severity for f in found(data, "imbalance")] == ([severity] if severity else [])
    assert [f.examples for f in found(data, "rare classes")] == ([("1",)] if small < 3 else [])


def test_unreadable_files(tmp_path):
    from PIL import Image

    for name in ("cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.effect_noise((8, 8), 60).save(tmp_path / name)
    (tmp_path / "dog/3.png").write_bytes(b"no image")
    (fault,) = found(hb.data.images(tmp_path), "unreadable")
    assert (fault.severity, fault.examples, fault.of) == ("high", ("dog/3.png",), "files")


@everything
def test_suspicious_labels(kind):
    data = SETS[kind]() if kind != "tones" else None
    if data is None:  # two clear sounds
        rng = np.random.default_rng(0)
        x = np.sin(np.arange(4000) * np.where(np.arange(60) % 2, 0.9, 0.2)[:, None] * rng.uniform(0.9, 1.1, (60, 1)))
        data = hb.Dataset(x.astype("float32"), np.arange(60) % 2, sample_rate=8000)
    y = data.y.copy()
    flipped = np.random.default_rng(1).choice(len(y), len(y) // 20, replace=False)
    y[flipped] = (y[flipped] + 1) % len(data.class_names)
    accused = hb.find_label_issues(hb.Dataset(data.x, y, data.class_names, sample_rate=data.sample_rate)).row
    assert np.isin(flipped, accused).mean() > 0.6 and np.isin(accused, flipped).mean() > 0.6


def test_no_accusation_without_knowledge():
    data = hb.Dataset(np.random.default_rng(0).normal(size=(600, 9)), np.arange(600) % 3)
    assert len(hb.find_label_issues(data)) == 0


def faults():
    """A table with nearly all faults at once."""
    data = sklearn_table(load_breast_cancer, row=range(569), clinic="<script>alert(1)</script>", words=[1, "a"] * 284 + [None])
    data.x.loc[4, "mean area"], data.x.loc[9, "mean radius"] = np.nan, 1e5
    return joined(data, hb.core.rows(data.x, [1, 2, 3]), [data.y[1], data.y[2], 1 - data.y[3]])


def test_every_fix_is_one_that_clean_has():
    seen = [f for d in (faults(), joined(hb.data.digits(), np.zeros((2, 8, 8), "uint8"), [1, 1])) for f in hb.inspect(d).findings]
    assert {f.clean for f in seen if f.clean} <= set(FIXES) and len({f.check for f in seen}) >= 8
    for f in seen:
        named = re.findall(r"hb\.clean\(data, '(\w+)'\)", f.fix)
        assert f.fix and set(named) <= set(FIXES) and f.severity in KNOWN and f.examples
    assert {check.__name__ for check in CHECKS} >= {"missing", "duplicates", "imbalance", "suspicious_labels"}


def test_report_is_sorted_escaped_and_draws_itself():
    seen = hb.inspect(faults())
    rank = ["high", "medium", "low"]
    assert seen.frame.severity.map(rank.index).is_monotonic_increasing and len(seen.frame) == len(seen)
    page = seen._repr_html_()
    assert "<script>" not in page and "▲ high" in page and "◆ medium" in page
    assert "&lt;script&gt;" in str(seen.plot("constant columns"))
    for check in seen.frame.check.unique():
        shown = seen.plot(check)
        assert hasattr(shown, "_repr_png_") or "<script>" not in str(shown)
    image = hb.inspect(joined(hb.data.digits(), np.zeros((2, 8, 8), "uint8"), [1, 1]))
    assert "data:image/png;base64," in image._repr_html_()
    assert hb.inspect(sentences()).data.kind == "text" and "quartiles" in hb.inspect(sentences())._repr_html_()


def test_bad_input_and_a_failing_check(monkeypatch):
    with pytest.raises(hb.HackbookError, match="data must be a Dataset, got"):
        hb.inspect(hb.split(hb.data.digits()))
    with pytest.raises(hb.HackbookError, match="check must be one of"):
        hb.inspect(faults()).plot("no such check")

    def broken(data):
        raise RuntimeError("boom")

    monkeypatch.setattr("hackbook.quality.inspection.CHECKS", (broken, *CHECKS[:3]))
    (failed,) = found(sentences(), "check failed")
    assert "broken failed: boom" in failed.finding


@pytest.mark.parametrize("data", [
    hb.Dataset(np.zeros((2, 3)), [0, 1]), hb.Dataset([" ", "", " "], [0, 1, 0]), hb.Dataset(["a", "b"], [0, 1]),
    hb.Dataset(np.zeros((4, 100), "int16"), [0, 1, 0, 1], sample_rate=8000), hb.Dataset(np.full((12, 4, 4), np.nan), [0, 1] * 6),
    hb.Dataset(pd.DataFrame({"a": [None] * 12, "b": [True, None, "x"] * 4, "c": pd.date_range("2026", periods=12)}), [0, 1] * 6),
    hb.Dataset(np.arange(30), np.arange(30) / 7, task="regression"), hb.Dataset(np.arange(5), [0, 1, 0, 1, 0])], ids=str)
def test_odd_data_is_inspected_without_a_failing_check(data):
    assert found(data, "check failed") == []
    assert hb.inspect(data)._repr_html_()


def test_real_questions(real_data):
    rows = pd.read_csv(real_data / "banking77/train.csv").iloc[::5]
    seen = hb.inspect(hb.Dataset(rows.text.tolist(), rows.category.tolist(), name="banking77"))
    assert {f.check for f in seen.findings} <= {"imbalance", "suspicious labels", "rare classes", "near-duplicates", "lengths"}


def test_real_news_in_latin_1(real_data):
    rows = pd.read_csv(real_data / "financial_phrasebank/all-data.csv", encoding="latin-1")
    data = hb.Dataset(rows.news.tolist(), rows.label.tolist(), name="phrasebank")
    (repeated,) = hb.quality.duplicates(data)
    (torn,) = hb.quality.conflicts(data)
    twice = rows[rows.duplicated("news", keep=False)]
    assert len(repeated.examples) == rows.duplicated().sum() == 6
    assert set(torn.examples) == set(twice.index[twice.groupby("news").label.transform("nunique") > 1]) and len(torn.examples) == 4


def test_real_recordings(real_data):
    data = hb.data.sounds(real_data / "fsdd.zip", pattern=r"(?P<label>\d)_(?P<group>\w+)_\d+").take(np.arange(0, 3000, 3))
    assert {f.check for f in hb.inspect(data).findings} <= {"suspicious labels", "cut off"}


def test_the_seed_of_label_issues_reaches_what_draws(monkeypatch):
    import hackbook.quality.label_issues as module

    seeds, fit = [], module.fast_linear
    monkeypatch.setattr(module, "fast_linear", lambda *data, seed: seeds.append(seed) or fit(*data, seed))
    data = hb.data.digits().take(np.arange(200))
    found = module.unseen_probabilities(data.x, data.y, folds=2, seed=7)
    assert seeds == [7, 7] and found.sum(axis=1) == pytest.approx(1)
    assert "seed" not in signature(module.nearest_classes).parameters      # neighbors are not drawn


def test_dates_as_words_and_columns_twice_are_named():
    days = pd.date_range("2024-01-20", periods=60)
    size = np.random.default_rng(0).normal(size=60)
    table = pd.DataFrame({"size": size, "day": days.strftime("%d.%m.%Y"), "us": days.strftime("%m/%d/%Y"), "code": [f"{i}.x" for i in range(60)], "again": size, "none": np.nan})
    table.loc[4, "size"], table.loc[4, "again"] = np.nan, np.nan
    seen = {f.check: f for f in hb.inspect(hb.Dataset(table, np.arange(60) % 2)).findings}
    assert seen["dates as words"].examples == ("day", "us") and "dates='%d.%m.%Y'" in seen["dates as words"].fix
    assert seen["repeated columns"].examples == ("again",) and "again is size" in seen["repeated columns"].finding
    assert seen["missing"].fix.startswith("drop_sparse first") and "leaves 59 examples, drop_missing alone 0" in seen["missing"].fix
    data = hb.Dataset(table, np.arange(60) % 2)
    assert len(hb.clean(data, "drop_sparse", "drop_missing")) == 59
    with pytest.raises(hb.HackbookError, match="drop_missing must be a fix that leaves examples"):
        hb.clean(data, "drop_missing")
    assert hb.clean(data, "fix_types").x.day.tolist() == table.day.tolist()
