"""A submission has the columns, ids and order of its sample, and each id its own prediction."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import hackbook as hb

N = 30


@pytest.fixture(scope="module")
def pictures():
    """A run on digits, new examples, and what it predicts of them."""
    hb.set_seed(0)
    data = hb.data.digits()
    splits = hb.split(data.take(np.arange(500)))
    run = hb.fit(hb.models.cnn(splits, filters=(4,)), splits, epochs=2, to=None)
    new = data.take(np.arange(500, 500 + N))
    return run, new, run.predict(new)


def table_run(task, y, names=None):
    import keras

    hb.set_seed(0)
    rng = np.random.default_rng(0)
    x = pd.DataFrame(rng.normal(size=(120, 2)).astype("float32"), columns=["a", "b"])
    splits = hb.split(hb.Dataset(x, y(x), names, task=task))
    layer = keras.layers.Dense(1) if task == "regression" else keras.layers.Dense(2, "softmax")
    return hb.fit(keras.Sequential([keras.Input((2,)), layer]), splits, epochs=2, to=None), x.head(N)


@pytest.fixture(scope="module")
def binary():
    return table_run("classification", lambda x: (x.a > 0).astype(int), ["no", "yes"])


@pytest.fixture(scope="module")
def numbers():
    return table_run("regression", lambda x: (x.a + x.b).to_numpy())


def sample(ids, **columns):
    return pd.DataFrame({"id": ids, **columns})


def ids_of(n=N):
    return [f"{i:04}" for i in range(n)]


@given(order=st.permutations(range(N)), asked=st.integers(1, N))
def test_each_id_gets_its_own_prediction(pictures, tmp_path, order, asked):
    run, new, predicted = pictures
    order = order[:asked]
    found = hb.submission(run, new, sample([ids_of()[i] for i in order], label="0"), ids=ids_of(), to=tmp_path / "s.csv")
    written = pd.read_csv(found.path, dtype=str)
    assert written.id.tolist() == [ids_of()[i] for i in order]
    assert written.label.tolist() == predicted.best_guess[order].tolist() == found.frame.label.tolist()
    reordered = any("order" in note for note in found.notes)
    assert reordered == (list(order) != sorted(order))


@given(order=st.permutations(range(N)), shuffled=st.permutations(range(N)))
def test_a_shuffled_table_with_ids(binary, tmp_path, order, shuffled):
    run, x = binary
    expected = dict(zip(ids_of(), run.predict(x).probabilities[:, 1].astype(float)))
    table = x.assign(id=ids_of()).iloc[list(shuffled)]
    found = hb.submission(run, table, sample([ids_of()[i] for i in order], p=.5), to=tmp_path / "s.csv")
    assert found.kind == "probability" and "probability of yes" in found.notes[0]
    for i, p in zip(found.frame.id, found.frame.p):
        assert p == pytest.approx(expected[i], abs=1e-6)


def test_leading_zeros_of_files_are_kept(binary, tmp_path):
    run, x = binary
    x.assign(id=ids_of()).to_csv(tmp_path / "test.csv", index=False)
    sample(ids_of()[::-1], target="no").to_csv(tmp_path / "sample.csv", index=False)
    found = hb.submission(run, tmp_path / "test.csv", tmp_path / "sample.csv", to=tmp_path / "s.csv")
    assert found.path.read_text().splitlines()[1].startswith("0029,")
    assert found.frame.target.tolist() == run.predict(x).best_guess[::-1].tolist() and found.kind == "class"


@pytest.mark.parametrize("column, kind", [("0.5", "probability"), ("0.0", "probability"), ("1", "class number"), ("yes", "class"), ("", "class")])
def test_the_sample_decides(binary, tmp_path, column, kind):
    run, x = binary
    sample(ids_of(), t=column).to_csv(tmp_path / "sample.csv", index=False)
    found = hb.submission(run, x.assign(id=ids_of()), tmp_path / "sample.csv", to=tmp_path / "s.csv")
    assert found.kind == kind and kind in found.notes[0]


def test_a_probability_per_class(pictures, tmp_path):
    run, new, predicted = pictures
    order = np.random.default_rng(0).permutation(10)
    template = sample(range(N), **{f"P({c})": .1 for c in order})
    found = hb.submission(run, new, template, ids=range(N), to=tmp_path / "s.csv")
    read = pd.read_csv(found.path)
    values = read[[f"P({c})" for c in range(10)]].to_numpy()
    assert list(read) == list(template) and found.kind == "probability per class"
    np.testing.assert_allclose(values, predicted.probabilities, atol=1e-6)
    np.testing.assert_allclose(values.sum(axis=1), 1, atol=1e-12)
    assert (values >= 0).all() and (values <= 1).all()


def test_numbers(numbers, tmp_path):
    run, x = numbers
    found = hb.submission(run, x.assign(id=range(N)), sample(range(N), price=0), to=tmp_path / "s.csv")
    assert found.kind == "number" and pd.read_csv(found.path).price.tolist() == run.predict(x).predicted.astype(float).tolist()
    with pytest.raises(hb.HackbookError, match="kind"):
        hb.submission(run, x.assign(id=range(N)), sample(range(N), price=0), kind="class", to=tmp_path / "s.csv")
    with pytest.raises(hb.HackbookError, match="single column"):
        hb.submission(run, x.assign(id=range(N)), sample(range(N), price=0, other=0), to=tmp_path / "s.csv")


def test_a_chosen_class_and_column(binary, tmp_path):
    run, x = binary
    template = sample(ids_of(), usage="public", p=.5)
    found = hb.submission(run, x.assign(id=ids_of()), template, column="p", positive="no", to=tmp_path / "s.csv")
    np.testing.assert_allclose(found.frame.p, run.predict(x).probabilities[:, 0], atol=1e-6)
    assert (found.frame.usage == "public").all() and list(found.frame) == list(template)


@pytest.mark.parametrize("name", ["{}.png", "{}", "test/{}.png", "test/{}"])
def test_ids_from_file_names(pictures, tmp_path, name):
    run, new, predicted = pictures
    (tmp_path / "test").mkdir()
    for i, x in zip(ids_of(), new.x):
        Image.fromarray(x.astype("uint8")).save(tmp_path / "test" / f"{i}.png")
    paths = [str(tmp_path / "test" / f"{i}.png") for i in ids_of()]
    expected = run.predict(paths).best_guess
    full = name.startswith("test/")
    template = sample([(f"{tmp_path}/" if full else "") + name.format(i) for i in ids_of()[::-1]], label="3")
    found = hb.submission(run, paths if full else tmp_path / "test", template, to=tmp_path / "s.csv")
    assert found.frame.label.tolist() == expected[::-1].tolist() and any("the ids are" in note for note in found.notes)


def test_examples_without_ids_are_taken_in_order(pictures, tmp_path):
    run, new, predicted = pictures
    found = hb.submission(run, new.x, sample(range(N), label=0), to=tmp_path / "s.csv")
    assert found.frame.label.tolist() == predicted.best_guess.tolist() and "in the order of the template" in found.notes[1]
    with pytest.raises(hb.HackbookError, match="as many as the 29 rows"):
        hb.submission(run, new.x, sample(range(N - 1), label=0), to=tmp_path / "s.csv")


def test_not_sure_is_never_written(pictures, tmp_path):
    run, new, predicted = pictures
    run.record["threshold"] = .999
    try:
        found = hb.submission(run, new, sample(range(N), label=0), to=tmp_path / "s.csv")
    finally:
        del run.record["threshold"]
    assert found.frame.label.tolist() == predicted.best_guess.tolist()


def test_ids_that_do_not_match_are_counted(pictures, tmp_path):
    run, new, _ = pictures
    call = partial(hb.submission, run, new, to=tmp_path / "s.csv")
    with pytest.raises(hb.HackbookError, match=r"got 0 of 30 ids.*without leading zeros 30 would match"):
        call(sample(ids_of(), label=0), ids=[str(i) for i in range(N)])
    with pytest.raises(hb.HackbookError, match="got 20 of 30 ids"):
        call(sample(range(N), label=0), ids=range(10, 10 + N))
    with pytest.raises(hb.HackbookError, match="each there once"):
        call(sample(["a"], label=0), ids=["a"] * N)
    with pytest.raises(hb.HackbookError, match="one for each of the 30"):
        call(sample(range(N), label=0), ids=range(3))
    assert not (tmp_path / "s.csv").exists()


@pytest.mark.parametrize("template", [
    pd.DataFrame(), pd.DataFrame({"id": [1]}), pd.DataFrame({"id": [], "label": []}), pd.DataFrame({"id": [1, 1], "label": 0}),
    pd.DataFrame({"id": [1, None], "label": 0}), pd.DataFrame([[1, 2]], columns=["a", "a"]), pd.DataFrame({"id": [1], "label": ["cat"]}),
    pd.DataFrame({"id": [1], "label": [.5]}), pd.DataFrame({"id": [1], "x": [0], "y": [0]}), "none.csv", "sample.txt", None, 3, np.zeros((2, 2)),
])
def test_bad_templates(pictures, tmp_path, template):
    run, new, _ = pictures
    with pytest.raises(hb.HackbookError):
        hb.submission(run, new, template, ids=range(N), to=tmp_path / "s.csv")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("more", [{"kind": "probability"}, {"kind": "x"}, {"positive": "cat"}, {"column": "x"}, {"id_column": "x"}, {"column": "id", "id_column": "id"},
                                  {"ids": "abc"}, {"ids": 3}])
def test_bad_arguments(pictures, tmp_path, more):
    run, new, _ = pictures
    with pytest.raises(hb.HackbookError):
        hb.submission(run, new, sample(range(N), label=0), to=tmp_path / "s.csv", **more)


def test_bad_places_and_runs(pictures, tmp_path):
    run, new, _ = pictures
    path = tmp_path / "sample.csv"
    sample(range(N), label=0).to_csv(path, index=False)
    before = path.read_bytes()
    (tmp_path / "folder.csv").mkdir()
    for to in (path, tmp_path / "s.txt", tmp_path / "folder.csv"):
        with pytest.raises(hb.HackbookError):
            hb.submission(run, new, path, to=to)
    assert path.read_bytes() == before
    with pytest.raises(hb.HackbookError, match="hb.fit returns one"):
        hb.submission(run.model, new, path, to=tmp_path / "s.csv")
    splits = hb.split(hb.data.digits().take(np.arange(100)))
    with pytest.raises(hb.HackbookError):
        hb.submission(run, splits.test, path, to=tmp_path / "s.csv")
    assert not splits.test.openings


def test_a_table_without_ids_is_refused(binary, tmp_path):
    run, x = binary
    with pytest.raises(hb.HackbookError, match="pass id_column= or ids="):
        hb.submission(run, x, sample(range(N), t="no"), to=tmp_path / "s.csv")
    found = hb.submission(run, x.set_axis(pd.Index(range(N), name="id")), sample(range(N), t="no"), to=tmp_path / "s.csv")
    assert len(found) == N


def test_a_failed_write_leaves_the_old_file(pictures, tmp_path, monkeypatch):
    run, new, _ = pictures
    path = tmp_path / "s.csv"
    path.write_text("old")

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(hb.HackbookError, match="intact"):
        hb.submission(run, new, sample(range(N), label=0), to=path)
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_hostile_names_are_written_and_shown_as_text(tmp_path):
    digits = hb.data.digits().take(np.arange(200))
    names = ['<b>"x",y</b>', "=1+1; שלום 👩‍🚀"]
    splits = hb.split(hb.Dataset(digits.x, digits.y % 2, names))
    hb.set_seed(0)
    run = hb.fit(hb.models.cnn(splits, filters=(4,)), splits, epochs=1, to=None)
    found = hb.submission(run, digits.x[:N], sample(range(N), label=names[0]), to=tmp_path / "s.csv")
    assert pd.read_csv(found.path).label.tolist() == run.predict(digits.x[:N]).best_guess.tolist()
    page = hb.submission(run, digits.x[:N], sample(range(N), label=names[0]), to=tmp_path / "<i>.csv")._repr_html_()
    assert "<i>" not in page and "<b>" not in page and "&lt;i&gt;" in page
