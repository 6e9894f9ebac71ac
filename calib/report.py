"""The report: one HTML file that needs nothing else, with verdicts first and the figures behind them after."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from calib import pictures
from calib.acceptance import Check
from calib.camera import Camera
from calib.expected import Expected, expected_errors
from calib.findings import Finding
from calib.lens import PARAMETERS
from calib.record import LensRecord, MountRecord, Record, report_path
from pipeline.page import figure, page, table
from pipeline.post.plate_formats import PlateFormat

_STYLE = """
.f{padding:8px 12px;margin:6px 0;border-left:6px solid;border-radius:3px}.good{border-color:#1a7f37;background:#eaf6ec}
.improve{border-color:#d4a017;background:#fff8e1}.refuse{border-color:#d1242f;background:#fdecec}b.t{margin-right:6px}
"""
_WORDS = {"good": "Good.", "improve": "Improve:", "refuse": "Not usable:"}
_MODELS = {
    "none": "no distortion",
    "k1": "k1",
    "k1k2": "k1, k2",
    "full": "k1, k2, k3, p1, p2",
}
_UNITS = {
    "height_m": "m",
    "pitch_deg": "degrees",
    "roll_deg": "degrees",
    "lane_yaw_deg": "degrees",
    "stop_line_m": "m",
}
_NAMES = {
    "height_m": "height above the road",
    "pitch_deg": "pitch (looking down)",
    "roll_deg": "roll (scene turned clockwise)",
    "lane_yaw_deg": "lane direction (to the right)",
    "stop_line_m": "stop line, from below the camera",
}


def write_report(camera: Camera, record: Record, camera_path: Path, plate_format: PlateFormat) -> Path:
    """Write the report of a camera file beside it.

    Returns:
        Where it is.
    """
    path = report_path(camera_path)
    expected = expected_errors(camera, plate_format)
    path.write_text(report_html(camera, record, expected, plate_format), encoding="utf-8")
    return path


def report_html(
    camera: Camera, record: Record, expected: Sequence[Expected], plate_format: PlateFormat
) -> str:
    """The whole page."""
    lens = camera.intrinsics
    parts = [
        f"<h1>Calibration of camera {escape(camera.camera_id)}</h1>",
        f'<p class="sub">{lens.width} x {lens.height} px. ± is the 95 % interval everywhere in this report.</p>',
        "<h2>Verdict</h2>",
        *_verdicts(record),
        "<h2>Expected errors</h2>",
        _expected(expected, camera, plate_format),
    ]
    parts += _lens(record.lens, (lens.width, lens.height)) if record.lens else []
    parts += _mount(camera, record.mount)
    parts += _checks(record.checks)
    return page(f"Calibration of camera {camera.camera_id}", parts, _STYLE)


def _verdicts(record: Record) -> list[str]:
    findings = [
        *(record.lens.findings if record.lens else ()),
        *(record.mount.findings if record.mount else ()),
    ]
    levels = {"agrees": "good", "weak": "improve", "disagrees": "refuse"}
    lines = [_finding(item) for item in sorted(findings, key=lambda item: item.level == "good")]
    lines += [_box(levels[check.verdict], "Tape check:", check.text) for check in record.checks[-3:]]
    if record.mount is None:
        advice = "how the camera hangs was not measured; python -m calib mount makes distances about three times surer"
        lines.append(_box("improve", "Next:", advice))
    elif not record.checks:
        lines.append(
            _box("improve", "Next:", "hold a plate at a taped distance and run python -m calib check")
        )
    return lines


def _expected(expected: Sequence[Expected], camera: Camera, plate_format: PlateFormat) -> str:
    mount = "its mount" if camera.mount else "no mount (the plate alone gives the distance)"
    caption = (
        f"What the program's own estimator states for a {plate_format.name} plate that approaches at "
        "15 km/h, seen for one "
        "second at 25 frames a second up to that distance, with corners good to 1 px, with this lens "
        f"and {mount}. Nothing "
        "is drawn where the plate is outside the image or no number would be published."
    )
    return (
        f"<p>{caption}</p>"
        + '<div class="cols">'
        + figure("Distance", pictures.expected_distance(expected), "")
        + figure("Speed", pictures.expected_speed(expected), "")
        + "</div>"
    )


def _lens(record: LensRecord, size_px: tuple[int, int]) -> list[str]:
    lens = pictures.lens_of_record(record, size_px)
    corners = sum(len(view.corners_px) for view in record.views)
    figures = [
        figure(
            "Where the board was",
            pictures.coverage(record, size_px),
            "Every dot is a corner. Red cells have none, yellow ones fewer than ten: hold the board there.",
        ),
        figure(
            "How well each direction is known",
            pictures.uncertainty_map(record, size_px),
            "Standard deviation, in pixels, of where a far point would appear. Under 0.5 is good.",
        ),
        figure(
            "Residuals, 100 times enlarged",
            pictures.residual_vectors(record, size_px),
            "They should point everywhere. Arrows that agree in a region mean a bent board or a moving lens.",
        ),
        figure(
            "What the lens does",
            pictures.distortion_field(lens),
            "From where an ideal lens would put a point (dot) to where this one does, at true scale. Red: the centre.",
        ),
        figure(
            "Error of each view", pictures.views_errors(record), "A view far above the median is doubtful."
        ),
    ]
    return [
        "<h2>Lens</h2>",
        f"<p>{len(record.views)} views with {corners} corners of a {escape(record.board)}; {escape(record.date)}; "
        f"source {escape(record.source)}.</p>",
        '<div class="cols"><div>',
        _parameter_table(record),
        "</div><div>",
        _model_table(record),
        "</div></div>",
        f'<div class="cols">{"".join(figures)}</div>',
        _left_out(record),
    ]


def _parameter_table(record: LensRecord) -> str:
    rows = []
    for name, value, sd in zip(PARAMETERS, record.parameters, record.sd, strict=True):
        digits = 1 if name in PARAMETERS[:4] else 4
        unit = "px" if name in PARAMETERS[:4] else ""
        spread = f"± {1.96 * sd:.{digits + 1}f} {unit}" if sd else "held at 0"
        rows.append((name, f"{value:.{digits}f}", spread))
    note = (
        f"The ± of the fit alone was widened {record.optimism:.2f} times, because leaving views out "
        "changed the result that "
        "much more than the fit believed."
        if record.optimism > 1.02
        else "Leaving views out confirms the ± of the fit."
    )
    return table(("", "value", "95 %"), rows) + f"<p>{note}</p>"


def _model_table(record: LensRecord) -> str:
    rows = [
        (_MODELS[name] + (" (chosen)" if name == record.model else ""), f"{error:.3f} px")
        for name, error in record.held_out_px.items()
    ]
    return table(("distortion model", "error on views not used"), rows) + (
        f"<p>On the views used the error is {record.rms_px:.3f} px rms; that number always falls with "
        "more parameters.</p>"
    )


def _left_out(record: LensRecord) -> str:
    rows = [(escape(name), escape(reason)) for name, reason in record.left_out]
    return "<h3>Images left out</h3>" + table(("image", "reason"), rows) if rows else ""


def _mount(camera: Camera, record: MountRecord | None) -> list[str]:
    mount = camera.mount
    if mount is None:
        return []
    rows = []
    for key, name in _NAMES.items():
        sd = getattr(camera.uncertainty, key)
        unit = _UNITS[key]
        digits = 3 if unit == "m" else 2
        rows.append(
            (
                name,
                f"{getattr(mount, key):.{digits}f} {unit}",
                "" if sd is None else f"± {1.96 * sd:.{digits}f}",
            )
        )
    parts = [
        "<h2>Mount</h2>",
        table(("", "value", "95 %"), rows),
        pictures.side_view(mount, camera.intrinsics),
    ]
    if record is not None and record.residuals:
        listed = [
            (
                escape(item.name),
                f"{item.taped_m:.3f} m",
                f"{item.predicted_m:.3f} m",
                f"{item.error_cm:+.1f} cm",
                f"± {196 * item.sd_m:.1f} cm",
                "agrees" if item.agrees else "DOES NOT AGREE",
            )
            for item in record.residuals
        ]
        head = ("measurement", "taped", "from all others", "difference", "expected", "")
        parts += ["<h3>Every measurement against the others</h3>", table(head, listed)]
    return parts


def _checks(checks: Sequence[Check]) -> list[str]:
    if not checks:
        return []
    rows = [
        (
            escape(check.date),
            escape(f"{check.what}, {check.source}"),
            f"{check.taped_m:.2f} m",
            f"{check.estimated_m:.2f} m",
            f"{100 * check.error_m:+.1f} cm",
            f"± {100 * check.expected_m:.1f} cm",
            check.verdict,
        )
        for check in checks
    ]
    head = ("date", "what", "taped", "camera", "error", "expected", "verdict")
    return ["<h2>Acceptance: tape-measure checks</h2>", table(head, rows)]


def _finding(item: Finding) -> str:
    return _box(item.level, _WORDS[item.level], item.text)


def _box(level: str, word: str, text: str) -> str:
    return f'<div class="f {level}"><b class="t">{word}</b>{escape(text[0].upper() + text[1:])}</div>'
