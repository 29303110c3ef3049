"""Files as teams have them: broken ones are listed with a reason, archives cannot escape, the web may fail."""

import hashlib
import io
import os
import socket
import subprocess
import sys
import tarfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from PIL import Image
from scipy.io import wavfile

import hackbook as hb
from hackbook.data import folders
from hackbook.files import archives

CONTENT = bytes(range(256)) * 2000


def picture(path, value=200, size=(8, 8), mode="L"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value).save(path)


def recording(path, samples=800, sample_rate=8000):
    path.parent.mkdir(parents=True, exist_ok=True)
    wavfile.write(path, sample_rate, np.arange(samples, dtype="int16"))


@pytest.fixture
def pets(tmp_path):
    """A folder with two classes of two images."""
    for name in ("cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png"):
        picture(tmp_path / "pets" / name)
    return tmp_path / "pets"


def reasons(data):
    return data.rejected.set_index("file").reason.to_dict()


def test_broken_images_are_listed_and_the_rest_is_read(pets):
    whole = (pets / "cat/1.png").read_bytes()
    (pets / "cat/text.png").write_text("no image at all")
    (pets / "cat/half.png").write_bytes(whole[: len(whole) // 2])
    (pets / "dog/empty.png").touch()
    (pets / "dog/gone.png").symlink_to("nowhere.png")
    (pets / "dog/script.eps").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n")
    (pets / "notes.txt").write_text("no class")
    data = hb.data.images(pets)
    assert data.x.shape == (4, 8, 8) and data.x.dtype == "uint8" and (data.x == 200).all()
    found = reasons(data)
    assert set(found) == {"cat/text.png", "cat/half.png", "dog/empty.png", "dog/gone.png", "dog/script.eps", "notes.txt"}
    assert found["dog/empty.png"] == "empty (0 bytes)" and "without a label" in found["notes.txt"] and "not an image" in found["dog/script.eps"]
    assert len(data.take([0]).rejected) == 6 and "6, see .rejected" in data._repr_html_()
    assert str(pets.parent) not in data.rejected.to_string()


def test_images_that_unfold_into_gigabytes_are_rejected(pets):
    picture(pets / "cat/bomb.png", 0, (10_000, 9_000), "1")
    with zipfile.ZipFile(pets.parent / "pets.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in pets.rglob("*.png"):
            archive.write(path, path.relative_to(pets.parent))
        archive.writestr("pets/cat/zeros.png", bytes(archives.LARGEST + 1))
    found = reasons(hb.data.images(pets.parent / "pets.zip"))
    assert set(found) == {"pets/cat/bomb.png", "pets/cat/zeros.png"}
    assert "too large" in found["pets/cat/zeros.png"] and "10000 × 9000 pixels" in found["pets/cat/bomb.png"]


def test_labels_in_a_csv(pets):
    rows = pd.DataFrame({"path": ["cat/1.png", "./cat/2.png", "dog\\1.png", "dog/9.png", "../pets/dog/2.png"], "label": ["a", "b", "NA", "a", "a"]})
    rows.to_csv(pets / "labels.csv", index=False)
    data = hb.data.images(pets, labels="labels.csv")  # in the folder itself
    assert data.class_names == ["NA", "a", "b"] and len(data) == 3
    found = reasons(data)
    assert set(found) == {"dog/9.png", "../pets/dog/2.png", "dog/2.png"} and "no such file" in found["dog/9.png"] and "no row" in found["dog/2.png"]


@pytest.mark.parametrize(
    "prepare, arguments, says",
    [
        (lambda f: (f / "none").mkdir(), {"folder": "none"}, "a folder or zip archive with files"),
        (lambda f: None, {"folder": "nowhere"}, "there is no folder or zip archive at"),
        (lambda f: picture(f / "one/cat/1.png"), {"folder": "one"}, "of two classes or more"),
        (lambda f: (f / "none.zip").write_text("no zip"), {"folder": "none.zip"}, "must be a folder or a zip archive"),
        (lambda f: (f / "cat.png").write_text("text"), {"folder": "."}, "cat.png: in no sub-folder"),
        (lambda f: picture(f / "a/1.png"), {"folder": ".", "labels": "labels.csv"}, "there is no label file at labels.csv"),
        (lambda f: picture(f / "a/1.png"), {"folder": ".", "pattern": r"\d"}, "(?P<label>…)"),
        (lambda f: picture(f / "a/1.png"), {"folder": ".", "channels": 2}, "channels must be 1 (gray), 3 (color) or None, got 2"),
        (lambda f: picture(f / "a/1.png"), {"folder": ".", "size": (0, 8)}, "size must be (height, width)"),
    ],
)
def test_images_refuse(tmp_path, monkeypatch, prepare, arguments, says):
    monkeypatch.chdir(tmp_path)
    prepare(tmp_path)
    with pytest.raises(hb.HackbookError) as caught:
        hb.data.images(**arguments)
    assert says in str(caught.value)


def test_broken_sounds_are_listed_and_the_rest_is_read(tmp_path):
    for name in ("low/1.wav", "high/1.wav", "high/2.wav"):
        recording(tmp_path / name)
    recording(tmp_path / "high/half.wav")
    os.truncate(tmp_path / "high/half.wav", 900)
    recording(tmp_path / "low/silent.wav", 0)
    recording(tmp_path / "low/slow.wav", sample_rate=1)
    (tmp_path / "low/empty.wav").touch()
    (tmp_path / "low/text.wav").write_text("no sound at all")
    data = hb.data.sounds(tmp_path)
    assert data.x.shape == (3, 800) and data.x.dtype == "int16" and (data.x == np.arange(800)).all() and data.sample_rate == 8000
    assert set(reasons(data)) == {"high/half.wav", "low/silent.wav", "low/slow.wav", "low/empty.wav", "low/text.wav"}
    assert reasons(data)["low/empty.wav"] == "empty (0 bytes)" and "Reached EOF" in reasons(data)["high/half.wav"]


def test_sounds_of_mixed_rates_and_lengths(tmp_path):
    recording(tmp_path / "a/1.wav", 800)
    recording(tmp_path / "a/2.wav", 400)
    recording(tmp_path / "b/1.wav", 4000, 16000)
    data = hb.data.sounds(tmp_path, seconds=0.1)
    assert data.x.shape == (3, 800) and (data.x[1, 400:] == 0).all() and (data.x[1, :400] == np.arange(400)).all()
    assert abs(int(data.x[2, 400]) - 800) < 5  # every second sample of the one of twice the rate
    assert hb.data.sounds(tmp_path, sample_rate=16000).sample_rate == 16000


def test_real_recordings():
    places = [Path(p) for p in (os.environ.get("HACKBOOK_DATA"), ROOT.parent / "shared/data") if p]
    archive = next((p / "fsdd.zip" for p in places if (p / "fsdd.zip").is_file()), None)
    if archive is None:
        pytest.skip(f"no fsdd.zip in {' or '.join(map(str, places))}; set HACKBOOK_DATA to its folder")
    data = hb.data.sounds(archive, pattern=r"(?P<label>\d)_(?P<group>\w+)_\d+")
    assert (len(data), data.class_names, len(set(data.groups)), data.sample_rate) == (3000, list("0123456789"), 6, 8000)
    assert data.x.dtype == "int16" and data.frame.examples.eq(300).all() and len(data.rejected) == 0
    assert 0.5 < data.x.shape[1] / data.sample_rate < 1.5 and (np.abs(data.x).max(axis=1) > 100).all()


TABLE = "name,age,town,score,bought\n" + "".join(f"n{i},{20 + i},{'AB'[i % 2]},{'' if i == 3 else i},{i % 2}\n" for i in range(30))


@pytest.mark.parametrize(
    "arguments, says",
    [
        ({"drop": ["nam"]}, "drop must be among name, age, town, score, bought, got 'nam'"),
        ({"time": "town"}, "time column town must be a column of numbers or dates"),
        ({"target": "town", "task": "regression"}, "y must be one finite number per example"),
        ({"task": "cats"}, "task must be one of image-classification"),
    ],
)
def test_table_refuses(tmp_path, arguments, says):
    (tmp_path / "shop.csv").write_text(TABLE)
    with pytest.raises(hb.HackbookError) as caught:
        hb.data.table(tmp_path / "shop.csv", **{"target": "bought", **arguments})
    assert says in str(caught.value)


def test_table_stays_as_it_is(tmp_path):
    (tmp_path / "shop.csv").write_text(TABLE)
    data = hb.data.table(tmp_path / "shop.csv", "bought", drop=["name"], time="age")
    assert data.features == ["town", "score"] and data.x.shape == (30, 2) and data.kind == "table"
    assert data.x.town.tolist() == ["A", "B"] * 15 and np.flatnonzero(data.x.score.isna()).tolist() == [3]


def test_table_lists_rows_without_an_answer(tmp_path):
    (tmp_path / "shop.csv").write_text(TABLE)
    data = hb.data.table(tmp_path / "shop.csv", "score", "regression")
    assert len(data) == 29 and data.y.tolist() == [i for i in range(30) if i != 3]
    assert data.rejected.file.tolist() == ["shop.csv, row 3"]


@pytest.mark.parametrize("suffix, package", [(".parquet", "pyarrow"), (".xlsx", "openpyxl")])
def test_table_names_the_package_that_it_lacks(tmp_path, monkeypatch, suffix, package):
    for name in ("pyarrow", "fastparquet", "openpyxl"):
        monkeypatch.setitem(sys.modules, name, None)
    (tmp_path / f"shop{suffix}").write_bytes(b"content")
    with pytest.raises(hb.HackbookError, match=f"pip install {package}"):
        hb.data.table(tmp_path / f"shop{suffix}", "bought")


def test_npz_runs_no_pickles(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.array([{"pickled": 1}], dtype=object), y=[0])
    with pytest.raises(hb.HackbookError, match="cannot be read"):
        hb.data.npz(tmp_path / "a.npz")
    (tmp_path / "b.npz").write_bytes(b"no zip")
    with pytest.raises(hb.HackbookError, match="cannot be read"):
        hb.data.npz(tmp_path / "b.npz")


class Server(BaseHTTPRequestHandler):
    """Sends CONTENT, the rest of it on request, as its version `tag`; and stops after `limit` bytes."""

    tag, limit, pause, asked = '"one"', None, 0, []

    def log_message(self, *args):
        pass

    def do_GET(self):
        start = 0
        Server.asked.append(self.headers["Range"])
        if self.headers["Range"] and self.headers["If-Range"] in (None, Server.tag):
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        if start >= len(CONTENT):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        if Server.tag:
            self.send_header("ETag", Server.tag)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        for i in range(start, Server.limit and start + Server.limit or len(CONTENT), 20_000):
            self.wfile.write(CONTENT[i : min(i + 20_000, start + (Server.limit or len(CONTENT)))])
            time.sleep(Server.pause)


@pytest.fixture
def address(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for name, value in {"tag": '"one"', "limit": None, "pause": 0, "asked": []}.items():
        monkeypatch.setattr(Server, name, value)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/data.bin"
    server.shutdown()
    server.server_close()
    thread.join()


def fetch(url, to, sha256=None):
    return hb.files.fetch(url, sha256, to, progress=False)


def test_fetch_goes_on_where_it_was_cut_off(address, tmp_path):
    Server.limit = 100_000
    with pytest.raises(hb.HackbookError, match="100,000 of 512,000 bytes.*100,000 bytes are kept, call again"):
        fetch(address, tmp_path)
    assert [p.suffix for p in tmp_path.rglob("data*")].count(".bin") == 0
    Server.limit = None
    path = fetch(address, tmp_path)
    assert path.read_bytes() == CONTENT and Server.asked == [None, "bytes=100000-"]
    assert [p.name for p in path.parent.iterdir()] == ["data.bin"]
    assert fetch(address, tmp_path) == path and len(Server.asked) == 2


def test_fetch_glues_no_two_versions_together(address, tmp_path):
    Server.limit = 100_000
    with pytest.raises(hb.HackbookError):
        fetch(address, tmp_path)
    part = next(tmp_path.rglob("*.part"))
    part.write_bytes(b"x" * 100_000)  # of an older version
    Server.limit, Server.tag = None, '"two"'
    assert fetch(address, tmp_path).read_bytes() == CONTENT


def test_fetch_without_versions_goes_on_only_with_a_checksum(address, tmp_path):
    Server.limit, Server.tag = 100_000, ""
    for _ in range(2):
        with pytest.raises(hb.HackbookError):
            fetch(address, tmp_path)
    assert Server.asked == [None, None]
    Server.limit = None
    assert fetch(address, tmp_path, hashlib.sha256(CONTENT).hexdigest()).read_bytes() == CONTENT
    assert Server.asked[-1] == "bytes=100000-"


def test_fetch_begins_again_where_the_part_is_too_long(address, tmp_path):
    path = fetch(address, tmp_path)
    path.rename(path.with_name("data.bin.part"))
    path.with_name("data.bin.mark").write_text(Server.tag)
    assert fetch(address, tmp_path).read_bytes() == CONTENT and Server.asked == [None, "bytes=512000-", None]


def test_fetch_refuses_a_wrong_checksum_and_keeps_what_was_there(address, tmp_path):
    path = fetch(address, tmp_path)
    with pytest.raises(hb.HackbookError, match="sha256 of .* must be 0{64}, got [0-9a-f]{64}; the file was deleted"):
        fetch(address, tmp_path, "0" * 64)
    assert path.read_bytes() == CONTENT and [p.name for p in path.parent.iterdir()] == ["data.bin"]
    with pytest.raises(hb.HackbookError, match="64 hexadecimal digits"):
        fetch(address, tmp_path, "abc")


def test_two_who_fetch_one_file_share_one_download(address, tmp_path):
    Server.pause = 0.01
    code = f"import hackbook as hb; print(hb.files.fetch({address!r}, to={str(tmp_path)!r}, progress=False).stat().st_size)"
    others = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    with ThreadPoolExecutor(3) as pool:
        paths = set(pool.map(lambda _: fetch(address, tmp_path), range(3)))
    assert [p.communicate(timeout=60)[0] for p in others] == [f"{len(CONTENT)}\n"] * 2
    assert len(paths) == 1 and paths.pop().read_bytes() == CONTENT and Server.asked == [None]


def test_who_waits_goes_on_where_the_other_was_cut_off(address, tmp_path):
    Server.limit, Server.pause = 100_000, 0.05
    with ThreadPoolExecutor(2) as pool:
        failed = [f.exception() for f in [pool.submit(fetch, address, tmp_path) for _ in range(2)]]
    assert all(isinstance(e, hb.HackbookError) for e in failed) and Server.asked == [None, "bytes=100000-"]
    Server.limit = None
    assert fetch(address, tmp_path).read_bytes() == CONTENT


def test_fetch_into_the_cache_that_the_environment_names(address, tmp_path, monkeypatch):
    monkeypatch.setenv("HACKBOOK_CACHE", str(tmp_path / "cache"))
    assert hb.files.fetch(address, progress=False).is_relative_to(tmp_path / "cache")


def test_fetch_without_a_server(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        with pytest.raises(hb.HackbookError, match="could not be fetched"):
            fetch(f"http://127.0.0.1:{free.getsockname()[1]}/x", tmp_path)
    with pytest.raises(hb.HackbookError, match="could not be fetched"):
        fetch("http://no-such-host.invalid/x", tmp_path)
    for url in ("file:///etc/hosts", "ftp://127.0.0.1/x", "//127.0.0.1/x", "http://[", 7):
        with pytest.raises(hb.HackbookError, match="https:// or http://"):
            fetch(url, tmp_path)
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def zipped(path, name, link=False):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("fine.txt", "fine")
        info = zipfile.ZipInfo(name)
        info.external_attr = (0o120777 if link else 0o100644) << 16
        archive.writestr(info, "/etc")


def tarred(path, name, kind=tarfile.REGTYPE):
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("fine.txt"), io.BytesIO())
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, "/etc"
        archive.addfile(info, io.BytesIO())


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/evil", "C:/evil", "..\\evil"])
def test_archives_do_not_escape(tmp_path, pack, name):
    pack(tmp_path / "a.archive", name)
    with pytest.raises(hb.HackbookError, match="names in a.archive must be inside of the folder"):
        hb.files.unpack(tmp_path / "a.archive", tmp_path / "to/here")
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and p.name != "a.archive"]


@pytest.mark.parametrize("pack, kind", [(zipped, True), (tarred, tarfile.SYMTYPE), (tarred, tarfile.LNKTYPE), (tarred, tarfile.FIFOTYPE), (tarred, tarfile.CHRTYPE)])
def test_archives_bring_no_links_or_devices(tmp_path, pack, kind):
    pack(tmp_path / "a.archive", "link", kind)
    with pytest.raises(hb.HackbookError, match="plain files"):
        hb.files.unpack(tmp_path / "a.archive", tmp_path / "to")
    assert not (tmp_path / "to").exists()


def test_unpack_is_all_or_nothing(tmp_path):
    zipped(tmp_path / "a.zip", "b/c.txt")
    folder = hb.files.unpack(tmp_path / "a.zip", tmp_path / "to")
    assert (folder / "b/c.txt").read_text() == "/etc" and hb.files.unpack(tmp_path / "a.zip", folder) == folder
    content = bytearray((tmp_path / "a.zip").read_bytes())
    content[content.rindex(b"/etc")] ^= 1  # the checksum of the last file is wrong now
    (tmp_path / "broken.zip").write_bytes(content)
    with pytest.raises(hb.HackbookError, match="cannot be unpacked"):
        hb.files.unpack(tmp_path / "broken.zip", tmp_path / "other")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zip", "broken.zip", "to"]
    with pytest.raises(hb.HackbookError, match="a folder that is new or empty"):
        hb.files.unpack(tmp_path / "broken.zip", folder)


def test_sizes_and_bars_are_told(tmp_path):
    """Pictures of several sizes and shapes: how they were brought to one, in the repr, in the card and by inspect."""
    rng = np.random.default_rng(0)
    for i, (height, width) in enumerate([(20, 20), (40, 40), (20, 40), (60, 20)] * 3):
        place = tmp_path / "photos" / "ab"[i % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(1, 255, (height, width, 3)).astype("uint8")).save(place / f"{i:02}.png")
    for lazy in (False, True):
        data = hb.data.images(tmp_path / "photos", size=(20, 20), lazy=lazy)
        assert hb.data.barred(data).sum() == 6 and "(6 with black bars)" in repr(data)
        assert "4 sizes, 20 × 20 to 60 × 40 pixels (height × width), scaled to 20 × 20; 6 images with black bars" in data._repr_html_()
        (found,) = [f for f in hb.inspect(data).findings if f.check == "bars"]
        images = np.asarray(data.x)
        assert all((images[i][0] == 0).all() or (images[i][:, 0] == 0).all() for i in found.examples) and len(found.examples) == 6
    assert hb.data.barred(data.take(list(found.examples[:2]))).all() and "6 examples each" in data._repr_html_()
    square = data.take(np.flatnonzero(~hb.data.barred(data)))
    assert "bars" not in repr(square) and hb.data.digits().sizes is None
