"""Tables, texts and series as they come: other packages' files, broken lines, doubtful dates, holes in time."""

import datetime as dt
import decimal
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hackbook as hb
from hackbook.files.table_files import _encoding
from hackbook.data.tables import parse_times

WILD = {
    "id": range(40),
    "km": [None if i % 7 == 0 else i / 2 for i in range(40)],
    "by": [None if i % 5 == 0 else ["bus", "Fähre", "bike"][i % 3] for i in range(40)],
    "day": pd.date_range("2026-03-01", periods=40).where(np.arange(40) != 3),
    "member": [i % 3 == 0 for i in range(40)],
    "late": [["yes", "no"][i % 4 == 0] for i in range(40)],
}
WRITERS = {".parquet": ("pyarrow", pd.DataFrame.to_parquet), ".xlsx": ("openpyxl", pd.DataFrame.to_excel)}


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_wild_table_survives_its_file(tmp_path, suffix):
    package, write = WRITERS[suffix]
    pytest.importorskip(package)
    wild = pd.DataFrame(WILD)
    write(wild, tmp_path / f"wild{suffix}", index=False)
    data = hb.data.table(tmp_path / f"wild{suffix}", "late", drop=["id"])
    pd.testing.assert_frame_equal(data.x, hb.Dataset(wild.drop(columns=["id", "late"]), wild.late).x, check_dtype=False)
    assert data.x.member.dtype == bool and data.x.km.dtype == float and data.x.day.dtype.kind == "M" and data.class_names == ["no", "yes"]
    splits = hb.split(data)
    assert hb.Problem("Late?", "tabular-classification").baselines(splits).accuracy.between(0, 1).all()
    assert hb.check_leakage(splits) is not None and sum(map(len, splits.parts.values())) == 40


def test_the_kinds_of_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    pd.DataFrame({
        "children": pd.array([2, None, 1] * 9, "Int64"), "rooms": pd.array([3, 4, 5] * 9, "Int32"), "member": pd.array([True, None, False] * 9, "boolean"),
        "town": pd.Categorical(["Ulm", "Köln", None] * 9), "price": [decimal.Decimal("1.25"), None, decimal.Decimal(3)] * 9,
        "born": [dt.date(1990, 1, 2), None, dt.date(1980, 5, 6)] * 9, "seen": pd.date_range("2026-03-01", periods=27, tz="Europe/Berlin"),
        "stars": pd.array(range(1, 28), "Int64"), "level": pd.array([10, 9, 8] * 9, "Int64")}).to_parquet(tmp_path / "kinds.parquet")
    data = hb.data.table(tmp_path / "kinds.parquet", "stars", "regression")
    kinds = {c: str(d) for c, d in data.x.dtypes.items()}
    assert (kinds["children"], kinds["rooms"], kinds["member"], kinds["town"], kinds["price"], kinds["level"]) == ("float64", "int32", "object", "object", "float64", "int64")
    assert kinds["born"].startswith("datetime64") and "Europe/Berlin" in kinds["seen"]
    assert np.isfinite(hb.Problem("How many?", "regression").baselines(hb.split(data)).rmse).all()
    assert hb.data.table(tmp_path / "kinds.parquet", "level").class_names == ["8", "9", "10"]
    assert hb.data.table(tmp_path / "kinds.parquet", "stars", "regression", time="seen").times[0] == np.datetime64("2026-02-28T23:00")


def test_lists_in_cells_are_refused_until_dropped(tmp_path):
    (tmp_path / "tags.jsonl").write_text("\n".join(json.dumps({"tags": ["a", "b"], "km": i, "late": i % 2}) for i in range(9)))
    with pytest.raises(hb.HackbookError, match="column tags must be of single numbers, words or dates, got .*leave it out"):
        hb.data.table(tmp_path / "tags.jsonl", "late")
    assert hb.data.table(tmp_path / "tags.jsonl", "late", drop=["tags"]).features == ["km"]
    with pytest.raises(hb.HackbookError, match="column tags must be of single"):
        hb.data.table(tmp_path / "tags.jsonl", "tags")


