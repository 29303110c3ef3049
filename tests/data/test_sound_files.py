"""Wav files as recorders, browsers and pipes write them: read to the sample, or refused with a command that converts them."""

import shlex
import struct
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import hackbook as hb


@pytest.fixture(autouse=True)
def no_soundfile(monkeypatch):
    """What is told without the optional package is the same where it is installed."""
    monkeypatch.setitem(sys.modules, "soundfile", None)


TONE = (np.sin(np.arange(400) / 5) * 20000).astype("int16")
PLAIN = TONE.astype("<i2").tobytes()


def wav(data=PLAIN, codec=1, bits=16, channels=1, rate=8000, inner=None, size=None, riff=None, tail=b""):
    wide = struct.pack("<HHIH", 22, bits, 0, inner) + b"\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71" if inner else b""
    head = struct.pack("<HHIIHH", 0xFFFE if inner else codec, channels, rate, rate * channels * bits // 8, channels * bits // 8, bits) + wide
    body = b"WAVEfmt " + struct.pack("<I", len(head)) + head + b"data" + struct.pack("<I", len(data) if size is None else size) + data + tail
    return b"RIFF" + struct.pack("<I", len(body) if riff is None else riff) + body


def read(folder, files):
    for name in "ab":
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "plain.wav").write_bytes(wav())
    for name, content in files.items():
        (folder / "a" / name).write_bytes(content)
    return hb.data.sounds(folder)


