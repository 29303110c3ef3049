"""What `clean` fixes, logs and refuses; decisions survive their file, another order, and say what they could not find."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer
from test_inspection import SETS, everything

import hackbook as hb
from hackbook.quality.cleaning import FIXES
from hackbook.quality.decisions import example_keys
from hackbook.testing import joined, sentences, sklearn_table


def faulty():
    """A table on which each fix has something to do, and what it has to drop."""
    n, rng = 569, np.random.default_rng(0)
    words = pd.Series(load_breast_cancer().data[:, 0]).astype(object)
    words[[3, 5]] = "unknown"
    data = sklearn_table(load_breast_cancer, row=np.r_[np.arange(n - 1), n], clinic="north", words=words,
                 mostly=np.where(np.arange(n) < 400, np.nan, rng.normal(size=n)))
    data.x.loc[[4, 9], "mean area"], data.x.loc[20, "mean radius"] = np.nan, 1e5
    x = pd.concat([hb.core.rows(data.x, [1, 2, 3]), hb.core.rows(data.x, [30]) * 1, hb.core.rows(data.x, [31, 32])])
    x.iloc[3, 0] *= 1 + 1e-7
    return hb.Dataset(pd.concat([data.x, x]), [*np.array(data.class_names)[np.r_[data.y, data.y[1], data.y[2], 1 - data.y[3], data.y[30]]], "odd", "odd"], name="faulty")


GONE = {
    "drop_duplicates": [569, 570], "drop_near_duplicates": [572], "drop_conflicts": [3, 31, 32, 571, 573, 574], "drop_missing": [4, 9],
    "drop_outliers": [20], "drop_rare": [573, 574]}


@pytest.mark.parametrize("fix", GONE)
def test_a_fix_drops_what_was_planted(fix):
    data = faulty()
    if fix == "drop_missing":
        data = hb.Dataset(data.x.drop(columns="mostly"), np.array(data.class_names)[data.y])
    before, fixed = data.fingerprint, hb.clean(data, fix)
    left = np.setdiff1d(np.arange(len(data)), GONE[fix])
    pd.testing.assert_frame_equal(fixed.x, hb.core.rows(data.x, left))
    names = lambda d: np.array(d.class_names)[d.y]
    assert (names(fixed) == names(data)[left]).all() and data.fingerprint == before and data.log is None
    assert fixed.log.values.tolist()[0][:2] == [fix, len(GONE[fix])]
    assert hb.clean(fixed, fix).log.what.iloc[-1] == f"nothing to do for {fix}" and hb.clean(fixed, fix).fingerprint == fixed.fingerprint
    assert ("odd" in fixed.class_names) == (fix != "drop_rare")


@pytest.mark.parametrize("fix, column", [("drop_constant", "clinic"), ("drop_identifiers", "row"), ("drop_sparse", "mostly")])
def test_a_fix_drops_a_column(fix, column):
    data = faulty()
    if fix == "drop_identifiers":
        data = hb.clean(data, "drop_duplicates", "drop_near_duplicates", "drop_conflicts")
    fixed = hb.clean(data, fix)
    assert set(data.x) - set(fixed.x) == {column} and column in data.x and fixed.features == list(fixed.x)
    assert fixed.log.iloc[-1].tolist() == [fix, len(data), f"1 column dropped: {column}"]


def test_fix_types():
    fixed = hb.clean(faulty(), "fix_types")
    assert fixed.x.words.dtype == float and fixed.x.words.isna().sum() == 3 and fixed.log.examples.tolist() == [3]
    kinds = hb.Dataset(pd.DataFrame({"by": ["bus", 7, "bike", None], "on": ["001", "2", True, "4"]}), [0, 1, 0, 1])
    fixed = hb.clean(kinds, "fix_types")
    assert fixed.x.by.tolist()[:3] == ["bus", "7", "bike"] and fixed.x.by.isna().tolist() == [False] * 3 + [True]
    assert fixed.x.on.tolist()[:2] == [1, 2] and fixed.x.on.isna().sum() == 1
    assert kinds.x.by[1] == 7


def test_blank_and_named_columns_of_arrays():
    data = hb.data.digits()
    data.x[[4, 9]] = 3
    assert len(hb.clean(data, "drop_blank")) == 1795
    data = hb.Dataset(np.c_[np.ones(20), np.random.default_rng(0).normal(size=20)], [0, 1] * 10, features=["one", "two"], groups=np.arange(20))
    fixed = hb.clean(data, "drop_constant")
    assert fixed.features == ["two"] and fixed.x.shape == (20, 1) and (fixed.groups == data.groups).all()


def test_chained_fixes_keep_one_log_and_all_work_together():
    data = faulty()
    order = ["fix_types", "drop_sparse", "drop_constant", "drop_conflicts", "drop_duplicates", "drop_near_duplicates", "drop_missing",
             "drop_outliers", "drop_identifiers", "drop_rare"]
    once, step = hb.clean(data, *order), data
    for fix in order:
        step = hb.clean(step, fix)
    assert step.log.values.tolist() == once.log.values.tolist() and step.fingerprint == once.fingerprint
    assert once.log.fix.tolist() == order and (once.log.examples > 0).sum() >= 8
    assert {f.check for f in hb.inspect(once).findings} <= {"suspicious labels", "repeated columns"}  # words is a copy of a column
    assert "fixed" in once._repr_html_()


@everything
def test_nothing_asked_nothing_changed(kind):
    data = SETS[kind]()
    assert hb.clean(data).fingerprint == data.fingerprint and hb.clean(data).log is None
    fixed = hb.clean(data, *FIXES)
    assert fixed.fingerprint == data.fingerprint and set(fixed.log.examples) == {0}


@pytest.mark.parametrize("call, says", [
    (lambda d: hb.clean(d, "drop_dupes"), "fix must be one of drop_duplicates, .*got 'drop_dupes'"),
    (lambda d: hb.clean(d, ["drop_missing"]), "fix must be one of"),
    (lambda d: hb.clean(d.x), "data must be a Dataset, got 'DataFrame'"),
    (lambda d: hb.clean(d, "drop_missing"), "drop_missing must be a fix that leaves examples"),
    (lambda d: hb.clean(d, "drop_sparse"), "drop_sparse must be a fix that leaves columns"),
    (lambda d: hb.clean(d, decisions="no.csv"), "there are no decisions at no.csv"),
])
def test_bad_input(call, says):
    with pytest.raises(hb.HackbookError, match=says):
        call(hb.Dataset(pd.DataFrame({"a": [np.nan, 1, np.nan, np.nan], "b": [np.nan, np.nan, np.nan, 2]}).iloc[[0, 2, 2, 0]], [0, 1, 0, 1]))


def decided(data, rows, decision, new=""):
    return pd.DataFrame({"example": example_keys(data, rows), "row": rows, "label": [data.class_names[c] for c in data.y[rows]],
                         "decision": decision, "new_label": new})


@everything
def test_decisions_survive_another_order(kind, tmp_path):
    data = SETS[kind]()
    to, names = data.class_names[0], lambda d: [d.class_names[c] for c in d.y]
    change = [int(i) for i in np.flatnonzero(data.y == 1)[:3]]
    file = hb.save_decisions(pd.concat([decided(data, change, "change", to), decided(data, [8], "drop")]), tmp_path / "decisions.csv")
    order = np.random.default_rng(0).permutation(len(data))
    a, b = hb.clean(data, decisions=file), hb.clean(data.take(order), decisions=file)
    assert a.log.what.tolist() == ["labels changed: 3, by decisions.csv", "examples dropped: 1, by decisions.csv"] == b.log.what.tolist()
    assert len(a) == len(data) - 1 and [names(a)[i - (i > 8)] for i in change] == [to] * 3
    assert sorted(zip(example_keys(a, slice(None)), names(a))) == sorted(zip(example_keys(b, slice(None)), names(b)))


def test_decisions_that_no_longer_fit_are_reported():
    data = hb.data.digits()
    decisions = pd.concat([decided(data, [3, 4], "drop"), decided(data, [5], "change", "9")])
    y = data.y.copy()
    y[5] = 1
    changed = hb.clean(hb.Dataset(np.delete(data.x, 3, 0), np.delete(y, 3)), decisions=decisions)
    assert changed.log[["examples", "what"]].values.tolist() == [
        [1, "examples dropped: 1, by a table"], [1, "examples that are not in the data: 1, by a table"],
        [1, "examples whose label is another by now: 1, by a table"]]


def test_one_decision_is_about_one_of_several_duplicates():
    data = joined(hb.data.digits(), hb.data.digits().x[[5, 5]], [5, 5])
    fixed = hb.clean(data, decisions=pd.concat([decided(data, [1797], "drop"), decided(data, [5], "keep")]))
    assert len(fixed) == 1798 and fixed.log.examples.tolist() == [1, 1]


def test_decisions_need_classes_that_are_there():
    data = hb.data.digits()
    with pytest.raises(hb.HackbookError, match="among the class names 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, got .'ten'"):
        hb.clean(data, decisions=decided(data, [5], "change", "ten"))
    with pytest.raises(hb.HackbookError, match="decisions are about labels"):
        hb.clean(hb.Dataset(np.eye(3), [1.0, 2, 3.5], task="regression"), decisions=decided(data, [5], "keep"))


words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(words, st.sampled_from(["keep", "change", "drop"]), words), max_size=6))
def test_decisions_round_trip(tmp_path_factory, told):
    frame = pd.DataFrame([(f"{i:016x}", i, label, d, new if d == "change" else "") for i, (label, d, new) in enumerate(told)],
                         columns=["example", "row", "label", "decision", "new_label"])
    file = hb.save_decisions(frame, tmp_path_factory.getbasetemp() / "round.csv")
    assert hb.load_decisions(file).values.tolist() == frame.values.tolist()


@pytest.mark.parametrize("old, new, says", [
    ("d69ffee1", "xyz", "decisions.csv, row 2, column example must be 16 hexadecimal digits"), (",5,", ",-5,", "row 2, column row must be a whole number"),
    ("change", "swap", "row 2, column decision must be 'keep', 'change' or 'drop', got 'swap'"), ("change,9", "change,", "row 2, column new_label"),
    (",keep,", ",keep,4", "row 1, column new_label"), ("label,", "lable,", "a table with the columns"), (",3,3,", ",3,,", "row 1, column label"),
])
def test_a_broken_file_names_row_and_column(tmp_path, old, new, says):
    data = hb.data.digits()
    file = hb.save_decisions(pd.concat([decided(data, [3], "keep"), decided(data, [5], "change", "9")]), tmp_path / "decisions.csv")
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(hb.HackbookError, match=says):
        hb.load_decisions(file)


def test_a_failed_save_leaves_the_old_file(tmp_path):
    data = hb.data.digits()
    file = hb.save_decisions(decided(data, [3], "keep"), tmp_path / "decisions.csv")
    before = file.read_bytes()
    with pytest.raises(hb.HackbookError, match="the only decision"):
        hb.save_decisions(pd.concat([decided(data, [3], "keep")] * 2), file)
    assert file.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["decisions.csv"]


def test_keys_do_not_depend_on_the_other_rows():
    mixed = hb.Dataset(pd.DataFrame({"a": [1, "1", None, True], "b": [1.0, 2, np.nan, 4]}), [0, 1, 0, 1])
    assert len(set(example_keys(mixed, slice(None)))) == 4
    assert [example_keys(mixed, [i])[0] for i in range(4)] == example_keys(mixed, slice(None))
    assert example_keys(sentences(), [3]) == example_keys(sentences().take([3, 1]), [0])


def test_real_news_are_fixed(real_data):
    rows = pd.read_csv(real_data / "financial_phrasebank/all-data.csv", encoding="latin-1")
    data = hb.Dataset(rows.news.tolist(), rows.label.tolist(), name="phrasebank")
    fixed = hb.clean(data, "drop_conflicts", "drop_duplicates")
    assert fixed.log.examples.tolist() == [4, 6] and len(fixed) == 4836 == len(set(fixed.x))
