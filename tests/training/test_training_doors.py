"""Whatever goes into fit, find_lr and preflight, or lies in a run's folder: a result or a HackbookError, nothing else."""

import json
import shutil
from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from keras import Input, Sequential, callbacks, layers

import hackbook as hb
from hackbook.checks.suite import _check_call
from hackbook.models import build_weights, check_activation, check_model
from hackbook.training import Batches, as_array, check_splits, in_order, make_options
from hackbook.training.divergence import as_callbacks, check_callbacks
from hackbook.training.hyperparameters import RANGES, ReplayChanges, sizes

plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=4)
values = st.recursive(plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3) | st.tuples(inner, inner), max_leaves=6)


def or_refused(call, *arguments, **options):
    """What a call gives; None if it says why not."""
    try:
        return call(*arguments, **options)
    except hb.HackbookError as e:
        assert str(e)


numbers = arrays.boolean_dtypes() | arrays.integer_dtypes() | arrays.unsigned_integer_dtypes() | arrays.floating_dtypes()
odd = arrays.complex_number_dtypes() | arrays.datetime64_dtypes() | arrays.unicode_string_dtypes(max_len=3) | arrays.byte_string_dtypes(max_len=3)
shapes = arrays.array_shapes(min_dims=0, max_dims=4, min_side=1, max_side=4)


@st.composite
def examples(draw):
    """x as an array of any kind, texts or a table; often as long as y."""
    n, kind = draw(st.integers(2, 6)), draw(st.sampled_from(["array", "array", "odd", "text", "table"]))
    if kind == "text":
        return np.array(draw(st.lists(st.text(max_size=5), min_size=n, max_size=n)), object)
    if kind == "table":
        column = st.lists(st.floats(), min_size=n, max_size=n) | st.lists(st.booleans(), min_size=n, max_size=n) | st.lists(st.text(max_size=3) | st.none(), min_size=n, max_size=n)
        return pd.DataFrame(draw(st.dictionaries(st.sampled_from("abc"), column, min_size=1)))
    rest = draw(shapes)
    return draw(arrays.arrays(draw(odd if kind == "odd" else numbers), draw(st.just((n, *rest)) | st.just(rest))))


@st.composite
def datasets(draw):
    x = draw(examples())
    n = len(x) if getattr(x, "ndim", 1) else 1
    task = draw(st.sampled_from(["classification", "regression"]))
    y = draw(arrays.arrays(draw(numbers), n)) if draw(st.booleans()) else np.arange(n) % 2
    return or_refused(hb.Dataset, x, y, task=task)


MODELS = {}


def model_for(shape, outputs):
    """A model for examples of that shape; each is made once."""
    key = shape, outputs
    if key not in MODELS:
        activation = "softmax" if outputs > 1 else None
        MODELS[key] = Sequential([Input(shape), layers.Flatten(), layers.Dense(outputs, activation=activation)])
    return MODELS[key]


@given(datasets(), st.sampled_from(["fits", "another"]))
def test_arrays(data, which):
    """What passes the checks can be served, and gives finite numbers."""
    if data is None:
        return
    splits = hb.data.Splits(data, data, data)
    if or_refused(lambda: [check_splits(splits)]) is None:
        return
    text = data.kind == "text"
    shape = (2, 3) if which == "another" else () if text else data.x.shape[1:]
    model = model_for(tuple(shape), max(len(data.class_names), 1))
    or_refused(_check_call, model, splits, 0.01, 64, 20, 0, (), None)
    fits = or_refused(lambda: [check_model(model, data), check_activation(model, data)])
    assert not (fits and (text or which == "another" and data.x.shape[1:] != (2, 3)))
    if fits:
        for x, y in (next(iter(in_order(data))), next(iter(Batches(data, 2).dataset))):
            assert np.isfinite(np.asarray(model(x))).all() or np.abs(as_array(data.x)).max() > 1e30
            assert len(x) == len(y)


@given(st.one_of(values, st.just(hb.models.cnn), st.just(Sequential), st.just(layers.Dense(2))), st.booleans())
def test_things_in_place_of_model_and_splits(thing, as_model):
    data = hb.Dataset(np.zeros((4, 2)), [0, 1, 0, 1])
    if as_model:
        assert or_refused(lambda: [build_weights(thing, data)]) is None
    else:
        assert or_refused(lambda: [check_splits(thing)]) is None
        assert or_refused(lambda: [_check_call(model_for((2,), 2), thing, 0.01, 64, 20, 0, (), None)]) is None


NAMES = [f.name for f in fields(hb.training.TrainingOptions)]
likely = st.sampled_from(["adamw", "sgd", "one-cycle", "constant", "plateau", "mse", "accuracy", "5 min", "balanced", "mixed_bfloat16", 1, 0.5, 64, None, True])


