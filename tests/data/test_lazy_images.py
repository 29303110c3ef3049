"""Lazy images: what array images are, without the memory; files that go astray are named."""

import os
import shutil
import sys
import warnings

import numpy as np
import pytest
from conftest import call
from PIL import Image, ImageDraw

import hackbook as hb
from hackbook.data import folders

RNG = np.random.default_rng(0)


def shape(kind, side=28, mode="RGB"):
    """A disc or a square of random place, size and color, on noise."""
    image = Image.fromarray(RNG.integers(0, 60, (side, side, 3), "uint8"))
    left, top, width = *RNG.integers(2, 8, 2), int(RNG.integers(14, 18))
    draw = ImageDraw.Draw(image)
    (draw.ellipse if kind == "disc" else draw.rectangle)((left, top, left + width, top + width), fill=tuple(RNG.integers(150, 255, 3).tolist()))
    return image.convert(mode)


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    """400 drawings: JPEG, PNG and, of each 20, one that is for Pillow."""
    folder = tmp_path_factory.mktemp("files") / "shapes"
    for i in range(400):
        path = folder / ["disc", "square"][i % 2] / f"{i}{'.gif' if i % 20 < 1 else ['.jpg', '.png'][i // 2 % 2]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        shape(path.parent.name).save(path)
    return folder


@pytest.fixture
def some(shapes, tmp_path):
    """A copy of 100 of them, to break."""
    return shutil.copytree(shapes, tmp_path / "shapes", ignore=lambda _, names: [n for n in names if n[0].isdigit() and len(n) > 6])


def served(x):
    """What TensorFlow makes of lazy images."""
    import tensorflow as tf

    return np.stack(list(tf.data.Dataset.range(len(x)).map(x.reader()).as_numpy_iterator()))


def test_eager_and_lazy_agree(shapes):
    lazy, eager = hb.data.images(shapes, lazy=True), hb.data.images(shapes, lazy=False)
    assert not isinstance(lazy.x, np.ndarray) and isinstance(eager.x, np.ndarray) and isinstance(hb.data.images(shapes).x, np.ndarray)
    assert (lazy.x.shape, lazy.x.dtype, lazy.kind, lazy.class_names) == (eager.x.shape, eager.x.dtype, "image", eager.class_names)
    assert 0 < (~lazy.x.frame.fast).sum() <= 20
    assert (np.asarray(lazy.x) == eager.x).all() and (served(lazy.x) == eager.x).all() and (lazy.x[7] == eager.x[7]).all()
    parts = [hb.split(d, seed=3) for d in (lazy, eager)]
    assert parts[0].frame.equals(parts[1].frame)  # which example goes where follows the content, known by its bytes here and by its pixels there
    used = [f for d in parts[0].parts.values() for f in d.x.frame.file]
    assert sorted(used) == sorted(lazy.x.frame.file)
    at = lazy.x.frame.file.tolist().index
    assert all((parts[0].parts[p].x[5] == eager.x[at(parts[0].parts[p].x.frame.file[5])]).all() for p in parts[0].parts)
    assert parts[0].train.fingerprint == hb.split(hb.data.images(shapes, lazy=True), seed=3).train.fingerprint
    assert "read when needed" in lazy._repr_html_() and len(hb.check_leakage(parts[0])) == 0
    lazy.plot()


def test_large_folders_are_lazy_by_themselves(shapes, monkeypatch):
    monkeypatch.setattr(folders, "MEMORY", 10**6 - 1)
    assert isinstance(hb.data.images(shapes, size=(50, 50), channels=1).x, hb.core.Lazy)  # 400 × 50 × 50 = 10**6
    assert not isinstance(hb.data.images(shapes, size=(50, 49), channels=1).x, hb.core.Lazy)


