"""The tables of the benchmark of distance and speed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from pipeline.post.benchmark.results import (
    Cases,
    Figures,
    Pick,
    Result,
    by_all,
    by_distance,
    range_bounds,
    rms,
    speed_bounds,
)

# Share of each manoeuvre in the lines that sum them up.
_MIX = {"steady": 5, "braking": 2, "stopping": 1, "stopped": 1, "starting": 1}
_QUICK_MS = 2.0
_LABEL_WIDTH = 26
_GAUSSIAN_MEAN_ABS = np.sqrt(2 / np.pi)  # of its standard deviation

Group = Sequence[Result]
# Title, width, format, and the figure of a group of passages.
Column = tuple[str, int, str, Callable[[Group], float]]


def _track(group: Group) -> Figures:
    return Figures(group, lambda item: item.track_speed)


def _now(group: Group) -> Figures:
    return Figures(group, lambda item: item.speed)


def _range(group: Group) -> Figures:
    return Figures(group, lambda item: item.range_m, relative=True)


def _along(group: Group) -> Figures:
    return Figures(group, lambda item: item.distance_m, relative=True)


def _ippe_kmh(group: Group) -> np.ndarray:
    return np.array([item.ippe_kmh for item in group])


def least_mean_abs(group: Group) -> float:
    """Mean absolute error of the range, in percent, of errors that are Gaussian with the bounds as their sd."""
    return float(_GAUSSIAN_MEAN_ABS * np.mean(range_bounds(group)))


_SPEED: tuple[Column, ...] = (
    ("n", 6, "{:.0f}", lambda group: _track(group).count),
    ("bias", 8, "{:+.3f}", lambda group: _track(group).bias),
    ("RMSE", 7, "{:.3f}", lambda group: _track(group).rmse),
    ("bound", 7, "{:.3f}", lambda group: rms(speed_bounds(group))),
    ("ratio", 7, "{:.2f}", lambda group: _track(group).rmse / rms(speed_bounds(group))),
    ("95 %", 7, "{:.2f}", lambda group: _track(group).worst),
    ("cover", 7, "{:.1f}%", lambda group: _track(group).cover),
    ("+-", 7, "{:.2f}", lambda group: _track(group).half_width),
    ("IPPE bias", 11, "{:+.2f}", lambda group: float(np.nanmean(_ippe_kmh(group)))),
    ("IPPE RMSE", 11, "{:.2f}", lambda group: rms(_ippe_kmh(group))),
    ("ours/IPPE", 11, "{:.2f}", lambda group: _track(group).rmse / rms(_ippe_kmh(group))),
)
_RANGE: tuple[Column, ...] = (
    ("n", 6, "{:.0f}", lambda group: _range(group).count),
    ("bias", 8, "{:+.2f}", lambda group: _range(group).bias),
    ("mean abs", 10, "{:.2f}", lambda group: _range(group).mean_abs),
    ("least", 7, "{:.2f}", least_mean_abs),
    ("RMSE", 7, "{:.2f}", lambda group: _range(group).rmse),
    ("bound", 7, "{:.2f}", lambda group: rms(range_bounds(group))),
    ("cover", 8, "{:.1f}%", lambda group: _range(group).cover),
    ("+-", 7, "{:.2f}", lambda group: _range(group).half_width),
    ("along lane: mean abs", 22, "{:.2f}", lambda group: _along(group).mean_abs),
    ("cover", 8, "{:.1f}%", lambda group: _along(group).cover),
)
_MANOEUVRES: tuple[Column, ...] = (
    ("n", 6, "{:.0f}", lambda group: _now(group).count),
    ("bias", 8, "{:+.3f}", lambda group: _now(group).bias),
    ("RMSE", 7, "{:.3f}", lambda group: _now(group).rmse),
    ("95 %", 7, "{:.2f}", lambda group: _now(group).worst),
    ("cover", 8, "{:.1f}%", lambda group: _now(group).cover),
    ("+-", 7, "{:.2f}", lambda group: _now(group).half_width),
    ("over track: RMSE", 18, "{:.3f}", lambda group: _track(group).rmse),
    ("cover", 8, "{:.1f}%", lambda group: _track(group).cover),
    ("range: cover", 14, "{:.1f}%", lambda group: _range(group).cover),
)
_CONDITIONS: tuple[Column, ...] = (
    ("n", 6, "{:.0f}", lambda group: _track(group).count),
    ("speed bias", 12, "{:+.3f}", lambda group: _track(group).bias),
    ("RMSE", 7, "{:.3f}", lambda group: _track(group).rmse),
    ("bound", 7, "{:.3f}", lambda group: rms(speed_bounds(group))),
    ("95 %", 7, "{:.2f}", lambda group: _track(group).worst),
    ("cover", 8, "{:.1f}%", lambda group: _track(group).cover),
    ("range: mean abs", 17, "{:.2f}%", lambda group: _range(group).mean_abs),
    ("least", 8, "{:.2f}%", least_mean_abs),
    ("cover", 8, "{:.1f}%", lambda group: _range(group).cover),
    ("along: cover", 14, "{:.1f}%", lambda group: _along(group).cover),
)


def report(
    cases: Cases, others: Mapping[str, Sequence[Result]], update_ms: Sequence[Sequence[float]]
) -> Iterator[str]:
    """Lines of text."""
    for name, manoeuvres in cases.items():
        steady = manoeuvres["steady"]
        moving = {key: group for key, group in manoeuvres.items() if key in _MIX}
        yield f"\n{name}: speed over the track, constant speed, {len(steady)} passages"
        yield from _table(_SPEED, by_all(steady))
        yield f"\n{name}: range and distance at the newest frame, errors in % of the range"
        yield from _table(_RANGE, by_all(steady))
        yield f"\n{name}: present speed, by manoeuvre"
        yield from _table(_MANOEUVRES, moving.items())
        yield f"\n{name}: intervals that hold, all manoeuvres mixed " + ":".join(map(str, _MIX.values()))
        yield from _mixed_table(moving)
        yield from _sentences(manoeuvres)
    yield "\nother conditions, constant speed"
    yield from _table(_CONDITIONS, others.items())
    first = [row[0] for row in update_ms]
    later = [item for row in update_ms for item in row[1:]]
    middle, high, highest = np.percentile(later, [50, 95, 99])
    yield (
        f"\nprocessor time, least of five runs: update median {middle:.2f} ms, 95 % {high:.2f} ms, "
        f"99 % {highest:.2f} ms, under {_QUICK_MS} ms in {100 * np.mean(np.less(later, _QUICK_MS)):.1f} %; "
        f"first estimate of a passage median {np.median(first):.2f} ms"
    )


def _table(columns: Sequence[Column], groups: Iterable[tuple[str, Group]]) -> Iterator[str]:
    """A heading, and a line for each group; figures that are not known are shown as -."""
    yield " " * _LABEL_WIDTH + "".join(title.rjust(width) for title, width, _, _ in columns)
    for label, group in groups:
        values = [(figure(group), width, form) for _, width, form, figure in columns]
        cells = [
            (form.format(value) if np.isfinite(value) else "-").rjust(width) for value, width, form in values
        ]
        yield label.ljust(_LABEL_WIDTH) + "".join(cells)


def _mixed_table(moving: Mapping[str, Group]) -> Iterator[str]:
    """Coverage over traffic that is a mixture of the manoeuvres, by distance."""
    picks: dict[str, Pick] = {
        "present speed": lambda item: item.speed,
        "over track": lambda item: item.track_speed,
        "range": lambda item: item.range_m,
        "along lane": lambda item: item.distance_m,
    }
    weights = {id(item): _MIX[name] / len(group) for name, group in moving.items() for item in group}

    def covered(pick: Pick) -> Callable[[Group], float]:
        def cover(group: Group) -> float:
            held, own = Figures(group, pick).held, np.array([weights[id(item)] for item in group])
            known = np.isfinite(held)
            return float(100 * np.average(held[known], weights=own[known]))

        return cover

    columns: list[Column] = [("n", 6, "{:.0f}", len)]
    columns += [(name, 15, "{:.1f}%", covered(pick)) for name, pick in picks.items()]
    everything = [item for group in moving.values() for item in group]
    yield from _table(columns, [("all", everything), *by_distance(everything)])


def _sentences(manoeuvres: Mapping[str, Group]) -> Iterator[str]:
    """What does not fit into a table."""
    steady, stopped, glance = (manoeuvres[name] for name in ("steady", "stopped", "glance"))
    speed = _track(steady)
    known = np.isfinite(speed.errors)
    error, limit = speed.errors[known], np.maximum(0.8, 0.03 * speed.truths[known])
    yield (
        f"speed over the track: {100 * np.mean(np.abs(error) <= limit):.1f} % within 0.8 km/h or 3 %, "
        f"{100 * np.mean((error > -3) & (error < 2)):.2f} % within [-3, +2] km/h"
    )
    everything = [item for group in manoeuvres.values() for item in group]
    wrong = sum(item.format_named and not item.format_right for item in everything)
    withheld = sum(not item.format_named for item in everything)
    yield (
        f"format: {len(everything)} passages, {wrong} wrong, {withheld} withheld: "
        f"{100 - 100 * wrong / len(everything):.2f} % right or withheld"
    )
    standing = _now(stopped)
    held = np.nan_to_num(standing.held)
    narrow = held * (2 * standing.half_widths < 0.3)
    yield (
        f"stopped for 2 s: interval contains 0 in {100 * np.mean(held):.1f} %, median width "
        f"{2 * standing.half_width:.3f} km/h, contains 0 and under 0.3 km/h wide in {100 * np.mean(narrow):.1f} %, "
        f"called stopped in {100 * np.mean([item.motion == 'stopped' for item in stopped]):.1f} %"
    )
    one = _range(glance)
    yield f"a single frame at 10 m: mean absolute error {one.mean_abs:.2f} %, coverage {one.cover:.1f} %"
    qualities = sorted({item.quality for item in steady})
    counts = {quality: sum(item.quality == quality for item in steady) for quality in qualities}
    yield "quality of the steady passages: " + ", ".join(f"{key} {count}" for key, count in counts.items())
