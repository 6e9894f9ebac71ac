"""Tables and plots of the benchmark of distance and speed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

NOWHERE = float("nan")
DISTANCES_M = (3.0, 6.0, 7.5, 9.0, 12.0)
DURATIONS_S = (0.45, 0.7, 1.0, 1.5, 2.0)
NOISES_MRAD = (0.25, 0.4, 0.6, 0.8, 1.25)
# Share of each manoeuvre in the line that sums them up.
_MIX = {"steady": 0.5, "braking": 0.25, "stopping": 0.125, "stopped": 0.125}


@dataclass(frozen=True)
class Score:
    """One estimate against the truth; NaN where none was published."""

    truth: float
    error: float
    held: float
    half_width: float


@dataclass(frozen=True)
class Result:
    """One passage.

    Attributes:
        middle_m: range at the middle of the track.
        noise_mrad: corner sd over focal length.
        format_right, format_named: whether the published format is right, and whether one is published.
        track_speed, speed, range_m, distance_m: scores; speeds in km/h.
        speed_bound_kmh, range_bound_m: Cramér-Rao bounds; NaN unless the speed is constant.
        ippe_kmh: error of the speed from single-frame PnP and a regression.
        seconds: processor time of the estimate from scratch.
    """

    middle_m: float
    duration_s: float
    noise_mrad: float
    format_right: bool
    format_named: bool
    motion: str
    quality: str
    track_speed: Score
    speed: Score
    range_m: Score
    distance_m: Score
    speed_bound_kmh: float
    range_bound_m: float
    ippe_kmh: float
    seconds: float


Cases = Mapping[str, Mapping[str, Sequence[Result]]]


def report(
    cases: Cases, others: Mapping[str, Sequence[Result]], update_ms: Sequence[Sequence[float]]
) -> Iterator[str]:
    """Lines of text."""
    for name, manoeuvres in cases.items():
        steady = manoeuvres["steady"]
        yield ""
        yield f"{name}: speed over the track, constant speed, {len(steady)} passages"
        yield from _speed_table(steady)
        yield ""
        yield f"{name}: range and distance at the newest frame, errors in % of the range"
        yield from _range_table(steady)
        yield ""
        yield f"{name}: present speed, by manoeuvre"
        yield from _manoeuvre_table(manoeuvres)
        yield from _sentences(manoeuvres)
    yield ""
    yield "other conditions, constant speed"
    yield from _others_table(others)
    yield ""
    first, later = (
        np.array([row[0] for row in update_ms]),
        np.array([item for row in update_ms for item in row[1:]]),
    )
    yield (
        f"processor time: update median {np.median(later):.2f} ms, 95 % {np.percentile(later, 95):.2f} ms; "
        f"first estimate of a passage median {np.median(first):.2f} ms"
    )


def _speed_table(results: Sequence[Result]) -> Iterator[str]:
    yield (
        f"{'':16}{'n':>6}{'bias':>8}{'RMSE':>7}{'bound':>7}{'ratio':>7}{'95 %':>7}{'cover':>7}{'+-':>7}"
        f"{'IPPE bias':>11}{'IPPE RMSE':>11}{'ours/IPPE':>11}"
    )
    for label, group in _groups(results):
        error, held, half = columns(group, lambda item: item.track_speed)
        bound = np.array([item.speed_bound_kmh for item in group])
        ippe = np.array([item.ippe_kmh for item in group])
        known = np.isfinite(error)
        rmse = rms(error)
        ratio = rmse / rms(bound[known])
        yield (
            f"{label:16}{known.sum():6d}{np.nanmean(error):+8.3f}{rmse:7.3f}{rms(bound[known]):7.3f}{ratio:7.2f}"
            f"{np.nanpercentile(np.abs(error), 95):7.2f}{100 * np.nanmean(held):6.1f}%{np.nanmedian(half):7.2f}"
            f"{np.nanmean(ippe):+11.2f}{rms(ippe):11.2f}{rmse / rms(ippe):11.2f}"
        )


def _range_table(results: Sequence[Result]) -> Iterator[str]:
    yield (
        f"{'':16}{'n':>6}{'bias':>8}{'mean abs':>10}{'RMSE':>7}{'bound':>7}{'cover':>8}{'+-':>7}"
        f"{'along lane: mean abs':>22}{'cover':>8}"
    )
    for label, group in _groups(results):
        truth = np.array([item.range_m.truth for item in group])
        error, held, half = columns(group, lambda item: item.range_m)
        along, along_held, _ = columns(group, lambda item: item.distance_m)
        bound = np.array([item.range_bound_m for item in group]) / truth
        error, half, along = error / truth, half / truth, along / truth
        yield (
            f"{label:16}{np.isfinite(error).sum():6d}{100 * np.nanmean(error):+8.2f}"
            f"{100 * np.nanmean(np.abs(error)):10.2f}{100 * rms(error):7.2f}{100 * rms(bound):7.2f}"
            f"{100 * np.nanmean(held):7.1f}%{100 * np.nanmedian(half):7.2f}"
            f"{100 * np.nanmean(np.abs(along)):22.2f}{100 * np.nanmean(along_held):7.1f}%"
        )


def _manoeuvre_table(manoeuvres: Mapping[str, Sequence[Result]]) -> Iterator[str]:
    yield (
        f"{'':16}{'n':>6}{'bias':>8}{'RMSE':>7}{'95 %':>7}{'cover':>8}{'+-':>7}"
        f"{'over track: RMSE':>18}{'cover':>8}{'range: cover':>14}"
    )
    shares: list[list[float]] = []
    for name, group in manoeuvres.items():
        if name == "glance":
            continue
        error, held, half = columns(group, lambda item: item.speed)
        over, over_held, _ = columns(group, lambda item: item.track_speed)
        range_held = columns(group, lambda item: item.range_m)[1]
        shares.append([_MIX[name], *(float(np.nanmean(item)) for item in (held, over_held, range_held))])
        yield (
            f"{name:16}{np.isfinite(error).sum():6d}{np.nanmean(error):+8.3f}{rms(error):7.3f}"
            f"{np.nanpercentile(np.abs(error), 95):7.2f}{100 * np.nanmean(held):7.1f}%{np.nanmedian(half):7.2f}"
            f"{rms(over):18.3f}{100 * np.nanmean(over_held):7.1f}%{100 * np.nanmean(range_held):13.1f}%"
        )
    table = np.array(shares)
    now, over_track, ranges = 100 * table[:, 0] @ table[:, 1:]
    yield f"{'mixed 4:2:1:1':16}{now:35.1f}%{over_track:32.1f}%{ranges:13.1f}%"


def _others_table(others: Mapping[str, Sequence[Result]]) -> Iterator[str]:
    yield (
        f"{'':22}{'n':>5}{'speed bias':>12}{'RMSE':>7}{'bound':>7}{'95 %':>7}{'cover':>8}"
        f"{'range: mean abs':>17}{'cover':>8}{'along: cover':>14}"
    )
    for name, group in others.items():
        error, held, _ = columns(group, lambda item: item.track_speed)
        ranges, range_held, _ = columns(group, lambda item: item.range_m)
        along_held = columns(group, lambda item: item.distance_m)[1]
        truth = np.array([item.range_m.truth for item in group])
        bound = np.array([item.speed_bound_kmh for item in group])
        shown = f"{rms(bound):7.3f}" if np.isfinite(bound).any() else f"{'-':>7}"
        yield (
            f"{name:22}{np.isfinite(error).sum():5d}{np.nanmean(error):+12.3f}{rms(error):7.3f}{shown}"
            f"{np.nanpercentile(np.abs(error), 95):7.2f}{100 * np.nanmean(held):7.1f}%"
            f"{100 * np.nanmean(np.abs(ranges) / truth):16.2f}%{100 * np.nanmean(range_held):7.1f}%"
            f"{100 * np.nanmean(along_held):13.1f}%"
        )


def _sentences(manoeuvres: Mapping[str, Sequence[Result]]) -> Iterator[str]:
    """What does not fit into a table."""
    steady, stopped, glance = (manoeuvres[name] for name in ("steady", "stopped", "glance"))
    error, _, _ = columns(steady, lambda item: item.track_speed)
    truth = np.array([item.track_speed.truth for item in steady])
    limit = np.maximum(0.8, 0.03 * truth)
    known = np.isfinite(error)
    yield (
        f"speed over the track: {100 * np.mean(np.abs(error[known]) <= limit[known]):.1f} % within 0.8 km/h or 3 %, "
        f"{100 * np.mean((error[known] > -3) & (error[known] < 2)):.2f} % within [-3, +2] km/h"
    )
    everything = [item for group in manoeuvres.values() for item in group]
    wrong = sum(item.format_named and not item.format_right for item in everything)
    withheld = sum(not item.format_named for item in everything)
    yield (
        f"format: {len(everything)} passages, {wrong} wrong, {withheld} withheld: "
        f"{100 - 100 * wrong / len(everything):.2f} % right or withheld"
    )
    _, held, half = columns(stopped, lambda item: item.speed)
    narrow = held * (2 * half < 0.3)
    yield (
        f"stopped for 2 s: interval contains 0 in {100 * np.mean(np.nan_to_num(held)):.1f} %, median width "
        f"{2 * np.nanmedian(half):.3f} km/h, contains 0 and under 0.3 km/h wide in "
        f"{100 * np.mean(np.nan_to_num(narrow)):.1f} %, called stopped in "
        f"{100 * np.mean([item.motion == 'stopped' for item in stopped]):.1f} %"
    )
    one, one_held, _ = columns(glance, lambda item: item.range_m)
    ranges = np.array([item.range_m.truth for item in glance])
    yield (
        f"a single frame at 10 m: mean absolute error {100 * np.nanmean(np.abs(one) / ranges):.2f} %, "
        f"coverage {100 * np.nanmean(one_held):.1f} %"
    )
    qualities = sorted({item.quality for item in steady})
    counts = {quality: sum(item.quality == quality for item in steady) for quality in qualities}
    yield "quality of the steady passages: " + ", ".join(f"{key} {count}" for key, count in counts.items())


def _groups(results: Sequence[Result]) -> Iterator[tuple[str, list[Result]]]:
    """All, then by distance, by duration and by noise."""
    yield "all", list(results)
    scales: list[tuple[str, str, tuple[float, ...], Callable[[Result], float]]] = [
        ("", " m", DISTANCES_M, lambda item: item.middle_m),
        ("", " s", DURATIONS_S, lambda item: item.duration_s),
        ("", " mrad", NOISES_MRAD, lambda item: item.noise_mrad),
    ]
    for _, unit, edges, value in scales:
        for low, high in pairwise(edges):
            group = [item for item in results if low <= value(item) < high]
            if group:
                yield f"{low:g} - {high:g}{unit}", group


def columns(results: Sequence[Result], score: Callable[[Result], Score]) -> tuple[Array, Array, Array]:
    """Errors, whether the intervals held, half-widths."""
    scores = [score(item) for item in results]
    table = np.array([(item.error, item.held, item.half_width) for item in scores])
    return table[:, 0], table[:, 1], table[:, 2]


def rms(values: Array) -> float:
    """Root mean square of the numbers that are there."""
    return float(np.sqrt(np.nanmean(values**2)))
