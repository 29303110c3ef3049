"""Codes there and back, whole numbers as bytes, files that are cut or of another model, and quality at equal bytes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import hackbook as hb
from hackbook.autoencoders import code_effects, code_splits, code_steps, compress, decode, decompress, dequantize, encode, from_sheet, interpolate, pack
from hackbook.autoencoders import quantize, rate_distortion, read_header, sheet, unpack


@pytest.fixture(scope="module")
def splits():
    return hb.data.reconstruct(hb.split(hb.data.digits()))


@pytest.fixture(scope="module")
def run(splits):
    hb.set_seed(0)
    return hb.fit(hb.models.autoencoder(splits, code=6, units=(96,)), splits, epochs=12, learning_rate=0.003, seed=0, to=None)


@pytest.fixture(scope="module")
def file(run, splits):
    return compress(run, splits.validation)


@given(arrays("int16", array_shapes(min_dims=2, max_dims=2, max_side=40)))
@settings(max_examples=200, deadline=None)
def test_whole_numbers_come_back(whole):
    assert np.array_equal(unpack(pack(whole), whole.shape), whole)


@given(st.binary(max_size=300), st.tuples(st.integers(1, 50), st.integers(1, 9)))
@settings(max_examples=200, deadline=None)
def test_other_bytes_are_refused(packed, shape):
    try:
        found = unpack(packed, shape)
    except hb.HackbookError:
        return
    assert found.shape == shape  # bytes that happen to be whole numbers


def test_a_step_moves_every_example_alike():
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(4, 30)) * np.array([[0.01], [1], [5], [100]])
    codes = rng.normal(size=(300, 4)).astype("float32")
    steps = code_steps(lambda c: c @ matrix, codes, 0.1)
    rms = [np.sqrt(np.mean((steps[i] * matrix[i]) ** 2)) for i in range(4)]
    assert np.allclose(rms[1:], 0.1, rtol=1e-2) and rms[0] < 0.1  # no step is larger than the range
    assert (np.abs(dequantize(quantize(codes, steps), steps) - codes) <= steps * 0.501).all()


def test_a_file_holds_the_pictures_as_the_codes_know_them(run, splits, file):
    back = decompress(run, file)
    x = splits.validation.x
    assert back.shape == x.shape and back.dtype == x.dtype
    exact = decompress(run, compress(run, x, 1e-4))
    assert np.abs(exact.astype(float) - decode(run, encode(run, x))).max() <= 1
    error = [np.mean((a.astype(float) - x) ** 2) for a in (exact, back, decompress(run, compress(run, x, 0.5)))]
    assert error[0] <= error[1] * 1.01 < error[2] * 0.9
    assert len(file) < len(compress(run, x, 1e-3)) < x.nbytes


def test_the_header_says_what_the_file_holds(run, splits, file):
    header = read_header(file)
    assert (header.examples, header.numbers) == (len(splits.validation), 6)
    assert bytes(header) == file[: header.size]


def test_a_file_of_another_model_is_refused(splits, file):
    hb.set_seed(1)
    other = hb.fit(hb.models.autoencoder(splits, code=6, units=(96,)), splits, epochs=1, seed=1, to=None)
    with pytest.raises(hb.HackbookError, match="loads the run that compressed"):
        decompress(other, file)


def test_a_saved_run_reads_what_the_trained_one_wrote(splits, tmp_path):
    hb.set_seed(2)
    run = hb.fit(hb.models.autoencoder(splits, code=4, units=(16,)), splits, epochs=1, seed=0, to=tmp_path)
    path = tmp_path / "digits.hbae"
    path.write_bytes(compress(run, splits.validation))
    assert np.array_equal(decompress(hb.load_run(run.folder), path), decompress(run, path))


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_no_changed_or_cut_file_is_read(run, file, data):
    place = data.draw(st.integers(0, len(file) - 1))
    bit = data.draw(st.integers(0, 7))
    changed = bytearray(file)
    changed[place] ^= 1 << bit
    for bad in (bytes(changed), file[:place]):
        with pytest.raises(hb.HackbookError):
            decompress(run, bad)


@pytest.mark.parametrize("bad, says", [
    (b"", "no file of"), (b"PK\x03\x04", "no file of"), (b"HBAE", "cut or damaged"), ([1], "got list"), (None, "got NoneType"), ("nowhere.hbae", "there is no file"),
])
def test_what_is_no_file_of_ours(run, bad, says):
    with pytest.raises(hb.HackbookError, match=says):
        decompress(run, bad)


@pytest.mark.parametrize("x, says", [
    (np.zeros((2, 9, 9), "uint8"), "resize it first"), (np.zeros((0, 8, 8)), "at least one"), (np.full((1, 8, 8), np.nan, "float32"), "finite"), ("words", "no file or folder"),
])
def test_what_cannot_be_compressed(run, x, says):
    with pytest.raises(hb.HackbookError, match=says):
        compress(run, x)


@pytest.mark.parametrize("step", [0, -1, np.nan, np.inf, "a", True])
def test_a_step_is_above_0(run, splits, step):
    with pytest.raises(hb.HackbookError, match="step must be"):
        compress(run, splits.validation, step)


@pytest.mark.parametrize("codes, says", [(np.zeros((2, 5)), "examples, 6"), (np.zeros(6), "examples, 6"), ("ab", "examples, 6"), (np.full((1, 6), np.inf), "finite"), (np.zeros((0, 6)), "examples, 6")])
def test_what_is_no_code(run, codes, says):
    with pytest.raises(hb.HackbookError, match=says):
        decode(run, codes)


def test_codes_go_with_the_labels(run):
    labelled = hb.split(hb.data.digits())
    found = code_splits(run, labelled)
    assert np.allclose(found.train.x, encode(run, labelled.train.x), atol=1e-5)
    assert np.array_equal(found.validation.y, labelled.validation.y) and found.class_names == labelled.class_names
    assert isinstance(found.test, hb.data.Sealed)


def test_effects_and_the_line_between_two_pictures(run, splits):
    x = splits.validation.x
    table = code_effects(run, x)
    assert sorted(table.index) == list(range(6)) and table.effect.is_monotonic_decreasing
    between = interpolate(run, x[0], x[1], 5)
    assert np.array_equal(between[0], decode(run, encode(run, x[:1]))[0])


@given(st.integers(1, 12), st.integers(1, 20), st.integers(1, 20), st.sampled_from([(), (3,)]))
@settings(max_examples=60, deadline=None)
def test_a_sheet_holds_its_pictures(n, height, width, channels):
    pictures = np.random.default_rng(n).integers(0, 256, (n, height, width, *channels)).astype("uint8")
    assert np.array_equal(from_sheet(sheet(pictures), pictures.shape), pictures)


def test_quality_at_equal_bytes(run, splits):
    found = rate_distortion(run, splits, steps=(0.01, 0.05), qualities=(1, 30, 90))
    frame = found.frame.set_index("method")
    assert frame.bytes["PNG"] > 20 and frame.psnr["PNG"] > 55
    own = found.frame[found.frame.method == "autoencoder"]
    assert np.isclose(own.bytes.iloc[0] * len(splits.validation), len(compress(run, splits.validation, 0.01)))
    assert ((found.frame.low <= found.frame.psnr) & (found.frame.psnr <= found.frame.high)).all()
    at = found.psnr_at(own.bytes.iloc[0])
    assert np.isclose(at["autoencoder"], own.psnr.iloc[0])
    assert "JPEG is the better choice" in str(found) and "JPEG" in found._repr_html_()
    assert np.isnan(found.psnr_at(0.5)).all()
