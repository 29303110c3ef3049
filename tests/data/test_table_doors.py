"""Whatever bytes stand in a table's file: a Dataset or a HackbookError."""

import gzip
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hackbook as hb

FIELDS = st.one_of(st.sampled_from(["", "a", "b", "1", "0", "-3.5", "1.234,5", "1,234.5", "007", "12 %", "$3", "4 €", "None", "NA", "nan", "2026-01-31", "31.01.26", "20260131", "03/04/2026",
                                    "2026-01-31T10:00Z", "True", '"', '"x"', '"a,b"', "#", "1e400", "inf", "9" * 25, "ä", "привет", "\0", " ", "Unnamed: 0", "k.1", "=1"]), st.text(max_size=4))
NAMES = st.one_of(st.sampled_from(["k", "v", "w", " k ", '"k"', "", "#k", "v.1", "0", "ä"]), FIELDS)
SUFFIXES = st.sampled_from([".csv", ".csv", ".csv", ".tsv", ".txt", ".data", ".csv.gz", ".jsonl", ".xlsx", ".parquet", ".csv.zip", ".doc"])


@st.composite
def files(draw):
    sep, end = draw(st.sampled_from([",", ",", ";", "\t", "|"])), draw(st.sampled_from(["\n", "\n", "\r\n", "\r"]))
    width = draw(st.integers(1, 4))
    lines = [["k", *draw(st.lists(NAMES, min_size=width - 1, max_size=width - 1))]] if draw(st.integers(0, 5)) else []
    row = st.lists(FIELDS, min_size=width, max_size=width + draw(st.sampled_from([0, 0, 0, 1])))
    few = draw(st.lists(row, min_size=1, max_size=4))
    lines += [few[i] for i in draw(st.lists(st.integers(0, len(few) - 1), max_size=12))]
    text = draw(st.sampled_from(["", "", "# made by\n", "\n", "\ufeff"])) + end.join(sep.join(line) for line in lines) + draw(st.sampled_from(["", end]))
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-16", "cp1252", "cp1251"]))
    return text.encode(encoding, "replace")


CONTENTS = st.one_of(files(), files(), files(), st.binary(max_size=60), st.lists(st.sampled_from(['{"k": 1, "v": 2}', '{"k": "a"}', "{}", "[1]", "{", '{"k": [1], "v": {}}', "null"]), max_size=6).map(lambda v: "\n".join(v).encode()))
OPTIONS = {"sep": st.sampled_from([None, ",", ";", "x", 5]), "decimal": st.sampled_from([None, ",", ".", "x"]), "encoding": st.sampled_from([None, "utf-8", "cp1252", "utf-99"]),
           "columns": st.sampled_from([["k", "v"], ["k"], ["k", "k"], [], "kv", 5]), "sheet": st.sampled_from([None, 0, "a"]), "dates": st.sampled_from([None, "%d.%m.%y", "%Y%m%d", "x"])}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("doors")


def outcome(call):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            data = call()
        except hb.HackbookError as e:
            assert str(e)
        else:
            assert isinstance(data, hb.Dataset) and len(data.x) == len(data.y) and repr(data)


def write(folder, suffix, content):
    path = folder / f"a{suffix}"
    path.write_bytes(gzip.compress(content) if suffix.endswith(".gz") else content)
    return path


@given(SUFFIXES, CONTENTS, st.fixed_dictionaries({}, optional={**OPTIONS, "task": st.just("regression"), "group": st.sampled_from(["v", "x"]), "time": st.sampled_from(["v", "w"]),
                                                               "drop": st.sampled_from([["v"], "v", [["v"]]]), "target": st.sampled_from(["k", "v", None, 5])}))
def test_a_table_or_a_reason(folder, suffix, content, options):
    path = write(folder, suffix, content)
    outcome(lambda: hb.data.table(path, **{"target": "k", **options}))


@given(SUFFIXES, CONTENTS, st.fixed_dictionaries({}, optional={**{k: v for k, v in OPTIONS.items() if k != "decimal"}, "task": st.just("regression")}))
def test_texts_or_a_reason(folder, suffix, content, options):
    path = write(folder, suffix, content)
    outcome(lambda: hb.data.texts(path, "v", "k", **options))


@given(CONTENTS)
def test_ratings_or_a_reason(folder, content):
    path = write(folder, ".csv", content)
    outcome(lambda: hb.data.ratings(path, "v", "w", "k"))


@pytest.mark.parametrize(
    "dates, says",
    [
        ("%Y", "dates must be the format of a column of dates, got '%Y'; such as '%d.%m.%Y'"),
        ("%Q", "dates must be a format of dates ("),
        (5, "dates must be a format of dates, or None, got 5; %d, %m and %Y are day, month and year"),
        ("", "dates must be a format of dates, or None, got ''"),
    ],
)
def test_a_format_of_dates_that_fits_nothing(tmp_path, dates, says):
    (tmp_path / "some.csv").write_text("when,size,label\n" + "".join(f"{d:02}.01.2024,{d},{'ab'[d % 2]}\n" for d in range(1, 20)))
    assert hb.data.table(tmp_path / "some.csv", target="label", dates="%d.%m.%Y").x.when.dt.day.tolist() == list(range(1, 20))
    with pytest.raises(hb.HackbookError) as caught:
        hb.data.table(tmp_path / "some.csv", target="label", dates=dates)
    assert says in str(caught.value)