@given(st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=6), likely | values, max_size=4))
def test_options(chosen):
    options = or_refused(make_options, "hb.fit", NAMES, chosen)
    if options is not None:
        json.dumps(options.record, default=str)
        repr(options)


@given(st.one_of(values, st.lists(st.sampled_from([callbacks.EarlyStopping(), callbacks.ReduceLROnPlateau(), callbacks.SwapEMAWeights(), callbacks.EarlyStopping, print, 3]), max_size=3)),
       st.sampled_from(["constant", "one-cycle", "plateau"]), st.sampled_from([None, 0.9]))
def test_callbacks(given_, schedule, ema):
    found = or_refused(as_callbacks, given_)
    if found is not None:
        or_refused(check_callbacks, found, hb.training.TrainingOptions(schedule=schedule, ema=ema))


@given(values | st.lists(st.tuples(st.floats() | st.integers(-2, 50), st.sampled_from([*RANGES, "batch_size"]), st.floats() | st.integers(-1, 99) | st.none()), max_size=4))
def test_changes(changes):
    data = hb.Dataset(np.zeros((8, 2)), [0, 1] * 4)
    batches = BATCHES.setdefault(0, None) or BATCHES.__setitem__(0, Batches(data, 2)) or BATCHES[0]

    class All(dict):
        def _check(self, name, value):
            from hackbook.core import require

            require(name in RANGES and isinstance(value, (int, float)), name, value, "known")

    if or_refused(ReplayChanges, All(), changes, batches) is not None:
        or_refused(sizes, changes, batches)


BATCHES = {}


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A run that was saved by an earlier version, alone in a folder."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    shutil.copytree(ROOT / "tests/saved/numbers", folder)
    return folder


@st.composite
def damages(draw, content):
    """The content of a file, cut, with other bytes inside, or replaced."""
    how = draw(st.sampled_from(["cut", "bytes", "replaced", "json", "json"]))
    place = draw(st.integers(0, len(content)))
    if how == "cut":
        return content[:place]
    if how == "bytes":
        return content[:place] + draw(st.binary(min_size=1, max_size=20)) + content[place + draw(st.integers(0, 20)):]
    return draw(st.binary(max_size=60)) if how == "replaced" else None


def with_other(record, draw):
    """The record with one of its values replaced, at any depth."""
    if isinstance(record, dict) and record and draw(st.integers(0, 4)):
        key = draw(st.sampled_from(sorted(record)))
        if draw(st.integers(0, 8)) == 0:
            return {k: v for k, v in record.items() if k != key}
        return record | {key: with_other(record[key], draw)}
    return draw(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | st.lists(st.integers(), max_size=2) | st.just({}))


def read_all(folder):
    """Everything that reads a run's folder without a model."""
    table = or_refused(hb.list_runs, folder.parent)
    if table is not None:
        assert len(table) == 1
        table._repr_html_()
    compared = or_refused(hb.training.compare_runs, folder, folder)
    if compared is not None:
        compared._repr_html_()
    return table


@given(st.data())
def test_damaged_records(run_folder, data):
    path = run_folder / data.draw(st.sampled_from(["run.json", "run.json", "history.csv"]))
    whole = path.read_bytes()
    damaged = data.draw(damages(whole))
    if damaged is None and path.suffix == ".json":
        damaged = json.dumps(with_other(json.loads(whole), data.draw)).encode()
    try:
        path.write_bytes(damaged or b"")
        read_all(run_folder)
        if data.draw(st.integers(0, 15)) == 0:
            run = or_refused(hb.load_run, run_folder)
            if run is not None:
                repr(run)
    finally:
        path.write_bytes(whole)


@given(st.data())
def test_damaged_models(run_folder, data):
    path = run_folder / "model.keras"
    whole = path.read_bytes()
    damaged = data.draw(damages(whole))
    try:
        path.write_bytes(damaged or b"")
        or_refused(hb.load_run, run_folder)
        or_refused(hb.load_run, run_folder, MODELS.setdefault("small", Sequential([Input((3,)), layers.Dense(1)])))
    finally:
        path.write_bytes(whole)


@given(st.data())
def test_damaged_checkpoints(tmp_path_factory, data):
    path = STORE.get("checkpoint") or tmp_path_factory.mktemp("checkpoints") / "epoch-00001.npz"
    if "checkpoint" not in STORE:
        STORE["checkpoint"], STORE["whole"] = path, hb.training.save_checkpoint(path, {"a": np.arange(3.0)}, {"rows": []}).read_bytes()
    path.write_bytes(data.draw(damages(STORE["whole"])) or b"")
    or_refused(hb.training.load_checkpoint, path)


STORE = {}
