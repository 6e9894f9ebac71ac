"""Events as text for people: one line each, times in UTC."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

from pipeline.events.schema import CameraEvent, Event, Heartbeat, PassageEvent


def describe(event: Event) -> str:
    """One line that says what `event` says, without a line end."""
    if isinstance(event, PassageEvent):
        parts = [_passage_time(event), event.camera, *_passage(event)]
    elif isinstance(event, CameraEvent):
        parts = [_clock(event.utc), event.camera, *_camera(event)]
    else:
        parts = [_clock(event.utc), event.camera, *_heartbeat(event)]
    return "  ".join(parts)


def _passage(event: PassageEvent) -> list[str]:
    stage = event.kind.removeprefix("passage.")
    parts = [
        f"passage {event.passage} {stage:<6}",
        _distance(event),
        _speed(event),
        f"{event.motion:<11}",
        event.quality,
    ]
    if event.kind == "passage.end":
        parts.append(f"{event.frames} frames in {event.last_time_s - event.first_time_s:.2f} s")
    return parts


def _camera(event: CameraEvent) -> list[str]:
    parts = [event.kind.replace(".", " "), event.source]
    if event.image_size_px is not None:
        parts.append("{}x{}".format(*event.image_size_px))
    return parts + [text for text in (event.provider, event.reason) if text is not None]


def _heartbeat(event: Heartbeat) -> list[str]:
    parts = ["heartbeat", "online" if event.online else "offline"]
    if event.fps is not None:
        parts.append(f"{event.fps:.1f} fps")
    parts += [f"{event.frames} frames", f"{event.passages} passages"]
    parts += [f"{count} {reason}" for reason, count in event.dropped.items()]
    parts.append(f"up {timedelta(seconds=round(event.uptime_s))}")
    return parts


def _distance(event: PassageEvent) -> str:
    if event.distance_m is not None and event.distance_ci95_m is not None:
        return "{:6.2f} m ({:.2f} to {:.2f})".format(event.distance_m, *event.distance_ci95_m)
    if event.range_m is not None and event.range_ci95_m is not None:
        return "range {:.2f} m ({:.2f} to {:.2f})".format(event.range_m, *event.range_ci95_m)
    return "no distance"


def _speed(event: PassageEvent) -> str:
    if event.speed_kmh is not None and event.speed_ci95_kmh is not None:
        return "{:6.1f} km/h ({:.1f} to {:.1f})".format(event.speed_kmh, *event.speed_ci95_kmh)
    return "no speed"


def _passage_time(event: PassageEvent) -> str:
    """When the event happened: an end is about the best frame, but it happened at the last one."""
    time_s = event.last_time_s if event.kind == "passage.end" else event.time_s
    if event.utc is None:
        return f"{time_s:10.3f} s"
    return _clock(event.utc, time_s - event.time_s)


def _clock(utc: datetime | None, later_s: float = 0.0) -> str:
    if utc is not None:
        with contextlib.suppress(OverflowError):  # of a publisher that is not ours
            return (utc.astimezone(UTC) + timedelta(seconds=later_s)).strftime("%H:%M:%S.%f")[:-3] + "Z"
    return f"{'-':>12}"
