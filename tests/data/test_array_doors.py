"""Whatever arrays come: a Dataset, Splits and findings, or a HackbookError."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import hackbook as hb

KINDS = st.sampled_from(["u1", "i1", "i4", "i8", "u8", "f2", "f4", "f8", "?", "c8", "S3", "U3", "M8[D]", "m8[s]", "O"])
VALUES = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.floats(), st.text(max_size=3), st.binary(max_size=2), st.just(2**70), st.just((1, 2)), st.just([1]), st.just({}))
EXTENSIONS = st.sampled_from(["Int64", "Float64", "boolean", "string", "category", "datetime64[ns, UTC]", "Sparse[float]"])


@st.composite
def arrays(draw, n):
    """n values of any kind, or an array of any shape whose first axis is mostly n long."""
    kind = draw(st.integers(0, 4))
    n = draw(st.sampled_from([n, n, n, n, 0, 1, n + 1]))
    if kind == 0:
        return draw(st.lists(VALUES, min_size=n, max_size=n))
    if kind == 1:
        return draw(st.lists(st.sampled_from(draw(st.lists(VALUES, min_size=1, max_size=3))), min_size=n, max_size=n))
    if kind == 2:
        return draw(st.sampled_from([None, 5, "ab", {1, 2}, {"a": 1}, object(), range(n), np.array(3), iter([1])]))
    if kind == 3:
        dtype = draw(EXTENSIONS)
        try:
            return pd.Series(draw(st.lists(st.one_of(st.none(), st.integers(0, 2)), min_size=n, max_size=n)), index=range(n, 0, -1)).astype(dtype)
        except (TypeError, ValueError):
            return pd.Series([], dtype=dtype)
    shape = (n, *draw(st.lists(st.integers(0, 4), max_size=3)))
    dtype = np.dtype(draw(KINDS))
    if dtype.kind == "O":
        flat = draw(st.lists(st.one_of(st.none(), st.integers(0, 2), st.text(max_size=2)), min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))
        return np.array(flat + [None], object)[:-1].reshape(shape)
    return draw(hnp.arrays(dtype, shape, elements=None if dtype.kind in "MmSU" else hnp.from_dtype(dtype)))


@st.composite
def tables(draw, n):
    columns = draw(st.lists(arrays(n), min_size=0, max_size=3))
    plain = {i if i % 2 else f"c{i}": pd.Series(list(np.ravel(np.array(c, object)))[:n], dtype=object).infer_objects() for i, c in enumerate(columns) if np.iterable(c) and not isinstance(c, (str, type(iter([]))))}
    return pd.DataFrame(plain)


def outcome(call):
    """What a call gives; None where it refuses in hackbook's words."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return call()
        except hb.HackbookError as e:
            assert str(e)


@given(st.data(), st.integers(2, 12))
def test_a_dataset_or_a_reason(data, n):
    x = data.draw(st.one_of(arrays(n), tables(n)))
    options = data.draw(st.fixed_dictionaries({}, optional={
        "class_names": st.one_of(st.none(), st.lists(st.one_of(st.text(max_size=2), st.integers(0, 2)), max_size=4), st.just(5)), "groups": arrays(n), "times": arrays(n),
        "features": st.one_of(st.just(3), st.lists(st.text(max_size=2), max_size=3)), "sample_weight": arrays(n), "sample_rate": st.sampled_from([None, 8000])}))
    task = data.draw(st.sampled_from(["classification", "regression"]))
    made = outcome(lambda: hb.Dataset(x, data.draw(arrays(n)), task=task, **options))
    if made is not None:
        assert len(made.x) == len(made.y) and len(made.frame) and repr(made) and made._repr_html_() and made.fingerprint == made.take(np.arange(len(made))).fingerprint
        assert task == "regression" or made.y.dtype == "int32" and made.y.min() >= 0 and made.y.max() < len(made.class_names)