def test_excel_formulas_count_with_their_stored_value(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in [["at", "price", "twice", "sold"], *([dt.datetime(2026, 3, d), d, f"=B{d + 1}*2", "yn"[d % 2]] for d in range(1, 9))]:
        book.active.append(row)
    book.save(tmp_path / "shop.xlsx")
    data = hb.data.table(tmp_path / "shop.xlsx", "sold", time="at")
    assert data.x.twice.isna().all() and data.times[-1] == np.datetime64("2026-03-08")  # nobody has calculated yet
    with pytest.raises(hb.HackbookError, match="must be filled in some row, got 'nothing in column twice'"):
        hb.data.table(tmp_path / "shop.xlsx", "twice", "regression")
    (tmp_path / "torn.xlsx").write_bytes((tmp_path / "shop.xlsx").read_bytes()[:900])
    with pytest.raises(hb.HackbookError, match="torn.xlsx must be a table, but cannot be read"):
        hb.data.table(tmp_path / "torn.xlsx", "sold")


letters = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)


@settings(max_examples=40, deadline=None)
@given(st.lists(letters, min_size=1, max_size=8), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
def test_letters_survive_every_encoding(tmp_path_factory, texts, encoding):
    folder = tmp_path_factory.mktemp("letters")
    texts = [t.encode(encoding, "ignore").decode(encoding).strip() or "x" for t in texts] + ["Größe", "so"]
    rows = pd.DataFrame({"text": texts, "label": [f"k{i % 2}" for i in range(len(texts))]})
    rows.to_csv(folder / "a.csv", index=False, encoding=encoding)
    (folder / "a.jsonl").write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in rows.to_dict("records")), encoding=encoding)
    for name in ("a.csv", "a.jsonl"):
        assert hb.data.texts(folder / name, encoding=encoding).x.tolist() == texts
        try:
            found = _encoding((folder / name).read_bytes())
        except hb.HackbookError as refused:  # letters in a row that need not be Western European
            assert encoding == "cp1252" and "pass encoding='cp1252'" in str(refused)
            continue
        if found.removesuffix("-sig") == encoding.removesuffix("-sig"):
            assert hb.data.texts(folder / name).x.tolist() == texts


def test_every_line_of_texts_is_used_or_listed(tmp_path):
    lines = ["text,label", "fine,1", '"two\nlines",2', "a, b, c", ",1", "  ,1", "nothing", "null,NA", '"say ""so""",2']
    (tmp_path / "a.csv").write_text("\n".join(lines))
    data = hb.data.texts(tmp_path / "a.csv")
    assert data.x.tolist() == ["fine", "two\nlines", "null", 'say "so"'] and data.class_names == ["1", "2", "NA"]
    assert len(data.rejected) == 4 and data.rejected.file[0] == "a.csv, line 4"  # a text with a break in it counts as one
    lines = ['{"text": "fine", "label": 1}', "", "[1]", '{"text": "no label"}', '{"label": 2}', '{"text": null, "label": 2}', '{"text": ["x"], "label": 2}',
             '{"text": "so", "label": 2}', '{"text": "cut', "[" * 9000, '"text"', '{"text": "a\u2028b", "label": 2}']
    (tmp_path / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    data = hb.data.texts(tmp_path / "a.jsonl")
    assert data.x.tolist() == ["fine", "so", "a\u2028b"] and data.class_names == ["1", "2"]
    assert set(data.rejected.file) == {f"a.jsonl, line {n}" for n in (3, 4, 5, 6, 7, 9, 10, 11)}


@pytest.mark.parametrize(
    "name, content, arguments, says",
    [
        ("a.csv", b"", {}, "must be a table, but cannot be read"),
        ("a.csv", b"text,label\n", {}, "must be a table with rows, got 'no rows'"),
        ("a.csv", b"text,label\n,\n", {}, "filled in some row, got 'nothing in column text'"),
        ("a.csv", b'text,label\n"open,1\n', {}, "EOF inside string"),
        ("a.csv", b"text,label\na,1\nb,1\n", {}, "of two classes or more"),
        ("a.csv", b"text,label\na,1\nb,2\n", {"text": "label"}, "one that has no other role"),
        ("a.csv", b"text,label\na,1\nb,2\n", {"text": ["text"]}, "column text= must be one of text, label"),
        ("a.csv", b"text,label\na,1\nb,2\n", {"encoding": "utf-99"}, "unknown encoding"),
        ("a.csv", b"text,label\n\xff,1\nb,2\n", {"encoding": "utf-8"}, "can't decode byte 0xff"),
        ("a.csv", b"text,label\na,\x81\n", {}, "pass encoding="),
        ("a.csv", b"text,label\na,x\nb,y\n", {"task": "regression"}, "one finite number per example"),
        ("a.csv", b"text,label\na,x\nb,y\n", {"class_names": ["x", "z"]}, "among the class names"),
        ("a.jsonl", b"{", {}, "a table with rows, got 'line 1: not "),
        ("a.jsonl", b'{"text": "a"}', {"columns": ["text"]}, "columns must be None, for a .jsonl file"),
        ("a.doc", b"a", {}, ".csv, .tsv, .jsonl, .ndjson, .parquet, .xlsx"),
    ],
)
def test_texts_refuse(tmp_path, name, content, arguments, says):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(hb.HackbookError) as caught:
        hb.data.texts(tmp_path / name, **arguments)
    assert says in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dates(dt.date(1960, 1, 1), dt.date(2040, 12, 31)), min_size=1, max_size=6), st.sampled_from(["%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y"]))
