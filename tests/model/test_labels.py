from __future__ import annotations

import json
import os
import re
import shutil
from itertools import pairwise
from pathlib import PurePath

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from pipeline.errors import GateError  # noqa: E402
from pipeline.model import import_labels  # noqa: E402
from pipeline.model.labels.deal import deal  # noqa: E402
from pipeline.model.labels.files import read_label_file  # noqa: E402
from pipeline.model.labels.quads import plate_corners  # noqa: E402
from pipeline.model.labels.sheet import straightened  # noqa: E402
from pipeline.model.photographs import read_index, select  # noqa: E402

TL, TR, BR, BL = (100.0, 60.0), (180.0, 66.0), (179.0, 90.0), (99.0, 84.0)
PLATE = np.array([TL, TR, BR, BL])
"""In the pixels of a picture (pixel centres at integers); tools count from its corner, half a pixel farther."""
MARKED = (PLATE + 0.5).tolist()
SIZE = (320, 240)


def labelme(name, points=MARKED, kind="polygon", label="plate", size=SIZE, twice=False):
    shapes = [] if points is None else [{"label": label, "points": points, "shape_type": kind, "flags": {}}]
    if twice:
        shapes.append(shapes[0] | {"points": [[x + 1.5, y - 1] for x, y in points]})
    return json.dumps(
        {"version": "5.5.0", "shapes": shapes, "imagePath": name, "imageData": None}
        | {"imageWidth": size[0], "imageHeight": size[1]}
    )


def cvat(pictures):
    """`pictures`: name -> the elements inside of its <image>."""
    images = "".join(
        f'<image id="{number}" name="{name}" width="{SIZE[0]}" height="{SIZE[1]}">{inside}</image>'
        for number, (name, inside) in enumerate(pictures.items())
    )
    return f'<?xml version="1.0" encoding="utf-8"?><annotations><version>1.1</version>{images}</annotations>'


def text_of(points):
    return ";".join(f"{x},{y}" for x, y in points)


def coco(pictures, names=("tl", "tr", "br", "bl")):
    """`pictures`: name -> the fields of its annotation."""
    return json.dumps(
        {
            "images": [
                {"id": number, "file_name": name, "width": SIZE[0], "height": SIZE[1]}
                for number, name in enumerate(pictures)
            ],
            "annotations": [
                {"id": number, "image_id": number, "category_id": 1, **fields}
                for number, fields in enumerate(pictures.values())
            ],
            "categories": [{"id": 1, "name": "plate", "keypoints": list(names), "skeleton": []}],
        }
    )


def keypoints(points, visible=(2, 2, 2, 2)):
    return {
        "keypoints": [float(v) for (x, y), seen in zip(points, visible, strict=True) for v in (x, y, seen)]
    }


