"""Spaces of every kind: settings lie inside, go to Optuna and back, and every mistake is answered with its fix."""

import json
import math
from inspect import signature
from itertools import product
from types import SimpleNamespace

import numpy as np
import optuna
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import hackbook as hb
from hackbook.models import image as models
from hackbook.core import InvalidValue
from hackbook.search.space import Space, default_space

optuna.logging.set_verbosity(optuna.logging.ERROR)


def stored(v):
    return v if isinstance(v, (str, int, float, type(None))) else getattr(v, "__name__", None) or str(v)


finite = st.floats(-1e9, 1e9)
above_0 = st.floats(1e-9, 1e9)
whole = st.integers(-(10**6), 10**6)
scalar = st.one_of(whole, finite, st.text(max_size=5), st.booleans(), st.none())
thing = st.one_of(scalar, st.tuples(whole, whole), st.lists(whole, max_size=3), st.sampled_from([len, np.tanh, int, print]))
choices = st.lists(thing, min_size=2, max_size=4, unique_by=stored)


@st.composite
def ranges(draw):
    numbers, log = draw(st.sampled_from([(finite, False), (above_0, True), (whole, False), (st.integers(1, 10**6), True)]))
    low, high = sorted(draw(st.lists(numbers, min_size=2, max_size=2, unique=True)))
    return (low, high, "log") if log else (low, high)


