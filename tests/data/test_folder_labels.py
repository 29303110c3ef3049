"""Folders and tables of labels as teams have them: what is no class is refused with a call that runs, and names match across systems."""

import shutil
import unicodedata

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import hackbook as hb

RNG = np.random.default_rng(0)


def pictures(folder, names, size=(6, 5)):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(RNG.integers(0, 255, (*size, 3), "uint8")).save(path)


def tree(folder, *tops, classes=("cat", "dog"), count=4):
    pictures(folder, [f"{top}/{name}/{i}.png".lstrip("/") for top in tops for name in classes for i in range(count)])


def advised(folder, read=hb.data.images):
    """The error, and what the call in it makes."""
    with pytest.raises(hb.HackbookError) as caught:
        read(folder)
    scope = {"hb": hb}
    exec(str(caught.value).split("; call ")[1], scope)
    return str(caught.value), scope


def reasons(data):
    return data.rejected.set_index("file").reason.to_dict()


@pytest.mark.parametrize("train, test", [("train", "test"), ("Training", "Test Set"), ("train", "valid"), ("seg_train", "seg_test"), ("TRAIN", "dev"), ("train2017", "val2017"), ("trainset", "testset")])
def test_parts_are_no_classes(tmp_path, monkeypatch, train, test):
    monkeypatch.chdir(tmp_path)
    tree(tmp_path / "pets", train, count=12)
    pictures(tmp_path / "pets", [f"{test}/{name}/{i}.png" for name in ("cat", "dog") for i in range(2)], size=(9, 7))  # its own sizes
    said, made = advised("pets")
    assert "parts of a split" in said and made["data"].class_names == ["cat", "dog"] and len(made["data"]) == 24
    assert len(made["splits"].test) == 4 and len(made["splits"].train) + len(made["splits"].validation) == 24


def test_three_parts_stay_as_they_are(tmp_path):
    tree(tmp_path / "data/pets", "train", "val", "test")
    made = advised(tmp_path)[1]["splits"]
    assert [len(p) for p in made.parts.values()] == [8, 8, 8] and made.class_names == ["cat", "dog"]
    hb.check_leakage(made)


