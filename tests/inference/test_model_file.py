"""Wrong model files are refused with one line that says what is wrong."""

from __future__ import annotations

import hashlib
from pathlib import Path

import onnx
import onnx.parser
import onnx.printer
import pytest

from pipeline.errors import GateError
from pipeline.inference.model_file import inspect_model
from tests.tiny_model import write_tiny_model


def test_good_file_gives_hash_and_input_size(tiny_model: Path) -> None:
    model = inspect_model(tiny_model)
    assert model.hash == hashlib.sha256(tiny_model.read_bytes()).hexdigest()[:12]
    assert model.input_size_px == (640, 480)


def test_other_input_size_is_read_from_the_file(tmp_path: Path) -> None:
    assert inspect_model(write_tiny_model(tmp_path / "m.onnx", 96, 160)).input_size_px == (160, 96)


def test_open_input_size_means_640x480(tmp_path: Path) -> None:
    assert inspect_model(write_tiny_model(tmp_path / "m.onnx", "h", "w")).input_size_px == (640, 480)


def test_open_input_size_may_be_named_in_the_file_or_by_the_caller(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "m.onnx", "h", "w")
    model = onnx.load(path)
    model.metadata_props.add(key="input", value="960x544 BGR uint8 NHWC")
    onnx.save(model, path)
    assert inspect_model(path).input_size_px == (960, 544)
    assert inspect_model(path, (320, 240)).input_size_px == (320, 240)


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ({"images": "frames"}, "input 'images' is missing (it has frames)"),
        ({"presence": "score"}, "output 'presence' is missing (it has corners_px, corner_cov_px2, score)"),
        ({"uint8[batch": "float[batch"}, "input 'images' is tensor(float), not tensor(uint8)"),
        (
            {"480,640,3]": "480,640,4]"},
            "input 'images' has shape ['batch', 480, 640, 4], not [any, any, any, 3]",
        ),
        ({"uint8[batch,": "uint8[2,"}, "input 'images' has a fixed batch of 2"),
        (
            {"corners_px": "swapped", "corner_cov_px2": "corners_px", "swapped": "corner_cov_px2"},
            "output 'corners_px' has shape",
        ),
        ({"3] images)": "3] images, float[1] more)"}, "it has 2 inputs (images, more), not one"),
    ],
)
def test_other_network_is_refused(
    tmp_path: Path, tiny_model: Path, edits: dict[str, str], expected: str
) -> None:
    text = onnx.printer.to_text(onnx.load(tiny_model))
    for old, new in edits.items():
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "other.onnx"
    onnx.save(onnx.parser.parse_model(text), path)
    with pytest.raises(GateError) as caught:
        inspect_model(path)
    assert str(caught.value).startswith(f"{path}: not a plate-corner model: {expected}")
    assert "\n" not in str(caught.value)


def test_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.onnx"
    path.write_text("not a model")
    with pytest.raises(GateError, match=r"notes\.onnx: not an ONNX model") as caught:
        inspect_model(path)
    assert "\n" not in str(caught.value)


def test_cut_off_file_is_refused(tmp_path: Path, tiny_model: Path) -> None:
    path = tmp_path / "half.onnx"
    content = tiny_model.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(GateError, match=r"half\.onnx: not an ONNX model"):
        inspect_model(path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(GateError, match=r"none\.onnx: cannot read the model: No such file"):
        inspect_model(tmp_path / "none.onnx")