@pytest.fixture
def gate(tmp_path):
    """A folder with twelve pictures that nobody labelled yet."""
    folder = tmp_path / "gate"
    folder.mkdir()
    rng = np.random.default_rng(3)
    for number in range(1, 13):
        image = rng.integers(0, 256, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
        cv2.imwrite(str(folder / f"frame{number}.png"), image)
    return folder


def label_all(folder, **changed):
    """Twelve labelme files, some with other content: frame3="..." ."""
    for number in range(1, 13):
        content = changed.get(f"frame{number}", labelme(f"frame{number}.png"))
        (folder / f"frame{number}.json").write_text(content)


def run(source, out, *more):
    return import_labels.main([str(source), "--out", str(out), *map(str, more)])


def corners_of(out):
    return {photo.path.name: photo.plates[0].corners_px for photo in read_index(out) if photo.plates}


# The order of corners


@pytest.mark.parametrize("start", range(4))
@pytest.mark.parametrize("step", [1, -1])
def test_corners_are_ordered_wherever_and_whichever_way_the_outline_began(start, step):
    drawn = np.roll(PLATE[::step], start, axis=0)
    assert np.array_equal(plate_corners(drawn, (), drawn_around=True), PLATE)


@pytest.mark.parametrize("angle_deg", [-40, -20, 0, 20, 40])
@pytest.mark.parametrize("height", [20, 60, 100])
def test_turned_plates_keep_their_top_left(angle_deg, height):
    """Two-row and even square-like plates too: it is the direction that decides, not the longer side."""
    turn = np.deg2rad(angle_deg)
    upright = np.array([(0, 0), (80, 0), (80, height), (0, height)], float)
    plate = upright @ np.array([(np.cos(turn), np.sin(turn)), (-np.sin(turn), np.cos(turn))])
    assert np.array_equal(plate_corners(plate[[2, 0, 3, 1]], (), drawn_around=False), plate)


def test_names_in_any_order_and_spelling_are_taken():
    names = ("Bottom-Right", "upper left", "BL", "right_top")
    assert np.array_equal(plate_corners(PLATE[[2, 0, 3, 1]], names, drawn_around=False), PLATE)


def test_names_of_other_things_are_not_looked_at():
    assert np.array_equal(plate_corners(PLATE, ("4", "3", "2", "1"), drawn_around=False), PLATE)


@pytest.mark.parametrize(
    ("points", "names", "message"),
    [
        (PLATE[:3], (), "3 points where a plate has 4"),
        (np.vstack([PLATE, [TL]]), (), "5 points"),
        (PLATE[[0, 2, 1, 3]], (), "crosses itself"),
        (np.array([TL, TR, (150.0, 70.0), BL]), (), "no convex"),
        (np.array([TL, TL, BR, BL]), (), "coincide"),
        (np.full((4, 2), np.nan), (), "not a number"),
        (PLATE, ("tr", "tl", "bl", "br"), "names of the corners do not fit"),
    ],
)
def test_points_that_are_no_plate_say_why(points, names, message):
    with pytest.raises(GateError, match=message):
        plate_corners(points, names, drawn_around=True)


# The formats


def test_labelme_folder_becomes_an_index(gate, tmp_path, capsys):
    label_all(gate)
    assert run(gate, tmp_path / "set") == 0
    found = corners_of(tmp_path / "set")
    assert len(found) == 12
    assert all(np.allclose(corners, PLATE, atol=1e-3) for corners in found.values())
    photo = read_index(tmp_path / "set")[0]
    assert (photo.width_px, photo.height_px) == SIZE and photo.plates[0].label == "human"
    assert photo.read().shape == (240, 320, 3)
    assert "12 pictures with 12 plates, 160 to 160 px wide at 640x480" in capsys.readouterr().out


@pytest.mark.parametrize(
    "element",
    [
        f'<polygon label="plate" occluded="0" points="{text_of(MARKED)}" z_order="0"/>',
        f'<points label="plate" points="{text_of([MARKED[i] for i in (3, 1, 0, 2)])}"/>',
        '<skeleton label="plate">'
        + "".join(
            f'<points label="{name}" outside="0" occluded="0" points="{text_of([point])}"/>'
            for name, point in zip(("br", "tl", "tr", "bl"), [MARKED[i] for i in (2, 0, 1, 3)], strict=True)
        )
        + "</skeleton>",
    ],
    ids=["polygon", "points", "skeleton"],
)
def test_cvat_shapes_become_corners(gate, tmp_path, element):
    annotations = tmp_path / "annotations.xml"
    annotations.write_text(cvat({f"frame{number}.png": element for number in range(1, 13)}))
    assert run(annotations, tmp_path / "set", "--images", gate) == 0
    found = corners_of(tmp_path / "set")
    assert len(found) == 12
    assert all(np.allclose(corners, PLATE, atol=1e-3) for corners in found.values())


@pytest.mark.parametrize(
    "fields",
    [
        keypoints(MARKED, visible=(2, 1, 2, 2)),
        {"keypoints": [], "segmentation": [[value for point in MARKED[::-1] for value in point]]},
        {"keypoints": None, "segmentation": [[value for point in [*MARKED, MARKED[0]] for value in point]]},
    ],
    ids=["keypoints", "polygon", "closed polygon"],
)
def test_coco_annotations_become_corners(gate, tmp_path, fields):
    (gate / "coco.json").write_text(coco({f"frame{number}.png": fields for number in range(1, 13)}))
    assert run(gate, tmp_path / "set") == 0
    found = corners_of(tmp_path / "set")
    assert len(found) == 12
    assert all(np.allclose(corners, PLATE, atol=1e-3) for corners in found.values())


def test_coordinates_that_count_from_pixel_centres_stay(gate, tmp_path):
    label_all(gate, **{f"frame{n}": labelme(f"frame{n}.png", PLATE.tolist()) for n in range(1, 13)})
    assert run(gate, tmp_path / "set", "--origin", "centre") == 0
    assert np.allclose(corners_of(tmp_path / "set")["frame1.png"], PLATE)


def test_byte_order_mark_is_no_part_of_a_label_file(gate, tmp_path):
    label_all(gate, frame3="\ufeff" + labelme("frame3.png"))
    assert run(gate, tmp_path / "set") == 0
    assert len(corners_of(tmp_path / "set")) == 12


# What is refused


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (labelme("frame3.png", MARKED[:3]), "3 points"),
        (labelme("frame3.png", [MARKED[i] for i in (0, 2, 1, 3)]), "crosses itself"),
        (labelme("frame3.png", [MARKED[0], MARKED[2]], kind="rectangle"), "a rectangle has no plate corners"),
        (labelme("frame3.png", [[x + 200, y] for x, y in MARKED]), "outside of the 320x240 picture"),
        (labelme("elsewhere.png"), r"there is no elsewhere\.png"),
        (labelme("frame3.png", size=(640, 480)), "is 320x240, but 640x480 was labelled"),
        (labelme("frame4.png"), "labelled twice"),
        (labelme("../secret.png"), "lies outside of"),
        (labelme("frame3.png", [[60 + x / 20, y / 20] for x, y in MARKED]), r"a plate of 4\.0 px, narrower"),
        (labelme("frame3.png", twice=True), r"the plate at \(14\d, 75\) is marked twice"),
        ("{", "not a label file"),
        ("[" * 100_000, "not a label file"),
        ('{"a": 1}', "neither of labelme"),
        ('{"shapes": [], "imagePath": 5}', "not a label file"),
        ('<?xml version="1.0" encoding="nonsense"?><annotations/>', "not a label file"),
    ],
)
def test_bad_label_is_told_and_the_others_are_kept(gate, tmp_path, capsys, content, reason):
    cv2.imwrite(str(gate.parent / "secret.png"), np.zeros((SIZE[1], SIZE[0], 3), np.uint8))
    label_all(gate, frame3=content)
    if content.startswith("<"):
        (gate / "frame3.json").rename(gate / "frame3.xml")
    assert run(gate, tmp_path / "set") == 0
    assert len(corners_of(tmp_path / "set")) == 11
    told = (tmp_path / "set/refused.txt").read_text().splitlines()
    assert len(told) == 1
    assert re.search(reason, told[0])
    assert "refused: 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("marks", "reason"),
    [
        (f'<polygon label="plate" points="{text_of(MARKED)}"/>' * 2, "marked twice"),
        (
            f'<polygon label="plate" points="{text_of(MARKED)}"/>'
            f'<points label="plate" points="{text_of(MARKED)}"/>',
            "marked twice",
        ),
        ('<polygon label="plate" points="1,2;3"/>', r"has no numbers \(not enough values"),
        ('<polygon label="plate"/>', r"has no numbers \('points'\)"),
    ],
    ids=["twice", "two kinds", "half a point", "no points"],
)
def test_bad_mark_of_cvat_costs_its_own_picture_alone(gate, tmp_path, marks, reason):
    good = f'<polygon label="plate" points="{text_of(MARKED)}"/>'
    pictures = {f"frame{number}.png": good for number in range(1, 13)} | {"frame3.png": marks}
    (gate / "annotations.xml").write_text(cvat(pictures))
    assert run(gate, tmp_path / "set") == 0
    assert corners_of(tmp_path / "set").keys() == pictures.keys() - {"frame3.png"}
    assert re.search(
        rf"annotations\.xml: frame3\.png: .*{reason}", (tmp_path / "set/refused.txt").read_text()
    )


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"keypoints": [1, 2, 2, 3]}, "not triples"),
        ({"keypoints": ["a"] * 12}, "Expected `float`, got `str`"),
        ({"keypoints": 5}, "Expected `array`, got `int`"),
        ({"segmentation": [[{"a": 1}]]}, "Expected `float`, got `object`"),
        ({"segmentation": [[1, 2, 3]]}, "cannot reshape"),
        (keypoints(MARKED) | {"category_id": 7}, "has no category 7"),
        (keypoints(MARKED) | {"category_id": []}, "unhashable"),
    ],
)
def test_bad_annotation_of_coco_costs_its_own_picture_alone(gate, tmp_path, fields, reason):
    pictures = {f"frame{number}.png": keypoints(MARKED) for number in range(1, 13)} | {"frame3.png": fields}
    (gate / "coco.json").write_text(coco(pictures))
    assert run(gate, tmp_path / "set") == 0
    assert corners_of(tmp_path / "set").keys() == pictures.keys() - {"frame3.png"}
    assert re.search(rf"coco\.json: frame3\.png: .*{reason}", (tmp_path / "set/refused.txt").read_text())


