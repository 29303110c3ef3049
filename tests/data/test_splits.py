"""What split promises, for data of every shape that hypothesis thinks of."""

import pprint
import reprlib
import traceback

import numpy as np
import pandas as pd
import pytest
from _pytest._io.saferepr import saferepr, saferepr_unlimited
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from IPython.lib.pretty import pretty

import hackbook as hb
from hackbook.data import Sealed

examples = settings(max_examples=60, deadline=None)


@st.composite
def heaps(draw, copies=False):
    """A Dataset with some classes, every example marked by its number unless there are copies."""
    sizes = draw(st.lists(st.integers(12, 60), min_size=2, max_size=6))
    y = np.repeat(np.arange(len(sizes)), sizes)
    np.random.default_rng(draw(st.integers(0, 99))).shuffle(y)
    x = np.arange(len(y))
    if copies:
        x = np.random.default_rng(0).integers(0, len(y), len(y))
    shape = draw(st.sampled_from([(1,), (2,), (3, 2), (2, 2, 1)]))
    return hb.Dataset(np.broadcast_to(x.reshape(-1, *[1] * len(shape)), (len(x), *shape)).astype("int32"), y)


fractions = st.tuples(st.floats(0.15, 0.4), st.floats(0.15, 0.4))
seeds = st.integers(0, 2**32 - 1)


def ids(part):
    return part.x.reshape(len(part), -1)[:, 0]


@examples
@given(heaps(), fractions, seeds)
def test_disjoint_complete_seeded_and_stratified_within_one(data, fraction, seed):
    splits = hb.split(data, validation=fraction[0], test=fraction[1], seed=seed)
    parts = list(splits.parts.values())
    assert sorted(np.concatenate([ids(p) for p in parts])) == list(range(len(data)))
    assert [len(p) for p in parts[1:]] == [round(s * len(data)) for s in fraction]
    again = hb.split(data, validation=fraction[0], test=fraction[1], seed=seed)
    assert [p.fingerprint for p in again.parts.values()] == [p.fingerprint for p in parts]
    total = np.bincount(data.y)
    rest = total - np.bincount(parts[2].y, minlength=len(total))
    for part, pool in ((parts[2], total), (parts[1], rest)):  # drawn one after the other, each within one of its fraction
        wished = pool * len(part) / pool.sum()
        assert (np.abs(np.bincount(part.y, minlength=len(total)) - wished) <= 1).all()


@examples
@given(heaps(copies=True), fractions, seeds)
def test_copies_stay_on_one_side(data, fraction, seed):
    try:
        splits = hb.split(data, validation=fraction[0], test=fraction[1], seed=seed)
    except hb.HackbookError:
        assume(False)
    sides = [set(ids(p)) for p in splits.parts.values()]
    assert sum(map(len, sides)) == len(set.union(*sides)) and sum(map(len, splits.parts.values())) == len(data)


@examples
@given(heaps(), st.integers(12, 40), seeds)
def test_groups_stay_on_one_side(data, count, seed):
    groups = np.random.default_rng(1).integers(0, count, len(data))
    data = hb.Dataset(data.x, data.y, groups=groups)
    try:
        splits = hb.split(data, validation=0.2, test=0.2, seed=seed)
    except hb.HackbookError as refused:
        assert "group" in str(refused)
        return
    sides = [set(p.groups) for p in splits.parts.values()]
    assert sum(map(len, sides)) == len(set(groups)) and sum(map(len, splits.parts.values())) == len(data)
    assert all(len(np.unique(p.y)) == len(data.class_names) for p in splits.parts.values())


@examples
@given(heaps(), st.integers(0, 20), seeds)
def test_time_flows_from_train_to_test(data, gap, seed):
    times = np.random.default_rng(seed).permutation(len(data)) // 3  # three examples a moment
    try:
        splits = hb.split(hb.Dataset(data.x, data.y, times=times), validation=0.2, test=0.2, gap=gap)
    except hb.HackbookError as refused:
        assert gap and "at least one moment" in str(refused)
        return
    for earlier, later in ((splits.train, splits.validation), (splits.validation, splits.parts["test"])):
        assert earlier.times.max() < later.times.min() and later.times.min() - earlier.times.max() > gap
    if not gap:
        assert sum(map(len, splits.parts.values())) == len(data)


