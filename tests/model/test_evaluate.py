"""The evaluation command, with stand-in networks that find white rectangles."""

from __future__ import annotations

import json

import cv2
import pytest

pytest.importorskip("torch")

from pipeline.inference.rectify import INPUT_PX
from pipeline.model import evaluate
from tests.inference.test_locator import draw_plate, outer_corners_px
from tests.tiny_model import write_tiny_model


@pytest.fixture(scope="module")
def rectangles(tmp_path_factory):
    """Folder with an index of three rectangles and two empty images, and the options that name the networks."""
    folder, lines = tmp_path_factory.mktemp("rectangles"), []
    plates = [(100, 200, 204, 222), (301, 402, 505, 447), (20, 30, 72, 41), None, None]
    for number, plate in enumerate(plates):
        size = (1280, 960) if number == 1 else (640, 480)
        image = draw_plate(size, *(plate or (0, 0, 0, 0)))
        cv2.imwrite(str(folder / f"{number}.png"), image)
        labelled = [{"corners": outer_corners_px(*plate).tolist(), "label": "drawn"}] if plate else []
        entry = {"file": f"{number}.png", "width": size[0], "height": size[1], "plates": labelled}
        lines.append(json.dumps(entry | {"split": "dev" if plate else "background-dev", "source": "drawn"}))
    (folder / "index.jsonl").write_text("\n".join(lines))
    model = write_tiny_model(folder / "open.onnx", "height", "width")
    rectified = write_tiny_model(folder / "view.onnx", INPUT_PX[1], INPUT_PX[0])
    return folder, ["--data", str(folder), "--model", str(model), "--rectified", str(rectified)]


def test_all_looks_are_measured_and_written(rectangles, tmp_path, capsys):
    _, networks = rectangles
    assert evaluate.main([*networks, "--out", str(tmp_path)]) == 0
    figures = json.loads((tmp_path / "results.json").read_text())
    assert set(figures) == {"one look", "two looks", "rectified look", "edge look"}
    for look in figures.values():
        assert look["plates"] == 3 and look["found_percent"] == 100
        assert look["median_px"] < 0.2
        assert look["ellipse_95_low_percent"] < look["ellipse_95_percent"] <= look["ellipse_95_high_percent"]
    text = capsys.readouterr().out
    assert "ROC AUC 1.00000 (3 with, 2 without a plate)" in text
    assert (tmp_path / "worst.png").exists() and (tmp_path / "figures.png").exists()


def test_rendered_plates_are_measured_without_the_background(rectangles, tmp_path, capsys):
    _, networks = rectangles
    assert evaluate.main([*networks, "--out", str(tmp_path), "--rendered", "2"]) == 0
    text = capsys.readouterr().out
    assert "drawn plates" in text and "ROC AUC" not in text
    assert len(list((tmp_path / "rendered").glob("*.png"))) == 2


def test_conditions_are_measured_each_on_its_own(rectangles, tmp_path, capsys):
    _, networks = rectangles
    assert evaluate.main([*networks, "--out", str(tmp_path), "--conditions", "9"]) == 0
    text = capsys.readouterr().out
    assert "by condition" in text and "ROC AUC" not in text
    rows = {line[:38].strip(): line[38:].split() for line in text.splitlines() if "." in line[38:]}
    assert rows["unchanged"][:2] == ["3", "100.0"]
    assert rows["glare"][0] == "3" and float(rows["glare"][1]) < 100  # the stand-in looks for what is bright


def test_place_that_cannot_be_written_is_found_before_the_work(rectangles, tmp_path, capsys, monkeypatch):
    _, networks = rectangles
    (tmp_path / "file").touch()
    monkeypatch.setattr(evaluate, "measure_looks", lambda *_: pytest.fail("was measured"))
    assert evaluate.main([*networks, "--out", str(tmp_path / "file")]) == 2
    assert "file: cannot make a folder there" in capsys.readouterr().err


def test_unknown_split_names_those_there_are(rectangles, capsys):
    _, networks = rectangles
    assert evaluate.main([*networks, "--split", "tset"]) == 2
    assert (
        "no photograph with a plate in split 'tset'; there are: background-dev, dev"
        in capsys.readouterr().err
    )


def test_figures_are_given_where_the_surest_of_all_is_a_false_alarm(rectangles, tmp_path, capsys):
    folder, (_, _, *networks) = rectangles
    entries = [json.loads(line) for line in (folder / "index.jsonl").read_text().splitlines()]
    for number, entry in enumerate(entries):
        entry["file"] = str(folder / entry["file"])
        if number == 0:  # a plate that nobody labelled
            entry |= {"plates": [], "split": "background-dev"}
    (tmp_path / "index.jsonl").write_text("\n".join(map(json.dumps, entries)))
    assert evaluate.main(["--data", str(tmp_path), *networks, "--out", str(tmp_path / "out")]) == 0
    assert "at a false-alarm rate of 1 in 150: recall" in capsys.readouterr().out


def test_rough_labels_are_left_out_on_demand(rectangles, tmp_path, capsys):
    folder, (_, _, *networks) = rectangles
    entries = [json.loads(line) for line in (folder / "index.jsonl").read_text().splitlines()]
    entries[0]["plates"][0]["label"] = "loose"
    for entry in entries:
        entry["file"] = str(folder / entry["file"])
    (tmp_path / "index.jsonl").write_text("\n".join(map(json.dumps, entries)))
    options = ["--data", str(tmp_path), *networks, "--exact", "--out", str(tmp_path / "out")]
    assert evaluate.main(options) == 0
    assert json.loads((tmp_path / "out" / "results.json").read_text())["edge look"]["plates"] == 2

    for entry in entries[:3]:
        entry["plates"][0]["label"] = "loose"
    (tmp_path / "index.jsonl").write_text("\n".join(map(json.dumps, entries)))
    assert evaluate.main(options) == 2
    assert "no corners of split 'dev' are exact; leave out --exact" in capsys.readouterr().err
