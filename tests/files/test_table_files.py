"""Text files of the world: separators, decimal commas, encodings, codes, dates, and advice that runs as printed."""

import gzip
import re
import zipfile

import numpy as np
import pandas as pd
import pytest

import hackbook as hb


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def csv(head, *lines, times=4):
    return head + "\n" + "\n".join(lines * times) + "\n"


TABLES = {
    "semicolons, decimal comma": ("a.csv", csv("km;by;k", "3,5;bus;a", "4;rad;b"), {"km": [3.5, 4]}, "separated by ';', words as numbers in km, with a decimal comma"),
    "1.234,56 beside 1.234": ("a.csv", csv("sum;m;k", "1.234,56;1.234;a", "1.000,00;950;b"), {"sum": [1234.56, 1000], "m": [1234, 950]}, "with a decimal comma"),
    "semicolons, decimal point": ("a.csv", csv("km;k", "0.125;a", "4.250;b"), {"km": [0.125, 4.25]}, "separated by ';'"),
    "tabs in .txt": ("a.txt", csv("km\tby\tk", "3.5\tbus\ta", "4\trad\tb"), {"km": [3.5, 4]}, r"separated by '\t'"),
    "bars in .data": ("a.data", csv("km|by|k", "3.5|bus|a", "4|rad|b"), {"by": ["bus", "rad"]}, "separated by '|'"),
    "a comma in a header": ("a.csv", csv('"km, total";by what;k', "3,5;bus;a", "4;rad;b"), {"km, total": [3.5, 4]}, "decimal comma"),
    "blanks around names and values": ("a.csv", csv(" km , by , k ", "3.5, bus, a", "4, rad, b"), {"km": [3.5, 4], "by": ["bus", "rad"]}, "target k"),
    "semicolons within quotes": ("a.csv", csv("by,v,k", '"a;b",1,x', '"c;d",2,y'), {"by": ["a;b", "c;d"]}, "target k"),
    "a byte order mark": ("a.csv", b"\xef\xbb\xbf" + csv("k,v", "a,1", "b,2").encode(), {"v": [1, 2]}, "target k"),
    "UTF-16": ("a.csv", csv("by,v,k", "Bär,007,a", "Rad,7,b").encode("utf-16"), {"by": ["Bär", "Rad"], "v": ["007", "7"]}, "read as utf-16"),
    "Latin-1": ("a.csv", csv("by,k", "Fähre,a", "Füße,b").encode("latin-1"), {"by": ["Fähre", "Füße"]}, "read as cp1252"),
    "gzip": ("a.csv.gz", gzip.compress(csv("v,k", "1,a", "2,b").encode()), {"v": [1, 2]}, "target k"),
    "an index": ("a.csv", ",v,k\n0,5,a\n1,6,b\n2,5,a\n", {"v": [5, 6]}, "without the index in the first column"),
    "comments above the names": ("a.csv", "# made in Ulm\n\n# 2026; all of it\nv,k\n1,a\n2,b\n", {"v": [1, 2]}, "without 3 lines above the names"),
    "empty lines": ("a.csv", "v,k\n\n1,a\n\n2,b\n\n", {"v": [1, 2]}, "target k"),
    "a separator at each end": ("a.csv", "v,k,\n1,a,\n2,b,\n", {"v": [1, 2]}, "target k"),
    "thousands": ("a.csv", csv("v,k", '"1,234",a', '"12,345",b'), {"v": [1234, 12345]}, "words as numbers in v"),
    "dollars": ("a.csv", csv("v,k", '"$1,234.50",a', "$3,b"), {"v": [1234.5, 3]}, "words as numbers in v"),
    "euros": ("a.csv", csv("v;k", "1.234,50 €;a", "3 €;b"), {"v": [1234.5, 3]}, "words as numbers in v"),
    "percent": ("a.csv", csv("v,k", "12 %,a", "3.5%,b"), {"v": [12, 3.5]}, "words as numbers in v"),
    "two currencies": ("a.csv", csv("v,k", "$3,a", "4€,b"), {"v": ["$3", "4€"]}, "target k"),
    "zip codes": ("a.csv", csv("v,w,k", "01067,1,a", "10115,2,b"), {"v": ["01067", "10115"], "w": [1, 2]}, "text because of leading zeros in v"),
    "telephone and network numbers": ("a.csv", csv("v,w,k", "030 123 456,192.168.1.1,a", "040 222 333,10.0.0.1,b"), {"v": ["030 123 456", "040 222 333"], "w": ["192.168.1.1", "10.0.0.1"]}, "target k"),
    "one name twice": ("a.csv", csv("v,v,k", "1,2,a", "2,3,b"), {"v": [1, 2], "v.1": [2, 3]}, "columns with the name of another: v.1"),
}