def test_a_date_is_never_read_the_wrong_way(days, written):
    column = pd.Series([d.strftime(written) for d in days], name="day")
    wanted = np.array(days, "datetime64[D]")
    assert (parse_times(column, written).astype("datetime64[D]") == wanted).all()
    try:
        assert (parse_times(column).astype("datetime64[D]") == wanted).all()
    except hb.HackbookError as refused:
        assert "one way only" in str(refused) and all(d.day <= 12 for d in days)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["h", "D", "B", "W", "MS", "ME", "QS", "YS", "17min"]), st.integers(40, 90), st.sets(st.integers(1, 38), max_size=3))
def test_gaps_are_found_and_no_others(every, length, lost):
    times = pd.date_range("2001-01-01", periods=length, freq=every)
    kept = [i for i in range(length) if i not in lost]
    data = hb.Dataset(np.arange(len(kept))[:, None], np.arange(len(kept), dtype=float), times=times[kept].to_numpy(), task="regression")
    found = hb.series.find_gaps(data)
    assert found.missing.sum() == len(lost)
    assert all(a < times[i] < b for i in lost for a, b in [next((a, b) for a, b in zip(found.after, found.before) if b > times[i])])


def test_series_are_sorted_and_nothing_is_hidden(tmp_path):
    (tmp_path / "a.csv").write_text("day,shop,sold\n" + "".join(f"{d:02}.03.2026,{s},{d}\n" for d in range(30, 0, -1) for s in "ab") + "05.03.2026,a,99\n,a,1\n07.03.2026,a,\n")
    data = hb.series.read_series(tmp_path / "a.csv", "day", "sold", "shop")
    assert len(data) == 60 and (np.diff(data.times) >= np.timedelta64(0)).all() and data.y[data.groups == "a"].tolist() == list(range(1, 31))
    assert data.rejected.reason.tolist() == ["nothing in column day", "nothing in column sold", "a second value for 2026-03-05 00:00:00; the first stays"]
    assert list(hb.series.find_gaps(data)) == ["after", "before", "missing", "group"] and data.features == ["day"]
    assert hb.series.read_series(tmp_path / "a.csv", "day", "sold", "shop", dates="%d.%m.%Y").fingerprint == data.fingerprint


def test_words_are_no_series(tmp_path):
    (tmp_path / "a.csv").write_text("day,sold\n2026-03-01,few\n2026-03-02,many\n")
    with pytest.raises(hb.HackbookError, match="y must be one finite number"):
        hb.series.read_series(tmp_path / "a.csv", "day", "sold")


@pytest.mark.parametrize(
    "arguments, says",
    [
        ({"time": "shop"}, "time column shop must be a column of numbers or dates"),
        ({"target": "day"}, "one that has no other role"),
        ({}, "column day must be different in every row, got '50% repeated ones'; pass group= if the file holds several series"),
        ({"group": "who"}, "column group= must be one of day, shop, sold"),
        ({"dates": "%Y"}, "say how they are written"),
    ],
)
def test_series_refuse(tmp_path, arguments, says):
    (tmp_path / "a.csv").write_text("day,shop,sold\n" + "".join(f"2026-03-{d:02},{s},{d}\n" for d in range(1, 30) for s in "ab"))
    with pytest.raises(hb.HackbookError) as caught:
        hb.series.read_series(tmp_path / "a.csv", **{"time": "day", "target": "sold", **arguments})
    assert says in str(caught.value)
