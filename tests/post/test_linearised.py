"""What the residuals of a frame tell about where its plate is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.post import drives
from pipeline.post.fit import fit
from pipeline.post.linearised import Linearised
from pipeline.post.plate_formats import EUROPE
from pipeline.post.priors import aspect_tolerance, pose_prior, starting_motions
from pipeline.post.track_data import RayMaker, TrackPoint
from pipeline.post.window import Window
from tests.post.simulated import MOUNTED, corners_px, track


def test_newest_frame_may_be_off_its_way_or_further_along_it() -> None:
    """Both look like outliers; only the second can be a vehicle that has begun to brake."""
    points, centres = track(np.random.default_rng(2), sd_px=1e-3, stated_sd_px=0.5)
    newest, held_back = points[-1], centres[-1] + np.array([0.0, 0.2, 0.0])
    braked = replace(newest, corners_px=corners_px(held_back, MOUNTED, (0.52, 0.11), (2.0, -3.0, 1.0)))
    aside = replace(newest, corners_px=newest.corners_px + np.array([6.0, 0.0]))

    sizes, off_the_way = zip(*(_newest(points, other) for other in (newest, braked, aside)), strict=True)
    assert sizes[0] < 0.05 and min(sizes[1:]) > 3
    assert off_the_way[1] < 0.05 * sizes[1]
    assert 0.8 * sizes[2] < off_the_way[2] <= sizes[2]


def test_errors_that_all_frames_share_do_not_put_the_newest_off_its_way() -> None:
    """Against a projection of the residuals, less these errors, by least squares."""
    points, _ = track(np.random.default_rng(2))
    window = Window(RayMaker(MOUNTED)(points))
    setting = pose_prior(MOUNTED).for_format(EUROPE[0], aspect_tolerance(window.data), shared=0.8)
    start = starting_motions(window.data, window.times_s, MOUNTED, EUROPE[0])[0]
    near = fit(window, setting, drives.STEADY, start).near
    shared = np.random.default_rng(3).normal(size=near.shared.shape[2])
    missed = near.residuals[-1] + near.shared[-1] @ shared
    way = near.by_time[-1][:, None]
    left = missed - way @ np.linalg.lstsq(way, missed, rcond=None)[0]
    assert np.isclose(near.newest_off_the_way(shared), np.sqrt(np.mean(left**2)))


def _newest(points: list[TrackPoint], newest: TrackPoint) -> tuple[float, float]:
    """Root mean square residual of another newest frame at the points' motion: all of it, and what is off the way."""
    window = Window(RayMaker(MOUNTED)(points))
    setting = pose_prior(MOUNTED).for_format(EUROPE[0], aspect_tolerance(window.data))
    start = starting_motions(window.data, window.times_s, MOUNTED, EUROPE[0])[0]
    motion = fit(window, setting, drives.STEADY, start).motion
    near = Linearised(motion, Window(RayMaker(MOUNTED)([*points[:-1], newest])), setting)
    return float(np.sqrt(np.mean(near.residuals[-1] ** 2))), near.newest_off_the_way(np.zeros(0))
