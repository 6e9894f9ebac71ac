"""The event types as they are written to JSON: fields in order, units in names, ranges checked on reading.

docs/events.md describes every field. Within schema 1 fields and kinds may join and none changes its meaning,
so readers ignore what they do not know.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from pipeline.frames import Motion, TimeSource

SCHEMA_VERSION = 1

# Ranges are wide: they stop nonsense and overflow, not unusual scenes.
_MAX_INTEGER = 2**53 - 1  # the largest integer that every JSON reader keeps exactly
Count = Annotated[int, Meta(ge=0, le=_MAX_INTEGER)]
Seconds = Annotated[float, Meta(ge=-1e9, le=1e9)]
Metres = Annotated[float, Meta(ge=-1e4, le=1e4)]
Kmh = Annotated[float, Meta(ge=-1e4, le=1e4)]
Spread = Annotated[float, Meta(ge=0, le=1e6)]
Pixel = Annotated[float, Meta(ge=-1e6, le=1e6)]
Probability = Annotated[float, Meta(ge=0, le=1)]
UtcTime = Annotated[datetime, Meta(tz=True)]

# Identifiers become parts of topics, and texts are printed on terminals: no slash, no control characters.
Identifier = Annotated[str, Meta(max_length=128, pattern=r"\A[A-Za-z0-9._-]+\Z")]
Text = Annotated[str, Meta(max_length=300, pattern=r"\A[^\x00-\x1f\x7f-\x9f]*\Z")]
Sha256 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]

Point = tuple[Pixel, Pixel]
Covariance = tuple[Point, Point]

PassageEventKind = Literal["passage.new", "passage.update", "passage.end"]
CameraEventKind = Literal["camera.online", "camera.offline"]


class EventHeader(Struct, frozen=True, kw_only=True):
    """What every event begins with, in every schema version."""

    schema: Count
    seq: Count
    kind: Identifier
    camera: Identifier


class PlateFormat(Struct, frozen=True, kw_only=True):
    """The most probable plate format of a passage."""

    name: Text
    probability: Probability | None


class PassageEvent(EventHeader, frozen=True, kw_only=True):
    """One vehicle at one frame; in `passage.end` at its best frame, with the speed of the whole track."""

    kind: PassageEventKind
    passage: Identifier
    epoch: Count
    time_s: Seconds
    utc: UtcTime | None
    time_source: TimeSource
    frame: Count
    image_size_px: tuple[Count, Count]
    presence: Probability
    corners_px: tuple[Point, Point, Point, Point]
    corner_cov_px2: tuple[Covariance, Covariance, Covariance, Covariance]
    plate_format: PlateFormat | None
    range_m: Metres | None
    range_sd_m: Spread | None
    range_ci95_m: tuple[Metres, Metres] | None
    distance_m: Metres | None
    distance_sd_m: Spread | None
    distance_ci95_m: tuple[Metres, Metres] | None
    speed_kmh: Kmh | None
    speed_sd_kmh: Spread | None
    speed_ci95_kmh: tuple[Kmh, Kmh] | None
    motion: Motion
    quality: Text
    first_time_s: Seconds
    last_time_s: Seconds
    frames: Count

    def __post_init__(self) -> None:
        """Raise ValueError where a number comes without its uncertainty or an interval is reversed."""
        _check_estimate("range", self.range_m, self.range_sd_m, self.range_ci95_m)
        _check_estimate("distance", self.distance_m, self.distance_sd_m, self.distance_ci95_m)
        _check_estimate("speed", self.speed_kmh, self.speed_sd_kmh, self.speed_ci95_kmh)


class CameraEvent(EventHeader, frozen=True, kw_only=True):
    """A camera's connection came up (a new epoch begins) or was lost."""

    kind: CameraEventKind
    epoch: Count
    utc: UtcTime | None
    source: Text
    reason: Text | None
    image_size_px: tuple[Count, Count] | None
    provider: Text | None


class Heartbeat(EventHeader, frozen=True, kw_only=True):
    """A camera's sign of life, at a steady interval; its counts run since the program's start."""

    kind: Literal["heartbeat"]
    utc: UtcTime | None
    uptime_s: Seconds
    interval_s: Seconds
    online: bool
    epoch: Count
    frames: Count
    dropped: dict[Identifier, Count]
    fps: Spread | None
    passages: Count
    provider: Text | None
    model_sha256: Sha256 | None


Event = PassageEvent | CameraEvent | Heartbeat

EVENT_TYPES: dict[str, type[PassageEvent] | type[CameraEvent] | type[Heartbeat]] = {
    "passage.new": PassageEvent,
    "passage.update": PassageEvent,
    "passage.end": PassageEvent,
    "camera.online": CameraEvent,
    "camera.offline": CameraEvent,
    "heartbeat": Heartbeat,
}


def _check_estimate(
    name: str, value: float | None, sd: float | None, ci95: tuple[float, float] | None
) -> None:
    if (value is None, sd is None, ci95 is None) not in {(True,) * 3, (False,) * 3}:
        raise ValueError(f"{name}: value, sd and ci95 are given together or not at all")
    if ci95 is not None and ci95[0] > ci95[1]:
        raise ValueError(f"{name}: the interval {list(ci95)} is reversed")
