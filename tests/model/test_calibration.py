"""Calibration makes stated covariances hold what they say, on errors drawn from known distributions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from pipeline.frames import PlateLocation
from pipeline.model.calibration import Calibration, calibrate
from pipeline.model.figures import ellipse_coverage, wilson_interval
from pipeline.model.measure import Result
from pipeline.model.photographs import Photograph, Plate

PHOTO = Photograph(Path("none.png"), 640, 480, "validation", "drawn", "0", ())
UNIT = np.array([[0, 0], [1, 0], [1, 0.25], [0, 0.25]])


def _result(rng, scale, share, width_px, presence=0.99, floor_px=0.0, label="verified"):
    """An answer whose error really has the covariance scale * moment + (share * width)^2 + floor^2."""
    moments = rng.uniform(40, 90, (4, 1, 1)) * np.eye(2)
    sd = np.sqrt(scale * moments[:, [0, 1], [0, 1]] + (share * width_px) ** 2 + floor_px**2)
    truth = UNIT * width_px + (100, 200)
    location = PlateLocation(presence, truth + rng.normal(0, sd), moments)
    return Result(PHOTO, Plate(truth, label), location)


def _calibrated(result, calibration):
    """The answer as the graph gives it with a calibration."""
    width_px = result.found_width_px
    covariances = calibration.covariance_scale * result.location.corner_cov_px2
    common = (calibration.covariance_share * width_px) ** 2 + calibration.covariance_floor_px**2
    covariances = covariances + common * np.eye(2)
    location = PlateLocation(result.location.presence, result.location.corners_px, covariances)
    return Result(result.photograph, result.plate, location)


@pytest.mark.parametrize(
    ("scale", "share", "floor_px"), [(0.02, 0.0, 0.0), (0.005, 0.01, 0.5), (0.05, 0.005, 1.5)]
)
def test_ellipses_hold_what_they_state_in_every_bin_of_width(scale, share, floor_px):
    rng = np.random.default_rng(3)
    results = [_result(rng, scale, share, width, floor_px=floor_px) for width in rng.uniform(40, 250, 600)]
    calibration = calibrate(results)
    fresh = [_result(rng, scale, share, width, floor_px=floor_px) for width in rng.uniform(40, 250, 3000)]
    fresh = [_calibrated(result, calibration) for result in fresh]
    for low, high in ((40, 100), (100, 170), (170, 250)):
        members = [result for result in fresh if low <= result.width_px < high]
        assert ellipse_coverage(members) == pytest.approx(0.95, abs=0.03)


def test_a_few_wrong_labels_do_not_change_how_errors_grow_with_width():
    rng = np.random.default_rng(4)
    results = [_result(rng, 0.01, 0.0, width) for width in rng.uniform(40, 250, 600)]
    wrong = [_result(rng, 0.01, 0.05, width) for width in rng.uniform(40, 250, 12)]
    calibration = calibrate(results + wrong)
    clean = calibrate(results)
    assert calibration.covariance_share == pytest.approx(clean.covariance_share, abs=0.003)


def test_operating_point_lies_between_images_with_and_without_a_plate():
    rng = np.random.default_rng(5)
    with_plate = [_result(rng, 0.01, 0, 100, presence) for presence in rng.uniform(0.97, 1.0, 200)]
    nothing = PlateLocation(0.0, np.zeros((4, 2)), np.tile(np.eye(2), (4, 1, 1)))
    without = [
        Result(PHOTO, None, PlateLocation(presence, nothing.corners_px, nothing.corner_cov_px2))
        for presence in rng.uniform(0.0, 0.8, 200)
    ]
    offset = calibrate(with_plate + without).presence_offset
    assert np.log(0.8 / 0.2) < offset < np.log(0.97 / 0.03)


def test_corners_that_a_network_found_count_for_presence_alone():
    rng = np.random.default_rng(6)
    exact = [_result(rng, 0.01, 0.0, width, presence=0.95) for width in rng.uniform(40, 250, 200)]
    relabelled = [_result(rng, 0.2, 0.05, 100, presence=0.2, label="pseudo") for _ in range(200)]
    nothing = np.zeros((4, 2)), np.tile(np.eye(2), (4, 1, 1))
    without = [Result(PHOTO, None, PlateLocation(0.01, *nothing)) for _ in range(50)]
    alone, both = calibrate(exact + without), calibrate(exact + relabelled + without)
    assert (both.covariance_scale, both.covariance_share) == (alone.covariance_scale, alone.covariance_share)
    assert both.presence_offset < np.log(0.2 / 0.8) < alone.presence_offset


def test_nothing_to_calibrate_on_changes_nothing():
    assert calibrate([]) == Calibration()


@pytest.mark.parametrize(
    ("inside", "plates", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_limits_of_a_share_are_those_that_newcombe_tabulated(inside, plates, low, high):
    """R. G. Newcombe, Two-sided confidence intervals for the single proportion, 1998, table I, method 3."""
    assert wilson_interval(inside / plates, plates) == pytest.approx((low, high), abs=5e-5)


def test_no_plate_says_nothing_of_a_share():
    assert np.isnan(wilson_interval(np.nan, 0)).all()
