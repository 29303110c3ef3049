"""Labels as people bring them: columns, gaps, categories, words beside numbers."""

import decimal

import numpy as np
import pandas as pd
import pytest

import hackbook as hb

LABELS = {
    "a column, as CIFAR has them": (np.array([[0], [1], [2]] * 2), ["0", "1", "2"]),
    "a table of one column": (pd.DataFrame({"label": ["b", "a"] * 3}, index=range(6, 0, -1)), ["a", "b"]),
    "whole floats": ([0.0, 1.0] * 3, ["0", "1"]),
    "half precision": (np.array([0, 1] * 3, "float16"), ["0", "1"]),
    "whole floats as objects": (np.array([10.0, 9.0] * 3, object), ["9", "10"]),
    "booleans": ([True, False] * 3, ["False", "True"]),
    "nullable booleans": (pd.array([True, False] * 3, "boolean"), ["False", "True"]),
    "nullable numbers": (pd.Series([10, 9] * 3, dtype="Int64", index=range(5, -1, -1)), ["9", "10"]),
    "categories": (pd.Categorical(["x", "y"] * 3, categories=["z", "y", "x"]), ["x", "y"]),
    "pandas words": (pd.Series(["x", "y"] * 3, dtype="string"), ["x", "y"]),
    "bytes": ([b"dog", b"cat"] * 3, ["cat", "dog"]),
    "an array of bytes": (np.array([b"dog", b"cat"] * 3), ["cat", "dog"]),
    "words that look missing": (["None", "nan", "NA"] * 2, ["NA", "None", "nan"]),
    "words that look like numbers": (["007", "7"] * 3, ["007", "7"]),
    "words and numbers that differ": (["other", 1] * 3, ["1", "other"]),
    "negative numbers": ([-1, 1] * 3, ["-1", "1"]),
    "gaps": ([0, 2, 5] * 2, ["0", "2", "5"]),
    "numbers beyond 64 bits": ([2**70, 2**71] * 3, [str(2**70), str(2**71)]),
    "decimals": ([decimal.Decimal("2.5"), decimal.Decimal(1)] * 3, ["1", "2.5"]),
}


@pytest.mark.parametrize("y, names", LABELS.values(), ids=LABELS)
def test_labels_are_taken(y, names):
    data = hb.Dataset(np.arange(6)[:, None], y)
    assert data.class_names == names and data.y.dtype == "int32" and sorted(set(data.y)) == list(range(len(names)))
    first = np.ravel(np.asarray(y, object))[0]
    assert data.class_names[data.y[0]] == (first.decode() if isinstance(first, bytes) else str(int(first)) if isinstance(first, float) else str(first))


REFUSED = {
    "NaN among words": (["a", np.nan, "b"] * 2, "complete, got '2 missing labels'"),
    "None among words": (["a", None, "b"] * 2, "complete, got '2 missing labels'"),
    "a missing category": (pd.Categorical(["a", None, "b"] * 2), "complete, got '2 missing labels'"),
    "a missing whole number": (pd.array([1, None, 2] * 2, "Int64"), "complete, got '2 missing labels'"),
    "halves": ([0.0, 0.5, 1.0] * 2, "classes, not measurements, got [0.5]; to predict numbers pass task='regression'"),
    "infinity": ([0.0, np.inf] * 3, "classes, not measurements, got [inf]"),
    "1 and '1'": ([1, "1"] * 3, "write all labels as words: y = [str(v) for v in y]"),
    "True and 'True'": ([True, "True"] * 3, "write all labels as words"),
    "True and 1 as objects": (np.array([True, 1] * 3, object), "write all labels as words"),
    "one-hot": (np.eye(3, dtype=int)[[0, 1, 2] * 2], "one label per example, got 'an array of shape (6, 3)'; for one-hot rows pass np.argmax(y, axis=1)"),
    "one-hot table": (pd.DataFrame(np.eye(3)[[0, 1, 2] * 2]), "for one-hot rows pass np.argmax(y, axis=1)"),
    "ragged": ([[1, 2], [3], [4], [5], [6], [7]], "y must be one value per example"),
    "one class": (["a"] * 6, "of two classes or more"),
    "bytes that are no text": ([b"\xff", b"a"] * 3, "can't decode byte 0xff"),
    "complex numbers": ([1j, 2] * 3, "words, whole numbers or booleans"),
    "nothing": (None, "one label per example"),
    "a word": ("abcabc", "one label per example"),
}


@pytest.mark.parametrize("y, says", REFUSED.values(), ids=REFUSED)
def test_labels_are_refused(y, says):
    with pytest.raises(hb.HackbookError) as caught:
        hb.Dataset(np.arange(6)[:, None], y)
    assert says in str(caught.value)


def test_several_labels_per_example_are_not_taken_for_one_hot():
    with pytest.raises(hb.HackbookError) as caught:
        hb.Dataset(np.arange(6)[:, None], np.ones((6, 2), int))
    assert "argmax" not in str(caught.value)


def test_the_advice_for_one_hot_rows_runs():
    y = np.eye(3)[[0, 1, 2] * 2]
    with pytest.raises(hb.HackbookError) as caught:
        hb.Dataset(np.arange(6)[:, None], y)
    y = eval(str(caught.value).split("pass ")[1], {"np": np, "y": y})
    assert hb.Dataset(np.arange(6)[:, None], y).y.tolist() == [0, 1, 2] * 2


def test_class_names_name_the_numbers():
    x = np.arange(4)[:, None]
    assert hb.Dataset(x, [0.0, 1, 0, 1], ["cat", "dog", "cow"]).class_names == ["cat", "dog", "cow"]
    assert hb.Dataset(x, [True, False] * 2, ["no", "yes"]).y.tolist() == [1, 0, 1, 0]
    for y, names, says in [([-1, 1] * 2, ["a", "b"], "from 0 to 1"), ([0, 1] * 2, "ab", "a list of names"), ([0, 1] * 2, 5, "a list of names"), ([0, 1] * 2, [], "from 0 to -1")]:
        with pytest.raises(hb.HackbookError, match=says):
            hb.Dataset(x, y, names)


def test_numbers_to_predict_of_any_kind():
    x = np.arange(4)[:, None]
    for y in (np.arange(4.0)[:, None], pd.array([0, 1, 2, 3], "Float64"), pd.Series(range(4), index=[9, 8, 7, 6]), [decimal.Decimal(i) for i in range(4)]):
        assert hb.Dataset(x, y, task="regression").y.tolist() == [0, 1, 2, 3]
    for y in (pd.array([0, None, 2, 3], "Float64"), list("abcd"), np.ones((4, 2))):
        with pytest.raises(hb.HackbookError, match="one finite number per example"):
            hb.Dataset(x, y, task="regression")


def test_words_and_numbers_are_two_groups():
    data = hb.Dataset(np.arange(80)[:, None], np.arange(80) // 4 % 2, groups=[7, "7", "007", 12] * 20)
    parts = hb.split(data, validation=0.25, test=0.25).parts.values()
    assert len({g for part in parts for g in part.groups}) == 4


@pytest.mark.parametrize("kind", ["i4", "u2", "f8"])
def test_the_byte_order_of_another_machine(kind):
    y = np.array([0, 1, 2, 1], f">{kind}")
    data = hb.Dataset(np.arange(8.0, dtype=">f4").reshape(4, 2), y)
    assert data.class_names == ["0", "1", "2"] and data.y.tolist() == [0, 1, 2, 1] and data.x.dtype == np.dtype("=f4")
    assert hb.Dataset(data.x, y, task="regression").y.dtype.isnative
