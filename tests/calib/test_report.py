"""The report's parts, the errors it expects, and the guide that shows it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

import calib
from calib.acceptance import Check
from calib.camera import Camera, Mount, Uncertainty
from calib.expected import approach, expected_errors
from calib.findings import Finding
from calib.measured import TEMPLATE, Measured
from calib.record import MountRecord, Record
from calib.report import report_html
from calib.residuals import Residual
from pipeline.post.plate_formats import EUROPE
from tests.calib.conftest import LENS

GUIDE = Path(calib.__file__).parents[1] / "docs" / "calibration.md"
CAMERA = Camera("entry-1", LENS, Mount(1.5, 8.0, 0.0, 0.0, 2.0), Uncertainty(fx=0.7, fy=0.7))
CHECK = Check("2026-01-31", "eu-520x110", "d400.jpg", 4.0, 0.01, 4.03, 0.02)


def test_expected_errors_grow_with_distance_and_with_a_worse_calibration() -> None:
    good = {item.distance_m: item for item in expected_errors(CAMERA, EUROPE[0], (3.0, 10.0))}
    unsure = replace(CAMERA, uncertainty=Uncertainty(fx=14.0, fy=14.0))
    bad = {item.distance_m: item for item in expected_errors(unsure, EUROPE[0], (10.0,))}
    near, far, worse = good[3.0], good[10.0], bad[10.0]
    assert near.distance_sd_m is not None
    assert far.distance_sd_m is not None
    assert near.distance_sd_m < far.distance_sd_m
    # A focal length of 2 % is 2 % of the distance.
    assert worse.distance_calibration_sd_m == pytest.approx(0.02 * 10.0, rel=0.3)
    assert far.distance_calibration_sd_m is not None and far.distance_calibration_sd_m < 0.05


def test_approach_ends_at_the_distance_and_stays_in_the_image() -> None:
    points = approach(CAMERA, EUROPE[0], 5.0)
    assert points is not None
    widths = [np.ptp(point.corners_px[:, 0]) for point in points]
    assert widths == sorted(widths)
    assert widths[-1] == pytest.approx(700 * 0.52 / 5.0, rel=0.06)
    assert approach(CAMERA, EUROPE[0], 0.6) is None


@pytest.mark.parametrize(
    ("estimated_m", "sd_m", "verdict"),
    [(4.03, 0.02, "agrees"), (4.20, 0.02, "disagrees"), (3.9, 0.02, "disagrees"), (4.2, 0.3, "weak")],
)
def test_check_verdicts(estimated_m: float, sd_m: float, verdict: str) -> None:
    check = replace(CHECK, estimated_m=estimated_m, sd_m=sd_m)
    assert check.verdict == verdict
    assert f"{100 * (estimated_m - 4):+.1f} cm" in check.text


def test_check_from_the_stop_line_counts_from_there() -> None:
    check = replace(CHECK, stop_line_m=1.5)
    assert "at 2.50 m from the stop line the camera says 2.53 m: error +3.0 cm (+0.8 % of the" in check.text
    page = report_html(CAMERA, Record(checks=(check,)), [], EUROPE[0])
    assert "<td>stop line</td><td>2.50 m</td><td>2.53 m</td>" in page


def test_report_has_the_stop_line_that_was_given() -> None:
    none = replace(CAMERA, mount=replace(CAMERA.mount, stop_line_m=0.0))
    at_0 = replace(none, uncertainty=replace(none.uncertainty, stop_line_m=0.01))
    rows = [
        "stop line, from below" in report_html(item, Record(), [], EUROPE[0]) for item in (CAMERA, none, at_0)
    ]
    assert rows == [True, False, True]


def test_expected_errors_heed_the_time_that_the_camera_file_states() -> None:
    """A car at 15 km/h moves 8 cm within 20 ms, so that much is unsure of the way between two frames."""
    sure, unsure = (
        expected_errors(replace(CAMERA, uncertainty=Uncertainty(time_s=time_s)), EUROPE[0], (3.0,))[0]
        for time_s in (1e-4, 0.02)
    )
    assert sure.speed_sd_kmh is not None and unsure.speed_sd_kmh is not None
    assert unsure.speed_sd_kmh > 1.3 * sure.speed_sd_kmh


def test_approach_through_a_rolling_shutter_shows_each_corner_when_its_row_is_captured() -> None:
    row_time_s, speed_kmh = 1e-4, 36.0
    rolling = replace(CAMERA, intrinsics=replace(LENS, row_time_s=row_time_s))
    points = approach(rolling, EUROPE[0], 5.0, speed_kmh)
    assert points is not None
    corner_px = points[-1].corners_px[2]
    nearer_m = 10.0 * row_time_s * corner_px[1]  # 10 m/s for the rows above it
    width_m, height_m = 0.52, 0.11
    [expected_px] = CAMERA.project(
        CAMERA.camera_from_road([[width_m / 2, 5.0 - nearer_m, 0.5 - height_m / 2]])
    )
    np.testing.assert_allclose(corner_px, expected_px, atol=0.05)


def test_report_shows_every_check_that_disagrees_at_the_top() -> None:
    wrong = replace(CHECK, source="d600.jpg", taped_m=6.0, estimated_m=6.9)
    earlier = replace(wrong, taped_m=7.0)
    mount = MountRecord("2026-01-31", "measured.toml", 1.0, (), (), checks_before=1)
    record = Record(mount=mount, checks=(earlier, wrong, *[CHECK] * 4))
    verdicts = report_html(CAMERA, record, [], EUROPE[0]).partition("<h2>Expected errors</h2>")[0]
    assert verdicts.count("Tape check:") == 1 + 3
    assert "At 6.00 m the camera says 6.90 m" in verdicts
    assert "7.00 m" not in verdicts  # made with the mount before


def test_report_escapes_names_and_shows_every_residual() -> None:
    residuals = (Residual("<b>d300</b>.jpg", 3.0, 3.4, 0.05), Residual("d500.jpg", 5.0, 4.99, 0.05))
    findings = (Finding("improve", "tape_disagrees", "d300 <again>"),)
    record = Record(
        mount=MountRecord("2026-01-31", "measured.toml", 1.0, residuals, findings), checks=(CHECK,)
    )
    page = report_html(CAMERA, record, [], EUROPE[0])
    assert "<b>d300" not in page
    assert "&lt;b&gt;d300" in page
    assert page.count("DOES NOT AGREE") == 1
    assert "-40.0 cm" in page
    assert "D300 &lt;again&gt;" in page


def test_record_survives_its_file(tmp_path: Path) -> None:
    record = Record(checks=(CHECK,))
    record.save(tmp_path / "camera.toml")
    assert Record.load(tmp_path / "camera.toml") == record
    assert Record.load(tmp_path / "other.toml") == Record()
    assert (
        msgspec.json.decode((tmp_path / "camera.calibration.json").read_bytes())["checks"][0]["taped_m"]
        == 4.0
    )


def test_template_is_what_it_explains(tmp_path: Path) -> None:
    (tmp_path / "measured.toml").write_text(TEMPLATE)
    measured = Measured.load(tmp_path / "measured.toml")
    assert [item.distance_m for item in measured.plate_at] == [3.0, 5.0, 8.0]
    everything = re.sub(r"(?m)^#(?=[\[a-z])", "", TEMPLATE)
    assert set(tomllib.loads(everything)) == set(Measured.__dataclass_fields__)


def test_guide_shows_pictures_that_are_there_and_small() -> None:
    names = re.findall(r"\]\((calibration/[^)]+)\)", GUIDE.read_text(encoding="utf-8"))
    assert len(names) >= 6
    for name in names:
        assert (GUIDE.parent / name).stat().st_size < 200_000