@st.composite
def spaces(draw, ranges=ranges()):
    """A dict with ranges, choices, fixed values, and conditions on those that came before; in any order."""
    names = draw(st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f", "naïve", "_x1"]), min_size=1, max_size=6, unique=True))
    space = {}
    for name in names:
        value = draw(st.one_of(ranges, choices, scalar))
        listed = [n for n, v in space.items() if isinstance(v["in"] if isinstance(v, dict) else v, list)]
        if listed and draw(st.booleans()):
            when = {}
            for parent in draw(st.lists(st.sampled_from(listed), min_size=1, max_size=2, unique=True)):
                values = space[parent]["in"] if isinstance(space[parent], dict) else space[parent]
                when[parent] = draw(st.one_of(st.sampled_from(values), st.lists(st.sampled_from(values), min_size=1, max_size=3)))
                if isinstance(when[parent], list) and when[parent] not in values:
                    assume(stored(when[parent]) not in map(stored, values))
            value = {"in": value, "when": when}
        space[name] = value
    assume(any(isinstance(v["in"] if isinstance(v, dict) else v, (tuple, list)) for v in space.values()))
    return {name: space[name] for name in draw(st.permutations(names))}


def holds(space, name, params):
    """Is the condition of `name` met? Computed without the library."""
    if not isinstance(space[name], dict):
        return True
    for parent, wanted in space[name]["when"].items():
        values = space[parent]["in"] if isinstance(space[parent], dict) else space[parent]
        one = stored(wanted) in map(stored, values)
        if parent not in params or stored(params[parent]) not in map(stored, [wanted] if one else wanted):
            return False
    return True


def inside(entry, value):
    if isinstance(entry, list):
        return any(value is v or stored(value) == stored(v) and type(value) is type(v) for v in entry)
    if not isinstance(entry, tuple):
        return value is entry or value == entry
    kind = int if all(isinstance(v, int) for v in entry[:2]) else float
    return type(value) is kind and entry[0] <= value <= entry[1]


@settings(max_examples=150, deadline=None)
@given(space=spaces(), seed=st.integers(0, 999))
def test_what_is_asked_lies_inside_and_comes_back_from_optuna(space, seed):
    s = Space(space)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    assert set(s.names) == set(space) and 0 < len(s) <= len(space)
    for _ in range(5):
        trial = study.ask()
        params = s.ask(trial)
        assert set(params) == {n for n in space if holds(space, n, params)}
        assert all(inside(space[n]["in"] if isinstance(space[n], dict) else space[n], v) for n, v in params.items())
        assert s.from_optuna(trial.params) == params and s.to_optuna(params) == trial.params
        assert {n: type(v) for n, v in s.from_optuna(trial.params).items()} == {n: type(v) for n, v in params.items()}
        assert s.ask(optuna.trial.FixedTrial(trial.params)) == params
        assert json.loads(json.dumps(trial.params)) == trial.params
        assert all(d.log == s.parameters[n].log for n, d in trial.distributions.items() if hasattr(d, "log"))
    assert json.loads(json.dumps(s.record)) == s.record == Space(s).record


def again(space):
    """The space read back from its record, after JSON."""
    return Space.from_record(json.loads(json.dumps(space.record)))


def asked_of(space, seed, times=20):
    """Settings that a random sampler asks of a space."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    return [space.ask(study.ask()) for _ in range(times)]


@pytest.mark.parametrize("space", [
    {"x": (0.0, 0.5)},
    {"x": (8.0, 64.0)},
    {"x": (1e-4, 0.1, "log")},
    {"x": (8, 64)},
    {"x": (16, 256, "log")},
    {"x": [(8, 16), (16, 32)]},
    {"x": [[1], 1, "[1]x", "(1)", "( 1, 2)", "(", ""]},
    {"x": ["sgd", "adam", None]},
    {"x": [True, False]},
    {"x": [0, 0.5, "off", None, (3,)]},
    {"x": (0.0, 0.5), "y": 64, "z": "(text)", "n": None, "yes": True, "rate": 0.5},
    {"x": {"in": (0.0, 0.99), "when": {"y": "sgd"}}, "y": ["sgd", "adam"]},
    {"x": {"in": (1, 64, "log"), "when": {"y": ["sgd", "adam"]}}, "y": ["sgd", "adam", "rmsprop"]},
    {"x": {"in": [(3,), (5,)], "when": {"y": (8, 16), "z": True}}, "y": [(8, 16), (16, 32), None], "z": [True, False]},
    {"x": {"in": 3, "when": {"y": [(8, 16), None]}}, "y": [(8, 16), (16, 32), None]},
    {"x": {"in": [1, 2], "when": {"y": 1}}, "y": [[1], 1]},
    {"x": {"in": [1, 2], "when": {"y": [1]}}, "y": [[1], 1]},
    {"x": {"in": (0.0, 1.0), "when": {"y": 1}}, "y": {"in": [1, 2], "when": {"z": "a"}}, "z": ["a", "b"]},
])
def test_a_space_read_back_from_its_record_asks_the_same(space):
    s = Space(space)
    back = again(s)
    assert back.record == s.record and back.names == s.names and back.parameters == s.parameters
    assert repr(asked_of(back, seed=0)) == repr(asked_of(s, seed=0))  # repr: 1 is not True and not 1.0


@settings(max_examples=150, deadline=None)
@given(space=spaces(), seed=st.integers(0, 999))
def test_the_record_of_any_space_is_read_back(space, seed):
    s = Space(space)
    back = again(s)
    assert back.record == s.record and back.names == s.names
    for one, other in zip(asked_of(s, seed), asked_of(back, seed), strict=True):
        assert back.to_optuna(other) == s.to_optuna(one)  # a function stays its name


@settings(max_examples=100, deadline=None)
@given(space=spaces(ranges=choices))
def test_a_grid_has_every_setting_once(space):
    s = Space(space)
    values = {n: v if isinstance(v, list) else [v] for n, v in ((n, e["in"] if isinstance(e, dict) else e) for n, e in space.items())}
    assume(math.prod(map(len, values.values())) < 2000)
    grid = s.grid()
    told = [repr(sorted((n, repr(stored(v))) for n, v in params.items())) for params in grid]
    assert len(set(told)) == len(told)
    everything = set()
    for row in product(*values.values()):
        params = dict(zip(values, row))
        while dropped := [n for n in params if not holds(space, n, params)]:
            params = {n: v for n, v in params.items() if n not in dropped}
        everything.add(repr(sorted((n, repr(stored(v))) for n, v in params.items())))
    assert set(told) == everything
    if not any(isinstance(e, dict) for e in space.values()):
        assert len(grid) == math.prod(map(len, values.values()))
    for params in grid[:5]:
        assert s.from_optuna(s.to_optuna(params)) == params


@settings(max_examples=50, deadline=None)
@given(entry=ranges(), outside=st.one_of(finite, st.just(math.nan), st.just(math.inf), st.text(max_size=3), st.none(), st.booleans()))
def test_a_value_outside_is_refused(entry, outside):
    s = Space({"x": entry})
    number = isinstance(outside, (int, float)) and not isinstance(outside, bool)
    assume(not number or not entry[0] <= outside <= entry[1])
    with pytest.raises(InvalidValue, match=r"params\['x'\] must be"):
        s.to_optuna({"x": outside})


@pytest.mark.parametrize("file", [None, "journal", "sqlite"])
def test_spaces_go_through_optunas_storages(tmp_path, file):
    def storage():
        if file == "journal":
            return optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(tmp_path / "s.log")))
        return f"sqlite:///{tmp_path}/s.db" if file else None
    space = Space({"filters": [(8, 16), (16, 32), None], "activation": ["relu", np.tanh], "width": (8, 512, "log"), "rate": (1e-5, 1.0, "log"),
                   "size": {"in": [3, 5], "when": {"filters": [(8, 16), (16, 32)]}}, "deep": [True, False]})
    study = optuna.create_study(storage=storage(), study_name="s", sampler=optuna.samplers.TPESampler(seed=0))
    study.enqueue_trial(space.to_optuna({"filters": (16, 32), "activation": np.tanh, "width": 9, "rate": 0.1, "size": 5, "deep": False}))
    asked = []
    study.optimize(lambda trial: asked.append(space.ask(trial)) or 0.0, n_trials=15)
    assert asked[0] == {"filters": (16, 32), "activation": np.tanh, "width": 9, "rate": 0.1, "size": 5, "deep": False}
    again = optuna.load_study(storage=storage(), study_name="s") if file else study
    assert [space.from_optuna(t.params) for t in again.trials] == asked
    assert {("size" in a) for a in asked} == {True, False}


@pytest.mark.parametrize("space, words", [
    ({}, "a dict with a name or more"),
    (None, "a dict with a name or more"),
    ([("dropout", (0, 0.5))], "a dict"),
    ({"x": 3}, "at least one range or list"),
    ({3: (0.0, 1.0)}, "like a variable"),
    ({"drop-out": (0.0, 1.0)}, "like a variable"),
    ({"": (0.0, 1.0)}, "like a variable"),
    ({"x": (0.5, 0.1)}, r"low < high, got \(0.5, 0.1\); try \(0.1, 0.5\)"),
    ({"x": (64, 8, "log")}, r"try \(8, 64, 'log'\)"),
    ({"x": (0.5, 0.5)}, "without brackets: 0.5"),
    ({"x": (0, 0.1, "log")}, "above 0 at both ends on a log scale"),
    ({"x": (-1.0, 0.1, "log")}, "above 0 at both ends on a log scale"),
    ({"x": (0, 64, "log")}, r"try \(1, 64, 'log'\)"),
    ({"x": (1e-4, 0.1, "ln")}, "a range: .*choices are a list"),
    ({"x": (1, 2, 3)}, r"choices are a list: \[1, 2, 3\]"),
    ({"x": (1, 2, "log", "log")}, "a range"),
    ({"x": ("sgd", "adam")}, r"choices are a list: \['sgd', 'adam'\]"),
    ({"x": (False, True)}, "choices are a list"),
    ({"x": (0.1,)}, "a range"),
    ({"x": ()}, "a range"),
    ({"x": (0.0, math.inf)}, "finite ends"),
    ({"x": (math.nan, 1.0)}, "finite ends"),
    ({"x": (0, 10**400)}, "finite ends"),
    ({"x": (0, 2**60)}, "finite ends"),
    ({"x": []}, "two choices or more"),
    ({"x": [1]}, "two choices or more"),
    ({"x": [1, 2, 1]}, "different in every choice, got 1"),
    ({"x": [1, True]}, "different in every choice"),
    ({"x": [(1, 2), "(1, 2)"]}, "different in every choice"),
    ({"x": [1.0, math.nan]}, "finite in every choice"),
    ({"x": [1.0, -math.inf]}, "finite in every choice"),
    ({"x": [abs, lambda v: v]}, "text lasts"),
    ({"x": [object(), object()]}, "text lasts"),
    ({"x": math.nan, "y": (0.0, 1.0)}, "a range .*got nan"),
    ({"x": {1, 2}}, "a list of choices"),
    ({"x": abs}, "belongs into the function"),
    ({"x": np.ones((2, 2))}, "a list of choices"),
    ({"x": {"in": (0.0, 1.0)}}, "a condition"),
    ({"x": {"in": (0.0, 1.0), "when": {}}}, "a condition"),
    ({"x": {"in": (0.0, 1.0), "when": "y"}, "y": [1, 2]}, "a condition"),
    ({"x": {"in": {"in": 1, "when": 2}, "when": {"y": 1}}, "y": [1, 2]}, "a condition"),
    ({"x": {"in": (1.0, 0.0), "when": {"y": 1}}, "y": [1, 2]}, "low < high"),
    ({"x": {"in": (0.0, 1.0), "when": {"z": 1}}, "y": [1, 2]}, "about one of y, got 'z'"),
    ({"x": {"in": (0.0, 1.0), "when": {"y": 3}}, "y": [1, 2]}, r"among \[1, 2\], got 3"),
    ({"x": {"in": (0.0, 1.0), "when": {"y": [1, 3]}}, "y": [1, 2]}, r"among \[1, 2\], got \[1, 3\]"),
    ({"x": {"in": (0.0, 1.0), "when": {"y": []}}, "y": [1, 2]}, r"among \[1, 2\]"),
    ({"x": {"in": (0.0, 1.0), "when": {"y": 1}}, "y": (0, 2)}, "'y' has a range"),
    ({"x": {"in": (0.0, 1.0), "when": {"y": "adam"}}, "y": "sgd"}, r"among \['sgd'\]"),
    ({"x": {"in": [1, 2], "when": {"x": 1}}}, "circle, got x → x"),
    ({"x": {"in": [1, 2], "when": {"y": 1}}, "y": {"in": [1, 2], "when": {"z": 1}}, "z": {"in": [1, 2], "when": {"x": 1}}}, "circle"),
])
def test_a_wrong_space_is_refused(space, words):
    with pytest.raises(InvalidValue, match=words) as e:
        Space(space)
    assert "; " in str(e.value) or "must" in str(e.value)


def test_nothing_of_a_bad_grid_is_made():
    with pytest.raises(InvalidValue, match=r"needs a list of values, got \(0.0001, 0.1\); try \[0.0001, 0.00316, 0.1\]"):
        Space({"rate": (1e-4, 0.1, "log"), "layers": [1, 2]}).grid()
    with pytest.raises(InvalidValue, match="at most 100,000"):
        Space({f"x{i}": list(range(10)) for i in range(12)}).grid()


def test_settings_that_are_none_of_the_space():
    s = Space({"optimizer": ["sgd", "adam"], "momentum": {"in": (0.0, 0.99), "when": {"optimizer": "sgd"}}, "epochs": 3})
    assert s.to_optuna({"optimizer": "adam", "epochs": 3}) == {"optimizer": "adam"}
    for params, words in (({"optimizer": "sgd"}, "'momentum' is missing"), ({"optimizer": "adam", "momentum": 0.5}, "only where optimizer is sgd"),
                          ({"optimizer": "adam", "epochs": 4}, r"among \[3\]"), ({"optimzer": "adam"}, "one of optimizer, epochs, momentum"),
                          ({"optimizer": "rmsprop"}, "among"), ({"optimizer": "sgd", "momentum": 1.5}, "0 to 0.99, got 1.5")):
        with pytest.raises(InvalidValue, match=words):
            s.to_optuna(params)
    for other in {"width": 3}, {"optimizer": "rmsprop"}:
        with pytest.raises(InvalidValue, match="made with another space"):
            s.from_optuna(other)
    assert s.from_optuna({}) == {"epochs": 3}       # a trial that waits for its turn


def test_a_condition_on_one_value_narrows_a_search_without_rewriting_it():
    s = Space({"optimizer": "sgd", "momentum": {"in": (0.0, 0.99), "when": {"optimizer": ["sgd"]}}})
    assert s.to_optuna({"momentum": 0.5}) == {"momentum": 0.5} and s.varying == ["momentum"]


def test_no_html_gets_through():
    assert "<script>" not in Space({"x": ["<script>", "b"], "y": {"in": [1, 2], "when": {"x": "<script>"}}})._repr_html_()


@pytest.mark.parametrize("size, filters", [(8, (8, 16, 32)), (28, (8, 16, 32)), (64, (8, 16, 32, 64)), (224, (8, 16, 32, 64, 128))])
def test_the_default_space_looks_at_the_images(size, filters):
    x = np.zeros((40, size, size), "uint8")
    x[:, 0, :8] = (np.arange(40)[:, None] >> np.arange(8)) & 1
    splits = hb.split(hb.Dataset(x, np.arange(40) % 2, ["a", "b"]))
    space = Space(default_space(models.cnn, splits))
    assert space.parameters["filters"].values[0] == filters and 5 <= len(space) <= 6
    taken = {"filters", "dropout", "l2"}
    assert taken <= set(space.names) and set(space.names) - taken <= set(signature(hb.fit).parameters)


def test_no_default_space_for_what_is_no_family():
    splits = hb.split(hb.data.digits())
    for build in models.load_keras, lambda params: None, "cnn", None:
        with pytest.raises(InvalidValue, match="models.cnn.*start with space="):
            default_space(build, splits)
    for other in None, splits.train, SimpleNamespace(train=splits.train):
        with pytest.raises(InvalidValue, match="hb.split"):
            default_space(models.cnn, other)
