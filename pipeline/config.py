"""The gate's configuration as types; `config_file` reads and checks it.

Every key with its unit and default: docs/configuration.md.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from pipeline.errors import GateError
from pipeline.names import DEFAULT_ENDPOINT
from pipeline.redact import redact_address

SHIPPED_MODEL = Path(__file__).resolve().parents[1] / "deploy" / "models" / "plate_corners.onnx"
SHIPPED_RECTIFIED = SHIPPED_MODEL.with_name("plate_rectified.onnx")
SHIPPED_EDGES = SHIPPED_MODEL.with_name("plate_edges.onnx")
ENGINE_CACHE = Path("~/.cache/gate-camera/engines")

Provider = Literal["auto", "tensorrt", "cuda", "cpu"]
Policy = Literal["latest", "every"]
Transport = Literal["tcp", "udp"]
Probability = Annotated[float, msgspec.Meta(ge=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
BatchSize = Annotated[int, msgspec.Meta(ge=1, le=256)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=3600)]
FramesPerSecond = Annotated[float, msgspec.Meta(gt=0, le=1000)]

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class ModelConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The network file and how it is run."""

    path: Path = SHIPPED_MODEL
    provider: Provider = "auto"
    allow_fallback: bool = False
    fp16: bool = False
    batch_sizes: tuple[BatchSize, ...] = (1, 4)
    batch_deadline_s: Seconds = 0.02
    engine_cache: Path = ENGINE_CACHE
    cpu_threads: Annotated[int, msgspec.Meta(ge=0, le=1024)] = 0
    presence_threshold: Probability = 0.5
    second_look: bool = True
    rectified_look: bool = True
    rectified_path: Path = SHIPPED_RECTIFIED
    edge_look: bool = True
    edge_path: Path = SHIPPED_EDGES


class EventsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where events are published and what they carry."""

    endpoint: str = DEFAULT_ENDPOINT
    high_water_mark: Count = 1000
    heartbeat_s: Annotated[float, msgspec.Meta(ge=0.1, le=3600)] = 5.0
    journal: Path | None = None
    plate_crops: bool = True


class PassageConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a vehicle counts as one, and as gone."""

    min_hits: Count = 3
    confirm_s: Seconds = 1.5
    expiry_s: Seconds = 1.5
    update_interval_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 0.1


class CameraConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One camera. Its password never enters the struct's text: show `source_label`, open `source`."""

    id: str
    source_template: str = msgspec.field(name="source")
    calibration: Path | None = None
    plate_formats: tuple[str, ...] = ("eu-520x110", "eu-340x240")
    policy: Policy = "latest"
    open_timeout_s: Seconds = 10.0
    read_timeout_s: Seconds = 5.0
    transport: Transport = "tcp"
    fps: FramesPerSecond = 25.0

    @property
    def source(self) -> str:
        """The source to open, `${NAME}` replaced from the environment. May hold a password: never log it.

        Raises:
            GateError: an environment variable is not set, or cannot be one.
        """
        if "${" in _PLACEHOLDER.sub("", self.source_template):
            raise GateError(
                "holds a ${...} that is no name of an environment variable: use letters, digits and _"
            )
        return _PLACEHOLDER.sub(_environment_value, self.source_template)

    @property
    def source_label(self) -> str:
        """The source as it may be shown: placeholders as written, and no user, password or key of an address."""
        return redact_address(self.source_template)

    def __repr__(self) -> str:
        return f"CameraConfig(id={self.id!r}, source={self.source_label!r}, policy={self.policy!r})"


class GateConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    cameras: tuple[CameraConfig, ...] = msgspec.field(name="camera", default=())
    model: ModelConfig = msgspec.field(default_factory=ModelConfig)
    passage: PassageConfig = msgspec.field(default_factory=PassageConfig)
    events: EventsConfig = msgspec.field(default_factory=EventsConfig)


def _environment_value(placeholder: re.Match[str]) -> str:
    name = placeholder.group(1)
    if name not in os.environ:
        raise GateError(f"environment variable {name} is not set")
    return os.environ[name]
