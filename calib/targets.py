"""Things of known shape that were seen at the gate, and how they were held there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

UPRIGHT: Array = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""Road axes of a target that faces the camera: its x to the right, its y down, its z away."""
FLAT: Array = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]])
"""The same of one that lies on the road, its lower edge towards the camera."""


@dataclass(frozen=True, eq=False)
class Target:
    """Something of known shape, seen once.

    Attributes:
        name: for the user, such as the image's file name.
        points_m: (n, 3) in its own frame, whose origin is the point that the tape went to.
        corners_px: (n, 2) where they were seen.
        covariances_px2: (n, 2, 2).
        distance_m: taped along the road, straight from the point under the camera to the one under the origin;
            None if not taped.
        range_m: taped straight from the lens; None if not taped. One of the two at most.
        tape_sd_m: of either.
    """

    name: str
    points_m: Array
    corners_px: Array
    covariances_px2: Array
    distance_m: float | None = None
    range_m: float | None = None
    tape_sd_m: float = 0.01

    @property
    def taped_m(self) -> float | None:
        """What the tape said."""
        return self.range_m if self.distance_m is None else self.distance_m

    def along_tape_m(self, place_m: Array, height_m: float) -> Array:
        """(3,) from where the tape began to the target, which is at (X, Y, Z) in the road frame.

        The tape began at the lens, `height_m` above the road, for a range, else level with the target.
        """
        begin_m = height_m if self.distance_m is None else place_m[2]
        return np.asarray(place_m - (0.0, 0.0, begin_m))


class Held(NamedTuple):
    """How targets are held: across the lane, above the road (m), turned right, tilted up, leaning (degrees)."""

    x_m: float
    z_m: float
    turn_deg: float
    tilt_deg: float
    lean_deg: float

    def radians(self) -> Array:
        """(5,) with the angles in radians."""
        return np.array([self.x_m, self.z_m, *np.radians(self[2:])])


@dataclass(frozen=True, eq=False)
class Group:
    """Targets that are held alike.

    Attributes:
        targets: at least one.
        axes: `UPRIGHT` or `FLAT`.
        mean, common_sd: how they are held, and how far all of them together may differ from that.
        single_sd: how far each may differ from the others.
    """

    targets: tuple[Target, ...]
    axes: Array
    mean: Held
    common_sd: Held
    single_sd: Held


def turned(axes: Array, turn: float, tilt: float, lean: float) -> Array:
    """(3, 3) rotation from a target's frame to the road's."""
    ct, st, ci, si, cl, sl = (
        np.cos(turn),
        np.sin(turn),
        np.cos(tilt),
        np.sin(tilt),
        np.cos(lean),
        np.sin(lean),
    )
    about_z = np.array([[ct, st, 0.0], [-st, ct, 0.0], [0.0, 0.0, 1.0]])
    about_x = np.array([[1.0, 0.0, 0.0], [0.0, ci, -si], [0.0, si, ci]])
    about_y = np.array([[cl, 0.0, sl], [0.0, 1.0, 0.0], [-sl, 0.0, cl]])
    return np.asarray(about_z @ about_x @ about_y @ axes)
