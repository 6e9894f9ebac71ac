"""Plain-language verdicts on a set of views and on the lens that came out of it, with what to improve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from calib.boards import Board
from calib.crossval import LensCalibration
from calib.lens_errors import zoom_by_view
from calib.views import Coverage, View, rough_lens, rough_normal
from pipeline.errors import GateError

Array = NDArray[np.float64]
Level = Literal["good", "improve", "refuse"]

LEAST_VIEWS, ENOUGH_VIEWS = 6, 20
_DISTINCT = 0.03  # pose distance below which two images show the same view
_LEAST_TURN_DEG = 12.0  # largest angle between two boards below which all are parallel
_GOOD_FOCAL, _USABLE_FOCAL = 0.002, 0.01  # 95 % half-width over the focal length
_GOOD_CROSS_PX, _NOISY_PX = 0.5, 0.6
_COVERED = {"position": 0.9, "size": 0.75, "tilt_x": 0.75, "tilt_y": 0.75}
_ZOOM_SIGNIFICANT, _ZOOM_LEAST = 4.0, 0.002
_STRETCH_LEAST = 0.004


@dataclass(frozen=True)
class Finding:
    """One verdict: `code` for programs, `text` for people."""

    level: Level
    code: str
    text: str


def refuse(findings: Sequence[Finding]) -> None:
    """Stop if anything found forbids a calibration.

    Raises:
        GateError: with all such reasons.
    """
    reasons = [f"{item.code.replace('_', ' ')}: {item.text}" for item in findings if item.level == "refuse"]
    if reasons:
        raise GateError("intrinsics: " + " | ".join(reasons))


def judge_views(views: Sequence[View], board: Board) -> list[Finding]:
    """What keeps a set of usable views from giving a lens."""
    distinct = _distinct(views, board)
    if distinct < LEAST_VIEWS:
        same = "" if distinct == len(views) else f", {len(views) - distinct} of them like another one"
        text = f"{len(views)} usable views{same}; {LEAST_VIEWS} different ones are the least, {ENOUGH_VIEWS} are good"
        return [Finding("refuse", "too_few_views", text)]
    turn = _largest_turn_deg(views, board)
    if turn < _LEAST_TURN_DEG:
        text = (
            f"the board was held nearly parallel in all views (they differ by {turn:.0f} degrees); focal length and "
            "distance cannot be told apart; tilt it 20 to 45 degrees to the left, right, up and down"
        )
        return [Finding("refuse", "all_views_parallel", text)]
    if distinct < ENOUGH_VIEWS:
        text = (
            f"{distinct} different views; with {ENOUGH_VIEWS} the edge of the image is as sure as the middle"
        )
        return [Finding("improve", "few_views", text)]
    return []


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
    findings += [item for item in (_autofocus(result, board), _stretched(result)) if item]
    return findings + judge_coverage(Coverage.of(result.views, board, lens), result)


def judge_coverage(coverage: Coverage, result: LensCalibration | None = None) -> list[Finding]:
    """Which regions and poses are missing."""
    advice = {
        "position": f"few or no corners at the {_empty_region(coverage.counts)} of the image; hold the board there too",
        "size": "the board is about equally large in all views; take some from near and some from farther away",
        "tilt_x": "turn the board's left and right edges towards the camera more, 25 degrees and beyond",
        "tilt_y": "tip the board's upper and lower edges towards the camera more, 25 degrees and beyond",
    }
    shares = coverage.shares
    findings = [
        Finding("improve", f"coverage_{key}", text)
        for key, text in advice.items()
        if shares[key] < _COVERED[key]
    ]
    if result is not None:
        edge = float(np.percentile(result.cross_px, 95))
        if edge > _GOOD_CROSS_PX:
            text = (
                f"towards the edge of the image directions are uncertain by {edge:.1f} px (1 sd); "
                "take views with the board there"
            )
            findings.append(Finding("improve", "uncertain_edge", text))
    return findings or [Finding("good", "coverage", "the views cover the image, sizes and tilts well")]


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


def _distinct(views: Sequence[View], board: Board) -> int:
    """How many views are unlike all earlier ones."""
    kept = Coverage.of([], board).poses
    for pose in Coverage.of(views, board).poses:
        if all(pose.distance(other) > _DISTINCT for other in kept):
            kept = (*kept, pose)
    return len(kept)


def _largest_turn_deg(views: Sequence[View], board: Board) -> float:
    """Largest angle between the boards of two views, under a usual lens."""
    normals = np.array([rough_normal(view, board, rough_lens(view.size_px)) for view in views])
    return float(np.degrees(np.arccos(np.clip(normals @ normals.T, -1, 1)).max()))


def _empty_region(counts: NDArray[np.int64]) -> str:
    """Which side or quarter of the image has the largest share of cells without corners, in words."""
    empty, (rows, columns) = counts == 0, counts.shape
    upper, lower = slice(0, rows // 3), slice(rows - rows // 3, rows)
    left, right = slice(0, columns // 3), slice(columns - columns // 3, columns)
    whole = slice(None)
    parts = {"left side": (whole, left), "right side": (whole, right), "upper edge": (upper, whole)}
    parts |= {
        "lower edge": (lower, whole),
        "upper left corner": (upper, left),
        "upper right corner": (upper, right),
    }
    parts |= {"lower left corner": (lower, left), "lower right corner": (lower, right)}
    return max(parts, key=lambda name: float(empty[parts[name]].mean()))