def test_training_repeats_and_learns(shapes):
    splits = hb.split(hb.data.images(shapes, lazy=True))
    runs = []
    for _ in range(2):
        hb.set_seed(0)
        runs.append(hb.fit(hb.models.cnn(splits, filters=(8, 16), dropout=0.0), splits, epochs=4, batch_size=16, to=None))
    assert runs[0].history.drop(columns="seconds").equals(runs[1].history.drop(columns="seconds"))
    result = hb.evaluate(runs[0], splits.test, reason="a test")
    assert result.accuracy > 0.8 and runs[0].history.val_accuracy.iloc[-1] > 0.8
    assert runs[0].model.predict(splits.train.x[:3], verbose=0).shape == (3, 2)
    result.plot_mistakes()


def test_keras_knows_how_many_batches_there_are(shapes):
    """Or it would warn after each validation that the input ran out of data."""
    splits = hb.split(hb.data.images(shapes, lazy=True))
    batches = hb.training.Batches(splits.train, 30), hb.training.in_order(splits.validation, 16)
    assert [int(of.cardinality()) for of in (batches[0].dataset, batches[1])] == [-(-len(splits.train) // 30), -(-len(splits.validation) // 16)]
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "Your input ran out of data")
        hb.set_seed(0)
        run = hb.fit(hb.models.cnn(splits, filters=(4,)), splits, epochs=2, batch_size=30, to=None)
        hb.evaluate(run, splits.validation)
        session = hb.live.Session(run.model, splits, epochs=1, batch_size=30)
        session.start()
        session.wait()
        session.close()


def test_order_is_that_of_arrays(shapes):
    lazy, eager = (hb.data.images(shapes, lazy=lazy) for lazy in (True, False))
    lazy, eager = hb.training.Batches(lazy, 150, 5), hb.training.Batches(eager, 150, 5)
    for epoch in range(2):
        lazy.epoch.assign(epoch), eager.epoch.assign(epoch)
        for (a, b), (c, d) in zip(lazy.dataset, eager.dataset, strict=True):
            assert (a.numpy() == c.numpy()).all() and (b.numpy() == d.numpy()).all()
    assert len(a) == 100  # the last of the second epoch


@pytest.mark.parametrize("channels, size", [(1, (28, 28)), (3, (20, 33)), (1, (40, 30))])
def test_shapes_and_grayscale(some, channels, size):
    for kind, options in {"P": {}, "1": {}, "L": {}, "LA": {}, "RGBA": {}, "CMYK": {"suffix": ".jpg"}, "I;16": {}}.items():
        image = Image.fromarray(RNG.integers(0, 2**16, (31, 17), "uint16")) if kind == "I;16" else shape("disc", mode="RGB").resize((17, 31)).convert(kind)
        image.save(some / f"disc/{kind.replace(';', '')}{options.get('suffix', '.png')}")
    turned = Image.Exif()
    turned[0x0112] = 8
    shape("disc").resize((20, 30)).save(some / "disc/turned.jpg", exif=turned)
    shape("disc").save(some / "disc/two.mpo", save_all=True, append_images=[shape("square")])
    shape("disc").save(some / "disc/several.webp", save_all=True, append_images=[shape("square")])
    lazy, eager = (hb.data.images(some, lazy=lazy, size=size, channels=channels) for lazy in (True, False))
    assert len(lazy) == len(eager) == len(list(some.rglob("*.*"))) and lazy.x.shape == eager.x.shape and len(lazy.rejected) == 0
    assert (np.asarray(lazy.x) == eager.x).all()
    assert np.abs(served(lazy.x).astype(int) - eager.x).max() <= 1


def test_the_same_files_are_rejected(some):
    for kind in ("png", "jpg", "gif"):
        whole = next(some.rglob(f"*.{kind}")).read_bytes()
        (some / f"disc/half.{kind}").write_bytes(whole[: len(whole) * (9 if kind == "jpg" else 5) // 10])  # of the JPEG, all tables are there
        (some / f"disc/head.{kind}").write_bytes(whole[:60])
    (some / "disc/empty.png").touch()
    (some / "disc/text.jpg").write_text("no image")
    (some / "disc/gone.png").symlink_to("nowhere.png")
    Image.new("L", (1, 3000)).save(some / "disc/slim.png")
    Image.new("F", (8, 8)).save(some / "disc/float.tiff")
    Image.new("1", (10_000, 9_000)).save(some / "disc/bomb.png")
    cut = next(some.rglob("*.png")).read_bytes()
    (some / "disc/endless.png").write_bytes(cut[:-12])  # Pillow does not mind, TensorFlow would
    lazy, eager = (hb.data.images(some, lazy=lazy) for lazy in (True, False))
    assert lazy.rejected.equals(eager.rejected)
    assert len(lazy.rejected) == 12, lazy.rejected.to_string()
    assert "disc/endless.png" in set(lazy.x.frame.file) and (served(lazy.x) == eager.x).all()


def test_names_of_every_kind(some):
    for name in (b"sp ace.png", "Möwe.png".encode(), b"caf\xe9.png"):
        shape("disc").save(some / "disc" / os.fsdecode(name))
    lazy = hb.data.images(some, lazy=True)
    assert (served(lazy.x) == hb.data.images(some, lazy=False).x).all() and lazy.fingerprint


def test_an_archive_is_refused(some):
    archive = shutil.make_archive(some.parent / "all", "zip", some)
    with pytest.raises(hb.HackbookError, match=r"lazy must be False or None for an archive, got True; unpack it first: hb.files.unpack"):
        hb.data.images(archive, lazy=True)
    assert isinstance(hb.data.images(archive).x, np.ndarray)


def shorten(path):
    path.write_bytes(path.read_bytes()[:-40])


@pytest.mark.parametrize("harm, says", [(os.remove, "is gone from"), (shorten, "must be .* bytes, as it was at first")])
@pytest.mark.parametrize("part", ["train", "validation"])
def test_lost_files_are_named(some, part, harm, says):
    splits = hb.split(hb.data.images(some, lazy=True))
    model, frame = hb.models.cnn(splits, filters=(2,)), splits.parts[part].x.frame
    lost = frame.file[frame.fast].iloc[0]
    harm(some / lost)
    for use in (lambda: splits.parts[part].x[frame.file.tolist().index(lost)], lambda: hb.fit(model, splits, epochs=1, to=None),
                lambda: hb.evaluate(model, splits.parts[part])):
        with pytest.raises(hb.HackbookError, match=f"^{lost} .*{says}"):
            use()


def test_what_tensorflow_alone_refuses_is_named(some):
    data = hb.data.images(some, lazy=True)
    victim = data.x.frame.file[data.x.frame.fast.to_numpy()].iloc[0]
    (some / victim).write_bytes(bytes(os.path.getsize(some / victim)))  # of the same size
    with pytest.raises(hb.HackbookError, match=f"^{victim} in .* can decode .1 are not.; save it again"):
        hb.evaluate(hb.models.cnn(hb.split(data), filters=(2,)), data)


def test_copies_and_other_folders(some, tmp_path):
    shutil.copy(next((some / "disc").glob("*.jpg")), some / "disc/again.jpg")
    data = hb.data.images(some, lazy=True)
    groups = hb.data.content_groups(data.x)
    assert len(set(groups)) == len(groups) - 1
    other = hb.data.images(shutil.copytree(some, tmp_path / "later"), lazy=True)
    assert data.fingerprint == other.fingerprint
    part = other.take(np.arange(len(other)) % 4 == 0)
    splits = hb.split(data, test=part)
    assert len(splits.train) + len(splits.validation) == len(data) - np.isin(groups, groups[np.arange(len(groups)) % 4 == 0]).sum()
    with pytest.raises(hb.HackbookError, match="examples must be lazy too"):
        hb.split(data, test=hb.data.images(tmp_path / "later", lazy=False))


def test_baselines_read_a_sample(some):
    splits = hb.split(hb.data.images(some, lazy=True))
    table = hb.Problem("Disc or square", task="image-classification").baselines(splits)
    assert {"majority class", "linear"} <= set(table.baseline)


def indexed(folder):
    """Peak memory in MB after an epoch over `folder`, in this process."""
    import resource

    data = hb.data.images(folder, lazy=True)
    for _ in hb.training.Batches(data, 64).dataset:
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def test_memory_does_not_grow_with_the_folder(tmp_path):
    content = [shape(kind, 128) for kind in ("disc", "square")]
    for kind, image in zip(("disc", "square"), content):
        (tmp_path / "4000" / kind).mkdir(parents=True)
        image.save(tmp_path / f"4000/{kind}/0.jpg")
        for i in range(1, 2000):
            os.link(tmp_path / f"4000/{kind}/0.jpg", tmp_path / f"4000/{kind}/{i}.jpg")
        shutil.copytree(tmp_path / f"4000/{kind}", tmp_path / f"1000/{kind}", copy_function=os.link,
                        ignore=lambda _, names: [n for n in names if int(n.split(".")[0]) >= 500])
    peaks = {}
    for n in (1000, 4000):
        shown = call(sys.executable, "-c", f"import sys; sys.path[:0] = ['tests', 'tests/data']; import test_lazy_images; print(test_lazy_images.indexed({str(tmp_path / str(n))!r}))")
        peaks[n] = float(shown.stdout.split()[-1])
    assert peaks[4000] - peaks[1000] < 50, peaks  # 3,000 images are 147 MB when decoded


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """The same 60 PNG files lazily and in memory; one is of one color, one far brighter than the rest, two have the other label."""
    folder, rng = tmp_path_factory.mktemp("odd"), np.random.default_rng(3)
    for i in range(60):
        pixels = rng.integers(0, 40, (12, 12, 3), "uint8")
        pixels[(slice(4, 7), slice(1, 11)) if i % 2 else (slice(1, 11), slice(4, 7))] = 150
        if i in (8, 13):
            pixels[:] = 7 if i == 8 else rng.integers(240, 255, (12, 12, 3))
        path = folder / ["upright", "level"][(i % 2) ^ (i in (20, 33))] / f"{i:02}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(path)
    return [hb.data.images(folder, lazy=lazy) for lazy in (True, False)]


def test_the_checks_find_the_same_in_lazy_images(odd, monkeypatch):
    lazy, eager = odd
    monkeypatch.setattr(type(lazy.x), "__array__", watched := longest(type(lazy.x).__array__))
    found = hb.inspect(lazy).frame
    assert {"blank", "outliers", "suspicious labels"} <= set(found.check) and found.equals(hb.inspect(eager).frame)
    for fix in ("drop_blank", "drop_outliers"):
        assert len(hb.clean(lazy, fix)) == len(hb.clean(eager, fix)) < 60
    from hackbook.core import in_chunks

    assert len(in_chunks(lambda part: part[:, 0, 0, 0], lazy.x, 16)) == 60 and watched.sizes[-4:] == [16, 16, 16, 12]


def longest(read):
    """`read`, which keeps how many images it has been asked for."""

    def array(x, *args, **kwargs):
        array.sizes.append(len(x))
        return read(x, *args, **kwargs)

    array.sizes = []
    return array


def test_preflight_changes_lazy_images_one_by_one(odd):
    import keras

    splits = hb.split(odd[0], seed=1)
    model = keras.Sequential([keras.Input(splits.train.x.shape[1:]), keras.layers.Flatten(), keras.layers.Dense(2, "softmax")])
    table = hb.preflight(model, splits).frame.set_index("check")
    assert table.status["batch"] == "pass" and not table.finding.str.contains("failed|AttributeError").any()
