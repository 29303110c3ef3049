"""Each disturbance keeps kind, shape, dtype and range, does nothing at strength 0, and more at a greater one."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import hackbook as hb
from hackbook.experiments import DISTURBANCES, disturbances_of

IMAGES = sorted(DISTURBANCES["image"])
SERIES = sorted(DISTURBANCES["series"])


def strengths(disturbance):
    return (1, *(level * 10 if disturbance.per_side else level for level in disturbance.levels))


@given(x=arrays.arrays(st.sampled_from(["uint8", "int16", "float32", "float64", "bool"]),
                       st.sampled_from([(3, 9, 7), (2, 8, 8, 1), (2, 6, 9, 3), (1, 5, 5, 4), (1, 4, 4, 7)]),
                       elements={"min_value": 0, "max_value": 1} | {}), name=st.sampled_from(IMAGES), data=st.data())
def test_images_keep_shape_dtype_and_range(x, name, data):
    disturbance = DISTURBANCES["image"][name]
    before = x.copy()
    found = disturbance(x, data.draw(st.sampled_from(strengths(disturbance))), np.random.default_rng(0))
    assert found.shape == x.shape and found.dtype == x.dtype and np.array_equal(x, before)
    assert x.min() <= found.min() and found.max() <= x.max()


@pytest.mark.parametrize("name", IMAGES)
def test_more_strength_changes_images_of_8_bits_more(name):
    x = hb.data.digits().x[:50] * 15
    disturbance = disturbances_of(hb.Dataset(x, np.arange(50) % 2))[name]
    away = [np.abs(disturbance(x, s, np.random.default_rng(0)).astype(float) - x).mean() for s in disturbance.levels]
    assert (np.diff(away) >= 0).all() and away[0] < away[-1]
    again = [disturbance(x, disturbance.levels[-1], np.random.default_rng(3)) for _ in range(2)]
    assert np.array_equal(*again)


@pytest.mark.parametrize("name", sorted(set(IMAGES) - {"jpeg"}))
def test_nothing_happens_at_strength_0(name):
    x = hb.data.digits().x[:5]
    assert np.array_equal(DISTURBANCES["image"][name](x, 0, np.random.default_rng(0)), x)


@pytest.mark.parametrize("name", IMAGES)
def test_the_range_of_all_images_is_looked_for_once(name, monkeypatch):
    import hackbook.experiments.image_disturbances as module

    asked, look = [], module._range
    monkeypatch.setattr(module, "_range", lambda x: asked.append(1) or look(x))
    DISTURBANCES["image"][name](hb.data.digits().x[:9], DISTURBANCES["image"][name].levels[0], np.random.default_rng(0))
    assert 1 <= len(asked) <= 2


def test_levels_follow_the_size_of_the_images():
    for side in (1, 2, 8, 28, 224):
        found = disturbances_of(hb.Dataset(np.zeros((2, side, side, 3), "uint8"), [0, 1]))
        for d in found.values():
            assert d.levels and min(d.levels) > 0 and list(d.levels) == sorted(set(d.levels)) and not d.per_side
        assert max(found["shift"].levels) <= max(1, side / 2) and all(s == int(s) for s in found["shift"].levels)


@given(x=arrays.arrays(st.sampled_from(["int8", "uint8", "int64", "float32", "float64", "bool"]), st.sampled_from([(6, 3), (5,)]), elements={"min_value": 0, "max_value": 1}),
       name=st.sampled_from(["replaced by mean", "noise"]), strength=st.sampled_from([0.1, 0.5, 1.0]))
def test_tables_keep_shape_and_dtype(x, name, strength):
    found = DISTURBANCES["table"][name](x, strength, np.random.default_rng(0))
    assert found.shape == x.shape and found.dtype == x.dtype
    frame = pd.DataFrame(x)
    told = DISTURBANCES["table"][name](frame, strength, np.random.default_rng(0))
    assert list(told) == list(frame) and told.dtypes.tolist() == frame.dtypes.tolist()
    assert np.array_equal(told.to_numpy().ravel(), found.ravel())


def test_a_column_of_words_stays_and_whole_numbers_do_not_overflow():
    frame = pd.DataFrame({"n": np.array([0, 255] * 4, "uint8"), "word": ["a", "b"] * 4, "age": [None, 1.0] * 4})
    for disturbance in DISTURBANCES["table"].values():
        found = disturbance(frame, 1, np.random.default_rng(0))
        assert found.word.tolist() == frame.word.tolist() and list(found) == list(frame)
    noisy = DISTURBANCES["table"]["noise"](frame, 3, np.random.default_rng(0))
    assert noisy.n.dtype == "uint8" and noisy.age.isna().tolist() == frame.age.isna().tolist()
    assert (noisy.n[frame.n == 255] > noisy.n[frame.n == 0].median()).any()


def test_missing_is_nested_and_as_frequent_as_said():
    x = np.random.default_rng(0).normal(size=(3000, 2))
    few, many = (np.isnan(DISTURBANCES["table"]["missing"](x, s, np.random.default_rng(1))) for s in (0.1, 0.4))
    assert not (few & ~many).any() and few.mean() == pytest.approx(0.1, abs=0.02) and many.mean() == pytest.approx(0.4, abs=0.03)


@given(texts=st.lists(st.text(max_size=20), min_size=1, max_size=4), name=st.sampled_from(sorted(DISTURBANCES["text"])), strength=st.sampled_from([0.0, 0.3, 1.0]))
def test_texts_stay_texts(texts, name, strength):
    x = np.array(texts, object)
    found = DISTURBANCES["text"][name](x, strength, np.random.default_rng(0))
    assert found.shape == x.shape and found.dtype == object and all(isinstance(t, str) for t in found)
    if not strength:
        assert found.tolist() == texts
    if name == "typing errors":
        assert all(not set(a) - set(b) and len(a) <= len(b) for a, b in zip(found, texts))


@given(x=arrays.arrays(st.sampled_from(["int16", "float32", "float64"]), st.sampled_from([(2, 40), (2, 30, 3), (1, 1, 1)]), elements={"min_value": -1, "max_value": 1}),
       name=st.sampled_from(SERIES), strength=st.sampled_from([0.0, 0.1, 0.5, 1.0]))
def test_series_keep_shape_and_dtype(x, name, strength):
    found = DISTURBANCES["series"][name](x, strength, np.random.default_rng(0))
    assert found.shape == x.shape and found.dtype == x.dtype and np.isfinite(found).all()
    if not strength:
        assert np.array_equal(found, x.astype("float32").astype(x.dtype))


def test_noise_of_a_signal_has_the_ratio_that_it_says():
    x = np.sin(np.arange(20_000) / 30)[None] * 1000
    for strength in (0.1, 1.0):
        noise = DISTURBANCES["series"]["noise"](x, strength, np.random.default_rng(0)) - x
        assert 20 * np.log10(x.std() / noise.std()) == pytest.approx(-20 * np.log10(strength), abs=0.2)
