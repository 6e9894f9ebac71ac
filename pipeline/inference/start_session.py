"""Starts a corner network in ONNX Runtime, on the best execution provider that really works here."""

from __future__ import annotations

import contextlib
import io
import logging
import time
from collections.abc import Callable
from typing import Any

import onnxruntime as ort

from pipeline.config import ModelConfig
from pipeline.errors import GateError
from pipeline.inference.model_file import ORT_ERRORS, PLATE_CORNERS, ModelFile, first_line, inspect_model
from pipeline.inference.providers import (
    GPU_LIBRARIES,
    ORT_NAMES,
    RealProvider,
    candidates,
    engine_cache_folder,
    gpu_name,
    provider_list,
    what_is_missing,
)
from pipeline.inference.session import CornerSession

log = logging.getLogger(__name__)


class ProviderFailedError(Exception):
    """One execution provider could not be started; the message says why and what to install."""


def open_session(
    config: ModelConfig,
    factory: Callable[..., ort.InferenceSession] = ort.InferenceSession,
    input_size_px: tuple[int, int] | None = None,
    task: str = PLATE_CORNERS,
) -> CornerSession:
    """Load the network on the provider that `config` asks for, checked and warmed up.

    Args:
        config: model file, provider, fallback, precision, batch sizes.
        factory: makes ONNX Runtime's session; tests put a fake here.
        input_size_px: (width, height) of the inputs, if not the model's own.
        task: what the file is to be for (`model_file`).

    Raises:
        GateError: not a plate-corner model, or no provider that `config` allows works here.
    """
    model = inspect_model(config.path, input_size_px, task)
    gpu = gpu_name()
    wanted = candidates(config.provider, config.allow_fallback)
    if config.provider == "auto":
        wanted = tuple(provider for provider in wanted if not what_is_missing(provider, gpu))
    problems: list[str] = []
    for provider in wanted:
        try:
            session = _start(provider, model, config, gpu, factory)
        except ProviderFailedError as error:
            problems.append(f"{provider}: {error}")
            continue
        if problems:
            log.warning("the network runs on %s, not on a better provider; %s", provider, "; ".join(problems))
        return session
    advice = "" if config.provider in ("auto", "cpu") else '; else use provider "auto", or allow fallback'
    raise GateError(f"provider {config.provider!r} cannot run here; {'; '.join(problems)}{advice}")


def _start(
    provider: RealProvider,
    model: ModelFile,
    config: ModelConfig,
    gpu: str | None,
    factory: Callable[..., ort.InferenceSession],
) -> CornerSession:
    """Raises `ProviderFailedError` unless the network really runs on `provider`."""
    started_s = time.monotonic()
    missing = what_is_missing(provider, gpu)
    if missing:
        raise ProviderFailedError(missing)
    if provider != "cpu":
        _preload_gpu_libraries()
    if provider == "tensorrt":
        _prepare_engine_cache(config, model, gpu)
    providers = provider_list(provider, config, model, gpu)
    try:
        # enable_fallback=False: an error must not make ONNX Runtime try again with less; it does not stop the
        # silent fall to the CPU where a library is missing, which is why the result is checked.
        session = factory(
            str(model.path), session_options(config.cpu_threads), providers=providers, enable_fallback=False
        )
    except ORT_ERRORS as error:
        raise ProviderFailedError(f"{first_line(error)}; it needs {GPU_LIBRARIES[provider]}") from error
    real = session.get_providers()[0]
    if real != ORT_NAMES[provider]:
        raise ProviderFailedError(f"ONNX Runtime silently gave {real}; install {GPU_LIBRARIES[provider]}")
    running = CornerSession(session, provider, model, config.batch_sizes)
    try:
        running.warm_up()
    except GateError as error:
        raise ProviderFailedError(str(error)) from error
    log.info("model %s runs on %s, ready in %.1f s", model.hash, provider, time.monotonic() - started_s)
    return running


def session_options(cpu_threads: int = 0) -> Any:
    """ONNX Runtime's options for a network of either precision; 0 threads are as many as there are cores."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = cpu_threads
    options.log_severity_level = 3  # errors; what matters of the rest is logged here
    # A processor without VNNI adds the products of unsigned and signed bytes in 16 bits, which overflow. This makes it
    # multiply unsigned bytes instead, which cannot; other processors ignore it.
    options.add_session_config_entry("session.x64quantprecision", "1")
    return options


def _preload_gpu_libraries() -> None:
    """Let ONNX Runtime find CUDA and cuDNN where pip installed them, if this build can."""
    if not hasattr(ort, "preload_dlls"):
        return
    with contextlib.redirect_stdout(io.StringIO()) as said:  # it prints, and standard output is for results
        ort.preload_dlls()
    if said.getvalue():
        log.debug("preloading GPU libraries: %s", said.getvalue().strip())


def _prepare_engine_cache(config: ModelConfig, model: ModelFile, gpu: str | None) -> None:
    folder = engine_cache_folder(config, model, gpu or "unknown-gpu")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GateError(
            f"{folder}: cannot make the engine cache: {error.strerror}; set engine_cache"
        ) from error
    if not any(folder.iterdir()):
        log.info("TensorRT builds its engine now, once; this takes minutes (kept in %s)", folder)
