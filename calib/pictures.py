"""The report's pictures, each an SVG element made from the record."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from calib.camera import Camera, Intrinsics, Mount
from calib.expected import Expected
from calib.record import LensRecord
from pipeline.charts import AMBER, BLUE, GREEN, GRID, INK, RED, Chart, arrow, drawing, heat, text

_WIDTH = 520
_RESIDUAL_TIMES = 100.0
_MOST_ARROWS = 900


def coverage(record: LensRecord, size_px: tuple[int, int]) -> str:
    """The image's area: cells without corners hatched red, every corner a dot."""
    rows, columns = len(record.counts), len(record.counts[0])
    width, height = size_px
    parts = _frame(size_px)
    for row, line in enumerate(record.counts):
        for column, count in enumerate(line):
            colour = "#fbd5d5" if count == 0 else "#e3f3e6" if count >= 10 else "#fff4cc"
            x, y = column * width / columns, row * height / rows
            parts.append(
                f'<rect x="{x:.0f}" y="{y:.0f}" width="{width / columns:.1f}" height="{height / rows:.1f}" '
                f'fill="{colour}"/>'
            )
    radius = width / 320
    parts += [
        f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{radius:.1f}" fill="{BLUE}" fill-opacity="0.55"/>'
        for view in record.views
        for x, y in view.corners_px
    ]
    return drawing(width, height, parts, _WIDTH / width)


