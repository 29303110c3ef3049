"""A submission has the columns, ids and order of its sample, whatever order the examples come in."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hackbook as hb


@pytest.fixture(scope="module")
def digits():
    return hb.data.digits()


@pytest.fixture(scope="module")
def run(digits):
    splits = hb.split(digits.take(np.arange(400)))
    hb.set_seed(0)
    return hb.fit(hb.models.cnn(splits, filters=(4,)), splits, epochs=2, to=None)


@pytest.fixture(scope="module")
def twenty(digits):
    return digits.x[400:420]


def sample(ids, values=("0",), column="label"):
    return pd.DataFrame({"id": ids, column: np.resize(np.array(values), len(ids))})


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(20)), wanted=st.permutations(range(20)), asked=st.integers(1, 20))
def test_each_id_gets_its_own_prediction(run, twenty, tmp_path_factory, order, wanted, asked):
    ids = [f"{i:03}" for i in range(20)]
    own = dict(zip(ids, run.predict(twenty).best_guess))
    to = tmp_path_factory.mktemp("submission") / "submission.csv"
    template = sample([ids[i] for i in wanted[:asked]])
    hb.submission(run, twenty[list(order)], template, to=to, ids=[ids[i] for i in order])
    found = pd.read_csv(to, dtype=str)
    assert found.id.tolist() == template.id.tolist() and list(found) == ["id", "label"]
    assert found.label.tolist() == [own[i] for i in found.id]


def test_a_column_per_class(run, twenty, tmp_path):
    template = pd.DataFrame({"id": range(20)} | {f"p_{i}": 0.1 for i in range(10)})
    done = hb.submission(run, twenty, template, to=tmp_path / "s.csv")
    found = pd.read_csv(tmp_path / "s.csv")
    table = found.drop(columns="id").to_numpy()
    assert done.kind == "probability per class" and np.allclose(table.sum(axis=1), 1) and table.min() >= 0
    assert np.allclose(table, run.predict(twenty).probabilities, atol=1e-6) and "in the order of the template" in " ".join(done.notes)


def test_pictures_by_their_names(run, digits, tmp_path):
    from PIL import Image

    folder = tmp_path / "unlabelled"
    folder.mkdir()
    for i in range(3):
        Image.fromarray(digits.x[400 + i]).save(folder / f"img_{i}.png")
    done = hb.submission(run, folder, sample(["img_2", "img_0", "img_1"]), to=tmp_path / "s.csv")
    direct = run.predict(sorted(folder.iterdir()))
    assert done.frame.label.tolist() == [direct.best_guess[i] for i in (2, 0, 1)]


@pytest.mark.parametrize("ids, wanted, words", [
    (["1", "2"], ["001", "002"], "without leading zeros 2 would match"),
    (["a.png", "b.png"], ["a", "b"], "without suffixes 2 would match"),
    (["A", "B"], ["a", "b"], "in lower case 2 would match"),
    (["a", "b"], ["a", "c"], "1 of 2 ids"),
    (["a", "a"], ["a"], "each there once"),
    (["a"], ["a"], "one for each of the 2 examples")])
def test_ids_that_do_not_match(run, twenty, tmp_path, ids, wanted, words):
    with pytest.raises(hb.HackbookError, match=words):
        hb.submission(run, twenty[:2], sample(wanted), to=tmp_path / "s.csv", ids=ids)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("template, words", [
    (sample(["a", "a"]), "ids that occur once"),
    (sample(["a", None]), "an id in each row"),
    (sample(["a", "b"], ["cat", "dog"]), "classes of the run"),
    (pd.DataFrame({"id": ["a"]}), "an id and one column"),
    (pd.DataFrame({"id": ["a"], "x": [1], "y": [2]}), "pass column="),
    ("sample.txt", "CSV"), (3, "CSV")])
def test_templates_that_fit_nothing(run, twenty, tmp_path, template, words):
    with pytest.raises(hb.HackbookError, match=words):
        hb.submission(run, twenty[:2], template, to=tmp_path / "s.csv", ids=["a", "b"])
    assert not list(tmp_path.iterdir())


def test_a_file_as_template_keeps_zeros_and_the_old_file_survives(run, twenty, tmp_path, monkeypatch):
    (tmp_path / "sample.csv").write_text("id,label\n007,0\n08,0\n")
    done = hb.submission(run, twenty[:2], tmp_path / "sample.csv", to=tmp_path / "s.csv")
    assert (tmp_path / "s.csv").read_text().splitlines()[1].startswith("007,") and len(done) == 2
    old = (tmp_path / "s.csv").read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(hb.HackbookError, match="intact"):
        hb.submission(run, twenty[:2][::-1], tmp_path / "sample.csv", to=tmp_path / "s.csv")
    assert (tmp_path / "s.csv").read_bytes() == old


def test_the_sample_is_not_overwritten(run, twenty, tmp_path):
    (tmp_path / "sample.csv").write_text("id,label\n1,0\n2,0\n")
    with pytest.raises(hb.HackbookError, match="another file"):
        hb.submission(run, twenty[:2], tmp_path / "sample.csv", to=tmp_path / "sample.csv")


def test_rows_and_numbers(tmp_path):
    import keras

    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2)).astype("float32")
    splits = hb.split(hb.Dataset(x, x.sum(axis=1), features=["km", "h"], task="regression"))
    hb.set_seed(0)
    run = hb.fit(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]), splits, epochs=1, to=None)
    rows = pd.DataFrame({"nr": ["b", "a"], "km": [1.0, 2.0], "h": [0.5, 0.1]})
    done = hb.submission(run, rows, pd.DataFrame({"nr": ["a", "b"], "price": [0.0, 0.0]}), to=tmp_path / "s.csv")
    direct = np.ravel(run.predict(rows).predicted)
    assert done.kind == "number" and np.allclose(done.frame.price, direct[::-1]) and "into its order" in " ".join(done.notes)