FLOATS = (TONE / 32768).astype("<f4").tobytes()
READ = {
    "24 bits": (wav(b"".join((int(v) * 256).to_bytes(3, "little", signed=True) for v in TONE), bits=24), 0),
    "floats": (wav(FLOATS, 3, 32), 0),
    "long floats": (wav((TONE / 32768).astype("<f8").tobytes(), 3, 64), 0),
    "8 bits": (wav((TONE // 256 + 128).astype("u1").tobytes(), bits=8), 256),
    "32 bits": (wav((TONE.astype("<i4") * 65536).tobytes(), bits=32), 0),
    "extensible": (wav(inner=1), 0),
    "extensible floats": (wav(FLOATS, bits=32, inner=3), 0),
    "stereo": (wav(np.stack([TONE, TONE], 1).astype("<i2").tobytes(), channels=2), 0),
    "no sizes": (wav(size=0, riff=0), 0),
    "largest sizes": (wav(size=0xFFFFFFFF, riff=0xFFFFFFFF), 0),
    "signed sizes": (wav(size=0x7FFFFFFF, riff=0x7FFFFFFF), 0),
    "sox on a pipe": (wav(size=0x7FFFF000, riff=0x7FFFF024), 0),
    "wrong whole size": (wav(riff=7), 0),
    "odd last byte": (wav(PLAIN + b"\1"), 0),
    "RF64": (b"RF64" + wav(size=0xFFFFFFFF, riff=0xFFFFFFFF)[4:], 0),
    "a list behind": (wav(tail=b"LIST\4\0\0\0INFO"), 0),
    "a tag behind": (wav(tail=b"TAG" + b"x" * 125), 0),
}


@pytest.mark.parametrize("name", READ)
def test_every_sample_is_read(tmp_path, name):
    content, away = READ[name]
    data = read(tmp_path, {"it.wav": content})
    assert len(data.rejected) == 0 and data.sample_rate == 8000 and data.x.shape == (3, 400)
    x = data.x[0] * 32768 if data.x.dtype == "float32" else data.x[0].astype(float)
    assert np.abs(x - TONE).max() <= away


def test_half_a_sample_is_missing(tmp_path):
    data = read(tmp_path, {"it.wav": wav()[:-1]})
    assert len(data.rejected) == 0 and (data.x[0][:399] == TONE[:399]).all()


@pytest.mark.parametrize("content, says", [
    (wav(size=900), "Reached EOF: 800 of 900 bytes"), (wav()[:500], "Reached EOF"), (wav()[:40], "the header is incomplete"), (wav()[:12], "the header is incomplete"), (wav(b"", tail=b"LIST\4\0\0\0INFO"), "no samples"),
    (wav(channels=0), "no channels"), (wav(rate=0), "0 samples per second"), (wav(np.full(99, np.nan, "<f4").tobytes(), 3, 32), "NaN or infinite"), (wav(np.full(99, 1e300, "<f8").tobytes(), 3, 64), "NaN or infinite"), (wav(size=100), "ffmpeg -ignore_length 1 -i a/it.wav"), (b"hello", "not a wav file")])
def test_broken_files_are_listed(tmp_path, content, says):
    assert says in read(tmp_path, {"it.wav": content}).rejected.reason[0]


@pytest.mark.parametrize("name, content, says", [
    ("it.wav", wav(b"\x80" * 400, 7, 8), "µ-law, which is not read"), ("it.wav", wav(b"\x80" * 400, 6, 8), "A-law"), ("it.wav", wav(b"\x80" * 400, 2, 4, 2), "ADPCM"), ("it.wav", wav(b"\x80" * 400, bits=8, inner=7), "µ-law"),
    ("my song.mp3", b"ID3\3" + bytes(99), "not a wav file"), ("it.m4a", b"\0\0\0\x20ftypM4A ", "not a wav file"), ("it.OGG", b"OggS", "not a wav file"), ("it.flac", b"fLaC", "not a wav file"), ("it.wav", b"ID3\3" + bytes(99), "not a wav file")])
def test_ffmpeg_is_named_for_the_rest(tmp_path, name, content, says):
    reason = read(tmp_path, {name: content}).rejected.reason[0]
    command = shlex.split(reason.split("convert it: ")[1])
    assert says in reason and command[:2] == ["ffmpeg", "-i"] and len(command) == 4
    assert (tmp_path / command[2]).is_file() and command[3].endswith(".wav") and not (tmp_path / command[3]).exists() and (tmp_path / command[3]).parent.is_dir()


def test_a_folder_without_wav_says_how_to_get_some(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.mp3").write_bytes(b"ID3\3")
    with pytest.raises(hb.HackbookError, match="ffmpeg -i a/1.mp3 a/1.wav"):
        hb.data.sounds(tmp_path)


def test_other_rates_are_resampled_and_told(tmp_path):
    data = read(tmp_path, {"it.wav": wav(np.repeat(TONE, 2).astype("<i2").tobytes(), rate=16000)})
    assert "; 1 resampled to 8,000 samples per second" in data.origin


def test_parts_of_sounds_are_no_classes(tmp_path):
    for part in ("train", "test"):
        for name in "ab":
            (tmp_path / part / name).mkdir(parents=True)
            for i in range(4):
                (tmp_path / part / name / f"{i}.wav").write_bytes(wav((TONE // (i + 1)).astype("<i2").tobytes()[: 600 + 40 * i + 8 * (part == "test") + 4 * (name == "a")]))
    with pytest.raises(hb.HackbookError, match="parts of a split") as caught:
        hb.data.sounds(tmp_path)
    scope = {"hb": hb}
    exec(str(caught.value).split("; call ")[1].replace("hb.split(data,", "hb.split(data, validation=.3,"), scope)
    assert len(scope["splits"].test) == 8 and scope["data"].class_names == ["a", "b"]


def test_soundfile_reads_what_is_no_plain_wav(tmp_path, monkeypatch):
    def decoded(file, dtype):
        if file.read(4) != b"OggS":
            raise RuntimeError("Format not recognised.")
        return np.stack([TONE, TONE], 1).astype(dtype) / 32768, 8000

    monkeypatch.setitem(sys.modules, "soundfile", SimpleNamespace(read=decoded))
    data = read(tmp_path, {"it.ogg": b"OggS", "other.mp3": b"ID3", "text.wav": b"hello"})
    assert len(data) == 3 and np.abs(data.x[0] - TONE / 32768).max() < 1e-4
    assert data.rejected.file.tolist() == ["a/other.mp3", "a/text.wav"] and "hackbook[sound]" in data.rejected.reason[0]


def test_ten_minutes_of_silence_are_read_and_found(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        for i in range(6):
            (tmp_path / name / f"{i}.wav").write_bytes(wav((TONE // (i + 1)).astype("<i2").tobytes()))
    (tmp_path / "a/long.wav").write_bytes(wav(bytes(2 * 600 * 8000)))
    data = hb.data.sounds(tmp_path, seconds=0.05)
    assert data.x.shape == (13, 400) and len(data.rejected) == 0
    assert "silent sound" in hb.inspect(data).frame.to_string()