def test_annotation_of_no_picture_is_told(gate, tmp_path):
    content = json.loads(coco({f"frame{number}.png": keypoints(MARKED) for number in range(1, 13)}))
    content["annotations"].append(content["annotations"][0] | {"image_id": 99})
    (gate / "coco.json").write_text(json.dumps(content))
    assert run(gate, tmp_path / "set") == 0
    assert len(corners_of(tmp_path / "set")) == 12
    assert "image 99: annotated, but not among" in (tmp_path / "set/refused.txt").read_text()


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.99])
def test_file_that_is_no_whole_picture_is_told(gate, tmp_path, kept):
    label_all(gate, frame5=labelme("frame5.jpg"))
    jpeg = cv2.imencode(".jpg", cv2.imread(str(gate / "frame5.png")))[1].tobytes()
    (gate / "frame5.jpg").write_bytes(jpeg[: int(kept * len(jpeg))] or b"not a picture")
    assert run(gate, tmp_path / "set") == 0
    assert len(corners_of(tmp_path / "set")) == 11
    assert "cannot be read as an image; where" in (tmp_path / "set/refused.txt").read_text()


def test_picture_under_a_second_name_is_told(gate, tmp_path):
    """In another format, and without its plate: each would be on a side of the split of its own."""
    label_all(gate, frame12=labelme("copy.bmp"))
    empty = tmp_path / "empty"
    empty.mkdir()
    cv2.imwrite(str(gate / "copy.bmp"), cv2.imread(str(gate / "frame1.png")))
    shutil.copy(gate / "frame2.png", empty / "copy.png")
    for number in range(10):
        cv2.imwrite(str(empty / f"{number}.png"), np.full((48, 64, 3), number, np.uint8))
    assert run(gate, tmp_path / "set", "--background", empty) == 0
    assert len(read_index(tmp_path / "set")) == 11 + 10
    told = (tmp_path / "set/refused.txt").read_text().splitlines()
    assert [re.search(r"same picture as .*(frame\d\.png)", line)[1] for line in told] == [
        "frame1.png",
        "frame2.png",
    ]


