"""From the pipeline's own dataclasses to numbered events, with texts that hold no secrets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from pipeline.events.rounding import (
    COV_DECIMALS,
    KMH_DECIMALS,
    METRE_DECIMALS,
    PIXEL_DECIMALS,
    PROBABILITY_DECIMALS,
    TIME_DECIMALS,
    estimate_numbers,
    nested,
    plate_format_of,
    quality_of,
    rounded,
    utc_of,
)
from pipeline.events.schema import (
    SCHEMA_VERSION,
    CameraEvent,
    Heartbeat,
    PassageEvent,
    PassageEventKind,
)
from pipeline.events.text import public_text
from pipeline.frames import CameraState, PassageKind, PassageReport
from pipeline.names import check_camera_id

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
        range_m, range_sd_m, range_ci95_m = estimate_numbers(motion.range_m, METRE_DECIMALS)
        distance_m, distance_sd_m, distance_ci95_m = estimate_numbers(motion.distance_m, METRE_DECIMALS)
        speed_kmh, speed_sd_kmh, speed_ci95_kmh = estimate_numbers(motion.speed_kmh, KMH_DECIMALS)
        return PassageEvent(
            schema=SCHEMA_VERSION,
            seq=self._next_seq(stamp.camera),
            kind=_PASSAGE_KINDS[report.kind],
            camera=stamp.camera,
            passage=report.passage,
            epoch=stamp.epoch,
            time_s=rounded(stamp.time_s, TIME_DECIMALS),
            utc=utc_of(stamp.utc_s),
            time_source=stamp.time_source,
            frame=stamp.index,
            image_size_px=report.observation.frame.size_px,
            presence=rounded(plate.presence, PROBABILITY_DECIMALS),
            corners_px=nested(plate.corners_px, PIXEL_DECIMALS),
            corner_cov_px2=nested(plate.corner_cov_px2, COV_DECIMALS),
            plate_format=plate_format_of(motion),
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
            quality=quality_of(motion),
            first_time_s=rounded(report.first_time_s, TIME_DECIMALS),
            last_time_s=rounded(report.last_time_s, TIME_DECIMALS),
            frames=report.frames,
        )

    def camera(
        self,
        camera: str,
        state: CameraState,
        *,
        epoch: int,
        source: str,
        reason: str | None = None,
        image_size_px: tuple[int, int] | None = None,
        provider: str | None = None,
        utc_s: float | None = None,
    ) -> CameraEvent:
        """Connection number `epoch` (0: there was none yet) delivers frames, or is over or did not come up.

        `image_size_px` and the execution provider in effect are told while it is online, the `reason` when it is not.
        """
        return CameraEvent(
            schema=SCHEMA_VERSION,
            seq=self._next_seq(camera),
            kind="camera.online" if state == "online" else "camera.offline",
            camera=camera,
            epoch=epoch,
            utc=utc_of(utc_s),
            source=public_text(source),
            reason=None if reason is None else public_text(reason),
            image_size_px=image_size_px,
            provider=provider,
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
            utc=utc_of(utc_s),
            uptime_s=rounded(uptime_s, 3),
            interval_s=rounded(interval_s, 3),
            online=online,
            epoch=epoch,
            frames=frames,
            dropped=dict(dropped),
            fps=None if fps is None else rounded(fps, 2),
            passages=passages,
            provider=provider,
            model_sha256=model_sha256,
        )

    def _next_seq(self, camera: str) -> int:
        self._last_seq[check_camera_id(camera)] += 1
        return self._last_seq[camera]
