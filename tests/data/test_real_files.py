"""Real files of every kind go the whole way from disk to baselines: as found, and with what was measured as the bar."""

import pytest

import hackbook as hb


@pytest.fixture
def banking(real_data):
    return [hb.data.texts(real_data / f"banking77/{part}.csv", label="category") for part in ("train", "test")]


def scores(problem, splits, **how):
    table = problem.baselines(splits, **how)
    assert (table.seconds > 0).all()
    return table.set_index("baseline")[problem.metric]


def test_banking77_with_its_own_test_part(banking):
    train, test = banking
    assert (len(train), len(test), len(train.class_names), len(train.rejected)) == (10003, 3080, 77, 0)
    splits = hb.split(train, test=test)
    assert splits.test.data is test and len(splits.train) + len(splits.validation) == 10003  # no text is in both
    found = scores(hb.Problem("What do they ask?", "text-classification"), splits)
    assert found["linear"] > 0.83 and found["nearest centroid"] > 0.73  # measured: 0.857 and 0.773
    assert {leak.check for leak in hb.check_leakage(splits).leaks} == {"near-duplicates across parts", "same words across parts"}


def test_phrasebank_is_read_as_windows_wrote_it(real_data):
    data = hb.data.texts(real_data / "financial_phrasebank/all-data.csv", "news", "label")
    assert (len(data), data.frame.examples.tolist()) == (4846, [604, 2879, 1363]) and data.origin.endswith("read as cp1252")
    assert sum("\ufffd" in t for t in data.x) == 0 and any("Æ" in t for t in data.x)
    splits = hb.split(data)
    sides = [set(p.x) for p in splits.parts.values()]
    assert sum(map(len, sides)) == len(set.union(*sides)) == 4838  # 8 sentences stand there twice
    assert "duplicates across parts" not in hb.check_leakage(splits).frame.check.tolist()
    problem = hb.Problem("How is the mood?", "text-classification").propose(data).problem
    assert problem.metric == "balanced_accuracy" and scores(problem, splits)["linear"] > 0.58  # measured: 0.616


@pytest.mark.parametrize("by, first, bar", [("group", "item mean", 0.98), ("time", "user and item", 1.02), ("random", "user and item", 0.94)])
def test_movielens(real_data, by, first, bar):
    data = hb.data.ratings(real_data / "movielens/ratings.csv", "userId", "movieId", "rating", "timestamp")
    assert (len(data), len(data.rejected), len(set(data.groups)), list(data.x)) == (100004, 0, 671, ["userId", "movieId"])
    splits = hb.split(data, by=by)
    users = [set(p.groups) for p in splits.parts.values()]
    assert (not users[0] & users[1]) == (by == "group")
    assert (splits.train.times.max() < splits.validation.times.min()) == (by == "time")
    found = scores(hb.Problem("Which film next?", "recommendation"), splits)
    assert found.index[0] == first and found.iloc[0] < bar < found["mean"]  # measured: 0.966, 1.004, 0.928
    assert {leak.check for leak in hb.check_leakage(splits).leaks} <= {"groups", "times"} - {{"group": "groups", "time": "times"}.get(by)}


def test_spoken_digits_of_an_unheard_speaker(real_data):
    if not (real_data / "fsdd.zip").is_file():
        pytest.skip(f"no fsdd.zip in {real_data}")
    data = hb.data.sounds(real_data / "fsdd.zip", pattern=r"(?P<label>\d)_(?P<group>\w+)_\d+")
    splits = hb.split(data, validation=0.2, test=0.2)
    speakers = [set(p.groups.tolist()) for p in splits.parts.values()]
    assert [len(s) for s in speakers] == [4, 1, 1] and len(set.union(*speakers)) == 6
    assert scores(hb.Problem("Which digit?", "sound-classification"), splits).max() < 0.3  # waves as rows of numbers tell little: measured 0.126


# what was measured: seasonal naive and last value over all of validation
@pytest.mark.parametrize("name, period, wins", [("elnino", 12, True), ("sunspots", 11, True), ("nile", 10, True), ("co2", 52, False), ("macrodata", 4, False)])
def test_bundled_series_are_forecast(name, period, wins):
    data = hb.series.bundled_series(name)
    problem = hb.Problem("What comes next?", "forecast")
    assert problem.propose(data).reasons[-1] == "the examples have times: split in time"
    found = scores(problem, hb.split(data), period=period)
    assert (found["seasonal naive"] < found["last value"]) == wins
    assert (scores(problem, hb.split(data), horizon=1)["last value"] < found["last value"]) and (hb.split(data).train.times < hb.split(data).validation.times.min()).all()


def test_columns_measured_with_the_answer_are_told():
    found = hb.check_leakage(hb.split(hb.series.bundled_series("macrodata"))).frame
    assert set(found.check) == {"giveaways"} and "column realcons alone" in found.finding[0]