@pytest.mark.parametrize("name, content, columns, note", TABLES.values(), ids=TABLES)
def test_a_table_is_read_and_the_rule_told(tmp_path, name, content, columns, note):
    data = hb.data.table(write(tmp_path / name, content), "k")
    assert {c: data.x[c].tolist()[:2] for c in columns} == columns and note in data.origin
    assert not [c for c in data.x if "Unnamed" in c] and len(data.class_names) == 2


REFUSED = {
    "Cyrillic": ("a.csv", csv("by,k", "автобус,a", "трамвай,b").encode("cp1251"), {}, "a.csv must be UTF-8, UTF-16 or cp1252, got 'byte 0xe0 in line 2'"),
    "one bad byte": ("a.csv", csv("by,k", "Fähre,a", "Rad,b").encode() + b"F\xe4hre,b\n", {}, "a.csv must be UTF-8 throughout, got 'byte 0xe4 in line 10'"),
    "1,234 between tabs": ("a.tsv", csv("v\tk", "1,234\ta", "5,678\tb"), {}, "column v must be a number that can be read in one way only, got '1,234'"),
    "two separators": ("a.csv", csv("v,k;z", "1,a;b", "2,b;c"), {"target": "v"}, "the separator must be clear"),
    "no names": ("a.data", csv("5.1,3.5,a", "4.9,3.0,b"), {"target": "c2"}, "the first line seems to be data"),
    "years of two digits": ("a.csv", csv("v,d,k", "1,31.01.26,a", "2,01.02.26,b"), {"time": "d"}, "a date with a year of four digits, got '31.01.26'"),
    "April or March": ("a.csv", csv("v,d,k", "1,03/04/2026,a", "2,05/06/2026,b"), {"time": "d"}, "read in one way only"),
    "0.5 as a class": ("a.csv", csv("v,k", "1,0.5", "2,1"), {}, "classes, not measurements, got [0.5]"),
}


@pytest.mark.parametrize("name, content, arguments, says", REFUSED.values(), ids=REFUSED)
def test_the_advice_runs_as_printed(tmp_path, name, content, arguments, says):
    path = write(tmp_path / name, content)
    arguments = {"target": "k", **arguments}
    with pytest.raises(hb.HackbookError) as caught:
        hb.data.table(path, **arguments)
    assert says in str(caught.value)
    advice = re.findall(r"\w+=(?:'[^']*'|\[[^\]]*\])", str(caught.value))
    assert advice
    for call in advice[:1]:
        assert len(hb.data.table(path, **{**arguments, **eval(f"dict({call})")}))


def test_one_zipped_table_is_read_and_two_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.csv.zip", "w") as archive:
        archive.writestr("x/a.csv", csv("v,k", "1,a", "2,b"))
    assert len(hb.data.table(tmp_path / "a.csv.zip", "k")) == 8
    with zipfile.ZipFile(tmp_path / "a.csv.zip", "a") as archive:
        archive.writestr("b.csv", "v,k")
    with pytest.raises(hb.HackbookError, match="a zip archive must be of one file"):
        hb.data.table(tmp_path / "a.csv.zip", "k")


