"""The report's pictures of one passage, each an SVG element."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.charts import AMBER, BLUE, GREEN, GRID, INK, RED, Chart, drawing
from pipeline.frames import Estimate, MotionEstimate
from pipeline.post.track_data import TrackPoint
from pipeline.report.record import BestFrame, Published
from pipeline.report.residuals import Residuals

Array = NDArray[np.float64]

CORNERS = (("top left", BLUE), ("top right", RED), ("bottom right", GREEN), ("bottom left", AMBER))
_WIDTH = 640
_MOST_MARKS, _OUTLINES = 240, 7
_NORMAL_95 = 1.96


def jpeg_uri(jpeg: bytes) -> str:
    """The picture as an address that holds the picture itself."""
    return "data:image/jpeg;base64," + b64encode(jpeg).decode("ascii")


def track_over_image(best: BestFrame, points: Sequence[TrackPoint]) -> str:
    """The way of the four corners over the best frame, some outlines of the plate, and that of the frame itself."""
    width, height = best.size_px
    unit = width / _WIDTH
    parts = [f'<image href="{jpeg_uri(best.jpeg)}" width="{width}" height="{height}"/>']
    shown = _spread(points, _MOST_MARKS)
    corners = np.array([point.corners_px for point in shown])
    for index in np.unique(np.linspace(0, len(shown) - 1, _OUTLINES).round().astype(int)):
        parts.append(_polygon(corners[index], "#ffffff", unit))
    for way, (_, colour) in zip(corners.swapaxes(0, 1), CORNERS, strict=True):
        parts.append(
            f'<polyline points="{_points(way)}" fill="none" stroke="{colour}" stroke-width="{1.6 * unit:.2f}" '
            'stroke-linejoin="round"/>'
        )
        x, y = way[-1]
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{3 * unit:.2f}" fill="{colour}"/>')
    parts.append(_polygon(best.corners_px, "#00e63c", 2 * unit))
    return drawing(width, height, parts, 1 / unit)


def estimate_chart(
    published: Sequence[Published],
    of: Callable[[MotionEstimate], Estimate | None],
    label: str,
    span_s: tuple[float, float],
) -> str | None:
    """A published number over time with its 95 % interval; None where it was never published."""
    runs = _runs(published, of)
    estimates = [estimate for run in runs for _, estimate in run]
    if not estimates:
        return None
    low, high = (min(item.ci95[0] for item in estimates), max(item.ci95[1] for item in estimates))
    chart = Chart("time, s", label, _widened(*span_s, 0.02), _widened(low, high, 0.08))
    for run in runs:
        times, values = [time for time, _ in run], [item.value for _, item in run]
        chart.band(times, [item.ci95[0] for _, item in run], [item.ci95[1] for _, item in run], BLUE)
        chart.line(times, values, BLUE)
        chart.marks(times, values, BLUE)
    return chart.svg()


def residual_chart(found: Sequence[Residuals], axis: int, span_s: tuple[float, float]) -> str:
    """Residuals of the four corners along x (0) or y (1) over time; the grey band is what the network states."""
    pieces = [_thinned(piece, max(2, _MOST_MARKS // len(found))) for piece in found]
    stated = np.median(np.concatenate([piece.stated_sd_px[:, axis] for piece in pieces]))
    reach = max(_NORMAL_95 * float(stated), *(float(np.abs(piece.px[..., axis]).max()) for piece in pieces))
    chart = Chart("time, s", "xy"[axis] + ", px", _widened(*span_s, 0.02), _widened(-reach, reach, 0.05))
    chart.line(span_s, (0.0, 0.0), GRID)
    for piece in pieces:
        times, limits = (
            piece.times_s.tolist(),
            np.minimum(_NORMAL_95 * piece.stated_sd_px[:, axis], 1.1 * reach),
        )
        chart.band(times, (-limits).tolist(), limits.tolist(), INK)
        for column, (_, colour) in enumerate(CORNERS):
            chart.line(times, piece.px[:, column, axis].tolist(), colour)
    return chart.svg()


def _thinned(piece: Residuals, most: int) -> Residuals:
    keep = np.unique(np.linspace(0, len(piece.times_s) - 1, most).round().astype(int))
    return Residuals(piece.times_s[keep], piece.px[keep], piece.stated_sd_px[keep])


def _runs(
    published: Sequence[Published], of: Callable[[MotionEstimate], Estimate | None]
) -> list[list[tuple[float, Estimate]]]:
    """Stretches in which the number was published throughout."""
    runs: list[list[tuple[float, Estimate]]] = [[]]
    for item in published:
        estimate = of(item.motion)
        if estimate is not None:
            runs[-1].append((item.time_s, estimate))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _widened(low: float, high: float, share: float) -> tuple[float, float]:
    """The range with some room at both ends; one of no width gets some."""
    room = share * (high - low) or 0.5
    return low - room, high + room


def _spread(points: Sequence[TrackPoint], most: int) -> list[TrackPoint]:
    """At most that many, evenly spread, first and last included."""
    return [points[i] for i in np.unique(np.linspace(0, len(points) - 1, most).round().astype(int))]


def _points(corners_px: Array) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in corners_px)


def _polygon(corners_px: Array, colour: str, width: float) -> str:
    return (
        f'<polygon points="{_points(corners_px)}" fill="none" stroke="{colour}" stroke-width="{width:.2f}"/>'
    )
