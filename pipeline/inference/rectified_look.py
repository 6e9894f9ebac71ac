"""A look at the plate made upright: a small network moves corners that are nearly right to the plate's outer edge.

The large network sees any image; what it says about corners is off by a share of a heatmap cell that the size and the
tilt of the plate change. Here every plate is in the same place at the same size (`rectify`), so that a network of a
hundredth of the cost sees nothing but what is left to do. Two such networks take turns: that of the rectified look
finds the corners, then that of the edge look where the plate's straight edges run, seen over their whole length. Both
also say how sure they are of each corner, but the wider covariances of the looks before hold more of the errors on
photographs (docs/accuracy.md). Those are kept, and made wider the less a view shows a plate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.frames import PlateLocation
from pipeline.inference.locator import MIN_PRESENCE, PlateLocator
from pipeline.inference.rectify import inverse, jacobians, rectified, target_corners_px, transform_points
from pipeline.inference.session import NetworkSession

ROUNDS = 2
"""More make the corners no better (docs/accuracy.md)."""
IN_PLACE = 0.5
"""A view with a lower presence than this does not show a plate in its middle: the given corners are kept."""
FURTHEST_PX = 40.0
"""Nor are corners believed that lie further than this, in the view, from where they were expected."""

_SURE = 0.999  # presence of a view from which on it leaves no doubt


class RectifiedLook:
    """Corrects the corners that other looks found.

    Args:
        session: a network for rectified views, with inputs of `rectify.INPUT_PX`.
        rounds: how often the plate is rectified: by the given corners first, then by the network's own answer.
        own_covariances: state the network's own instead of those of the look before.
    """

    def __init__(
        self,
        session: NetworkSession,
        rounds: int = ROUNDS,
        own_covariances: bool = False,
    ) -> None:
        self._views, self._rounds, self._own_covariances = PlateLocator(session), rounds, own_covariances

    def refine(
        self, images: Sequence[NDArray[np.uint8]], locations: Sequence[PlateLocation]
    ) -> list[PlateLocation]:
        """The given locations with better corners, the very array given where no view shows a plate; presence stays.

        Raises:
            GateError: the network failed.
        """
        answers, presence = list(locations), dict[int, float]()
        for _ in range(self._rounds):
            views = _upright(images, answers)
            seen = self._views.locate([view for view, _ in views.values()])
            for (index, (_, homography)), view in zip(views.items(), seen, strict=True):
                answers[index] = corrected(answers[index], view, homography)
                presence[index] = min(presence.get(index, 1.0), view.presence)
        if not self._own_covariances:
            for index, lowest in presence.items():
                stated_px2 = locations[index].corner_cov_px2 * _doubt(lowest) ** 2
                answers[index] = replace(answers[index], corner_cov_px2=stated_px2)
        return answers

    def interrupt(self) -> None:
        """Make a `refine` in another thread, and every later one, end soon with a GateError."""
        self._views.interrupt()


def _doubt(presence: float) -> float:
    """What the standard deviations of a plate's corners are multiplied with, by the lowest presence in its views.

    Fitted to validation photographs under hard conditions (docs/accuracy.md): 2.2 at a presence of 0.99, 8 at 0.5.
    """
    return max((1.0 - presence) / (1.0 - _SURE), 1.0) ** (1 / 3)


def _upright(
    images: Sequence[NDArray[np.uint8]], answers: Sequence[PlateLocation]
) -> dict[int, tuple[NDArray[np.uint8], NDArray[np.float64]]]:
    """The view of each plate and its homography, by the index of its image."""
    views = {}
    for index, answer in enumerate(answers):
        if answer.presence >= MIN_PRESENCE:
            try:
                views[index] = rectified(images[index], answer.corners_px)
            except ValueError:
                continue  # corners that are no plate's cannot be made upright
    return views


def corrected(given: PlateLocation, seen: PlateLocation, homography: NDArray[np.float64]) -> PlateLocation:
    """The answer to a rectified view brought to the image, or the given location where the view shows no plate.

    Covariances go through the homography's derivative at each corner: J cov J^T.

    Args:
        given: whose corners made the view.
        seen: the network's answer in the view's pixels.
        homography: from the image to the view.
    """
    moved_px = np.linalg.norm(seen.corners_px - target_corners_px(), axis=1).max()
    if seen.presence < IN_PLACE or moved_px > FURTHEST_PX:
        return given
    to_image = inverse(homography)
    derivatives = jacobians(to_image, seen.corners_px)
    return PlateLocation(
        given.presence,
        transform_points(to_image, seen.corners_px),
        derivatives @ seen.corner_cov_px2 @ derivatives.transpose(0, 2, 1),
    )