def test_another_sheet(tmp_path):
    pytest.importorskip("openpyxl")
    with pd.ExcelWriter(tmp_path / "a.xlsx") as book:
        pd.DataFrame({"v": range(4), "k": list("abab")}).to_excel(book, sheet_name="first", index=False)
        pd.DataFrame({"w": range(6), "k": ["None", "x", "NA"] * 2, "who": ["007", "7", "12"] * 2}).to_excel(book, sheet_name="Blatt 2", index=False)
    data = hb.data.table(tmp_path / "a.xlsx", "k")
    assert data.features == ["v"] and "the first of the sheets first, Blatt 2" in data.origin
    for sheet in ("Blatt 2", 1):
        data = hb.data.table(tmp_path / "a.xlsx", "k", group="who", sheet=sheet)
        assert data.class_names == ["NA", "None", "x"] and data.groups.tolist()[:3] == ["007", "7", "12"]
    with pytest.raises(hb.HackbookError, match="sheet must be one of first, Blatt 2, got 'third'"):
        hb.data.table(tmp_path / "a.xlsx", "k", sheet="third")


def test_only_an_empty_target_is_missing(tmp_path):
    path = write(tmp_path / "a.csv", csv("b,age,k", "None,1,None", "NA,2,NA", "x,3,nan", "y,4,", "z,5,null", "z,6, "))
    data = hb.data.table(path, "k")
    assert data.class_names == ["NA", "None", "nan", "null"] and len(data) == 16 and len(data.rejected) == 8
    assert data.x.b.isna().sum() == 8  # in a feature they are gaps


def test_a_gap_does_not_make_measurements_of_classes(tmp_path):
    path = write(tmp_path / "a.csv", "v,k\n" + "".join(f"{i},{['1', '0', ''][i % 3]}\n" for i in range(60)))
    data = hb.data.table(path, "k")
    assert data.class_names == ["0", "1"] and len(data) == 40 and len(data.rejected) == 20
    assert hb.data.table(write(path, csv("v,k", "1,1.0", "2,0.0")), "k").class_names == ["0", "1"]
    assert hb.data.table(write(path, csv("v,k", "1,10", "2,9")), "k").class_names == ["9", "10"]


def test_names_that_are_numbers_stay_apart(tmp_path):
    path = write(tmp_path / "a.csv", "v,patient,k\n" + "".join(f'{i},{["007", "7", "12", "0012"][i % 4]},{"ab"[i // 4 % 2]}\n' for i in range(80)))
    data = hb.data.table(path, "k", group="patient")
    assert sorted(set(data.groups)) == ["0012", "007", "12", "7"]
    path = write(path, csv("film,who,stars", "07,Ada,1", "7,Ben,2"))
    assert set(hb.data.ratings(path, "who", "film", "stars").x.film) == {"07", "7"}
    assert hb.data.table(write(path, csv("v,k", "1,007", "2,7")), "k").class_names == ["007", "7"]


def test_money_can_be_predicted(tmp_path):
    path = write(tmp_path / "a.csv", csv("v;price", "1;1.234,56 €", "2;950,00 €"))
    assert hb.data.table(path, "price", "regression").y.tolist()[:2] == [1234.56, 950]


@pytest.mark.parametrize(
    "dates, first, second",
    [
        (["20260131", "20260201"], "2026-01-31", "2026-02-01"),
        (["2026-01-31", "2026-02-01 10:00"], "2026-01-31", "2026-02-01T10:00"),
        (["2026-01-31T10:00Z", "2026-02-01 10:00+02:00"], "2026-01-31T10:00", "2026-02-01T08:00"),
        (["2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00"], "2026-10-25T00:30", "2026-10-25T01:30"),  # the clocks are set back
        (["31.01.2026", "01.02.2026"], "2026-01-31", "2026-02-01"),
    ],
)
def test_dates(tmp_path, dates, first, second):
    path = write(tmp_path / "a.csv", csv("v,d,k", *(f"{i},{d},{'ab'[i]}" for i, d in enumerate(dates))))
    assert (hb.data.table(path, "k", time="d").times[:2] == np.array([first, second], "datetime64[us]")).all()


def test_times_with_and_without_an_offset_are_refused(tmp_path):
    path = write(tmp_path / "a.csv", csv("v,d,k", "1,2026-01-31T10:00Z,a", "2,2026-02-01 10:00,b"))
    with pytest.raises(hb.HackbookError, match="must be a time with an offset, as others have, got '2026-02-01 10:00'"):
        hb.data.table(path, "k", time="d")