def test_a_fixed_test_part_keeps_its_people_to_itself():
    x, y = np.arange(120)[:, None], np.arange(120) % 2
    data = hb.Dataset(x, y, groups=np.arange(120) // 4)
    test = data.take(np.arange(20))
    splits = hb.split(data, validation=0.2, test=test)
    assert splits.test.data is test and len(splits.train) + len(splits.validation) == 100
    with pytest.raises(hb.HackbookError, match="more than the test part holds"):
        hb.split(test, test=hb.Splits(test, test, data).test)


@examples
@given(heaps(copies=True), seeds)
def test_a_fixed_test_part_divides_the_rest_as_if_it_were_alone(data, seed):
    test = data.take(np.arange(0, len(data), 9))
    rest = data.take(~np.isin(ids(data), ids(test)))
    try:
        splits = hb.split(data, validation=0.2, test=test, seed=seed)
    except hb.HackbookError:
        assume(False)
    assert set(ids(splits.train)) | set(ids(splits.validation)) == set(ids(rest)) and not set(ids(splits.train)) & set(ids(splits.validation))
    assert len(splits.train) + len(splits.validation) == len(rest)


def test_copies_that_a_split_by_time_leaves_on_both_sides_are_found():
    x = np.random.default_rng(0).normal(size=(100, 3))
    x[90] = x[5]
    splits = hb.split(hb.Dataset(x, np.arange(100) % 2, times=np.arange(100)))
    found = [leak for leak in hb.check_leakage(splits).leaks if leak.check == "copies"]
    assert [leak.finding for leak in found] == ["1 of 15 test examples are in train too"] and "drop the later ones" in found[0].fix


MARK = 4711  # in every pixel, text, cell and label of the sealed part, and nowhere else


def secret(kind, test):
    """A Dataset of one kind: of the sealed part each value holds MARK, of the others none."""
    n, number, word = (60, MARK, f"secret {MARK}") if test else (90, 17, "open")
    x = {
        "image": np.full((n, 4, 4), number, "uint16"),
        "numbers": np.full((n, 3), number + 0.5),
        "text": [word] * n,
        "table": pd.DataFrame({"a": np.full(n, number), "b": [word] * n}),
    }[kind]
    y = number + np.arange(n) / 100
    return hb.Dataset(x, y, name="exam", task="regression", groups=[word] * n, times=number + np.arange(n))


def printed(*things):
    """What Python, pytest, a traceback, Jupyter and a debugger show of `things`, by who shows it."""
    shown = {"repr": map(repr, things), "str": map(str, things), "format": (f"{t} {t!r} {t!s}" for t in things)}
    shown |= {"reprlib": map(reprlib.repr, things), "pprint": (pprint.pformat(t, width=20) for t in things)}
    shown |= {"pytest": map(saferepr, things), "pytest -vv": map(saferepr_unlimited, things), "IPython": map(pretty, things)}
    sealing = [t for t in things if isinstance(t, (hb.Splits, Sealed))]  # a Dataset taken out of the seal has its values
    shown |= {"vars": (repr(vars(t)) for t in sealing), "html": (t._repr_html_() for t in sealing)}
    return {who: list(texts) for who, texts in shown.items()}


@pytest.mark.parametrize("kind", ["image", "numbers", "text", "table"])
def test_nothing_prints_the_sealed_part(kind):
    splits = hb.Splits(secret(kind, False), secret(kind, False), secret(kind, True), name="exam")
    seal = splits.test
    things = [splits, seal, seal.data, splits.parts, splits.parts["test"], [splits], {"seal": seal}]
    texts = printed(*things)
    assert [who for who, found in texts.items() if any(str(MARK) in text for text in found)] == []
    assert all(len(text) < 300 and "\n" not in text for text in texts["repr"])
    with pytest.raises(hb.HackbookError, match="sealed") as caught:
        seal.x  # noqa: B018
    assert str(MARK) not in str(caught.value)
    assert str(MARK) not in str(caught.getrepr(showlocals=True, style="long"))  # pytest --showlocals
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert "seal = Sealed('exam', 60 examples" in "".join(frames.format())
    assert str(MARK) not in "".join(frames.format())
    with pytest.warns(hb.SealBroken) as warned:
        seal.open("first")
        seal.open("second")
    assert str(MARK) not in str(warned[0].message) and repr(seal) == "Sealed('exam', 60 examples, opened 2 times)"


def test_one_line_each():
    data = hb.data.digits()
    splits = hb.split(data)
    assert str(data) == "Dataset('digits', 1,797 examples of 8×8 uint8, 10 classes)"
    assert str(splits) == "Splits(digits: 1,257 train, 270 validation, 270 test (sealed))"
    assert str(splits.test) == "Sealed('digits test', 270 examples, opened 0 times)"
    assert repr(list(splits.parts.values())).count("\n") == 0