def test_names_that_are_no_utf8_are_imported_and_told(gate, tmp_path, capsys):
    label_all(gate)
    odd = os.fsdecode(b"caf\xe9")
    (gate / f"{odd}.json").write_text("{")
    empty = tmp_path / "empty"
    empty.mkdir()
    for number in range(10):
        (empty / "0.png").write_bytes(
            cv2.imencode(".png", np.full((48, 64, 3), number, np.uint8))[1].tobytes()
        )
        (empty / "0.png").rename(empty / f"{odd}{number}.png")
    assert run(gate, tmp_path / "set", "--background", empty) == 0
    assert "caf\\udce9.json: not a label file" in capsys.readouterr().out
    assert "caf\\udce9.json: not a label file" in (tmp_path / "set/refused.txt").read_text()
    assert [photo.read().shape for photo in read_index(tmp_path / "set")][-10:] == [(48, 64, 3)] * 10


def test_plate_in_a_folder_whose_name_is_no_utf8_is_drawn(gate, tmp_path):
    label_all(gate)
    gate.rename(gate.with_name(os.fsdecode(b"caf\xe9")))
    assert run(tmp_path, tmp_path / "set") == 0
    assert len(corners_of(tmp_path / "set")) == 12


def test_index_appears_last(gate, tmp_path, monkeypatch):
    label_all(gate)

    def full(tiles, folder):
        raise GateError("the disk is full")

    monkeypatch.setattr(import_labels, "write_sheets", full)
    assert run(gate, tmp_path / "set") == 2
    assert not (tmp_path / "set/index.jsonl").exists()


