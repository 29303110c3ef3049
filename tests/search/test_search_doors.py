"""Spaces, settings and study files that people bring: a result or a HackbookError, nothing else."""

import json
import shutil

import numpy as np
import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

import hackbook as hb
from hackbook.search import Space

number = st.integers() | st.floats() | st.booleans()
leaf = st.none() | number | st.text(max_size=5) | st.just("log") | st.just(np.float32(0.5)) | st.just(np.int64(3)) | st.just(len) | st.just(b"x")
deep = st.recursive(leaf, lambda inner: st.lists(inner, max_size=4) | st.tuples(inner, inner) | st.tuples(inner, inner, inner) | st.dictionaries(st.text(max_size=3), inner, max_size=2) | st.sets(st.integers(), max_size=2), max_leaves=6)
names = st.sampled_from(["a", "b", "c", "dropout", "learning_rate"])
conditional = st.fixed_dictionaries({"in": deep, "when": st.dictionaries(names, deep, min_size=1, max_size=2) | deep})
ranges = st.tuples(number, number) | st.tuples(number, number, st.just("log")) | st.lists(leaf, min_size=1, max_size=3)


def or_refused(call, *arguments):
    """What a call gives; None if it says why not."""
    try:
        return call(*arguments)
    except hb.HackbookError as e:
        assert str(e)


@given(st.dictionaries(names | st.text(max_size=3), ranges | conditional | deep, max_size=4) | deep, st.data())
def test_spaces(value, data):
    """A space that is taken can be shown, stored, read again and asked."""
    from optuna.trial import FixedTrial

    space = or_refused(Space, value)
    if space is None:
        return
    space._repr_html_()
    record = json.loads(json.dumps(space.record))
    again = Space.from_record(record)
    assert again.record == record and again.names == space.names
    settings = or_refused(space.grid) or []
    for setting in settings[:3]:
        stored = space.to_optuna(setting)
        assert space.from_optuna(stored) == setting or setting != setting
        assert space.ask(FixedTrial(stored)).keys() == setting.keys()
    or_refused(space.to_optuna, data.draw(st.dictionaries(names, deep, max_size=3)))
    or_refused(space.from_optuna, data.draw(st.dictionaries(names, leaf, max_size=3)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("studies")


@pytest.mark.parametrize("name", ["study.db", "study.log"])
@given(data=st.data())
def test_damaged_studies(folder, name, data):
    whole = (ROOT / "tests/saved" / name).read_bytes()
    how, place = data.draw(st.sampled_from(["cut", "bytes", "replaced"])), data.draw(st.integers(0, len(whole)))
    if how == "cut":
        damaged = whole[:place]
    elif how == "bytes":
        damaged = whole[:place] + data.draw(st.binary(min_size=1, max_size=30)) + whole[place + data.draw(st.integers(0, 30)):]
    else:
        damaged = data.draw(st.binary(max_size=80))
    for left in folder.iterdir():
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    (folder / name).write_bytes(damaged)
    study = or_refused(hb.load_study, folder / name)
    if study is None:
        return
    for show in ("frame", "runs"):
        or_refused(lambda: getattr(study, show))
    or_refused(study._repr_html_)
