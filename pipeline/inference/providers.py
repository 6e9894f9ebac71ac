"""ONNX Runtime's execution providers: the order to try them in, their options, and what a machine lacks.

ONNX Runtime falls back to the CPU without an error where a GPU library cannot be loaded. So nothing here
trusts what was asked for: `what_is_missing` looks beforehand, and the session checks afterwards what it
really got.
"""

from __future__ import annotations

import ctypes
import re
import sys
from pathlib import Path
from typing import Any, Literal

import onnxruntime as ort

from pipeline.config import ModelConfig, Provider
from pipeline.inference.model_file import ModelFile

RealProvider = Literal["tensorrt", "cuda", "cpu"]

BEST_FIRST: tuple[RealProvider, ...] = ("tensorrt", "cuda", "cpu")
ORT_NAMES: dict[RealProvider, str] = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
GPU_LIBRARIES: dict[RealProvider, str] = {
    "tensorrt": "TensorRT with its libraries on LD_LIBRARY_PATH, CUDA and cuDNN",
    "cuda": "CUDA and cuDNN (pip install 'onnxruntime-gpu[cuda,cudnn]')",
    "cpu": "onnxruntime again",
}


def candidates(requested: Provider, allow_fallback: bool) -> tuple[RealProvider, ...]:
    """The providers that may serve a request, best first."""
    if requested == "auto":
        return BEST_FIRST
    return BEST_FIRST[BEST_FIRST.index(requested) :] if allow_fallback else (requested,)


def what_is_missing(provider: RealProvider, gpu: str | None) -> str | None:
    """Why `provider` cannot work here, as far as can be told without trying, and what to do; None if it may.

    Args:
        provider: the provider to judge.
        gpu: result of `gpu_name`.
    """
    if ORT_NAMES[provider] not in ort.get_available_providers():
        return "this build of ONNX Runtime does not have it (install onnxruntime-gpu in place of onnxruntime)"
    if provider != "cpu" and gpu is None:
        return "no NVIDIA GPU was found; check with nvidia-smi, and start a container with its GPU"
    return None


def gpu_name() -> str | None:
    """Name of the first NVIDIA GPU as its driver tells it, None without a GPU or driver."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return None
    device, name = ctypes.c_int(), ctypes.create_string_buffer(256)
    found = (
        driver.cuInit(0) == 0
        and driver.cuDeviceGet(ctypes.byref(device), 0) == 0
        and driver.cuDeviceGetName(name, len(name), device) == 0
    )
    return name.value.decode(errors="replace") if found else None


def provider_list(
    provider: RealProvider, config: ModelConfig, model: ModelFile, gpu: str | None
) -> list[str | tuple[str, dict[str, Any]]]:
    """ONNX Runtime's `providers` argument: `provider`, then those that take the nodes it cannot run."""
    if provider == "cpu":
        return [ORT_NAMES["cpu"]]
    if provider == "cuda":
        return [ORT_NAMES["cuda"], ORT_NAMES["cpu"]]
    options = tensorrt_options(config, model, engine_cache_folder(config, model, gpu or "unknown-gpu"))
    return [(ORT_NAMES["tensorrt"], options), ORT_NAMES["cuda"], ORT_NAMES["cpu"]]


def engine_cache_folder(config: ModelConfig, model: ModelFile, gpu: str) -> Path:
    """The folder for engines of this model, input size, runtime and GPU: no other's engine is ever loaded."""
    gpu_slug = re.sub(r"[^A-Za-z0-9]+", "-", gpu).strip("-").lower()
    size = "x".join(map(str, model.input_size_px))
    return config.engine_cache.expanduser() / f"{model.hash}-{size}-ort{ort.__version__}-{gpu_slug}"


def tensorrt_options(config: ModelConfig, model: ModelFile, cache: Path) -> dict[str, Any]:
    """Options of the TensorRT provider: one engine for all batch sizes, built once and kept in `cache`.

    The shape profile is explicit, so that no batch size met later makes TensorRT build again. ONNX Runtime
    uses only one profile of an engine; it spans the smallest to the largest batch and is tuned for the
    largest.
    """
    width, height = model.input_size_px
    smallest, largest = (
        f"images:{batch}x{height}x{width}x3" for batch in (min(config.batch_sizes), max(config.batch_sizes))
    )
    return {
        "trt_fp16_enable": config.fp16,
        "trt_engine_cache_enable": True,
        "trt_engine_cache_path": str(cache),
        "trt_timing_cache_enable": True,
        "trt_timing_cache_path": str(cache),
        "trt_profile_min_shapes": smallest,
        "trt_profile_opt_shapes": largest,
        "trt_profile_max_shapes": largest,
    }