def residual_vectors(record: LensRecord, size_px: tuple[int, int]) -> str:
    """Every corner's residual, a hundred times enlarged."""
    pairs = [
        (corner, residual)
        for view in record.views
        for corner, residual in zip(view.corners_px, view.residuals_px, strict=True)
    ]
    pairs = pairs[:: max(1, len(pairs) // _MOST_ARROWS)]
    thin = size_px[0] / 900
    parts = _frame(size_px) + [
        arrow(x, y, x + _RESIDUAL_TIMES * dx, y + _RESIDUAL_TIMES * dy, RED, thin)
        for (x, y), (dx, dy) in pairs
    ]
    bar = _RESIDUAL_TIMES * 0.5
    size = size_px[0] / 40
    parts.append(arrow(size, size_px[1] - size, size + bar, size_px[1] - size, INK, 2 * thin))
    parts.append(text(1.6 * size + bar, size_px[1] - 0.7 * size, "0.5 px", size=size))
    return drawing(*size_px, parts, _WIDTH / size_px[0])


def distortion_field(lens: Intrinsics) -> str:
    """From where an ideal lens would put a point to where this lens does, at true scale, and the centre."""
    x, y = np.meshgrid(np.linspace(0, lens.width - 1, 21), np.linspace(0, lens.height - 1, 15))
    pixels = np.stack([x.ravel(), y.ravel()], axis=1)
    ideal = Camera("lens", lens).unproject(pixels) * (lens.fx, lens.fy) + (lens.cx, lens.cy)
    inside = ((ideal > -lens.width) & (ideal < 2 * lens.width)).all(axis=1)
    thin = lens.width / 600
    parts = _frame((lens.width, lens.height))
    parts += [
        arrow(a[0], a[1], b[0], b[1], BLUE, thin) for a, b in zip(ideal[inside], pixels[inside], strict=True)
    ]
    reach = lens.width / 40
    parts.append(
        f'<path d="M{lens.cx - reach:.1f} {lens.cy:.1f}h{2 * reach:.1f}M{lens.cx:.1f} {lens.cy - reach:.1f}'
        f'v{2 * reach:.1f}" '
        f'stroke="{RED}" stroke-width="{2 * thin:.1f}"/>'
    )
    return drawing(lens.width, lens.height, parts, _WIDTH / lens.width)


def uncertainty_map(record: LensRecord, size_px: tuple[int, int]) -> str:
    """How well the direction of each pixel is known: standard deviation in pixels, white 0 to red 1 and more."""
    rows, columns = len(record.cross_px), len(record.cross_px[0])
    width, height = size_px[0] / columns, size_px[1] / rows
    parts = []
    for row, line in enumerate(record.cross_px):
        for column, sd in enumerate(line):
            x, y = column * width, row * height
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{width + 0.5:.1f}" height="{height + 0.5:.1f}" '
                f'fill="{heat(sd)}"/>'
            )
            if row % 3 == 0 and column % 2 == 0:
                parts.append(
                    text(x + width / 2, y + 0.62 * height, f"{sd:.2f}", "middle", size=size_px[0] / 42)
                )
    return drawing(*size_px, [*parts, *_frame(size_px, "none")], _WIDTH / size_px[0])


def views_errors(record: LensRecord) -> str:
    """Root mean square error of each view."""
    errors = [view.rms_px for view in record.views]
    top = max(0.3, 1.2 * max(errors))
    chart = Chart("view, in the order of the report's list", "error, px rms", (0, len(errors) + 1), (0, top))
    chart.line([0, len(errors) + 1], [float(np.median(errors))] * 2, GREEN, "median of the views")
    chart.marks(range(1, len(errors) + 1), errors, BLUE)
    return chart.svg()


def expected_distance(expected: Sequence[Expected]) -> str:
    """95 % half-width of the distance, in per cent, and the calibration's share."""
    all_of = [(item.distance_m, item.distance_sd_m, item.distance_calibration_sd_m) for item in expected]
    rows = [(d, 196 * sd / d, 196 * (share or 0) / d) for d, sd, share in all_of if sd is not None]
    return _expected_chart(rows, "± distance, %")


def expected_speed(expected: Sequence[Expected]) -> str:
    """95 % half-width of the speed, and the calibration's share."""
    all_of = [(item.distance_m, item.speed_sd_kmh, item.speed_calibration_sd_kmh) for item in expected]
    rows = [(d, 1.96 * sd, 1.96 * (share or 0)) for d, sd, share in all_of if sd is not None]
    return _expected_chart(rows, "± speed, km/h")


def side_view(mount: Mount, lens: Intrinsics) -> str:
    """The camera, its field of view and the stop line, seen from the side, to scale."""
    width, height, left, ground, far = 700, 210, 40, 170, 15.0
    metre = (width - left - 20) / far
    camera_y = ground - mount.height_m * metre
    half = np.degrees(np.arctan(lens.height / 2 / lens.fy))
    parts = [f'<line x1="0" x2="{width}" y1="{ground}" y2="{ground}" stroke="{INK}" stroke-width="2"/>']
    fan: list[tuple[float, float]] = [(left, camera_y)]
    for angle in (mount.pitch_deg - half, mount.pitch_deg + half):
        drop = np.tan(np.radians(angle))
        reach = min(far, mount.height_m / drop) if drop > 0 else far
        fan.append((left + reach * metre, camera_y + reach * drop * metre))
    fan.insert(2, (left + far * metre, ground))
    points = " ".join(f"{x:.1f},{max(2.0, y):.1f}" for x, y in fan)
    parts.append(f'<polygon points="{points}" fill="{BLUE}" fill-opacity="0.12"/>')
    parts.append(
        f'<line x1="{left}" x2="{left}" y1="{camera_y:.1f}" y2="{ground}" stroke="{GRID}" stroke-width="2"/>'
    )
    parts.append(f'<circle cx="{left}" cy="{camera_y:.1f}" r="6" fill="{INK}"/>')
    parts.append(text(left + 8, ground - 6, f"{mount.height_m:.2f} m"))
    for distance in range(0, 16, 2):
        x = left + distance * metre
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{ground}" y2="{ground + 5}" stroke="{INK}"/>')
        parts.append(text(x, ground + 19, f"{distance} m", "middle"))
    if mount.stop_line_m:
        x = left + mount.stop_line_m * metre
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{ground - 3}" y2="{ground + 3}" stroke="{RED}" stroke-width="6"/>'
        )
        parts.append(text(x, ground + 34, f"stop line {mount.stop_line_m:.2f} m", "middle"))
    return drawing(width, height, parts)


def _expected_chart(rows: Sequence[tuple[float, float, float]], label: str) -> str:
    if not rows:
        return "<p>The estimator gives no number at these distances.</p>"
    distances, total, share = (list(column) for column in zip(*rows, strict=True))
    chart = Chart("distance from the camera, m", label, (0, 16), (0, 1.3 * max(total)))
    chart.line(distances, total, BLUE, "everything: corners of 1 px and calibration")
    chart.line(distances, share, AMBER, "the calibration's share", "5 4")
    chart.marks(distances, total, BLUE)
    chart.marks(distances, share, AMBER)
    return chart.svg()


def _frame(size_px: tuple[int, int], fill: str = "#fbfcfd") -> list[str]:
    thin = size_px[0] / 400
    return [
        f'<rect x="0" y="0" width="{size_px[0]}" height="{size_px[1]}" fill="{fill}" stroke="{GRID}" '
        f'stroke-width="{2 * thin:.1f}"/>'
    ]
