"""What a calibration leaves beside camera.toml: everything that the report shows, as JSON.

`intrinsics`, `mount` and `check` each write their own part, and the report is made anew from the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np

from calib.acceptance import Check
from calib.boards import Board
from calib.crossval import LensCalibration
from calib.findings import Finding
from calib.lens import values
from calib.residuals import Residual
from calib.views import Coverage, Pose
from pipeline.errors import GateError
from pipeline.files import check_places, write_whole

Row = tuple[float, ...]


@dataclass(frozen=True)
class ViewRecord:
    """Corners found in one view and their residuals, in pixels."""

    name: str
    rms_px: float
    corners_px: tuple[tuple[float, float], ...]
    residuals_px: tuple[tuple[float, float], ...]
    pose: Pose


@dataclass(frozen=True)
class LensRecord:
    """The lens: what was used, what came out, how good it is; `checks_before` were made with the lens before it."""

    date: str
    source: str
    board: str
    model: str
    held_out_px: dict[str, float]
    rms_px: float
    optimism: float
    parameters: Row
    sd: Row
    cross_px: tuple[Row, ...]
    counts: tuple[tuple[int, ...], ...]
    views: tuple[ViewRecord, ...]
    left_out: tuple[tuple[str, str], ...]
    findings: tuple[Finding, ...]
    checks_before: int = 0


@dataclass(frozen=True)
class MountRecord:
    """The mount: residuals and verdicts; `checks_before` were made with the mount before it."""

    date: str
    measured: str
    misfit: float
    residuals: tuple[Residual, ...]
    findings: tuple[Finding, ...]
    checks_before: int = 0


@dataclass(frozen=True)
class Record:
    """All parts; None or empty what was not done yet."""

    lens: LensRecord | None = None
    mount: MountRecord | None = None
    checks: tuple[Check, ...] = ()

    @classmethod
    def load(cls, camera_path: Path) -> Record:
        """The record beside a camera file, empty if there is none.

        Raises:
            GateError: it is there but cannot be read.
        """
        path = record_path(camera_path)
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except FileNotFoundError:
            return cls()
        except (OSError, msgspec.DecodeError) as error:
            raise GateError(
                f"{path}: cannot be read ({error}); move it away to start a new record"
            ) from error

    def save(self, camera_path: Path) -> None:
        """Write it beside the camera file.

        Raises:
            GateError: it cannot be written there.
        """
        write_whole(record_path(camera_path), "record", msgspec.json.encode(self))

    @property
    def current_checks(self) -> tuple[Check, ...]:
        """Those of the lens and the mount as they are now."""
        newest = self.mount or self.lens
        return self.checks[newest.checks_before :] if newest else self.checks

    def with_check(self, check: Check) -> Record:
        """With one more check, the oldest first."""
        return replace(self, checks=(*self.checks, check))


def record_path(camera_path: Path) -> Path:
    """camera.toml -> camera.calibration.json."""
    return camera_path.with_suffix(".calibration.json")


def report_path(camera_path: Path) -> Path:
    """camera.toml -> camera.report.html."""
    return camera_path.with_suffix(".report.html")


def check_outputs(camera_path: Path) -> None:
    """Make sure that a camera file, its record and its report can be written.

    Raises:
        GateError: one cannot.
    """
    check_places(
        {camera_path: "camera file", record_path(camera_path): "record", report_path(camera_path): "report"}
    )


def lens_record(
    result: LensCalibration,
    board: Board,
    source: str,
    date: str,
    skipped: Sequence[tuple[str, str]],
    findings: Sequence[Finding],
    checks_before: int,
) -> LensRecord:
    """Everything about a finished lens calibration."""
    coverage = Coverage.of(result.views, board, result.fit.lens)
    views = tuple(
        ViewRecord(view.name, float(rms), _pairs(view.corners_px), _pairs(residuals), pose)
        for view, rms, residuals, pose in zip(
            result.views, result.fit.view_rms_px, result.fit.residuals_px, coverage.poses, strict=True
        )
    )
    return LensRecord(
        date=date,
        source=source,
        board=board.describe(),
        model=result.fit.model,
        held_out_px={str(model): error for model, error in result.held_out_px.items()},
        rms_px=result.fit.rms_px,
        optimism=result.optimism,
        parameters=tuple(values(result.fit.lens).tolist()),
        sd=tuple(result.sd.tolist()),
        cross_px=tuple(tuple(row) for row in np.round(result.cross_px, 4).tolist()),
        counts=tuple(tuple(row) for row in coverage.counts.tolist()),
        views=views,
        left_out=(*((name, f"fits badly ({error:.1f} px)") for name, error in result.bad), *skipped),
        findings=tuple(findings),
        checks_before=checks_before,
    )


def _pairs(points: np.ndarray) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(y)) for x, y in np.round(points, 3))
