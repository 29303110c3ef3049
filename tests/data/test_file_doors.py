"""Whatever is in a folder, an archive, a picture, a sound or a table of labels: a Dataset, or a HackbookError, and nothing else."""

import io
import struct
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

import hackbook as hb

SEED = np.random.default_rng(0)


def picture(kind="PNG", mode="RGB", size=(6, 5), **options):
    if mode == "I;16":
        image = Image.fromarray(SEED.integers(0, 5000, size[::-1]).astype("uint16"))
    else:
        image = Image.fromarray(SEED.integers(0, 255, (size[1], size[0], 3), "uint8")).convert(mode)
    image.save(buffer := io.BytesIO(), kind, **options)
    return buffer.getvalue()


def sound(data=bytes(range(256)), codec=1, bits=16, channels=1, rate=8000, size=None):
    head = struct.pack("<HHIIHH", codec, channels, rate, rate * channels * bits // 8 % 2**32, channels * bits // 8 % 2**16, bits)
    return b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt \x10\0\0\0" + head + b"data" + struct.pack("<I", len(data) if size is None else size) + data


TURNED = Image.Exif()
TURNED[0x0112] = 6
PICTURES = [picture(), picture("JPEG"), picture("JPEG", exif=TURNED), picture("PNG", "I;16"), picture("TIFF", "I;16"), picture("GIF", "P"), picture("WEBP"), picture("BMP"), picture("PPM", "L"), picture("TIFF"), picture("PNG", "RGBA", exif=TURNED), picture("JPEG", "CMYK"), picture("PNG", "1")]
RECORDINGS = [sound(), sound(bits=8), sound(bits=24), sound(np.arange(64, dtype="<f4").tobytes(), 3, 32), sound(channels=2), sound(size=0), sound(size=2**32 - 1)]


@st.composite
def damaged(draw, originals):
    """One of the files with a few bytes changed, cut off or added; or any bytes."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    content = bytearray(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(0, 4))):
        content[draw(st.integers(0, min(len(content), 120) - 1))] = draw(st.integers(0, 255))
    cut = draw(st.integers(0, len(content))) if draw(st.booleans()) else len(content)
    return bytes(content[:cut]) + draw(st.binary(max_size=5))


def outcome(call):
    """The Dataset, or None after a HackbookError; warnings of readers are no outcome."""
    with warnings.catch_warnings(), suppress(hb.HackbookError):
        warnings.simplefilter("ignore")
        return call()


def is_whole(data, files):
    assert isinstance(data, hb.Dataset) and len(data) == len(data.y) and data.rejected.file.is_unique
    assert len(data) <= files and data.rejected.reason.map(bool).all() and data.origin
    return np.asarray(data.x)


@given(st.lists(damaged(PICTURES), min_size=1, max_size=3), st.booleans())
def test_any_picture(contents, gray):
    with TemporaryDirectory() as folder:
        for name, content in [("a/ok.png", PICTURES[0]), ("b/ok.png", PICTURES[1]), *((f"a/{i}.png", c) for i, c in enumerate(contents))]:
            path = Path(folder) / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        how = dict(size=(4, 4), channels=1 if gray else 3)
        eager, lazy = (outcome(lambda: hb.data.images(folder, lazy=lazy, **how)) for lazy in (False, True))
        assert eager.rejected.file.equals(lazy.rejected.file) and len(eager) + len(eager.rejected) == 2 + len(contents)
        assert (is_whole(eager, 5) == outcome(lambda: np.asarray(lazy.x))).all()


@given(st.lists(damaged(RECORDINGS), min_size=1, max_size=3))
def test_any_sound(contents):
    with TemporaryDirectory() as folder:
        for name, content in [("a/ok.wav", RECORDINGS[0]), ("b/ok.wav", RECORDINGS[0]), *((f"a/{i}.wav", c) for i, c in enumerate(contents))]:
            path = Path(folder) / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        data = outcome(lambda: hb.data.sounds(folder, seconds=0.01))
        assert np.isfinite(is_whole(data, 5)).all() and len(data) + len(data.rejected) == 2 + len(contents)


@given(st.integers(1, 64), st.integers(1, 3), st.sampled_from([1000, 8000, 44100, 192000]), st.sampled_from([1, 3, 6, 7, 17, 0xFFFE]), st.binary(max_size=600), st.one_of(st.none(), st.integers(0, 2**32 - 1)))
def test_any_header_of_a_sound(bits, channels, rate, codec, data, size):
    with TemporaryDirectory() as folder:
        for name in "ab":
            (Path(folder) / name).mkdir()
            (Path(folder) / name / "1.wav").write_bytes(RECORDINGS[0])
        (Path(folder) / "a/2.wav").write_bytes(sound(data, codec, bits, channels, rate, size))
        assert np.isfinite(is_whole(outcome(lambda: hb.data.sounds(folder, seconds=0.01)), 3)).all()


PARTS = st.one_of(st.sampled_from(["cat", "dog", "train", "test", "images", "masks", "fold1", "fold2", "1", "10", "02", ".", "..", "__MACOSX", "grün", "gru\u0308n", "a b", "Cat", ""]), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=6))
PATHS = st.builds(lambda parts, end, mark: mark.join([*parts, end]), st.lists(PARTS, max_size=4), st.sampled_from(["1.png", "2.PNG", "3", "notes.txt", "Thumbs.db", ""]), st.sampled_from(["/", "/", "\\"]))


@given(st.lists(PATHS, max_size=8), st.booleans())
def test_any_tree_of_folders(paths, sounds):
    content, read = (RECORDINGS[0], hb.data.sounds) if sounds else (PICTURES[0], hb.data.images)
    with TemporaryDirectory() as folder:
        for name in paths:
            path = Path(folder, *(p for p in name.split("/") if p not in ("..", ".")))
            with suppress(OSError, ValueError):
                (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        data = outcome(lambda: read(folder))
        if data is not None:
            is_whole(data, len(paths))


@given(st.lists(PATHS, max_size=8), st.binary(max_size=60), st.integers(0, 400))
def test_any_archive(paths, noise, place):
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names that stand twice
        path = Path(folder) / "w.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name in paths:
                info = zipfile.ZipInfo("x")
                info.filename = name or "x"
                archive.writestr(info, PICTURES[0])
        content = path.read_bytes()
        path.write_bytes(content[:place] + noise + content[place + len(noise):] if noise and place < len(content) else content + noise)
        data = outcome(lambda: hb.data.images(path))
        if data is not None:
            is_whole(data, len(paths) + 8)
        to = outcome(lambda: hb.files.unpack(path, Path(folder) / "to/here"))
        outside = [p for p in Path(folder).rglob("*") if p.is_file() and p != path and to not in p.parents]
        assert outside == [] and (to is None or to.is_dir())


@given(st.binary(max_size=300), st.sampled_from(["w.zip", "w.tar", "w.tar.gz", "w.7z", "w"]))
def test_any_bytes_as_an_archive(content, name):
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        for call in (lambda: hb.data.images(path), lambda: hb.data.sounds(path), lambda: hb.files.unpack(path, Path(folder) / "to"), lambda: hb.data.npz(path)):
            with pytest.raises(hb.HackbookError):
                call()


CELLS = st.one_of(st.sampled_from(["1.png", "a/1.png", "A\\1.PNG", "1", "001", "grün.png", "gru\u0308n.png", "../1.png", " b ", "x", "y", "", '"', "b.png"]), st.text(max_size=5))


@given(st.lists(st.tuples(CELLS, CELLS), max_size=8), st.sampled_from([",", ";", "\t"]), st.sampled_from(["utf-8", "utf-16", "cp1252", "utf-8-sig"]), st.sampled_from(["labels.csv", "labels.tsv", "labels.txt"]), st.sampled_from([("path", "label"), ("id", "kind"), ("path", " label")]))
def test_any_table_of_labels(rows, sep, encoding, name, header):
    with TemporaryDirectory() as folder:
        for file in ("1.png", "a/1.png", "b.png", "grün.png", "c/d/001.png"):
            path = Path(folder) / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(PICTURES[0])
        lines = [sep.join(row) for row in [header, *rows]]
        (Path(folder) / name).write_bytes("\n".join(lines).encode(encoding, "replace"))
        data = outcome(lambda: hb.data.images(folder, labels=name))
        if data is not None:
            is_whole(data, 5)


@given(st.binary(max_size=200), st.sampled_from(["labels.csv", "labels.tsv", "labels.txt", "labels.jsonl", "labels.xlsx", "labels.parquet"]))
def test_any_bytes_as_a_table_of_labels(content, name):
    with TemporaryDirectory() as folder:
        (Path(folder) / "1.png").write_bytes(PICTURES[0])
        (Path(folder) / name).write_bytes(content)
        outcome(lambda: hb.data.images(folder, labels=Path(folder) / name))


@given(st.text(max_size=12), st.one_of(st.none(), st.text(max_size=6)))
def test_any_pattern(pattern, label):
    with TemporaryDirectory() as folder:
        for name in ("1_a.png", "2_b.png"):
            (Path(folder) / name).write_bytes(PICTURES[0])
        for how in (pattern, f"(?P<label>{pattern})", rf"(?P<label>\d)_(?P<group>{pattern})"):
            outcome(lambda: hb.data.images(folder, pattern=how, labels=label))


def arrays(dtypes, least):
    return hnp.arrays(st.sampled_from(dtypes), hnp.array_shapes(min_dims=least, max_dims=4, min_side=least, max_side=5))


@given(arrays(["uint8", "float32", "int64", "bool", "U3", "complex64", "float16", "M8[s]"], 0), arrays(["int64", "uint8", "bool", "U3", "M8[s]", "complex64"], 1), st.sampled_from(["x", "z"]))
def test_any_arrays_of_a_file(x, y, name):
    with TemporaryDirectory() as folder:
        np.savez(Path(folder) / "a.npz", **{name: x, "y": y})
        data = outcome(lambda: hb.data.npz(Path(folder) / "a.npz"))
        assert data is None or isinstance(data, hb.Dataset) and len(data) == len(data.y) and data.kind and repr(data)
