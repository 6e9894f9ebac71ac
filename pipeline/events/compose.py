"""From the pipeline's own dataclasses to numbered events: units, rounding, and texts without secrets."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from numpy.typing import NDArray

from pipeline.events.schema import (
    SCHEMA_VERSION,
    CameraEvent,
    Heartbeat,
    PassageEvent,
    PassageEventKind,
    PlateFormat,
)
from pipeline.events.text import public_text
from pipeline.events.wire import check_camera_id
from pipeline.frames import Estimate, Interval, MotionEstimate, PassageKind, PassageReport

# Decimals published: finer than what can be measured, coarse enough to read.
_PIXEL_DECIMALS = 3
_COV_DECIMALS = 5
_METRE_DECIMALS = 3
_KMH_DECIMALS = 2
_TIME_DECIMALS = 6
_PROBABILITY_DECIMALS = 4

_PASSAGE_KINDS: dict[PassageKind, PassageEventKind] = {
    "new": "passage.new",
    "update": "passage.update",
    "end": "passage.end",
}


class EventComposer:
    """Makes the events of one run and numbers them from 1, each camera on its own.

    One number serves all kinds, so that whoever receives all events of a camera sees every loss as a gap.
    Used by one thread.
    """

    def __init__(self) -> None:
        self._last_seq: Counter[str] = Counter()

    def passage(self, report: PassageReport) -> PassageEvent:
        """The event that says what `report` says.

        Estimates that are not finite become null, and a quality of "ok" then becomes "not_finite".

        Raises:
            GateError: the camera id is not usable in a topic.
            ValueError: corners, covariance or presence are not finite, or an interval is reversed.
        """
        stamp, plate, motion = report.observation.stamp, report.observation.plate, report.motion
        range_m, range_sd_m, range_ci95_m = _estimate(motion.range_m, _METRE_DECIMALS)
        distance_m, distance_sd_m, distance_ci95_m = _estimate(motion.distance_m, _METRE_DECIMALS)
        speed_kmh, speed_sd_kmh, speed_ci95_kmh = _estimate(motion.speed_kmh, _KMH_DECIMALS)
        return PassageEvent(
            schema=SCHEMA_VERSION,
            seq=self._next_seq(stamp.camera),
            kind=_PASSAGE_KINDS[report.kind],
            camera=stamp.camera,
            passage=report.passage,
            epoch=stamp.epoch,
            time_s=_rounded(stamp.time_s, _TIME_DECIMALS),
            utc=_utc(stamp.utc_s),
            time_source=stamp.time_source,
            frame=stamp.index,
            image_size_px=report.observation.frame.size_px,
            presence=_rounded(plate.presence, _PROBABILITY_DECIMALS),
            corners_px=_nested(plate.corners_px, _PIXEL_DECIMALS),
            corner_cov_px2=_nested(plate.corner_cov_px2, _COV_DECIMALS),
            plate_format=_plate_format(motion),
            range_m=range_m,
            range_sd_m=range_sd_m,
            range_ci95_m=range_ci95_m,
            distance_m=distance_m,
            distance_sd_m=distance_sd_m,
            distance_ci95_m=distance_ci95_m,
            speed_kmh=speed_kmh,
            speed_sd_kmh=speed_sd_kmh,
            speed_ci95_kmh=speed_ci95_kmh,
            motion=motion.motion,
            quality=_quality(motion),
            first_time_s=_rounded(report.first_time_s, _TIME_DECIMALS),
            last_time_s=_rounded(report.last_time_s, _TIME_DECIMALS),
            frames=report.frames,
        )

    def camera_online(
        self,
        camera: str,
        *,
        epoch: int,
        source: str,
        image_size_px: tuple[int, int] | None = None,
        provider: str | None = None,
        utc_s: float | None = None,
    ) -> CameraEvent:
        """Connection number `epoch` delivers frames; `provider` is the execution provider in effect."""
        return CameraEvent(
            schema=SCHEMA_VERSION,
            seq=self._next_seq(camera),
            kind="camera.online",
            camera=camera,
            epoch=epoch,
            utc=_utc(utc_s),
            source=public_text(source),
            reason=None,
            image_size_px=image_size_px,
            provider=provider,
        )

    def camera_offline(
        self, camera: str, *, epoch: int, source: str, reason: str, utc_s: float | None = None
    ) -> CameraEvent:
        """Connection number `epoch` (0: there was none yet) is over or did not come up, for `reason`."""
        return CameraEvent(
            schema=SCHEMA_VERSION,
            seq=self._next_seq(camera),
            kind="camera.offline",
            camera=camera,
            epoch=epoch,
            utc=_utc(utc_s),
            source=public_text(source),
            reason=public_text(reason),
            image_size_px=None,
            provider=None,
        )

    def heartbeat(
        self,
        camera: str,
        *,
        uptime_s: float,
        interval_s: float,
        online: bool,
        epoch: int,
        frames: int,
        dropped: Mapping[str, int],
        fps: float | None,
        passages: int,
        provider: str | None = None,
        model_sha256: str | None = None,
        utc_s: float | None = None,
    ) -> Heartbeat:
        """A sign of life with the counters since the start; `dropped` is a `DropCounter.snapshot`."""
        return Heartbeat(
            schema=SCHEMA_VERSION,
            seq=self._next_seq(camera),
            kind="heartbeat",
            camera=camera,
            utc=_utc(utc_s),
            uptime_s=_rounded(uptime_s, 3),
            interval_s=_rounded(interval_s, 3),
            online=online,
            epoch=epoch,
            frames=frames,
            dropped=dict(sorted(dropped.items())),
            fps=None if fps is None else _rounded(fps, 2),
            passages=passages,
            provider=provider,
            model_sha256=model_sha256,
        )

    def _next_seq(self, camera: str) -> int:
        self._last_seq[check_camera_id(camera)] += 1
        return self._last_seq[camera]


def _utc(utc_s: float | None) -> datetime | None:
    return None if utc_s is None else datetime.fromtimestamp(utc_s, UTC)


def _rounded(value: float, decimals: int) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot be published")
    return round(float(value), decimals) + 0.0  # + 0.0 makes 0.0 of -0.0


def _nested(array: NDArray[Any], decimals: int) -> Any:
    """The array as nested tuples of rounded floats."""
    if array.ndim == 0:
        return _rounded(array.item(), decimals)
    return tuple(_nested(part, decimals) for part in array)


def _is_finite(estimate: Estimate) -> bool:
    return all(map(math.isfinite, (estimate.value, estimate.sd, *estimate.ci95)))


def _estimate(
    estimate: Estimate | None, decimals: int
) -> tuple[float, float, Interval] | tuple[None, None, None]:
    if estimate is None or not _is_finite(estimate):
        return None, None, None
    low, high = estimate.ci95
    return (
        _rounded(estimate.value, decimals),
        _rounded(estimate.sd, decimals),
        (_rounded(low, decimals), _rounded(high, decimals)),
    )


def _quality(motion: MotionEstimate) -> str:
    estimates = (motion.range_m, motion.distance_m, motion.speed_kmh)
    if motion.quality == "ok" and not all(_is_finite(e) for e in estimates if e is not None):
        return "not_finite"
    return motion.quality


def _plate_format(motion: MotionEstimate) -> PlateFormat | None:
    if motion.plate_format is None:
        return None
    probability = motion.plate_format_probability
    return PlateFormat(
        name=motion.plate_format,
        probability=None if probability is None else _rounded(probability, _PROBABILITY_DECIMALS),
    )
