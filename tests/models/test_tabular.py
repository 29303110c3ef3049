"""A raw table in, the same answer a year later: nothing lies outside the saved model, and nothing but the training part is in it."""

import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

import hackbook as hb
from hackbook.core import load_keras
from hackbook.models import column_kind, date_days, mlp, table_array, takes_tables, word_codes

keras = load_keras()
CITIES = ["Bern", "Rome", "Oslo", "Lima"]


def patients(n=300, seed=0, task="classification"):
    """Numbers, truth values, words (few and many), dates, and gaps in all of them but the truth values."""
    rng = np.random.default_rng(seed)
    x = pd.DataFrame({
        "age": rng.uniform(20, 80, n), "smokes": rng.random(n) < 0.3, "city": rng.choice(CITIES, n),
        "doctor": rng.choice([f"doctor {i}" for i in range(30)], n),
        "seen": pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.integers(0, 700, n), "D")})
    risk = (x.age - 50) / 10 + 2 * x.smokes + (x.city == "Rome")
    for column in ("age", "city", "doctor", "seen"):
        x.loc[rng.random(n) < 0.05, column] = None
    y = np.where(risk > 0.5, "ill", "well") if task == "classification" else 10 * risk.to_numpy() + 200
    return hb.Dataset(x, y, name="patients", task=task)


def built(splits, **options):
    hb.set_seed(0)
    return mlp(splits, **{"units": (8,)} | options)


def weights(model):
    return [w.numpy() for w in model.weights]


def constants(model):
    """All that the model knows, its scales, codes and weights, as text; Keras counts the names of layers."""
    return re.sub(r'_\d+"', '"', model.to_json()) + str([w.tolist() for w in weights(model)])


@pytest.fixture(scope="module")
def splits():
    return hb.split(patients())