def test_link_out_of_the_folder_is_not_followed(gate, tmp_path):
    label_all(gate)
    (gate / "frame5.png").rename(tmp_path / "secret.png")
    (gate / "frame5.png").symlink_to(tmp_path / "secret.png")
    assert run(gate, tmp_path / "set") == 0
    assert "lies outside of" in (tmp_path / "set/refused.txt").read_text()


def test_pictures_of_one_name_are_told_apart_by_their_folders(gate, tmp_path):
    """CVAT names pictures from its own root, and its export puts that root into a folder `images`."""
    for number in range(1, 13):
        folder = gate / f"images/day{number}"
        folder.mkdir(parents=True)
        (gate / f"frame{number}.png").rename(folder / "frame.png")
    polygon = f'<polygon label="plate" points="{text_of(MARKED)}"/>'
    pictures = {f"day{number}/frame.png": polygon for number in range(1, 13)} | {"frame.png": polygon}
    (gate / "annotations.xml").write_text(cvat(pictures))
    assert run(gate, tmp_path / "set") == 0
    assert len({photo.path for photo in read_index(tmp_path / "set")}) == 12
    assert "called frame.png; rename them" in (tmp_path / "set/refused.txt").read_text()


def test_picture_with_one_wrong_plate_is_left_out_whole(gate, tmp_path):
    good = f'<polygon label="plate" points="{text_of(MARKED)}"/>'
    wrong = '<box label="plate" xtl="1" ytl="1" xbr="200" ybr="80"/>'
    pictures = {f"frame{number}.png": good for number in range(1, 13)} | {"frame7.png": good + wrong}
    (gate / "annotations.xml").write_text(cvat(pictures))
    assert run(gate, tmp_path / "set") == 0
    assert "frame7.png" not in corners_of(tmp_path / "set")


def test_keypoint_that_was_not_set_makes_the_plate_unusable(gate, tmp_path):
    pictures = {f"frame{number}.png": keypoints(MARKED) for number in range(1, 13)}
    pictures["frame2.png"] = keypoints(MARKED, visible=(2, 0, 2, 2))
    (gate / "coco.json").write_text(coco(pictures))
    assert run(gate, tmp_path / "set") == 0
    assert "3 points" in (tmp_path / "set/refused.txt").read_text()


def test_xml_that_declares_entities_is_not_read(tmp_path):
    path = tmp_path / "annotations.xml"
    path.write_text('<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]><annotations>&e;</annotations>')
    with pytest.raises(GateError, match="document type"):
        read_label_file(path)


def test_video_export_of_cvat_is_named(tmp_path):
    path = tmp_path / "annotations.xml"
    path.write_text("<annotations><version>1.1</version><track id='0' label='plate'/></annotations>")
    with pytest.raises(GateError, match="CVAT for images"):
        read_label_file(path)


def test_several_labels_ask_for_a_choice(gate, tmp_path, capsys):
    label_all(gate, frame3=labelme("frame3.png", label="car"))
    assert run(gate, tmp_path / "set") == 2
    assert "choose one with --label: plate (11), car (1)" in capsys.readouterr().err
    assert run(gate, tmp_path / "set", "--label", "plate") == 0
    assert len(corners_of(tmp_path / "set")) == 11


def test_picture_without_a_label_is_neither_plate_nor_background(gate, tmp_path, capsys):
    label_all(gate, frame3=labelme("frame3.png", points=None))
    assert run(gate, tmp_path / "set") == 0
    assert "without a label: 1, left out" in capsys.readouterr().out
    assert len(read_index(tmp_path / "set")) == 11


def test_earlier_index_is_not_overwritten_unasked(gate, tmp_path, capsys):
    label_all(gate)
    assert run(gate, tmp_path / "set") == 0
    assert run(gate, tmp_path / "set") == 2
    assert "--overwrite" in capsys.readouterr().err
    assert run(gate, tmp_path / "set", "--overwrite") == 0


# Splits


