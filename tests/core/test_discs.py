"""Discs without links, and discs that refuse: another way, or what is missing; 'free some space' only where it helps."""

import errno
import os
import sqlite3

import pytest

import hackbook as hb
from hackbook.core import atomic, save_record
from hackbook.search.storage import disc_advice, open_study

NONE = [errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS]


def raising(number):
    def call(*_, **__):
        raise OSError(number, os.strerror(number))

    return call


@pytest.mark.parametrize("number", NONE)
@pytest.mark.parametrize("name", ["study.db", "study.log"])
def test_a_study_on_a_disc_without_links(tmp_path, monkeypatch, number, name):
    for call in ("link", "symlink"):
        monkeypatch.setattr(os, call, raising(number))
    about = {"space": {"dropout": {"range": [0.0, 0.5]}}, "metric": "val_loss", "options": {}}
    study = open_study(tmp_path / name, about, "minimize")
    study.tell(study.ask(), 0.5)
    again = open_study(tmp_path / name, about, "minimize")
    assert [t.value for t in again.trials] == [0.5]
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert len(hb.load_study(tmp_path / name).frame) == 1


@pytest.mark.parametrize("number", NONE)
def test_a_disc_that_does_not_replace(tmp_path, monkeypatch, number):
    monkeypatch.setattr(os, "replace", raising(number))
    for text in ("first", "second"):
        save_record({"text": text}, tmp_path / "run.json")
        with atomic(tmp_path / "folder") as temporary:
            temporary.mkdir()
            (temporary / text).touch()
    assert hb.core.load_record(tmp_path / "run.json") == {"text": "second"}
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["first", "folder", "run.json", "second"]


@pytest.mark.parametrize("number, space", [(errno.ENOSPC, True), (errno.EDQUOT, True), (errno.EFBIG, True)]
                         + [(n, False) for n in (errno.EPERM, errno.EACCES, errno.EROFS, errno.ENOTSUP, errno.EIO, errno.ENOLCK)])
def test_free_some_space_only_where_space_is_missing(tmp_path, number, space):
    (tmp_path / "a.txt").write_text("before")
    with pytest.raises(hb.HackbookError, match="what was there before is intact") as caught, atomic(tmp_path / "a.txt"):
        raising(number)()
    assert ("free some space" in str(caught.value)) == space and os.strerror(number) in str(caught.value)
    assert (tmp_path / "a.txt").read_text() == "before" and len(list(tmp_path.iterdir())) == 1
    assert ("free some space" in disc_advice(OSError(number, os.strerror(number)))) == space


@pytest.mark.parametrize("text, says", [("database is locked", "to='study.log'"), ("locking protocol", "have no locks"), ("disk I/O error", "on a local disc"),
                                        ("database or disk is full", "free some space"), ("file is not a database", "give another file")])
def test_what_sqlite_says(text, says):
    advice = disc_advice(sqlite3.OperationalError(text))
    assert says in advice and ("space" in advice) == ("full" in text)


def test_a_study_on_a_disc_without_locks(tmp_path, monkeypatch):
    def connect(*_, **__):
        raise sqlite3.OperationalError("locking protocol")

    monkeypatch.setattr(sqlite3, "connect", connect)
    monkeypatch.setattr(sqlite3.dbapi2, "connect", connect)
    with pytest.raises(hb.HackbookError, match="to='study.log'") as caught:
        open_study(tmp_path / "study.db", {"space": {}}, "minimize")
    assert "free some space" not in str(caught.value) and not list(tmp_path.glob("*.db"))
