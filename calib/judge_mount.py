"""Plain-language verdicts on a fitted mount."""

from __future__ import annotations

from collections.abc import Sequence

from calib.camera import Camera, Mount
from calib.findings import Finding
from calib.mount import MountFit
from calib.residuals import Residual

_GOOD_HEIGHT_M, _GOOD_PITCH_DEG, _MISFIT = 0.03, 0.3, 1.7  # sd, sd, ratio


def judge_mount(
    camera: Camera, fit: MountFit, residuals: Sequence[Residual], earlier: Mount | None
) -> list[Finding]:
    """Which measurement does not agree, which quantity is not known well enough, and what of `earlier` is lost."""
    sd = camera.uncertainty
    findings = [_disagreement(item) for item in residuals if not item.agrees]
    if len(findings) > 1:
        findings.append(_advice_on_many(residuals))
    elif not findings and fit.misfit > _MISFIT:
        text = (
            f"the measurements fit each other {fit.misfit:.1f} times worse than their tapes and "
            "corners should; the ± were "
            "widened. Check the plate's format and its height above the road"
        )
        findings.append(Finding("improve", "misfit", text))
    if (sd.height_m or 0) > _GOOD_HEIGHT_M:
        text = (
            f"the height is known to ±{196 * (sd.height_m or 0):.0f} cm only; tape the plate's height "
            "above the road, or the "
            "camera's ([camera] height_m)"
        )
        findings.append(Finding("improve", "height", text))
    if (sd.pitch_deg or 0) > _GOOD_PITCH_DEG:
        text = (
            f"the pitch is known to ±{1.96 * (sd.pitch_deg or 0):.1f} degrees only; add a plate "
            "farther away, at 8 m or more"
        )
        findings.append(Finding("improve", "pitch", text))
    if sd.stop_line_m is None:
        findings.append(_no_stop_line(earlier))
    return findings or [
        Finding("good", "mount", "all measurements agree, and height and pitch are known well enough")
    ]


def _no_stop_line(earlier: Mount | None) -> Finding:
    text = "no stop line was given: distances count from below the camera"
    if earlier is not None and earlier.stop_line_m:
        text = (
            f"the camera file had a stop line at {earlier.stop_line_m:.3f} m and has none now, as none was given: "
            "distances count from below the camera. Write the line's clicks or its distance into [stop_line] of the "
            "measurements, or give --click, and run mount again"
        )
    return Finding("improve", "no_stop_line", text)


def _disagreement(item: Residual) -> Finding:
    text = (
        f"{item.name}: taped {item.taped_m:.2f} m, but everything else says {item.predicted_m:.2f} ± "
        f"{1.96 * item.sd_m:.2f} m; "
        "measure it again, or check the number typed"
    )
    return Finding("improve", "tape_disagrees", text)


def _advice_on_many(residuals: Sequence[Residual]) -> Finding:
    worst = max(residuals, key=lambda item: abs(item.error_cm) / item.sd_m)
    text = (
        f"one wrong distance makes others look wrong too; begin with {worst.name}, which fits "
        "worst, and check the plate's format"
    )
    return Finding("improve", "several_disagree", text)