@st.composite
def datasets(draw):
    """A Dataset of images, rows, texts or a table, with labels that can be divided, groups and times now and then."""
    n = draw(st.integers(6, 40))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    dtype = draw(st.sampled_from(["uint8", "float32", "float64", "int16", "bool", "float16"]))
    x = rng.normal(size=(n, *draw(st.sampled_from([(), (1,), (3,), (5, 4), (1, 1), (4, 4, 3), (2, 2, 2, 2)])))) * draw(st.sampled_from([0, 1, 300]))
    x = x.astype(dtype)
    if x.dtype.kind == "f" and x.size:
        x.reshape(-1)[rng.permutation(x.size)[: x.size // 5]] = draw(st.sampled_from([np.nan, np.inf, 0]))
    form = draw(st.sampled_from(["array", "array", "table", "texts"]))
    if form == "table":
        x = pd.DataFrame({"a": x.reshape(n, -1)[:, 0] if x.size else 0, "w": rng.choice(["x", "y", None], n), "d": pd.to_datetime("2026-01-01") + pd.to_timedelta(rng.integers(0, 9, n), "D"), "m": rng.choice(np.array([1, "1", None, True], object), n)})
    if form == "texts":
        x = [" ".join(rng.choice(["a", "B!", "", "\n", "ä", "card"], 3)) for _ in range(n)]
    y = rng.integers(0, draw(st.integers(1, 4)), n)
    task = draw(st.sampled_from(["classification", "classification", "regression"]))
    groups = draw(st.sampled_from([None, None, rng.integers(0, 9, n), rng.choice(np.array(["007", 7, "x"], object), n)]))
    times = draw(st.sampled_from([None, None, None, rng.integers(0, 50, n), rng.normal(size=n), [f"2026-01-{d:02}" for d in rng.integers(1, 28, n)], ["soon"] * n]))
    return outcome(lambda: hb.Dataset(x, y, task=task, groups=groups, times=times, sample_rate=draw(st.sampled_from([None, None, 100]))))


@given(datasets(), st.sampled_from([0.15, 0.3, 0, 1, None, "a", np.nan]), st.sampled_from([None, "class", "group", "time", "x", 5]), st.sampled_from([0, -1, "7 days", None]))
def test_splits_or_a_reason(data, fraction, by, gap):
    if data is None:
        return
    splits = outcome(lambda: hb.split(data, fraction, by=by, gap=gap))
    if splits is not None:
        assert sum(map(len, splits.parts.values())) <= len(data) and len(splits.frame)


@given(datasets())
def test_findings_and_no_failing_check(data):
    if data is None:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seen = hb.inspect(data)
        assert not [f.finding for f in seen.findings if f.check == "check failed"]
        assert len(seen.frame) == len(seen.findings)


@given(datasets())
def test_leaks_or_none(data):
    splits = data and outcome(lambda: hb.split(data, 0.3, 0.3))
    if splits:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert isinstance(hb.check_leakage(splits).frame, pd.DataFrame)


@given(datasets(), st.lists(st.sampled_from([*hb.quality.FIXES, "x", 5, None]), max_size=3), arrays(3))
def test_a_clean_dataset_or_a_reason(tmp_path_factory, data, fixes, decisions):
    if data is None:
        return
    cleaned = outcome(lambda: hb.clean(data, *fixes))
    assert cleaned is None or len(cleaned)
    table = decisions if decisions is not None else pd.DataFrame({"example": ["0" * 16], "row": ["0"], "label": ["0"], "decision": ["keep"], "new_label": [""]})
    outcome(lambda: hb.quality.save_decisions(table, tmp_path_factory.getbasetemp() / "saved.csv"))


@given(datasets(), arrays(5), arrays(5))
def test_a_review_or_a_reason(tmp_path_factory, data, indices, suggested):
    if data is not None:
        outcome(lambda: hb.quality.relabel(data, indices, suggested, to=tmp_path_factory.getbasetemp() / "doors.csv"))


def test_examples_of_no_numbers():
    with pytest.raises(hb.HackbookError, match="examples of at least one number"):
        hb.Dataset(np.zeros((2, 0), "uint8"), [0, 1])


def test_sounds_that_are_alike_in_spectrum():
    """Different as they were stored, equal to what looks for wrong labels."""
    y = [0, 1, 0, 1, 3, 2, 1, 3, 2, 3, 0, 1, 3, 3, 1]
    x = np.random.default_rng(0).normal(size=(15, 3)).astype("float32")
    x[[0, 1, 3, 7, 12, 13, 14], 1] = np.nan
    seen = hb.inspect(hb.Dataset(x, y, sample_rate=100))
    assert not [f.finding for f in seen.findings if f.check == "check failed"]


@pytest.mark.parametrize("gap", [None, np.nan, pd.NaT, "nat", "soon", 10**400])
@pytest.mark.parametrize("times", [[f"2026-01-{day:02}" for day in range(1, 21)], np.arange(20)])
def test_a_gap_that_is_none(times, gap):
    data = hb.Dataset(np.arange(20.0).reshape(20, 1), [0, 1] * 10, times=times)
    with pytest.raises(hb.InvalidValue, match="gap must be"):
        hb.split(data, 0.3, 0.2, by="time", gap=gap)


def test_leaks_among_texts_of_blanks():
    """Nothing but blanks to learn from, and words in the other parts."""
    part = {"task": "classification", "class_names": ["no", "yes"]}
    blanks = hb.Dataset([" ", "\n \n", "\t", "  "], [0, 1, 0, 1], **part)
    words = [hb.Dataset([f"{name} card", f"{name} \n\n"], [0, 1], **part) for name in ("red", "blue")]
    assert isinstance(hb.check_leakage(hb.Splits(blanks, *words)).frame, pd.DataFrame)


@pytest.mark.parametrize("nested", [[1], (1, 2), {}])
@pytest.mark.parametrize("other", [2**70, 3, "word", 0.5, None])
def test_a_column_of_lists(nested, other):
    with pytest.raises(hb.HackbookError, match="single numbers, words or dates"):
        hb.Dataset(pd.DataFrame({"a": [other, nested]}), [0, 1])


@pytest.mark.parametrize(
    "x, says",
    [
        (["a", None] * 4, "got '4 missing texts'; leave these examples out of x and y"),
        (["a", float("nan")] * 4, "got '4 missing texts'"),
        (np.array([["1", "2.5"]] * 8), "got 'numbers written as texts'; np.asarray(x, float) reads them"),
        (np.array([["1", "two"]] * 8), "got 'words in several columns'; pd.DataFrame(x) makes a table"),
        (np.array(["2024-01-31"] * 8, "datetime64[D]"), "got 'dates'; pd.DataFrame(x) makes a table with columns of dates"),
        (dict(a=range(8)), "a list, an array or a DataFrame of examples, got 'dict'; pd.DataFrame(x)"),
        (set(range(8)), "a list, an array or a DataFrame of examples, got 'set'; list(x)"),
        ((i for i in range(8)), "a list, an array or a DataFrame of examples, got 'generator'; list(x)"),
        (np.array([[1], [1, 2]] * 4, object), "got dtype('O'); do the examples have different shapes?"),
    ],
)
def test_examples_that_are_none_are_named(x, says):
    with pytest.raises(hb.HackbookError) as caught:
        hb.Dataset(x, [0, 1] * 4)
    assert says in str(caught.value)
