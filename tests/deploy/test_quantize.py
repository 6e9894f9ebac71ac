from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from tests.deploy.conftest import SIZE_PX

onnx = pytest.importorskip("onnx")
pytest.importorskip("torch")

from onnx import numpy_helper  # noqa: E402

from deploy import quantize as quantizing  # noqa: E402
from deploy.onnx_graph import store_in_half  # noqa: E402
from deploy.quantize import Loss, Sample, drawn, letterboxed  # noqa: E402
from pipeline.config import ModelConfig  # noqa: E402
from pipeline.errors import GateError  # noqa: E402
from pipeline.inference.locator import PlateLocator  # noqa: E402
from pipeline.inference.session import CornerOutput  # noqa: E402
from pipeline.inference.start_session import open_session  # noqa: E402

PLATE_PX = np.array([[10.0, 20], [50, 20], [50, 30], [10, 30]])


@pytest.fixture
def exported(tiny_network, tmp_path):
    """The tiny network as the export writes it, its weights in half precision."""
    path = tmp_path / "tiny.onnx"
    onnx.save(store_in_half(tiny_network), path)
    return path


@pytest.fixture(scope="module")
def index(tmp_path_factory, smooth_images):
    """Folder with an index of ten photographs, every other one held back for validation."""
    folder = tmp_path_factory.mktemp("index")
    lines = []
    for number, image in enumerate(smooth_images):
        cv2.imwrite(str(folder / f"{number}.png"), image)
        entry = {"file": f"{number}.png", "width": SIZE_PX[0], "height": SIZE_PX[1]}
        entry |= {"plates": [{"corners": (PLATE_PX + number).tolist()}]}
        lines.append(json.dumps(entry | {"split": "validation" if number % 2 else "train"}))
    (folder / "index.jsonl").write_text("\n".join(lines))
    return folder


def output(corners_px, presence=0.9):
    corners_px = np.asarray(corners_px, np.float32)
    count = len(corners_px)
    return CornerOutput(
        corners_px, np.zeros((count, 4, 2, 2), np.float32), np.full(count, presence, np.float32)
    )


def test_command_writes_a_file_that_the_runtime_takes(exported, index, smooth_images, monkeypatch, capsys):
    monkeypatch.setattr(quantizing, "FEWEST", 5)
    assert quantizing.main(["--model", str(exported), "--data", str(index), "--images", "4"]) == 0
    said = capsys.readouterr().out
    assert "calibrated on 4 images, compared on 5" in said
    assert "on 5 images: corners move 0." in said and "tiny_int8.onnx" in said
    written = exported.with_name("tiny_int8.onnx")
    expected, found = (
        PlateLocator(open_session(ModelConfig(path=path, provider="cpu"))).locate(smooth_images[:1])[0]
        for path in (exported, written)
    )
    distance_px = np.linalg.norm(expected.corners_px - found.corners_px, axis=1)
    assert 0 < distance_px.mean() < 0.5
    assert found.presence == pytest.approx(expected.presence, abs=0.02)


def test_nothing_is_written_where_the_corners_move_too_far(exported, index, monkeypatch, capsys):
    honest = quantizing.quantized

    def disturbed(single, images):
        model = honest(single, images)
        for tensor in model.graph.initializer:
            if tensor.name == "w_heatmaps":
                tensor.CopyFrom(numpy_helper.from_array(-numpy_helper.to_array(tensor), tensor.name))
        return model

    monkeypatch.setattr(quantizing, "quantized", disturbed)
    arguments = ["--model", str(exported), "--data", str(index), "--images", "2", "--compare", "2"]
    assert quantizing.main(arguments) == 2
    assert "not written" in capsys.readouterr().err
    assert [path.name for path in exported.parent.iterdir()] == ["tiny.onnx"]


def test_loss_counts_moves_and_plates_lost():
    samples = [Sample(np.zeros((1, 1, 3), np.uint8), PLATE_PX)] * 4
    single = np.stack([PLATE_PX + np.array([0, 3])] * 4)
    eight = single + np.array([[0.1, 0], [0, 0.2], [-0.1, 0], [0, -20]])[:, None]
    loss = Loss.between(output(single), output(eight, presence=0.7), samples)
    np.testing.assert_allclose(loss.moved_px, np.repeat([[0.1], [0.2], [0.1], [20]], 4, axis=1), atol=1e-5)
    assert loss.found == (1.0, 0.75)
    assert loss.presence == pytest.approx(0.2)
    assert not loss.bearable
    assert Loss.between(output(single[:3]), output(eight[:3]), samples[:3]).bearable
    assert not Loss.between(output(single[:3]), output(single[:3] + 0.2), samples[:3]).bearable


def test_plates_that_are_no_longer_recognised_are_lost():
    samples = [Sample(np.zeros((1, 1, 3), np.uint8), PLATE_PX)] * 4
    corners = np.stack([PLATE_PX] * 4)
    loss = Loss.between(output(corners, presence=0.9), output(corners, presence=0.49), samples)
    assert loss.found == (1.0, 0.0)
    assert not loss.bearable


def test_photographs_are_spread_over_the_split_and_letterboxed_with_their_corners(index, smooth_images):
    twice = (2 * SIZE_PX[0], 2 * SIZE_PX[1])
    samples = letterboxed(index, "train", twice, asked=2, usual=5)
    for sample, number in zip(samples, (0, 4), strict=True):
        assert sample.image.shape == (twice[1], twice[0], 3)
        np.testing.assert_allclose(sample.corners_px, 2 * (PLATE_PX + number) + 0.5)
        assert np.abs(sample.image[::2, ::2].astype(int) - smooth_images[number]).mean() < 12


@pytest.mark.parametrize(("asked", "fewest"), [(6, 1), (None, 8)])
def test_too_few_photographs_are_named(index, monkeypatch, asked, fewest):
    monkeypatch.setattr(quantizing, "FEWEST", fewest)
    with pytest.raises(
        GateError, match=f"5 photographs of split 'validation' show a plate, fewer than {asked or fewest};"
    ):
        letterboxed(index, "validation", SIZE_PX, asked, usual=64)


def test_drawn_samples_hold_the_plate_at_their_corners():
    near, other = drawn((320, 240), 2, first_car=3)
    assert not np.array_equal(near.image, other.image)
    for sample in (near, other):
        assert (sample.corners_px > 0).all() and (sample.corners_px < (320, 240)).all()
        inside = (
            cv2.fillConvexPoly(np.zeros((240, 320), np.uint8), sample.corners_px.round().astype(int), 1) > 0
        )
        assert sample.image[inside].mean() > sample.image[~inside].mean()  # a white plate on a dim scene


def test_network_that_is_read_is_not_written_over(exported, capsys):
    before = exported.read_bytes()
    assert quantizing.main(["--model", str(exported), "--out", str(exported)]) == 2
    assert "is read or written by this command already" in capsys.readouterr().err
    assert exported.read_bytes() == before


def test_place_that_cannot_be_written_to_is_found_before_the_work(exported, monkeypatch, capsys):
    monkeypatch.setattr(quantizing, "drawn", None)
    assert quantizing.main(["--model", str(exported), "--out", "nowhere/out.onnx"]) == 2
    assert "out.onnx: cannot write the network there" in capsys.readouterr().err


def test_missing_network_gives_one_clear_line(capsys):
    assert quantizing.main(["--model", "nowhere.onnx"]) == 2
    assert "nowhere.onnx" in capsys.readouterr().err
