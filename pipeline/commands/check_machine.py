"""What this machine can do: libraries, networks, execution providers, and how many images a second they allow."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import av
import cv2
import msgspec
import numpy as np
import onnxruntime
import zmq

from pipeline.config import GateConfig, ModelConfig
from pipeline.errors import GateError
from pipeline.inference.model_file import EDGE_CORNERS, RECTIFIED_CORNERS, ModelFile, inspect_model
from pipeline.inference.providers import BEST_FIRST
from pipeline.inference.rectify import INPUT_PX
from pipeline.inference.session import CornerSession
from pipeline.inference.start_session import open_session
from pipeline.post.answer import LEAST_FRAMES
from pipeline.post.tracker import TrackSettings

SECOND_LOOK = 0.25
"""What the second look adds to the time of the first one."""

Verdict = Literal["ok", "--", "FAIL"]


@dataclass(frozen=True)
class Finding:
    """One line of the result; that of a provider that runs tells how long it takes for one image."""

    verdict: Verdict
    what: str
    detail: str
    image_ms: float | None = None


def libraries() -> Iterator[Finding]:
    """Versions and abilities of what the program stands on."""
    yield Finding("ok", "Python", platform.python_version())
    decoders = [name for name in ("h264", "hevc", "mjpeg") if name in av.codecs_available]
    verdict: Verdict = "ok" if "h264" in decoders else "FAIL"
    yield Finding(verdict, "FFmpeg", f"PyAV {av.__version__}, decodes {', '.join(decoders)}")
    backends = [
        cv2.videoio_registry.getBackendName(backend) for backend in cv2.videoio_registry.getBackends()
    ]
    usb: Verdict = "ok" if "V4L2" in backends else "--"
    yield Finding(usb, "OpenCV", f"{cv2.__version__}, video backends {', '.join(backends)}")
    curve = "with" if zmq.has("curve") else "without"
    yield Finding("ok", "ZeroMQ", f"{zmq.zmq_version()}, {curve} CURVE")
    yield Finding("ok", "ONNX Runtime", onnxruntime.__version__)


def network(config: ModelConfig) -> Iterator[Finding]:
    """The model files, and each execution provider, started for real."""
    try:
        model = inspect_model(config.path)
    except GateError as error:
        yield Finding("FAIL", "model", str(error))
        return
    yield Finding("ok", "model", _described(model))
    if config.rectified_look:
        yield _further_look("rectified look", config.rectified_path, RECTIFIED_CORNERS)
        if config.edge_look:
            yield _further_look("edge look", config.edge_path, EDGE_CORNERS)
    working = []
    for provider in BEST_FIRST:
        try:
            session = open_session(msgspec.structs.replace(config, provider=provider, allow_fallback=False))
        except GateError as error:
            wanted: Verdict = "FAIL" if config.provider == provider and not config.allow_fallback else "--"
            yield Finding(wanted, f"provider {provider}", str(error))
        else:
            working.append(provider)
            more = f", {SECOND_LOOK:.0%} more with the second look" if config.second_look else ""
            yield finding_of(session, more)
    if not working:
        yield Finding("FAIL", "provider", "none works")


def _further_look(name: str, path: Path, task: str) -> Finding:
    """Whether a look at rectified views has its network."""
    try:
        return Finding("ok", name, _described(inspect_model(path, INPUT_PX, task)))
    except GateError as error:
        return Finding("FAIL", name, str(error))


def _described(model: ModelFile) -> str:
    return f"{model.path.name}, sha256 {model.hash}, {model.input_size_px[0]}x{model.input_size_px[1]}"


def finding_of(session: CornerSession, more: str = "") -> Finding:
    """That a provider runs the network, and how fast; `more` is added to the text."""
    image_ms = milliseconds_an_image(session)
    return Finding("ok", f"provider {session.provider}", f"runs, {image_ms:.0f} ms an image{more}", image_ms)


def milliseconds_an_image(session: CornerSession) -> float:
    """The faster of two runs on one image."""
    width, height = session.model.input_size_px
    image = np.zeros((1, height, width, 3), np.uint8)

    def run() -> float:
        started_s = time.perf_counter()
        session.run(image)
        return 1000 * (time.perf_counter() - started_s)

    return min(run(), run())


def live_cameras(config: GateConfig) -> int:
    """How many cameras the network must keep up with; recordings wait for it."""
    return sum(camera.policy == "latest" for camera in config.cameras)


def pace(providers: Sequence[Finding], config: GateConfig) -> Iterator[Finding]:
    """Whether the provider that will run, the named one or the best, can follow vehicles at live cameras."""
    cameras = live_cameras(config)
    times = {finding.what: finding.image_ms for finding in providers if finding.image_ms is not None}
    if not (cameras and times):
        return
    image_ms = times.get(f"provider {config.model.provider}", next(iter(times.values())))
    frame_s = image_ms / 1000 * (1 + SECOND_LOOK * config.model.second_look) * cameras
    often = f"{1 / frame_s:.1f} images a second" if frame_s < 1 else f"one image in {frame_s:.1f} s"
    rate, window_s = f"{often} of each live camera", TrackSettings().window_s
    passage = f"{config.passage.min_hits} at most {config.passage.confirm_s} s apart (passage.confirm_s)"
    speed = f"{LEAST_FRAMES} within {window_s} s"
    if config.passage.min_hits > 1 and frame_s > config.passage.confirm_s:
        advice = "use a GPU, the 8-bit network on a CPU with VNNI, or a longer confirm_s and expiry_s"
        yield Finding("--", "pace", f"{rate}: no passages, which need {passage}; {advice}")
    elif frame_s > config.passage.expiry_s:
        end = f"{config.passage.expiry_s} s without a plate end a passage (passage.expiry_s)"
        yield Finding("--", "pace", f"{rate}: every vehicle is many passages, as {end}")
    elif frame_s * (LEAST_FRAMES - 1) > window_s:
        yield Finding("--", "pace", f"{rate}: passages with distances, but no speeds, which need {speed}")
    else:
        yield Finding("ok", "pace", rate)
