"""Pictures as cameras, scanners and laboratories write them: upright, with their levels of gray, and equal in memory and lazily."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import hackbook as hb
from hackbook.data import pictures

RNG = np.random.default_rng(0)
HALVES = np.repeat([[200, 0]], 4, axis=1) * np.ones((4, 1), "uint8")  # bright left, dark right: 4 × 8


@pytest.fixture
def folder(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.fromarray(RNG.integers(0, 255, (4, 8, 3), "uint8")).save(tmp_path / f"{name}/plain.png")
    return tmp_path


def both(folder, **how):
    """In memory, after lazy reading was found to be equal."""
    eager, lazy = (hb.data.images(folder, lazy=lazy, **how) for lazy in (False, True))
    assert (np.asarray(lazy.x) == eager.x).all() and lazy.rejected.equals(eager.rejected) and lazy.origin == eager.origin
    return eager, lazy


def block(orientation, *entries):
    """An EXIF block with an orientation and other entries, in bytes."""
    head = b"MM\0*\0\0\0\x08" + struct.pack(">H", 1 + len(entries)) + struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    return b"Exif\0\0" + head + b"".join(entries) + b"\0\0\0\0" + struct.pack(">ii", -1, 0)


NONSENSE = [struct.pack(">HHII", 0x011B, 10, 1, 38), struct.pack(">HHII", 0x010F, 2, 4_000_000, 9_000_000), struct.pack(">HHII", 0x8769, 4, 1, 4_294_967_290), struct.pack(">HHII", 0x0132, 99, 1, 0)]


@pytest.mark.parametrize("nonsense", NONSENSE)
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
@pytest.mark.filterwarnings("ignore:Corrupt EXIF", "ignore:Tag data larger")
def test_orientation_acts_beside_nonsense(folder, nonsense, suffix):
    for orientation in range(1, 10):
        Image.fromarray(HALVES.astype("uint8")).save(folder / f"a/{orientation}.{suffix}", exif=block(orientation, nonsense))
    eager, lazy = both(folder, size=(8, 8), channels=1)
    files = lazy.x.frame.set_index("file")
    assert len(eager.rejected) == 0
    bright = {1: "left", 2: "right", 3: "right", 4: "left", 5: "top", 6: "top", 7: "bottom", 8: "bottom", 9: "left"}
    sides = {"left": np.s_[3:5, 1:3], "right": np.s_[3:5, 5:7], "top": np.s_[1:3, 3:5], "bottom": np.s_[5:7, 3:5]}
    for orientation, side in bright.items():
        name = f"a/{orientation}.{suffix}"
        image = eager.x[files.index.get_loc(name)]
        assert {s for s, place in sides.items() if image[place].mean() > 150} == {side}, (orientation, side)
        assert (files.height[name], files.width[name]) == ((8, 4) if orientation in (5, 6, 7, 8) else (4, 8))


def test_tiffs_are_turned_once(folder):
    for orientation in (1, 3, 6, 8):
        Image.fromarray(HALVES.astype("uint8")).save(folder / f"a/{orientation}.tiff", tiffinfo={274: orientation})
    lazy = both(folder, size=(8, 8), channels=1)[1]
    assert lazy.x.frame.set_index("file").loc[["a/1.tiff", "a/3.tiff", "a/6.tiff", "a/8.tiff"], ["height", "width"]].values.tolist() == [[4, 8], [4, 8], [8, 4], [8, 4]]
    image = lazy.x[lazy.x.frame.file.tolist().index("a/6.tiff")]
    assert image[1:3, 3:5].mean() == 200 and image[5:7, 3:5].mean() == 0


def deep(folder, highest, dtype="uint16", suffix="png"):
    values = np.linspace(0, highest, 800).round().astype(dtype).reshape(4, 10, 20)
    for i, image in enumerate(values):
        Image.fromarray(image).save(folder / f"{'ab'[i % 2]}/{i}.{suffix}")


@pytest.mark.parametrize("highest, levels, shift", [(300, 151, 1), (4095, 256, 4), (4096, 129, 5), (65535, 256, 8), (255, 256, 0), (60, 61, 0), (1023, 256, 2)])
@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_levels_of_gray_are_kept(tmp_path, highest, levels, shift, suffix):
    for name in "ab":
        (tmp_path / name).mkdir()
    deep(tmp_path, highest, suffix=suffix)
    eager, lazy = both(tmp_path)
    assert eager.x.dtype == "uint8" and eager.x.max() == highest >> shift and abs(len(np.unique(eager.x)) - min(levels, 800)) <= 1
    assert f"{shift + 8} bits of gray, up to {highest:,}, became 8" in eager.origin
    splits = hb.split(lazy, validation=0.3, test=0.3) if len(lazy) > 8 else None
    assert splits is None and lazy.x[1:3].shift == shift


def test_one_bright_picture_sets_the_scale_for_the_folder(folder):
    deep(folder, 300)
    Image.fromarray(np.full((10, 20), 4000, "uint16")).save(folder / "a/bright.png")
    eager = both(folder, size=(10, 20), channels=1)[0]
    assert "12 bits of gray, up to 4,000" in eager.origin and eager.x.max() >= 250


def test_gray_of_pgm_and_color_of_16_bits(folder):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    def png(value):
        rows = (b"\0" + np.full(24, value, ">u2").tobytes()) * 4
        return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 4, 16, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")

    (folder / "a/bright.png").write_bytes(png(40_000))
    (folder / "a/faint.png").write_bytes(png(300))
    (folder / "b/gray.pgm").write_bytes(b"P5 8 4 4095\n" + RNG.integers(0, 4096, 32).astype(">u2").tobytes())
    eager, lazy = both(folder)
    assert lazy.x.frame.file.tolist() == ["a/bright.png", "a/plain.png", "b/gray.pgm", "b/plain.png"] and (eager.x[0] == 40_000 >> 8).all()
    assert eager.rejected.values.tolist() == [["a/faint.png", "color of 16 bits per channel that uses the lowest alone; store 8 bits"]]


def test_large_photos_are_read(folder, monkeypatch):
    monkeypatch.setattr(pictures, "REDUCED", 5000)
    monkeypatch.setattr(pictures, "PIXELS", 8000)
    sizes = {"half.jpg": (100, 64), "most.jpg": (200, 100), "bomb.jpg": (200, 101), "whole.png": (100, 80), "bomb.png": (100, 81)}
    for name, size in sizes.items():
        Image.new("RGB", size, (10, 200, 30)).save(folder / "a" / name)
    eager, lazy = both(folder, size=(8, 8))
    frame = lazy.x.frame.set_index("file")
    assert eager.rejected.file.tolist() == ["a/bomb.jpg", "a/bomb.png"] and "200 × 101 pixels, more than 20,000" in eager.rejected.reason[0]
    assert frame.loc["a/half.jpg", ["height", "width", "fast"]].tolist() == [32, 50, False] and frame.loc["a/whole.png", ["height", "width", "fast"]].tolist() == [80, 100, True]
    import tensorflow as tf
    served = np.stack(list(tf.data.Dataset.range(len(lazy)).map(lazy.x.reader()).as_numpy_iterator()))
    assert np.abs(served.astype(int) - eager.x).max() <= 1
    assert pictures.FORMATS and np.abs(eager.x[1].max(axis=(0, 1)).astype(int) - [10, 200, 30]).max() < 5


def test_a_phone_photo_of_64_megapixels(folder):
    Image.new("L", (9248, 6944), 77).save(folder / "a/phone.jpg")
    data = hb.data.images(folder, size=(8, 12), channels=1)
    assert len(data.rejected) == 0 and (data.x[0] == data.x[0][4, 6]).mean() > 0.5 and 77 in data.x


def test_large_texts_in_a_png(folder):
    for name, size in {"packed": 3_000_000, "whole": 70_000_000}.items():
        texts = PngInfo()
        texts.add_text("history", "x" * size, zip=name == "packed")
        Image.fromarray(HALVES.astype("uint8")).save(folder / f"a/{name}.png", pnginfo=texts)
    eager, lazy = both(folder, channels=1)
    assert len(eager.rejected) == 0 and eager.x[0].max() == 200 and lazy.x.frame.fast.tolist() == [False, True, False, True]


def test_what_is_no_picture_is_named(folder):
    contents = {"my photo.heic": b"\0\0\0\x18ftypheic" + bytes(40), "page.jpg": b"<!DOCTYPE html><html>", "pointer.jpg": b"version https://git-lfs.github.com/spec/v1\n", "inner.zip": b"PK\3\4" + bytes(40), "text.png": b"hello"}
    for name, content in contents.items():
        (folder / "a" / name).write_bytes(content)
    Image.fromarray(RNG.random((4, 8)).astype("float32")).save(folder / "a/float.tiff")
    found = both(folder)[0].rejected.set_index("file").reason
    assert found["a/my photo.heic"].endswith("convert it: magick 'a/my photo.heic' 'a/my photo.heic'.jpg")
    assert "download failed" in found["a/page.jpg"] and "git lfs pull" in found["a/pointer.jpg"] and "unpack" in found["a/inner.zip"]
    assert "not an image of a known format" in found["a/text.png"] and "no known range" in found["a/float.tiff"]
