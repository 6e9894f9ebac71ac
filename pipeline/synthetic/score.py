"""How well the events of a drawn clip agree with its truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.events import PassageEvent
from pipeline.synthetic.scene import Scenario, Truth


def truth_of(event: PassageEvent, scenario: Scenario) -> Truth:
    """The truth that an event is about: of the vehicle whose plate is nearest, when the event happened.

    An end shows the passage's best frame, but happened at its last one.
    """
    vehicles = range(len(scenario.courses))
    corners = np.array(event.corners_px)

    def apart_px(vehicle: int) -> float:
        found = float(np.abs(scenario.truth(event.time_s, vehicle).corners_px - corners).mean())
        return found if np.isfinite(found) else np.inf

    vehicle = min(vehicles, key=apart_px)
    return scenario.truth(event.last_time_s if event.kind == "passage.end" else event.time_s, vehicle)


@dataclass(frozen=True)
class Errors:
    """Errors of a published number over some events, and whether its 95 % intervals held the truth."""

    errors: tuple[float, ...]
    held: tuple[bool, ...]

    def __add__(self, other: Errors) -> Errors:
        """Those of both."""
        return Errors(self.errors + other.errors, self.held + other.held)

    @property
    def mean(self) -> float:
        """Mean absolute error; NaN where nothing was published."""
        return float(np.mean(np.abs(self.errors))) if self.errors else np.nan

    @property
    def worst(self) -> float:
        """The error of the largest size, with its sign; NaN where nothing was published."""
        return max(self.errors, key=abs, default=np.nan)

    @property
    def coverage(self) -> float:
        """Share of intervals that hold the truth; NaN where nothing was published."""
        return float(np.mean(self.held)) if self.held else np.nan


@dataclass(frozen=True)
class ClipScore:
    """What came of one clip, or of several.

    Attributes:
        vehicles: how many there are.
        passages: how many were reported.
        passages_right: each vehicle made one passage, in their order.
        frames: reports of the passages, one a frame.
        distance: errors in per cent of the true range.
        speed: errors in km/h of the speed at the frame.
        formats: whether each named format is the right one.
        qualities: how many reports had which quality.
    """

    vehicles: int
    passages: int
    passages_right: bool
    frames: int
    distance: Errors
    speed: Errors
    formats: tuple[bool, ...]
    qualities: Counter[str]

    def __add__(self, other: ClipScore) -> ClipScore:
        """Both clips as one."""
        return ClipScore(
            self.vehicles + other.vehicles,
            self.passages + other.passages,
            self.passages_right and other.passages_right,
            self.frames + other.frames,
            self.distance + other.distance,
            self.speed + other.speed,
            self.formats + other.formats,
            self.qualities + other.qualities,
        )


def score(events: Iterable[PassageEvent], scenario: Scenario) -> ClipScore:
    """Compare every report of a clip with the truth at its frame."""
    seen = [(event, truth_of(event, scenario)) for event in events]
    reports = [(event, truth) for event, truth in seen if event.kind != "passage.end"]
    passages = [truth.vehicle for event, truth in seen if event.kind == "passage.new"]
    names = [event.plate_format.name for event, _ in reports if event.plate_format]
    return ClipScore(
        vehicles=len(scenario.courses),
        passages=len(passages),
        passages_right=passages == list(range(len(scenario.courses))),
        frames=len(reports),
        distance=_distance_errors(reports),
        speed=_speed_errors(reports),
        formats=tuple(name == scenario.plate_format.name for name in names),
        qualities=Counter(event.quality for event, _ in reports),
    )


def _distance_errors(reports: Sequence[tuple[PassageEvent, Truth]]) -> Errors:
    errors, held = [], []
    for event, truth in reports:
        if event.distance_m is not None and event.distance_ci95_m is not None:
            errors.append(100 * (event.distance_m - truth.distance_m) / truth.range_m)
            held.append(event.distance_ci95_m[0] <= truth.distance_m <= event.distance_ci95_m[1])
    return Errors(tuple(errors), tuple(held))


def _speed_errors(reports: Sequence[tuple[PassageEvent, Truth]]) -> Errors:
    errors, held = [], []
    for event, truth in reports:
        if event.speed_kmh is not None and event.speed_ci95_kmh is not None:
            errors.append(event.speed_kmh - truth.speed_kmh)
            held.append(event.speed_ci95_kmh[0] <= truth.speed_kmh <= event.speed_ci95_kmh[1])
    return Errors(tuple(errors), tuple(held))
