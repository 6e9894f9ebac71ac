"""Distance and speed of one vehicle from its plate's corners, with intervals, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from calib.camera import Camera
from pipeline.frames import Estimate, Motion, MotionEstimate
from pipeline.post.fit import Window
from pipeline.post.hypotheses import Hypothesis, follow, search
from pipeline.post.intervals import normal_below, summed_up
from pipeline.post.plate_formats import PlateFormat
from pipeline.post.priors import edge_bias, pose_prior
from pipeline.post.quantities import (
    DISTANCE_M,
    RANGE_M,
    SPEED_NOW_KMH,
    SPEED_OVER_TRACK_KMH,
    Quantities,
)
from pipeline.post.track_data import RayMaker, TrackData, TrackPoint, areas, thinned

Array = NDArray[np.float64]
SpeedOver = Literal["now", "track"]

_FRAMES_USED = 64
_LEAST_FRAMES, _LEAST_SPAN_S = 5, 0.15  # for a speed
_CREDIBLE = 0.998  # Gaussians are taken, most probable first, until they hold this much probability
_REVERSAL = 0.002  # probability that a vehicle changes its direction within the window
_FORGOTTEN = 9.0  # a hypothesis this much less probable (log) than the best is followed no longer
_DOUBTFUL_NOISE = 3.0  # times the stated noise; the formats and branches are searched again
_FORMAT_SPREAD = 0.03  # of the range: formats that disagree by more leave the distance open
_LARGEST_RESIDUAL = 0.06  # of the plate's width in the image, root mean square
_WIDEST_SPEED_KMH, _WIDEST_SPEED = 3.0, 0.25  # half-width of the widest interval that is still published
_STANDSTILL_KMH = 0.3
_STANDSTILL_WIDTH_KMH = 1.0
_RANGE_LIMITS_M = (0.3, 100.0)
_FASTEST_KMH = 150.0


def estimate_motion(
    points: Sequence[TrackPoint],
    camera: Camera | None,
    formats: Sequence[PlateFormat],
    speed_over: SpeedOver = "now",
) -> MotionEstimate:
    """Distance at the newest point and speed there, or the mean speed over all points.

    Without a mount there is no lane and no stop line: `distance_m` is then the plate's distance along its
    own line of travel from the point abreast of the camera, the line being estimated from the motion and
    the plate's facing.

    Args:
        points: one track, at least one point, times rising, of one epoch.
        camera: None gives quality "uncalibrated" and no number.
        formats: the plate formats that may occur, at least one.
        speed_over: "now" or "track".
    """
    if camera is None:
        return withheld("uncalibrated")
    follower = MotionFollower(camera, formats)
    follower.add(points)
    return follower.estimate(speed_over)


def withheld(
    quality: str, plate_format: str | None = None, probability: float | None = None
) -> MotionEstimate:
    """No number, and why."""
    return MotionEstimate(None, None, None, "unknown", plate_format, probability, quality)


class MotionFollower:
    """Distance and speed of one vehicle while it is seen, over a sliding window.

    The first estimate searches formats and branches; the later ones start from the one before and keep only the
    hypotheses that are still alive. When none explains the track well, the search is made again.
    """

    def __init__(
        self, camera: Camera, formats: Sequence[PlateFormat], window_s: float = float("inf")
    ) -> None:
        self._camera, self._formats, self._window_s = camera, formats, window_s
        self._rays, self._measure = RayMaker(camera), Quantities(camera)
        self._prior = pose_prior(camera)
        self._data: TrackData | None = None
        self._hypotheses: list[Hypothesis] = []
        self._newest_s = 0.0

    def add(self, points: Sequence[TrackPoint]) -> None:
        """Append points; those that leave the window, and corners that cannot be a plate's, are left out."""
        data = self._rays(points)
        data = data[areas(data.rays) > 0]
        if self._data is not None:
            data = self._data + data
        if len(data):
            data = data[data.times_s >= data.times_s[-1] - self._window_s]
        self._data = data

    def restart(self) -> None:
        """Forget the points: times from here on have nothing to do with the earlier ones."""
        self._data, self._hypotheses = None, []

    def estimate(self, speed_over: SpeedOver = "now") -> MotionEstimate:
        """Distance at the newest point and the speed there, or the mean speed over the window."""
        if self._data is None or len(self._data) == 0:
            return withheld("implausible")
        window = Window(thinned(self._data, _FRAMES_USED))
        found = self._explained(window)
        if not found:
            return withheld("implausible")
        return _judged(found, self._measure, window.data, speed_over)

    def _explained(self, window: Window) -> list[Hypothesis]:
        """The hypotheses, most probable first."""
        newest_s = float(window.data.times_s[-1])
        found = follow(self._hypotheses, newest_s - self._newest_s, window, self._prior, self._measure)
        found.sort(key=lambda item: -item.log_weight)
        if (
            not found
            or found[0].plate_format is None
            or relative_residual(found[0], window.data) > _LARGEST_RESIDUAL
        ):
            found = search(window, self._camera, self._prior, self._formats, self._measure)
            found.sort(key=lambda item: -item.log_weight)
        self._newest_s = newest_s
        self._hypotheses = [item for item in found if item.log_weight > found[0].log_weight - _FORGOTTEN]
        return self._hypotheses


