"""Archives from Windows, macOS and elsewhere are read in place with the names that people gave; what cannot be is refused with the way out."""

import io
import shutil
import tarfile
import unicodedata
import zipfile

import numpy as np
import pytest
from PIL import Image

import hackbook as hb

RNG = np.random.default_rng(0)
NAMES = ["cat/0.png", "cat/1.png", "dog/0.png", "dog/1.png"]


def picture():
    buffer = io.BytesIO()
    Image.fromarray(RNG.integers(0, 255, (5, 6, 3), "uint8")).save(buffer, "PNG")
    return buffer.getvalue()


def zipped(path, names):
    """The names as they are, also with backslashes; those that end like a folder are empty."""
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            info = zipfile.ZipInfo("x")
            info.filename = name
            archive.writestr(info, b"" if name[-1] in "/\\" else picture())
    return path


@pytest.mark.parametrize("names", [
    NAMES, [f"data\\{n}".replace("/", "\\") for n in NAMES], [f"./{n}" for n in NAMES] + ["./"], [f"all/of/it/{n}" for n in NAMES], [*NAMES, "__MACOSX/cat/._0.png", ".DS_Store", "cat/Thumbs.db", "desktop.ini"]])
def test_an_archive_is_the_folder_that_it_holds(tmp_path, names):
    data = hb.data.images(zipped(tmp_path / "w.zip", names))
    folder = hb.files.unpack(tmp_path / "w.zip", tmp_path / "w")
    assert data.class_names == ["cat", "dog"] and len(data) == 4 and len(data.rejected) == 0
    assert (hb.data.images(folder).x == data.x).all() and not [p for p in folder.rglob("*") if "\\" in p.name]


def test_an_empty_class_of_an_archive_is_told(tmp_path):
    data = hb.data.images(zipped(tmp_path / "w.zip", [*NAMES, "bird/", "cow\\"]))
    assert data.rejected.file.tolist() == ["bird/", "cow/"] and data.class_names == ["cat", "dog"]


@pytest.mark.parametrize("bad", ["..\\evil.png", "/abs/x.png", "C:\\x\\y.png", "a/../../b.png", "\\\\server\\x.png"])
def test_names_that_lead_out_are_refused(tmp_path, bad):
    path = zipped(tmp_path / "w.zip", [*NAMES, bad])
    for call in (lambda: hb.data.images(path), lambda: hb.files.unpack(path, tmp_path / "to/here")):
        with pytest.raises(hb.HackbookError, match="inside of the folder.*do not trust"):
            call()
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [path]


@pytest.mark.parametrize("written", ["grün".encode(), b"gr\x81n", unicodedata.normalize("NFD", "grün").encode()])
def test_names_without_a_mark_are_utf8_or_cp437(tmp_path, written):
    path = zipped(tmp_path / "w.zip", ["_" * len(written) + "/1.png", "rot/1.png"])
    path.write_bytes(path.read_bytes().replace(b"_" * len(written), written))
    assert hb.data.images(path).class_names == ["grün", "rot"]
    unpacked = hb.files.unpack(path, tmp_path / "w")
    assert hb.data.images(unpacked).class_names == ["grün", "rot"]


def test_a_tar_archive_is_unpacked_by_the_call_in_the_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.unpack_archive(zipped(tmp_path / "w.zip", NAMES), "all")
    with tarfile.open("my pets.tar.gz", "w:gz") as tar:
        tar.add("all", ".")
    with pytest.raises(hb.HackbookError, match="unpack it first") as caught:
        hb.data.images("my pets.tar.gz")
    folder = eval(str(caught.value).split("unpack it first: ")[1], {"hb": hb})
    assert len(hb.data.images(folder)) == 4


def test_a_password_is_told_before_anything_is_read(tmp_path):
    content = bytearray(zipped(tmp_path / "my pets.zip", NAMES).read_bytes())
    place = content.find(b"PK\1\2")
    while place >= 0:
        content[place + 8] |= 1
        place = content.find(b"PK\1\2", place + 1)
    (tmp_path / "my pets.zip").write_bytes(content)
    for call in (lambda: hb.data.images(tmp_path / "my pets.zip"), lambda: hb.files.unpack(tmp_path / "my pets.zip", tmp_path / "to")):
        with pytest.raises(hb.HackbookError, match="without a password.*7z x '.*my pets.zip' -o'my pets'"):
            call()


def test_archives_in_an_archive_and_other_kinds(tmp_path):
    inner = zipped(tmp_path / "inner.zip", NAMES).read_bytes()
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as archive:
        archive.writestr("a/1.zip", inner)
        archive.writestr("b/2.zip", inner)
    with pytest.raises(hb.HackbookError, match="a zip archive inside; unpack it first"):
        hb.data.images(tmp_path / "outer.zip")
    (tmp_path / "a b.7z").write_bytes(b"7z\xbc\xaf")
    with pytest.raises(hb.HackbookError, match="7z x .*a b.7z' -o'a b'"):
        hb.data.images(tmp_path / "a b.7z")