def test_parts_in_an_archive_are_unpacked_by_the_call(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tree(tmp_path / "all", "pets/train", "pets/test", count=12)
    shutil.make_archive("pets", "zip", "all")
    made = advised("pets.zip")[1]
    assert len(made["data"]) == 24 and len(made["splits"].test) == 24


def test_a_test_part_without_labels_is_left_out_of_the_call(tmp_path):
    tree(tmp_path, "train")
    pictures(tmp_path, [f"test/{i}.png" for i in range(3)])
    said, made = advised(tmp_path)
    assert made["data"].class_names == ["cat", "dog"] and "test=" not in said


@pytest.mark.parametrize("tops, says", [(("images", "masks"), "labels within an image"), (("JPEGImages", "Annotations"), "labels within an image"), (("fold1", "fold2", "fold10"), "folds of a cross-validation")])
def test_masks_and_folds_are_no_classes(tmp_path, tops, says):
    pictures(tmp_path, [f"{top}/{i}.png" for top in tops for i in range(2)])
    with pytest.raises(hb.HackbookError, match=says):
        hb.data.images(tmp_path)


def test_a_train_is_a_vehicle(tmp_path):
    tree(tmp_path, "", classes=("car", "train", "plane"))
    assert hb.data.images(tmp_path).class_names == ["car", "plane", "train"]


def test_classes_with_numbers_stand_in_their_order(tmp_path):
    tree(tmp_path / "a", "", classes=[str(i) for i in range(12, 0, -1)], count=1)
    data = hb.data.images(tmp_path / "a")
    assert data.class_names == [str(i) for i in range(1, 13)] and [data.class_names[y] for y in data.y] == sorted(map(str, range(1, 13)))
    tree(tmp_path / "b", "", classes=["level 10", "level 9"], count=1)
    assert hb.data.images(tmp_path / "b").class_names == ["level 9", "level 10"]


def test_an_empty_class_and_folders_in_a_class_are_told(tmp_path):
    tree(tmp_path, "", count=2)
    pictures(tmp_path, ["cat/kittens/1.png"])
    for name in ("bird", "cow", "logs/deep"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "cow/.DS_Store").write_text("x")
    (tmp_path / "dog/Thumbs.db").write_text("x")
    data = hb.data.images(tmp_path)
    assert data.class_names == ["cat", "dog"] and len(data) == 5 and "read with them: kittens" in data.origin
    assert reasons(data) == dict.fromkeys(["bird/", "cow/"], "an empty folder, so a class without examples")
    assert "bird/" in hb.inspect(data).findings[0].examples


def test_folders_of_one_name_in_two_forms_are_one_class(tmp_path):
    pictures(tmp_path, [f"{unicodedata.normalize('NFD', 'grün')}/1.png", "rot/1.png"])
    assert hb.data.images(tmp_path).class_names == ["grün", "rot"]


NAMES = ["a.png", "b.png", "c.png", "d.png"]


@pytest.mark.parametrize("written, loose", [
    (["a", "b", "c", "d"], 4), (["A.PNG", "B.PNG", "c.png", "d.png"], 2), ([f"data/train/{n}" for n in NAMES], 4), ([f"C:\\me\\data\\{n}" for n in NAMES], 4),
    ([f"/home/me/{n}" for n in NAMES], 4), ([f" {n} " for n in NAMES], 0), ([f"./{n}" for n in NAMES], 0), (["Data\\A", "b", "c", "d"], 4)])
@pytest.mark.parametrize("name", ["labels.csv", "labels.txt", "labels.tsv"])
def test_names_that_differ_in_form_match(tmp_path, written, loose, name):
    pictures(tmp_path, NAMES)
    table = pd.DataFrame({"path": written, "label": ["x", " y", "x ", "y"]})
    table.to_csv(tmp_path / name, index=False, sep="\t" if name.endswith("tsv") else ",")
    data = hb.data.images(tmp_path, labels=name)
    assert data.class_names == ["x", "y"] and data.y.tolist() == [0, 1, 0, 1] and len(data.rejected) == 0
    assert (f"{loose} names of {name} matched" in data.origin) == bool(loose)


def test_names_of_a_mac_match_and_zeros_of_ids_may_be_lost(tmp_path):
    pictures(tmp_path, [unicodedata.normalize("NFD", "grün.png"), "sub/007.png", "7.png", "0012.png"])
    (tmp_path / "labels.csv").write_text("path,label\ngrün.png,x\nsub/007.png,y\n7.png,x\n12,y\n", encoding="utf-8")
    data = hb.data.images(tmp_path, labels="labels.csv")
    assert len(data) == 4 and len(data.rejected) == 0 and "; 1 names of labels.csv" in data.origin


def test_what_may_be_two_files_or_another_kind_is_asked(tmp_path):
    pictures(tmp_path, ["a/1.png", "b/1.png", "2.png", "3.png", "4.png"])
    (tmp_path / "labels.csv").write_text("path,label\n1.png,x\n2.jpg,y\nx/3.png,x\n3.png,y\n4.png,x\n../a/1.png,x\n")
    found = reasons(hb.data.images(tmp_path, labels="labels.csv"))
    assert found["1.png"] == "in labels.csv, and may be a/1.png or b/1.png"
    assert "1 of the rows would match but for their suffix: is it 2.png?" in found["2.jpg"]
    assert "no such file" in found["x/3.png"] and "no such file" in found["../a/1.png"]


def test_a_prefix_of_another_folder_is_no_match(tmp_path):
    pictures(tmp_path, ["cat/1.png", "dog/2.png", "dog/3.png"])
    (tmp_path / "labels.csv").write_text("path,label\ndog/1.png,x\ndog/2.png,y\ndog/3.png,x\n")
    assert set(reasons(hb.data.images(tmp_path, labels="labels.csv"))) == {"dog/1.png", "cat/1.png"}


def test_class_names_that_differ_by_case_or_space_are_found_and_merged(tmp_path):
    tree(tmp_path, "", classes=("cat", "Cat", "cat ", "dog", "hot dog", "hotdog"), count=3)
    data = hb.data.images(tmp_path)
    found = next(f for f in hb.inspect(data).findings if f.check == "class names")
    assert found.severity == "high" and len(found.examples) == 3 and {"dog", "hot dog"}.isdisjoint(found.examples)
    fixed = hb.clean(data, "merge_classes")
    assert len(fixed.class_names) == 3 and fixed.frame.examples.tolist() == [9, 3, 6] and fixed.log.examples.tolist() == [9]
    assert "class names" not in hb.inspect(fixed).frame.check.tolist()


def test_letters_are_not_merged():
    data = hb.Dataset(np.arange(12)[:, None], ["a", "A", "C", "C++", "1", "-1"] * 2)
    assert hb.quality.alike_classes(data) == [] and hb.clean(data, "merge_classes").log.examples.tolist() == [0]
    with pytest.raises(hb.HackbookError, match="leaves two classes"):
        hb.clean(hb.Dataset(np.arange(4)[:, None], ["cat", "Cat"] * 2), "merge_classes")


@pytest.mark.parametrize("shape, dtype, kind", [((128, 9), "float32", "numbers"), ((50, 3), "float64", "numbers"), ((9, 128), "float32", "numbers"), ((187, 1), "float32", "numbers"), ((24, 7), "int16", "numbers"), ((128, 9), "uint8", "image"),
                                                ((8, 8), "float64", "image"), ((28, 28), "float32", "image"), ((128, 9, 1), "float32", "image"), ((64, 40), "float32", "image")])
def test_windows_of_a_series_are_no_images(shape, dtype, kind):
    data = hb.Dataset((RNG.random((40, *shape)) * 9).astype(dtype), np.arange(40) % 2)
    assert data.kind == kind and ("windows of a series" in data._repr_html_()) == (kind == "numbers")
    splits = hb.split(data)
    assert hb.inspect(data).data is data
    if kind == "numbers":
        for call in (lambda: hb.models.cnn(splits), lambda: hb.show_augmented(data, hb.augment(rotation=5)), lambda: data.plot()):
            with pytest.raises(hb.HackbookError, match="images"):
                call()
