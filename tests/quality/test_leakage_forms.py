"""One example in two parts in another form: turned, brightened, compressed, in other letters, rounded; and codes for gaps."""

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import hackbook as hb


def photos(n, size=(24, 32)):
    """Smooth colored pictures that differ."""
    rng = np.random.default_rng(0)
    small = [Image.fromarray(rng.integers(0, 200, (5, 6, 3), "uint8")) for _ in range(n)]
    return np.array([np.asarray(s.resize(size[::-1], Image.BICUBIC)) for s in small])


def compressed(x, quality):
    out = []
    for picture in x:
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
        out.append(np.asarray(Image.open(buffer)))
    return np.array(out)


FORMS = {
    "mirrored": lambda x: x[:, :, ::-1],
    "upside down": lambda x: x[:, ::-1],
    "half a turn": lambda x: np.rot90(x, 2, (1, 2)),
    "brightened": lambda x: np.clip(x * 1.15 + 12, 0, 255).astype("uint8"),
    "compressed": lambda x: compressed(x, 75),
    "mirrored and compressed": lambda x: compressed(x[:, :, ::-1], 75),
}


@pytest.fixture(scope="module")
def splits():
    x = photos(120)
    return hb.split(hb.Dataset(x, np.arange(120) % 3))


def with_test(splits, x):
    test = splits.parts["test"]
    return replace(splits, test=hb.Dataset(np.concatenate([test.x, x]), np.r_[test.y, np.zeros(len(x), int)], test.class_names))


def lookalikes(splits):
    return [i for leak in hb.quality.lookalikes_across_parts(splits) for i in leak.examples]


@pytest.mark.parametrize("form", FORMS)
def test_a_picture_in_another_form_is_found(splits, form):
    n = len(splits.test)
    assert lookalikes(with_test(splits, FORMS[form](splits.train.x[:5]))) == list(range(n, n + 5))


def test_a_square_picture_is_found_in_all_eight_turns():
    splits = hb.split(hb.Dataset(photos(80, (20, 20)), np.arange(80) % 2))
    turns = np.array([t for k in range(4) for t in (np.rot90(splits.train.x[k], k), np.rot90(splits.train.x[4 + k], k)[:, ::-1])])
    n = len(splits.test)
    assert lookalikes(with_test(splits, turns)) == list(range(n + 1, n + 8)) or lookalikes(with_test(splits, turns)) == list(range(n, n + 8))


def test_other_pictures_are_not_accused(splits):
    assert lookalikes(splits) == [] and lookalikes(hb.split(hb.data.digits())) == []
    red = np.zeros((30, 16, 16, 3), "uint8")
    red[:, 4:12, 4:12, 0] = np.arange(100, 220, 4)[:, None, None]
    blue = red[..., ::-1]
    both = hb.Dataset(np.concatenate([photos(60, (16, 16)), red[:1]]), np.arange(61) % 2)
    others = hb.Dataset(np.concatenate([photos(70, (16, 16))[60:], blue[:1]]), np.arange(11) % 2)
    assert hb.quality.lookalikes_across_parts(hb.data.Splits(both, others, others)) == []  # the color is the difference


def test_texts_that_differ_in_case_and_punctuation():
    train = hb.Dataset(["Where is my card?", "Pay later", "Lost it!", "who are you"], [0, 1, 0, 1])
    others = hb.Dataset(["where  is my card", "LOST IT", "Pay later", "pay now", "?!"], [0, 1, 0, 1, 0])
    found = hb.quality.same_words_across_parts(hb.data.Splits(train, train.take([1, 3]), others))
    assert [f.examples for f in found] == [(0, 1)]  # the equal one is a duplicate


def test_rounded_rows_are_found():
    rng = np.random.default_rng(0)
    splits = hb.split(hb.Dataset(rng.normal(size=(400, 6)), np.arange(400) % 2))
    found = hb.quality.near_duplicates_across_parts(with_test(splits, splits.train.x[:5].round(2)))
    n = len(splits.test)
    assert [f.examples for f in found] == [tuple(range(n, n + 5))]


def test_codes_for_missing_values():
    rng = np.random.default_rng(0)
    n = 300
    table = pd.DataFrame({"pressure": rng.normal(72, 12, n).round(), "celsius": rng.normal(9, 5, n).round(1), "children": rng.poisson(1, n), "income": rng.gamma(2, 900, n).round(), "age": rng.integers(18, 95, n)})
    table.loc[:9, "pressure"], table.loc[5:9, "celsius"], table.loc[:20, "income"], table.loc[7:12, "age"] = 0, -999, 0, 999
    data = hb.Dataset(table, np.arange(n) % 2)
    found = {c: f for f in hb.quality.missing_codes(data) for c in f.examples}
    assert set(found) == {"pressure", "celsius", "age"} and "pressure (10 × 0, the others" in found["pressure"].finding
    exec(found["pressure"].advice.split(": ", 1)[1], {"data": data})  # the advice runs as printed
    assert data.x.pressure.isna().sum() == 10 and "pressure" not in [c for f in hb.quality.missing_codes(data) for c in f.examples]