def relative_residual(hypothesis: Hypothesis, data: TrackData) -> float:
    """Root mean square corner residual of the inliers in the image over the plate's width there.

    What an error of a frame's time explains is left out.
    """
    near, keep = hypothesis.fit.near, hypothesis.fit.inliers
    residuals, by_time = near.residuals[keep], near.by_time[keep]
    shifts = np.sum(residuals * by_time, axis=1) / np.maximum(np.sum(by_time**2, axis=1), 1e-9)
    across = residuals - shifts[:, None] * by_time
    whiteners = data.whiteners[keep]
    per_unit = 1.0 / (whiteners[..., 0, 0] * whiteners[..., 1, 1])  # ray^2 per residual^2, lower triangular
    widths = data.rays[keep, 1] - data.rays[keep, 0]
    sizes = np.sum(across.reshape(-1, 4, 2) ** 2, axis=2) * per_unit
    return float(np.sqrt(np.mean(sizes / np.sum(widths**2, axis=1, keepdims=True))))


def _judged(
    hypotheses: Sequence[Hypothesis], measure: Quantities, data: TrackData, speed_over: SpeedOver
) -> MotionEstimate:
    """The numbers of an explanation, each only if it can be stood by."""
    name, probability = _format(hypotheses)
    weights, means, sds = _components(hypotheses, measure)
    width_sd, _ = edge_bias(data, hypotheses[0].posterior.noise_scale)
    sds = np.hypot(sds, width_sd * means)
    ranges = means[:, RANGE_M]
    centre_m = weights @ ranges
    if name is None or np.sqrt(weights @ (ranges - centre_m) ** 2) > _FORMAT_SPREAD * centre_m:
        return withheld("format_ambiguous", name, probability)
    if relative_residual(hypotheses[0], data) > _LARGEST_RESIDUAL:
        return withheld("residuals_too_large", name, probability)
    speed_index = SPEED_NOW_KMH if speed_over == "now" else SPEED_OVER_TRACK_KMH
    chosen = [RANGE_M, DISTANCE_M, speed_index]
    distance, along, speed = summed_up(weights, means[:, chosen], sds[:, chosen])
    if not (_RANGE_LIMITS_M[0] < distance.value < _RANGE_LIMITS_M[1] and abs(speed.value) < _FASTEST_KMH):
        return withheld("implausible", name, probability)
    reason = _speed_objection(data, speed)
    if reason:
        return MotionEstimate(distance, along, None, "unknown", name, probability, reason)
    return MotionEstimate(distance, along, speed, _direction(speed), name, probability, "ok")


def _components(hypotheses: Sequence[Hypothesis], measure: Quantities) -> tuple[Array, Array, Array]:
    """The m most probable Gaussians of all hypotheses: weights (m,), means and sds (m, 4) of the quantities."""
    parts = [item.posterior.mixture for item in hypotheses]
    logs = np.concatenate(
        [item.log_prior + part.log_weights for item, part in zip(hypotheses, parts, strict=True)]
    )
    weights = np.exp(logs - logs.max())
    means = np.concatenate([part.means for part in parts])
    variances = np.diagonal(np.concatenate([part.covariances for part in parts]), axis1=1, axis2=2)
    weights *= _no_reversal(means, variances)
    order = np.argsort(-weights, kind="stable")
    totals = np.cumsum(weights[order])
    keep = order[: int(np.searchsorted(totals, _CREDIBLE * totals[-1])) + 1]
    mount_sd = measure.of_the_mount_sd(hypotheses[0].fit.motion)
    return weights[keep] / weights[keep].sum(), means[keep], np.sqrt(variances[keep] + mount_sd**2)


def _no_reversal(means: Array, variances: Array) -> Array:
    """Weight (m,) of each Gaussian for how surely the vehicle still drives, or stands, as it did over the track.

    A vehicle that brakes comes to a stop; the model's accelerations would have it drive backwards.
    """
    speeds = [SPEED_NOW_KMH, SPEED_OVER_TRACK_KMH]
    now, before = normal_below(means[:, speeds] / np.sqrt(np.maximum(variances[:, speeds], 1e-12))).T
    same = now * before + (1 - now) * (1 - before)
    return _REVERSAL + (1 - _REVERSAL) * same


def _format(hypotheses: Sequence[Hypothesis]) -> tuple[str | None, float | None]:
    """Name and probability of the most probable format; None if the plate is rather of none of them."""
    totals: dict[str | None, float] = {}
    top = max(item.log_weight for item in hypotheses)
    for item in hypotheses:
        name = item.plate_format.name if item.plate_format else None
        totals[name] = totals.get(name, 0.0) + float(np.exp(item.log_weight - top))
    best = max(totals, key=lambda key: totals[key])
    return best, None if best is None else totals[best] / sum(totals.values())


def _speed_objection(data: TrackData, speed: Estimate) -> str | None:
    """Why this speed is not published, if so."""
    if len(data) < _LEAST_FRAMES or np.ptp(data.times_s) < _LEAST_SPAN_S:
        return "too_few_frames"
    if speed.ci95[1] - speed.value > max(_WIDEST_SPEED_KMH, _WIDEST_SPEED * abs(speed.value)):
        return "too_little_travel"
    return None


def _direction(speed: Estimate) -> Motion:
    """The direction that the whole interval agrees on."""
    low, high = speed.ci95
    if low < _STANDSTILL_KMH and high > -_STANDSTILL_KMH and high - low < _STANDSTILL_WIDTH_KMH:
        return "stopped"
    if low > 0:
        return "approaching"
    return "leaving" if high < 0 else "unknown"
