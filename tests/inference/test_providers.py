"""Which providers are tried, with which options, and how a GPU is found."""

from __future__ import annotations

import ctypes
from pathlib import Path

import onnxruntime as ort
import pytest

from pipeline.config import ModelConfig, Provider
from pipeline.inference import providers
from pipeline.inference.model_file import ModelFile

MODEL = ModelFile(Path("net.onnx"), "0123456789ab", (640, 480))


class FakeDriver:
    """Stands for NVIDIA's libcuda: the three calls that `gpu_name` makes."""

    def __init__(self, devices: int, works: bool = True) -> None:
        self._devices = devices
        self._works = works

    def cuInit(self, _flags: int) -> int:
        return 0 if self._works else 100

    def cuDeviceGet(self, _device: object, ordinal: int) -> int:
        return 0 if ordinal < self._devices else 101

    def cuDeviceGetName(self, name: ctypes.Array[ctypes.c_char], _length: int, _device: object) -> int:
        name.value = b"NVIDIA Test 9000"
        return 0


@pytest.mark.parametrize(
    ("requested", "allow_fallback", "expected"),
    [
        ("auto", False, ("tensorrt", "cuda", "cpu")),
        ("tensorrt", False, ("tensorrt",)),
        ("tensorrt", True, ("tensorrt", "cuda", "cpu")),
        ("cuda", False, ("cuda",)),
        ("cuda", True, ("cuda", "cpu")),
        ("cpu", True, ("cpu",)),
    ],
)
def test_only_allowed_providers_are_tried(
    requested: Provider, allow_fallback: bool, expected: tuple[str, ...]
) -> None:
    assert providers.candidates(requested, allow_fallback) == expected


def test_gpu_is_missed_without_a_gpu() -> None:
    missing = providers.what_is_missing("cuda", None)
    assert missing is not None
    assert "no NVIDIA GPU" in missing
    assert providers.what_is_missing("cpu", None) is None


def test_provider_is_missed_in_a_build_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CPUExecutionProvider"])
    missing = providers.what_is_missing("cuda", "NVIDIA Test 9000")
    assert missing is not None
    assert "install onnxruntime-gpu" in missing


@pytest.mark.parametrize(
    ("driver", "expected"),
    [
        (FakeDriver(devices=1), "NVIDIA Test 9000"),
        (FakeDriver(devices=0), None),
        (FakeDriver(devices=1, works=False), None),
    ],
)
def test_gpu_name_is_what_the_driver_says(
    monkeypatch: pytest.MonkeyPatch, driver: FakeDriver, expected: str | None
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: driver)
    assert providers.gpu_name() == expected


def test_gpu_name_is_none_without_a_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_library(_name: str) -> None:
        raise OSError("cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", no_library)
    assert providers.gpu_name() is None


def test_tensorrt_gets_one_profile_over_all_batch_sizes_and_its_caches(tmp_path: Path) -> None:
    options = providers.tensorrt_options(ModelConfig(batch_sizes=(1, 2, 8), fp16=True), MODEL, tmp_path)
    assert options["trt_profile_min_shapes"] == "images:1x480x640x3"
    assert options["trt_profile_opt_shapes"] == options["trt_profile_max_shapes"] == "images:8x480x640x3"
    assert options["trt_fp16_enable"] is True
    assert options["trt_engine_cache_enable"] is options["trt_timing_cache_enable"] is True
    assert options["trt_engine_cache_path"] == options["trt_timing_cache_path"] == str(tmp_path)


def test_nodes_that_tensorrt_cannot_run_go_to_cuda_then_cpu() -> None:
    listed = providers.provider_list("tensorrt", ModelConfig(), MODEL, "NVIDIA Test 9000")
    assert [item if isinstance(item, str) else item[0] for item in listed] == [
        "TensorrtExecutionProvider",
        "CUDAExecutionProvider",
        "CPUExecutionProvider",
    ]


def test_engine_cache_differs_by_model_runtime_and_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    config = ModelConfig(engine_cache=Path("/cache"))
    folder = providers.engine_cache_folder(config, MODEL, "NVIDIA RTX A2000 (12GB)")
    assert folder == Path(f"/cache/0123456789ab-640x480-ort{ort.__version__}-nvidia-rtx-a2000-12gb")
    other_model = ModelFile(MODEL.path, "ba9876543210", MODEL.input_size_px)
    assert providers.engine_cache_folder(config, other_model, "NVIDIA RTX A2000 (12GB)") != folder
    assert providers.engine_cache_folder(config, MODEL, "NVIDIA L4") != folder
    monkeypatch.setattr(ort, "__version__", "9.9.9")
    assert providers.engine_cache_folder(config, MODEL, "NVIDIA RTX A2000 (12GB)") != folder
