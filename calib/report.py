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
from calib.record import Record, report_path
from calib.report_lens import lens_part
from calib.report_mount import mount_part
from pipeline.files import write_whole
from pipeline.page import figure, page, table
from pipeline.post.plate_formats import PlateFormat

_STYLE = """
.f{padding:8px 12px;margin:6px 0;border-left:6px solid;border-radius:3px}.good{border-color:#1a7f37;background:#eaf6ec}
.improve{border-color:#d4a017;background:#fff8e1}.refuse{border-color:#d1242f;background:#fdecec}b.t{margin-right:6px}
"""
_NEWEST = 3  # checks that stand at the top whatever they say; those that disagree all do
_WORDS = {"good": "Good.", "improve": "Improve:", "refuse": "Not usable:"}


def write_report(camera: Camera, record: Record, camera_path: Path, plate_format: PlateFormat) -> Path:
    """Write the report of a camera file beside it.

    Returns:
        Where it is.

    Raises:
        GateError: it cannot be written there.
    """
    path = report_path(camera_path)
    expected = expected_errors(camera, plate_format)
    write_whole(path, "report", report_html(camera, record, expected, plate_format).encode())
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
    parts += lens_part(record.lens, lens) if record.lens else []
    parts += mount_part(camera, record.mount)
    parts += _checks(record.checks)
    return page(f"Calibration of camera {camera.camera_id}", parts, _STYLE)


def _verdicts(record: Record) -> list[str]:
    findings = [
        *(record.lens.findings if record.lens else ()),
        *(record.mount.findings if record.mount else ()),
    ]
    levels = {"agrees": "good", "weak": "improve", "disagrees": "refuse"}
    lines = [_finding(item) for item in sorted(findings, key=lambda item: item.level == "good")]
    checks = record.current_checks
    shown = [check for check in checks[:-_NEWEST] if check.verdict == "disagrees"] + list(checks[-_NEWEST:])
    lines += [_box(levels[check.verdict], "Tape check:", check.text) for check in shown]
    if record.mount is None:
        advice = "how the camera hangs was not measured; python -m calib mount makes distances about three times surer"
        lines.append(_box("improve", "Next:", advice))
    elif not checks:
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


def _checks(checks: Sequence[Check]) -> list[str]:
    if not checks:
        return []
    rows = [
        (
            escape(check.date),
            escape(f"{check.what}, {check.source}"),
            "below the camera" if check.stop_line_m is None else "stop line",
            f"{check.taped_m - check.origin_m:.2f} m",
            f"{check.estimated_m - check.origin_m:.2f} m",
            f"{100 * check.error_m:+.1f} cm",
            f"± {100 * check.expected_m:.1f} cm",
            check.verdict,
        )
        for check in checks
    ]
    head = ("date", "what", "from", "taped", "camera", "error", "expected", "verdict")
    return ["<h2>Acceptance: tape-measure checks</h2>", table(head, rows)]


def _finding(item: Finding) -> str:
    return _box(item.level, _WORDS[item.level], item.text)


def _box(level: str, word: str, text: str) -> str:
    return f'<div class="f {level}"><b class="t">{word}</b>{escape(text[0].upper() + text[1:])}</div>'
