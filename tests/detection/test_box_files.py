"""Boxes in COCO, Pascal VOC and YOLO files, and what is wrong with them."""

import json
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import hackbook as hb
from hackbook.detection import BoxedImages, check_boxes, clean_boxes, read_boxes, turned, write_coco


def picture(path, height=48, width=64, turn=None, color=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.full((height, width, 3) if color else (height, width), 90, "uint8"))
    if turn:
        image.getexif()[0x0112] = turn
    image.save(path, exif=image.getexif())


def coco(folder, annotations, files=("a.png",), height=48, width=64, classes=("cat", "dog"), name="labels.json"):
    record = {"images": [{"id": i, "file_name": f, "height": height, "width": width} for i, f in enumerate(files)],
              "categories": [{"id": k + 1, "name": c} for k, c in enumerate(classes)],
              "annotations": [{"id": k, "image_id": i, "category_id": c, "bbox": b} for k, (i, c, b) in enumerate(annotations)]}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(record))
    return folder


@given(st.data())
def test_what_is_written_is_read_again(tmp_path_factory, data):
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    n, height, width = rng.integers(1, 5), rng.integers(12, 40), rng.integers(12, 40)
    start = rng.uniform(0, [width - 4, height - 4], (n, 3, 2)).astype("float32")
    end = (start + rng.uniform(2, 4, (n, 3, 2))).astype("float32")
    y = np.concatenate([start, end, rng.integers(0, 3, (n, 3, 1))], axis=2).astype("float32")
    y[1:, 2] = -1
    shape = (n, height, width, 3) if rng.random() < .5 else (n, height, width)
    boxed = BoxedImages(rng.integers(0, 256, shape, "uint8"), y, ["a", "b", "ü<"], groups=rng.integers(0, 2, n) if rng.random() < .5 else None)
    boxed.y, found = (lambda good, f: (hb.detection.padded(good, 3), f))(*clean_boxes(boxed.y, (height, width), boxed.class_names))
    again = read_boxes(write_coco(boxed, tmp_path_factory.mktemp("w") / "out"), channels=3 if len(shape) == 4 else 1)
    assert (again.x == boxed.x).all() and again.class_names == boxed.class_names and len(again.rejected) == 0
    assert (again.y == boxed.y[:, :again.y.shape[1]]).all() and (boxed.y[:, again.y.shape[1]:] == -1).all()
    assert (again.groups is None) == (boxed.groups is None) or (again.groups == boxed.groups).all()


