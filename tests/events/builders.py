"""Reports and events for the tests of this package."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.events import EventComposer, Heartbeat, PassageEvent
from pipeline.frames import (
    Estimate,
    Frame,
    FrameStamp,
    MotionEstimate,
    PassageReport,
    PlateLocation,
    PlateObservation,
)

CORNERS_PX = np.array([[412.1, 300.2], [520.4, 301.0], [520.2, 324.9], [412.0, 324.1]])

MOTION = MotionEstimate(
    range_m=Estimate(5.2104, 0.0401, (5.1318, 5.2890)),
    distance_m=Estimate(3.0506, 0.0402, (2.9718, 3.1294)),
    speed_kmh=Estimate(14.2037, 0.2009, (13.8099, 14.5975)),
    motion="approaching",
    plate_format="eu-520x110",
    plate_format_probability=0.97,
    quality="ok",
)
UNCALIBRATED = MotionEstimate(None, None, None, "unknown", None, None, "uncalibrated")


def make_report(camera="entry-1", kind="update", motion=MOTION, utc_s=None, plate=None) -> PassageReport:
    stamp = FrameStamp(camera, index=312, epoch=1, time_s=12.48, time_source="pts", utc_s=utc_s)
    plate = plate or PlateLocation(0.99812, CORNERS_PX, np.tile(np.eye(2) * 0.2, (4, 1, 1)))
    frame = Frame(stamp, np.zeros((480, 640, 3), np.uint8))
    return PassageReport(
        kind=kind,
        passage=f"{camera}-1-0004",
        observation=PlateObservation(frame, plate),
        motion=motion,
        first_time_s=11.2,
        last_time_s=12.96,
        frames=44,
    )


def with_presence(report: PassageReport, presence: float) -> PassageReport:
    plate = replace(report.observation.plate, presence=presence)
    return replace(report, observation=replace(report.observation, plate=plate))


def make_passage(composer=None, **report) -> PassageEvent:
    return (composer or EventComposer()).passage(make_report(**report))


def make_heartbeat(composer=None, camera="entry-1") -> Heartbeat:
    return (composer or EventComposer()).heartbeat(
        camera,
        uptime_s=3723.0,
        interval_s=5.0,
        online=True,
        epoch=2,
        frames=90_000,
        dropped={"bad_time": 1, "superseded": 7},
        fps=24.98,
        passages=31,
        provider="CPUExecutionProvider",
        model_sha256="ab" * 32,
        utc_s=1746100994.48,
    )