@pytest.fixture(scope="module")
def run(splits, tmp_path_factory):
    return hb.fit(built(splits), splits, epochs=12, batch_size=32, to=tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def numbers():
    splits = hb.split(patients(task="regression"))
    return hb.fit(built(splits), splits, epochs=12, batch_size=32, to=None), splits


# What is learned, and from what


def test_it_learns_classes_and_numbers(run, splits, numbers):
    assert hb.evaluate(run, splits.validation).accuracy > 0.75
    other, parts = numbers
    result = hb.evaluate(other, parts.validation)
    assert result.scores.score["r2"] > 0.5 and 100 < other.predict(parts.validation.x).outputs.mean() < 300


def test_other_parts_leave_no_trace_in_the_model(splits):
    """Validation and test are changed beyond recognition; the model is the same to the last bit."""
    def changed(data):
        x = data.x.assign(age=data.x.age * 1000 + 7, city="Lagos", doctor="House", seen=pd.Timestamp("1950-05-05"))
        return replace(data, x=x)
    others = replace(splits, validation=changed(splits.validation), test=hb.data.Sealed(changed(splits.test.data)))
    assert constants(built(splits)) == constants(built(others))


def test_what_the_training_part_holds_is_in_the_model(splits):
    other = replace(splits, train=replace(splits.train, x=splits.train.x.assign(age=splits.train.x.age * 2)))
    assert constants(built(splits)) != constants(built(other))


def test_the_scale_is_median_and_deviation_of_the_training_part(splits):
    layer = built(splits).get_layer("scale")
    column = splits.train.x.age.astype("float32").astype(float)
    assert float(np.ravel(layer.mean)[0]) == pytest.approx(column.median(), rel=1e-6)
    assert float(np.ravel(layer.variance)[0]) == pytest.approx(column.var(ddof=0), rel=1e-5)


# The same answer again


def test_saved_and_loaded_in_another_process_it_answers_alike_to_the_last_bit(run, splits, tmp_path):
    splits.validation.x.to_pickle(tmp_path / "x.pkl")
    code = ("import sys, numpy as np, pandas as pd, hackbook as hb\n"
            "run = hb.load_run(sys.argv[1])\n"
            "np.save(sys.argv[2] + '/p.npy', run.predict(pd.read_pickle(sys.argv[2] + '/x.pkl')).outputs)")
    done = subprocess.run([sys.executable, "-c", code, str(run.folder), str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    before = run.predict(splits.validation.x).outputs
    assert np.array_equal(np.load(tmp_path / "p.npy"), before)
    assert np.array_equal(hb.evaluate(run, splits.validation).probabilities, before)


def test_every_way_to_hand_over_rows_gives_the_same_answer(run, splits, tmp_path):
    x = splits.validation.x
    expected = run.predict(x).outputs
    x.to_csv(tmp_path / "rows.csv", index=False)
    same = [splits.validation, x[x.columns[::-1]], x.assign(note="of no use"), tmp_path / "rows.csv", x.to_dict("records"),
            x.assign(seen=x.seen.dt.strftime("%Y-%m-%d")), x.astype({"smokes": object})]
    for way in same:
        assert np.array_equal(run.predict(way).outputs, expected), way
    one = [run.predict(row).outputs[0] for row in (x.iloc[3].to_dict(), x.iloc[3], x.iloc[[3]])]
    np.testing.assert_allclose(one, [expected[3]] * 3, atol=1e-6)


def test_what_was_never_seen_is_answered_and_told(run, splits):
    row = splits.validation.x.iloc[0].to_dict() | {"city": "Atlantis", "doctor": None, "seen": None, "age": 5000.0}
    answer = run.predict(row)
    assert answer.probability[0] > 0.5 and np.isfinite(answer.outputs).all()
    assert "city was never 'Atlantis' in training" in answer.notes[0] and "age 5000 is far outside" in answer.notes[-1]


def test_a_new_word_is_like_no_word_to_the_network():
    """A column without gaps in training: an unknown word and a gap are both none of the known ones."""
    x = pd.DataFrame({"city": CITIES * 15, "size": np.arange(60.0)})
    model = built(hb.split(hb.Dataset(x, np.arange(60) % 2)))
    odd = pd.DataFrame({"city": ["Atlantis", None, "Bern"], "size": [7.0] * 3})
    p = model.predict(table_array(odd), verbose=0)
    assert np.array_equal(p[0], p[1]) and not np.array_equal(p[0], p[2])


@pytest.mark.parametrize("change, says", [
    ({"age": "much"}, "column 'age' must be numbers, as in training, got ['much']"),
    ({"seen": "soon"}, "column 'seen' must be dates, as in training, got ['soon']"),
    ({"seen": 3}, "column 'seen' must be dates"),
    ({"age": pd.Timestamp("2026-01-01")}, "column 'age' must be numbers"),
    ({"age": np.inf}, "column 'age'"),
    ({"age": 1e300}, "column 'age'"),
])
def test_what_cannot_be_read_is_refused_by_name(run, splits, change, says):
    row = splits.validation.x.iloc[0].to_dict() | change
    with pytest.raises(hb.HackbookError) as caught:
        run.predict(row)
    assert says in str(caught.value)


def test_a_missing_column_and_numbers_alone_are_refused(run, splits):
    x = splits.validation.x
    with pytest.raises(hb.HackbookError, match="got no column 'city'; a column whose values are not known can hold None"):
        run.predict(x.drop(columns="city"))
    with pytest.raises(hb.HackbookError, match="city, doctor, seen held words or dates"):
        run.predict(np.zeros((2, 5)))
    with pytest.raises(hb.HackbookError, match="two columns 'age'"):
        run.predict(pd.concat([x, x[["age"]]], axis=1))


# Bad tables


def table_of(**columns):
    n = max(len(c) for c in columns.values())
    return hb.Dataset(pd.DataFrame(columns), np.arange(n) % 2)


def answers(splits):
    """Trained for one epoch, the network gives a probability for each row of validation."""
    run = hb.fit(built(splits), splits, epochs=1, to=None)
    p = run.predict(splits.validation.x).outputs
    assert np.isfinite(p).all() and len(p) == len(splits.validation)
    return run


def test_columns_that_say_nothing_are_left_out():
    n = 60
    data = table_of(size=np.arange(float(n)), same=[3.0] * n, none=[None] * n, nan=[np.nan] * n, word=["a"] * n, never=[pd.NaT] * n)
    splits = hb.split(data)
    model = answers(splits).model
    only = built(hb.split(table_of(size=np.arange(float(n)))))
    assert model.count_params() == only.count_params()


def test_nothing_to_learn_from_is_refused():
    splits = hb.split(table_of(row=np.arange(20.0)))
    empty = replace(splits, train=replace(splits.train, x=pd.DataFrame({"row": [1.0] * len(splits.train)})))
    with pytest.raises(hb.HackbookError, match="a table with a column of two values or more"):
        mlp(empty)


def test_one_training_row_says_nothing():
    splits = hb.split(patients())
    with pytest.raises(hb.HackbookError, match="two values or more"):
        mlp(replace(splits, train=splits.train.take([0])))


def test_five_thousand_words_do_not_blow_up_the_network():
    words = [f"word {i}" for i in range(5000)]
    splits = hb.split(table_of(word=words * 2, size=np.arange(1e4)))
    model = answers(splits).model
    assert model.count_params() < 100_000


def test_an_identifier_is_no_word():
    """Words that are all different say nothing, and do not break the network."""
    splits = hb.split(table_of(name=[f"person {i}" for i in range(200)], size=np.arange(200.0)))
    answers(splits)


def test_infinite_numbers_are_named():
    x = np.arange(60.0)
    x[::3] = np.inf
    splits = hb.split(table_of(size=x, other=x[::-1]))
    for call in (lambda: mlp(splits), lambda: mlp(hb.split(table_of(size=np.where(np.isinf(x), 1e300, x))))):
        with pytest.raises(hb.HackbookError, match="size"):
            call()


def test_words_in_one_part_and_numbers_in_the_other_are_refused(splits):
    mixed = replace(splits, validation=replace(splits.validation, x=splits.validation.x.assign(city=np.arange(len(splits.validation)))))
    model = built(splits)
    for call in (lambda: hb.fit(model, mixed, 1, to=None), lambda: hb.find_lr(model, mixed), lambda: hb.preflight(model, mixed)):
        with pytest.raises(hb.HackbookError, match="'city' of splits.validation.x must be words, as in splits.train.x, got 'numbers'"):
            call()


def test_a_column_of_words_and_numbers_is_words():
    splits = hb.split(table_of(size=[1, "2", 3.5, "many"] * 20, row=np.arange(80.0)))
    assert column_kind(splits.train.x["size"]) == "word"
    answers(splits)


def test_a_class_that_training_lacks_is_still_predicted_with_three_outputs():
    data = patients()
    data = replace(data, y=np.array(["ill", "well", "dead"], object)[np.where(np.arange(len(data)) < 20, 2, data.y)], class_names=["dead", "ill", "well"])
    splits = hb.split(data)
    splits = replace(splits, train=splits.train.take(np.flatnonzero(splits.train.y != 0)))
    run = answers(splits)
    assert run.predict(splits.validation.x).outputs.shape[1] == 3


def test_duplicated_names_are_refused():
    x = pd.DataFrame(np.zeros((4, 2)), columns=["a", "a"])
    with pytest.raises(hb.HackbookError, match="columns have different names"):
        hb.Dataset(x, [0, 1, 0, 1])


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_a_date_with_a_time_zone_is_read_by_the_clock_on_the_wall(zone):
    days = pd.Series(pd.date_range("2026-01-01", periods=80, freq="7h"))
    assert np.array_equal(date_days(days), date_days(days.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")))
    answers(hb.split(table_of(when=days.dt.tz_localize(zone))))


def test_truth_values_are_numbers_with_and_without_gaps():
    flags = pd.Series([True, False, None, True] * 20)
    splits = hb.split(table_of(flag=flags, row=np.arange(80.0), whole=flags.fillna(False).astype(bool)))
    run = answers(splits)
    x = splits.validation.x.head(8)
    assert np.array_equal(run.predict(x).outputs, run.predict(x.to_dict("records")).outputs)


def test_rows_of_numbers_without_names():
    splits = hb.split(hb.Dataset(np.random.default_rng(0).normal(size=(80, 3)), np.arange(80) % 2))
    run = answers(splits)
    assert run.predict([0.1, 0.2, 0.3]).outputs.shape == (1, 2)


@given(st.lists(st.one_of(st.none(), st.text(max_size=5), st.integers(-5, 5), st.booleans()), min_size=1, max_size=20))
def test_equal_words_have_equal_codes_in_any_company(words):
    column = pd.Series(words, dtype=object)
    codes = word_codes(column)
    assert np.array_equal(np.isnan(codes), column.isna().to_numpy())
    for word, code in zip(words, codes):
        if word is not None:
            assert word_codes(pd.Series([word], dtype=object))[0] == code and 0 <= code < 2**24 and code == int(code)


# The way of a table


def test_models_that_take_no_gaps_are_not_given_any(splits):
    other = keras.Sequential([keras.Input((5,)), keras.layers.Dense(2, "softmax")])
    assert takes_tables(built(splits)) and not takes_tables(other)
    with pytest.raises(hb.HackbookError, match=r"hb.models.mlp\(splits\) takes them as they are"):
        hb.fit(other, splits, 1, to=None)


def test_the_largest_errors_are_rows_with_what_is_unusual_in_them(run, splits, numbers):
    x = splits.validation.x.copy()
    x.loc[0, "age"] = 900.0
    worst = hb.Evaluation(replace(splits.validation, x=x), np.eye(2)[1 - splits.validation.y]).worst(len(x))
    assert {"true", "predicted", "unusual", "age", "city"} <= set(worst)
    assert worst.loc[0, "unusual"].startswith("age 900 (median ")
    assert "unusual" in hb.evaluate(*[numbers[0], numbers[1].validation]).worst(3)


def test_explained_by_covering_columns(run, splits):
    found = hb.explain(run, splits.validation, [0, 1, 2])
    assert found.method == "occlusion" and np.shape(found.attributions) == (3, 5) and np.isfinite(found.attributions).all()
    with pytest.raises(hb.HackbookError, match="'occlusion' where columns hold words or gaps"):
        hb.explain(run, splits.validation, [0], "integrated-gradients")


def test_a_column_that_decides_is_what_an_explanation_marks():
    rng = np.random.default_rng(0)
    word = rng.choice(["a", "b"], 200)
    data = hb.Dataset(pd.DataFrame({"noise": rng.normal(size=200), "word": word, "more": rng.choice(["c", "d"], 200)}), word)
    splits = hb.split(data)
    run = hb.fit(built(splits), splits, epochs=20, learning_rate=0.02, to=None)
    assert (hb.explain(run, splits.validation, [0, 1, 2]).frame.most == "word").all()


def test_every_tool_takes_the_table(run, splits, tmp_path):
    result = hb.evaluate(run, splits.validation)
    assert len(hb.embedding_map(run, splits.validation)) == len(splits.validation)
    assert len(result.slices()) > 0
    assert "missing" in set(hb.experiments.robustness(run, splits.validation, ["missing"]).frame.kind)
    curve = hb.experiments.learning_curve(lambda s: mlp(s, (4,)), splits, (0.5, 1), 1, 1)
    assert len(curve.frame) == 2
    page = hb.report(run, result, tmp_path / "report.html")
    assert "unusual" in page.path.read_text() and "doctor" in page.path.read_text()
    with pytest.raises(hb.HackbookError, match="city, doctor, seen hold words or dates"):
        hb.deployment.write_demo(run, tmp_path / "demo.html", result)


def test_searched_with_the_space_of_tables(splits, tmp_path):
    study = hb.tune(mlp, splits, budget=2, epochs=1, finalists=0, to=tmp_path / "study.db", runs=None)
    assert {"units", "dropout", "l2"} <= set(study.frame) and study.frame.score.notna().any()


def test_watched_in_the_panel(splits):
    live = hb.Live(built(splits), splits, epochs=2, batch_size=32)
    assert live.wait() == "finished"


def test_from_a_file_to_a_prediction(tmp_path):
    """Dates in a CSV are dates, at the end as at the beginning."""
    data = patients(120)
    data.x.assign(state=np.array(data.class_names)[data.y]).to_csv(tmp_path / "p.csv", index=False)
    read = hb.data.table(tmp_path / "p.csv", "state")
    assert [column_kind(read.x[c]) for c in read.x] == ["number", "number", "word", "word", "date"]
    splits = hb.split(read)
    run = answers(splits)
    again = run.predict(tmp_path / "p.csv")
    assert len(again) == 120 and again.notes[0] == "columns that the run does not know: state"


# Calls that cannot work


@pytest.mark.parametrize("options, says", [
    ({"units": (64, 0)}, "units must be a tuple of whole numbers > 0"),
    ({"units": 64}, "units"), ({"units": "64"}, "units"), ({"units": (True,)}, "units"), ({"units": (8.0,)}, "units"),
    ({"dropout": 1}, "dropout must be from 0 to below 1"), ({"dropout": "0.1"}, "dropout"),
    ({"l2": -1}, "l2 must be 0 or more"), ({"l2": np.inf}, "l2"),
])
def test_wrong_options(splits, options, says):
    with pytest.raises(hb.HackbookError) as caught:
        mlp(splits, **options)
    assert says in str(caught.value)


def test_what_is_no_table():
    with pytest.raises(hb.HackbookError, match=r"hb.models.cnn\(splits\) takes images"):
        mlp(hb.split(hb.data.digits()))
    with pytest.raises(hb.HackbookError, match="a table, or rows of numbers"):
        mlp(hb.split(hb.Dataset([f"text {i}" for i in range(30)], [0, 1] * 15)))
    with pytest.raises(hb.HackbookError, match="splits must be Splits"):
        mlp(patients())