def test_writing_is_all_or_nothing(tmp_path, monkeypatch):
    data = hb.detection.scenes(3)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("keep")
    with pytest.raises(hb.HackbookError, match="new or empty"):
        write_coco(data, tmp_path / "full")
    monkeypatch.setattr("hackbook.detection.box_files.coco_record", lambda *a: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_coco(data, tmp_path / "half")
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["full", "mine.txt"]


def test_coco_agrees_with_pycocotools(tmp_path):
    COCO = pytest.importorskip("pycocotools.coco").COCO
    data = hb.detection.scenes(6)
    known = COCO(str(write_coco(data, tmp_path / "c") / "annotations.json"))
    for i in range(6):
        boxes = np.array([a["bbox"] for a in known.loadAnns(known.getAnnIds(imgIds=i))])
        assert (boxes == np.c_[data.y[i, : len(boxes), :2], data.y[i, : len(boxes), 2:4] - data.y[i, : len(boxes), :2]]).all()


def test_wrong_boxes_are_findings(tmp_path):
    picture(tmp_path / "a.png")
    wrong = [(0, 1, [4, 4, 10, 10]), (0, 1, [4, 4, 10, 10]), (0, 2, [4, 4, 10, 10]), (0, 1, [50, 30, 40, 40]), (0, 1, [80, 2, 5, 5]),
             (0, 1, [9, 9, 0, 4]), (0, 1, [30, 30, -10, -10]), (0, 9, [1, 1, 5, 5]), (0, 1, [1, 1, 5]), (0, 1, [1, 1, "a", 5]),
             (7, 1, [1, 1, 5, 5]), (0, [1], [1, 1, 3, 5]), ([0], 1, [1, 1, 3, 5])]
    data = read_boxes(coco(tmp_path, wrong))
    kept = data.boxes(0)
    assert kept.iloc[:, :4].to_numpy().tolist() == [[4, 4, 14, 14], [4, 4, 14, 14], [50, 30, 64, 48], [20, 20, 30, 30]]
    assert kept["class"].tolist() == ["cat", "dog", "cat", "cat"]
    assert sorted(data.findings.what) == sorted([
        "duplicate", "another class at the same place", "reaches outside the picture", "outside the picture", "zero area",
        "swapped corners", "a class that is not listed", "NaN or infinite", "NaN or infinite", "of a picture that is not listed",
        "a class that is not listed", "of a picture that is not listed"])
    assert set(check_boxes(data).done) == {"left out", "cut at the edge", "exchanged", "kept", "still there"}
    assert "boxes read" in set(hb.inspect(data).frame.check)


@given(st.integers(0, 10**6))
def test_cleaned_boxes_are_right_and_stay_as_they_are(seed):
    rng = np.random.default_rng(seed)
    boxes = [np.concatenate([rng.uniform(-20, 90, (k, 4)).round(), rng.integers(-1, 4, (k, 1))], axis=1) for k in rng.integers(0, 9, 4)]
    good, found = clean_boxes(boxes, (48, 64), ["a", "b", "c"])
    if sum(map(len, good)):
        BoxedImages(np.zeros((4, 48, 64), "uint8"), good, ["a", "b", "c"])
    left_out = (found.done == "left out").sum()
    assert sum(map(len, good)) == sum(map(len, boxes)) - left_out
    again, still = clean_boxes(good, (48, 64), ["a", "b", "c"])
    assert all((a == b).all() for a, b in zip(again, good)) and set(still.done) <= {"kept"}


@pytest.mark.parametrize("turn", range(1, 9))
def test_boxes_turn_with_their_picture(tmp_path, turn):
    picture(tmp_path / "a.png", 40, 60, turn)
    size = (60, 40) if turn >= 5 else (40, 60)
    stored = np.array([5, 7, 25, 17, 0.0])
    shown = turned(stored, turn, 40, 60)
    data = read_boxes(coco(tmp_path, [(0, 1, [5, 7, 20, 10])], height=40, width=60), shown=False)
    assert data.x.shape[1:] == size and (data.y[0, 0] == shown).all()
    b = shown[:4]
    again = read_boxes(coco(tmp_path, [(0, 1, [b[0], b[1], b[2] - b[0], b[3] - b[1]])], height=size[0], width=size[1]))
    assert (again.y == data.y).all()


def test_yolo_fractions_are_of_the_picture_as_it_is_shown(tmp_path):
    picture(tmp_path / "images" / "a.png", 40, 60, 6)
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text("0 .5 .25 .5 .1\n")
    assert np.allclose(read_boxes(tmp_path).y[0, 0, :4], [10, 12, 30, 18])
    assert np.allclose(read_boxes(tmp_path, shown=False).y[0, 0], turned([15, 8, 45, 12, 0], 6, 40, 60), atol=1e-5)


def test_pictures_of_many_sizes_are_letterboxed(tmp_path):
    picture(tmp_path / "a.png", 40, 80)
    picture(tmp_path / "b.png", 80, 40, color=True)
    folder = coco(tmp_path, [(0, 1, [0, 0, 80, 40]), (1, 2, [0, 0, 40, 80])], ["a.png", "b.png"])
    record = json.loads((folder / "labels.json").read_text())
    for image in record["images"]:
        del image["height"]
    (folder / "labels.json").write_text(json.dumps(record))
    data = read_boxes(folder, size=(64, 64))
    assert data.x.shape == (2, 64, 64, 3) and data.y[:, 0, :4].tolist() == [[0, 16, 64, 48], [16, 0, 48, 64]]
    assert read_boxes(folder, size=(64, 64), channels=1).x.shape == (2, 64, 64)


def test_one_bad_file_goes_on(tmp_path):
    for name in "abcd":
        picture(tmp_path / f"{name}.png")
    (tmp_path / "b.png").write_bytes(b"not a picture")
    (tmp_path / "c.png").write_bytes((tmp_path / "a.png").read_bytes()[:60])
    many = [(3, 1, [k % 60, k % 40, 2, 2]) for k in range(1000)]
    data = read_boxes(coco(tmp_path, [(i, 1, [1, 1, 9, 9]) for i in range(3)] + many, ["a.png", "b.png", "c.png", "d.png", "gone.png"]))
    why = dict(data.rejected.itertuples(index=False))
    assert list(data.files) == ["a.png"] and set(why) == {"b.png", "c.png", "d.png", "gone.png"}
    assert why["gone.png"] == "no picture of that name" and why["d.png"] == "1,000 boxes, more than max_boxes=100"


def test_pictures_without_labels_are_told(tmp_path):
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png")
    data = read_boxes(coco(tmp_path, [(0, 1, [1, 1, 9, 9])]))
    assert data.rejected.values.tolist() == [["b.png", "no labels"]]
    data = read_boxes(coco(tmp_path, [(0, 1, [1, 1, 9, 9])], ["a.png", "b.png"]))
    assert data.counts.tolist() == [1, 0]       # listed, so nothing is on it


@pytest.mark.parametrize("name", ["../outside.png", "/etc/hostname", "..\\outside.png", "C:/outside.png", "x/../../outside.png"])
def test_names_stay_in_the_folder(tmp_path, name):
    picture(tmp_path / "outside.png")
    picture(tmp_path / "in" / "a.png")
    data = read_boxes(coco(tmp_path / "in", [(0, 1, [1, 1, 9, 9]), (1, 1, [1, 1, 9, 9])], ["a.png", name]))
    assert list(data.files) == ["a.png"] and "leads out of the folder" in data.rejected.reason[0]


def test_folders_with_equal_names_are_told_apart(tmp_path):
    for part, height in (("train", 48), ("val", 24)):
        picture(tmp_path / "images" / part / "1.jpg", height)
        (tmp_path / "labels" / part).mkdir(parents=True)
        (tmp_path / "labels" / part / "1.txt").write_text(f"{int(part == 'val')} .5 .5 1 1\n")
    (tmp_path / "data.yaml").write_text("names:\n  0: cat\n  1: dog\n")
    data = read_boxes(tmp_path, size=(48, 64))
    assert list(data.files) == ["images/train/1.jpg", "images/val/1.jpg"] and data.class_names == ["cat", "dog"]
    assert data.y[:, 0].tolist() == [[0, 0, 64, 48, 0], [0, 12, 64, 36, 1]]


def test_yolo_names_empty_files_and_odd_lines(tmp_path):
    for name in "abc":
        picture(tmp_path / f"{name}.png")
    (tmp_path / "a.txt").write_text("7 .5 .5 .5 .5\n\n² .5 .5 .5 .5\n1 .5 .5\n3 .5 .5 nan .5\n3 .2 .2 .1 .1 .9\n")
    (tmp_path / "b.txt").write_text("")
    (tmp_path / "classes.txt").write_text("")
    data = read_boxes(tmp_path, class_names=list("abcdefgh"))
    assert data.counts.tolist() == [2, 0] and data.class_names[7] == "h" and data.rejected.file.tolist() == ["c.png"]
    assert sorted(data.findings.what) == ["NaN or infinite", *["not a class number and four fractions"] * 2]
    assert set(read_boxes(tmp_path, class_names=["a", "b", "c", "d"]).findings.what) > {"a class that is not listed"}
    (tmp_path / "classes.txt").unlink()
    assert read_boxes(tmp_path).class_names == ["3", "7"]


VOC = "<annotation><filename>old.jpg</filename>{}</annotation>"
THING = "<object><name>cat</name><bndbox><xmin>5</xmin><ymin>5</ymin><xmax>{}</xmax><ymax>30</ymax></bndbox></object>"


def test_voc_files(tmp_path):
    for name in "abcde":
        picture(tmp_path / "JPEGImages" / f"{name}.jpg")
    folder = tmp_path / "Annotations"
    folder.mkdir()
    laughs = "".join(f'<!ENTITY l{k} "{f"&l{k - 1};" * 10}">' for k in range(1, 10))
    (folder / "a.xml").write_text(VOC.format(THING.format(20)))
    (folder / "b.xml").write_text(VOC.format(THING.format(20))[:-9])
    (folder / "c.xml").write_text(f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY l0 "ha">{laughs}]>' + VOC.format("&l9;"))
    (folder / "d.xml").write_text('<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]>' + VOC.format("<object><name>&f;</name></object>"))
    (folder / "e.xml").write_text(VOC.format(THING.format(20)), encoding="utf-16")
    data = read_boxes(tmp_path)
    why = dict(data.rejected.itertuples(index=False))
    assert data.y.tolist() == [[[4, 4, 20, 30, 0]]] and "broken XML" in why["Annotations/b.xml"]
    assert all("refused" in why[f"Annotations/{n}.xml"] for n in "cd") and "Annotations/e.xml" in why


def test_classes_to_keep(tmp_path):
    picture(tmp_path / "a.png")
    data = read_boxes(coco(tmp_path, [(0, 1, [1, 1, 9, 9]), (0, 2, [20, 1, 9, 9])]), class_names=["dog"])
    assert data.boxes(0)["class"].tolist() == ["dog"] and data.findings.what.tolist() == ["a class that is not listed"]


def test_zip_archives(tmp_path):
    data = hb.detection.scenes(4)
    folder = write_coco(data, tmp_path / "c")
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for file in folder.rglob("*.*"):
            archive.write(file, file.relative_to(folder).as_posix())
    again = read_boxes(tmp_path / "set.zip")
    assert (again.y == data.y[:, :again.y.shape[1]]).all() and (again.counts == data.counts).all()


@pytest.mark.parametrize("content, says", [
    ("{", "must be JSON"), ("[]", "must be COCO labels"), ('{"images": []}', "COCO labels"), ("[" * 200_000, "must be JSON"),
    ('{"images": [{"id": [1], "file_name": "a"}], "categories": [], "annotations": []}', "COCO labels"),
    ('{"images": [{"id": 1, "file_name": 3}], "categories": [], "annotations": []}', "COCO labels"),
    ('{"images": [{"id": 1, "file_name": "a.png"}], "categories": [{"id": 1, "name": "cat"}], "annotations": []}', "at least one box"),
    ('{"images": [{"id": 1, "file_name": "z.png"}], "categories": [], "annotations": []}', "z.png: no picture of that name"),
    ('{"images": [], "categories": [], "annotations": [3]}', "COCO labels"), ("", "empty"), ("\xff\xfe", "must be JSON")])
def test_broken_and_foreign_coco_files(tmp_path, content, says):
    picture(tmp_path / "a.png")
    (tmp_path / "labels.json").write_text(content, encoding="latin-1")
    with pytest.raises(hb.HackbookError, match=says):
        read_boxes(tmp_path / "labels.json")


def test_arguments_of_read_boxes_are_checked(tmp_path):
    picture(tmp_path / "a.png")
    folder = coco(tmp_path, [(0, 1, [1, 1, 9, 9])])
    for options in ({"size": 64}, {"size": (0, 5)}, {"channels": 2}, {"shown": "yes"}, {"max_boxes": 0}, {"format": "tfrecord"}):
        with pytest.raises(hb.HackbookError, match=next(iter(options))):
            read_boxes(folder, **options)
    with pytest.raises(hb.HackbookError, match="no labels at"):
        read_boxes(tmp_path / "nowhere.json")
    coco(tmp_path, [(0, 1, [1, 1, 9, 9])], name="second.json")
    with pytest.raises(hb.HackbookError, match="one COCO file"):
        read_boxes(tmp_path)
    with pytest.raises(hb.HackbookError, match="a.png: labels of a picture of 64 × 99, but it has 64 × 48"):
        read_boxes(coco(tmp_path / "other", [(0, 1, [1, 1, 9, 9])], height=99), images=tmp_path)
