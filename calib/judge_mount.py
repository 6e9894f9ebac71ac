"""Plain-language verdicts on a fitted mount."""

from __future__ import annotations

from collections.abc import Sequence

from calib.camera import Camera
from calib.findings import Finding
from calib.mount import MountFit
from calib.residuals import Residual

_GOOD_HEIGHT_M, _GOOD_PITCH_DEG, _MISFIT = 0.03, 0.3, 1.7  # sd, sd, ratio


def judge_mount(camera: Camera, fit: MountFit, residuals: Sequence[Residual]) -> list[Finding]:
    """Which measurement does not agree, and which quantity is not known well enough."""
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
        findings.append(
            Finding(
                "improve", "no_stop_line", "no stop line was given: distances count from below the camera"
            )
        )
    return findings or [
        Finding("good", "mount", "all measurements agree, and height and pitch are known well enough")
    ]


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