@pytest.mark.parametrize("count", [10, 40, 379])
def test_neighbouring_pictures_are_dealt_in_blocks(count):
    splits = [split for _, split in deal([PurePath(f"{number}.png") for number in range(count)])]
    assert {split: round(splits.count(split) / count, 1) for split in splits} == {
        "train": 0.7,
        "dev": 0.2,
        "validation": 0.1,
    }
    changes = sum(a != b for a, b in pairwise(splits))
    assert changes == 6  # train, dev, train, validation, train, dev, train


def test_pictures_of_one_passage_stay_together():
    paths = [PurePath(f"car{car}_{view}.png") for car in range(25) for view in range(1 + car % 4)]
    dealt = deal(paths, r"^(car\d+)_")
    assert len(dict(dealt)) == 25 and len(set(dealt)) == 25  # each group has one split
    assert {split for _, split in dealt} == {"train", "validation", "dev"}


@pytest.mark.parametrize(
    ("paths", "expression", "message"),
    [
        ([f"{n}.png" for n in range(9)], None, "at least 10"),
        ([f"a{n % 3}_{n}.png" for n in range(30)], r"^a(\d)", "in 3 groups"),
        (["x.png"] * 12, r"(\d+)", "does not fit the file name"),
        (["x.png"] * 12, "(", "not a regular expression"),
    ],
)
def test_what_cannot_be_dealt_is_told(paths, expression, message):
    with pytest.raises(GateError, match=message):
        deal([PurePath(path) for path in paths], expression)


def test_backgrounds_get_splits_of_their_own(gate, tmp_path):
    label_all(gate)
    empty = tmp_path / "empty"
    empty.mkdir()
    for number in range(10):
        cv2.imwrite(str(empty / f"{number}.png"), np.full((48, 64, 3), number, np.uint8))
    (empty / "notes.txt").write_text("not a picture")
    assert run(gate, tmp_path / "set", "--background", empty) == 0
    photographs = read_index(tmp_path / "set")
    sizes = {
        s: len(select(photographs, s)) for s in ("background", "background-dev", "background-validation")
    }
    assert sizes == {"background": 7, "background-dev": 2, "background-validation": 1}
    assert not {photo.group for photo in photographs if photo.plates} & {
        photo.group for photo in photographs if not photo.plates
    }


@pytest.mark.parametrize("mark", [MARKED, MARKED[:3]], ids=["kept", "refused"])
def test_labelled_picture_cannot_be_background(gate, tmp_path, capsys, mark):
    empty = gate / "empty"
    empty.mkdir()
    cv2.imwrite(str(empty / "passage.png"), np.zeros((SIZE[1], SIZE[0], 3), np.uint8))
    (empty / "passage.json").write_text(labelme("passage.png", mark))
    label_all(gate)
    assert run(gate, tmp_path / "set", "--background", empty) == 2
    assert "passage.png: is labelled with a plate" in capsys.readouterr().err


def test_copied_set_can_be_moved(gate, tmp_path):
    label_all(gate)
    assert run(gate, tmp_path / "set", "--copy") == 0
    for path in gate.glob("*.png"):
        path.unlink()
    (tmp_path / "set").rename(tmp_path / "moved")
    assert [photo.read().shape for photo in read_index(tmp_path / "moved")] == [(240, 320, 3)] * 12


# The sheets


def test_straightened_plate_shows_the_order_of_corners():
    """Quarters of four grey levels: in the right order they come out where they are, else turned."""
    image = np.zeros((240, 320, 3), np.uint8)
    image[60:80, 100:140], image[60:80, 140:180] = 50, 100
    image[80:100, 100:140], image[80:100, 140:180] = 150, 200
    corners = np.array([(100, 60), (180, 60), (180, 100), (100, 100)]) - 0.5
    plate = straightened(image, corners)
    assert [int(plate[y, x, 0]) for y, x in ((10, 50), (10, 150), (40, 50), (40, 150))] == [50, 100, 150, 200]


def test_sheets_show_every_plate_and_replace_older_ones(gate, tmp_path):
    label_all(gate)
    assert run(gate, tmp_path / "set") == 0
    (tmp_path / "set/labels-02.png").write_bytes(b"of an earlier import")
    assert run(gate, tmp_path / "set", "--overwrite") == 0
    assert [path.name for path in sorted((tmp_path / "set").glob("labels-*.png"))] == ["labels-01.png"]
    assert cv2.imread(str(tmp_path / "set/labels-01.png")).shape == (2 * 212, 6 * 240, 3)
