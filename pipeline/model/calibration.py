"""What training measures last, on validation photographs: how far off corners are, and from when on a plate is one.

The heatmap's second moment follows how sure a corner is, but not how large its error is; part of every error, of the
labels' too, grows with the plate, and part does not. So a corner's covariance is
`scale * moment + (share * width)^2 + floor^2`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.model.figures import CHI2_95, mahalanobis2
from pipeline.model.measure import Result
from pipeline.model.photographs import PSEUDO

SCALES = np.geomspace(1e-3, 1.0, 13)
SHARES = np.linspace(0.0, 0.02, 9)
FLOORS_PX = np.linspace(0.0, 2.0, 9)
STUDENT_DEGREES = 4.0
"""Errors have heavy tails (wrong labels among them); a Gaussian likelihood would let a few decide."""
FALSE_ALARMS, MISSES = 0.02, 0.005
"""Shares of validation images that do not count: some painted-over photographs show one more plate, unlabelled."""
MAX_LOGIT = 16.0


@dataclass(frozen=True)
class Calibration:
    """What the exported graph adds to the network's bare answer.

    Attributes:
        covariance_scale: factor on a heatmap's second moment.
        covariance_share: standard deviation that is added, as a share of the plate's width.
        covariance_floor_px: standard deviation that is added, in pixels of the input.
        presence_offset: subtracted from the presence logit, so that the operating point lies at 0.5.
    """

    covariance_scale: float = 1.0
    covariance_share: float = 0.0
    covariance_floor_px: float = 0.0
    presence_offset: float = 0.0


def calibrate(results: Sequence[Result]) -> Calibration:
    """The calibration that makes answers given with `Calibration()` honest.

    Args:
        results: of photographs with exact labels, of some without a plate, and of some that were relabelled, which
            count for presence alone.
    """
    return Calibration(*_covariance(results), _presence_offset(results))


def _covariance(results: Sequence[Result]) -> tuple[float, float, float]:
    """Scale, share and floor of highest likelihood, enlarged until 95 % ellipses hold 95 % of the errors."""
    exact = [result for result in results if result.plate is not None and result.plate.label != PSEUDO]
    found = [result for result in exact if result.found]
    if not found:
        return 1.0, 0.0, 0.0
    errors = np.array([result.errors_px for result in found])
    moments = np.array([result.location.corner_cov_px2 for result in found])
    widths_px = np.array([result.found_width_px for result in found])[:, None, None, None]

    def covariances(scale: float, share: float, floor_px: float) -> NDArray[np.float64]:
        """(n, 4, 2, 2) px^2 as the graph will state them."""
        return scale * moments + ((share * widths_px) ** 2 + floor_px**2) * np.eye(2)

    candidates = itertools.product(SCALES, SHARES, FLOORS_PX)
    scale, share, floor_px = min(candidates, key=lambda trial: _surprise(errors, covariances(*trial)))
    distances2 = mahalanobis2(errors, covariances(scale, share, floor_px))
    inflation = np.quantile(distances2, 0.95) / CHI2_95
    return float(scale * inflation), float(share * np.sqrt(inflation)), float(floor_px * np.sqrt(inflation))


def _surprise(errors: NDArray[np.float64], covariances: NDArray[np.float64]) -> float:
    """Mean negative log likelihood of the corner errors under a bivariate Student distribution."""
    tail = (STUDENT_DEGREES + 2) / 2 * np.log1p(mahalanobis2(errors, covariances) / STUDENT_DEGREES)
    return float((0.5 * np.log(np.linalg.det(covariances)) + tail).mean())


def _presence_offset(results: Sequence[Result]) -> float:
    """The logit half way between the highest of the images without a plate and the lowest of those with one.

    A few of either kind are left out, as labels may be wrong.
    """
    presence = np.array([result.location.presence for result in results])
    logits = np.log(np.maximum(presence, 1e-9)) - np.log(np.maximum(1 - presence, 1e-9))
    logits = np.clip(logits, -MAX_LOGIT, MAX_LOGIT)
    has_plate = np.array([result.plate is not None for result in results])
    if has_plate.all() or not has_plate.any():
        return 0.0
    highest_without = np.quantile(logits[~has_plate], 1 - FALSE_ALARMS)
    lowest_with = np.quantile(logits[has_plate], MISSES)
    return float((highest_without + lowest_with) / 2)
