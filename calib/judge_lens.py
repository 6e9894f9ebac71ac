"""Plain-language verdicts on a finished lens calibration, with what to improve."""

from __future__ import annotations

import numpy as np

from calib.boards import Board
from calib.camera import Camera, Intrinsics
from calib.crossval import LensCalibration
from calib.findings import Finding
from calib.judge_views import judge_coverage, region
from calib.lens_errors import zoom_by_view
from calib.views import Coverage

GOOD_EDGE_PX = 0.2  # sd of a direction; the error then stays under 0.3 px
_GOOD_FOCAL, _USABLE_FOCAL = 0.002, 0.01  # 95 % half-width over the focal length
_NOISY_PX = 0.6
_ZOOM_SIGNIFICANT, _ZOOM_LEAST = 4.0, 0.002
_STRETCH_LEAST = 0.004
_OFF_PX = 0.5  # a pixel whose ray is seen so far from it has none


def judge_lens(result: LensCalibration, board: Board) -> list[Finding]:
    """What the finished calibration says about itself."""
    lens, sd = result.fit.lens, result.sd
    focal = 1.96 * sd[0] / lens.fx
    findings = [_focal(focal), _noise(result)]
    findings += [
        Finding(
            "improve",
            "bad_view",
            f"{name} was left out: its corners miss by {error:.1f} px, far more than the others",
        )
        for name, error in result.bad
    ]
    if count := result.stray_corners:
        text = (
            f"{count} single corner{'s' * (count > 1)} left out, far off where the others say: keep fingers and "
            "reflections off the board"
        )
        findings.append(Finding("improve", "stray_corners", text))
    findings += [item for item in (_autofocus(result, board), _stretched(result), _folded(lens)) if item]
    missing = judge_coverage(Coverage.of(result.views, board, lens)) + _edge(result)
    return findings + (
        missing or [Finding("good", "coverage", "the views cover the image, sizes and tilts well")]
    )


def edge_px(result: LensCalibration) -> float:
    """How well directions are known over 95 % of the image: standard deviation in pixels."""
    return float(np.percentile(result.cross_px, 95))


def _focal(relative: float) -> Finding:
    text = f"the focal length is known to ±{100 * relative:.2f} %, which is also the share it adds to every distance"
    if relative <= _GOOD_FOCAL:
        return Finding("good", "focal", text)
    if relative <= _USABLE_FOCAL:
        return Finding(
            "improve", "focal", f"{text}; more tilted views, near and far, make it better than 0.2 %"
        )
    return Finding(
        "improve", "weak_focal", f"{text}: too uncertain for speeds; take 15 views tilted by 30 to 45 degrees"
    )


def _noise(result: LensCalibration) -> Finding:
    rms = result.held_out_px[result.fit.model]
    text = f"on views that the fit did not see, corners miss by {rms:.2f} px"
    if rms <= _NOISY_PX:
        return Finding("good", "noise", f"{text} (under {_NOISY_PX:g} px is good)")
    return Finding(
        "improve",
        "noisy_corners",
        f"{text}; under {_NOISY_PX:g} px is good: use a flat board, hold still, add light",
    )


def _autofocus(result: LensCalibration, board: Board) -> Finding | None:
    """Whether the focal length changes with the board's distance: one step of a fit with that parameter."""
    fit = result.fit
    nearness = np.array([1 / place.shift[2] for place in fit.places])
    if np.std(nearness) < 0.1 * np.mean(nearness):
        return None
    weight = (nearness - nearness.mean()) / np.std(nearness)
    change, sd = zoom_by_view(fit, result.views, board, weight)
    if abs(change) < max(_ZOOM_SIGNIFICANT * sd, _ZOOM_LEAST):
        return None
    text = (
        f"the focal length seems to change by {100 * change * np.ptp(weight):+.1f} % from the farthest view to the "
        f"nearest ({abs(change) / sd:.0f} sd): switch autofocus and zoom off, fix the focus, and take new views"
    )
    return Finding("improve", "autofocus_suspected", text)


def _stretched(result: LensCalibration) -> Finding | None:
    lens = result.fit.lens
    ratio = lens.fx / lens.fy - 1
    covariance = result.covariance[:2, :2] / np.outer((lens.fx, lens.fy), (lens.fx, lens.fy))
    sd = float(np.sqrt(max(np.array([1, -1]) @ covariance @ np.array([1, -1]), 1e-12)))
    if abs(ratio) < max(5 * sd, _STRETCH_LEAST):
        return None
    text = (
        f"fx and fy differ by {100 * ratio:+.2f} %: measure the print along both edges; a printer that stretches one "
        "direction does this (a few cameras with oblong pixels do too)"
    )
    return Finding("improve", "stretched_print", text)


def _folded(lens: Intrinsics) -> Finding | None:
    """Whether the distortion, carried on to the image's corners, folds the image over: nothing is measured there."""
    camera = Camera("lens", lens)
    across, down = np.linspace(0, lens.width - 1, 65), np.linspace(0, lens.height - 1, 49)
    pixels = np.stack(np.meshgrid(across, down), axis=2)
    rays = camera.unproject(pixels)
    seen = camera.project(np.concatenate([rays, np.ones((*rays.shape[:2], 1))], axis=2))
    share = np.mean(~(np.abs(seen - pixels).max(axis=2) < _OFF_PX))
    if share == 0:
        return None
    text = (
        f"the lens model does not reach {100 * share:.1f} % of the image, at its corners: plates there have no "
        "distance; take more views with the board at the corners"
    )
    return Finding("improve", "folded_corners", text)


def _edge(result: LensCalibration) -> list[Finding]:
    edge = edge_px(result)
    if edge <= GOOD_EDGE_PX:
        return []
    text = (
        f"at the {region(result.cross_px)} of the image directions are uncertain by up to {edge:.1f} px (1 sd; under "
        f"{GOOD_EDGE_PX:g} px is good); take more views, with the board there"
    )
    return [Finding("improve", "uncertain_edge", text)]
