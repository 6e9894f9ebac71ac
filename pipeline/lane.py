"""One camera's way through the gate."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from calib.camera import Camera
from pipeline.capture import Source
from pipeline.config import Policy
from pipeline.errors import GateError
from pipeline.frames import DropCounter
from pipeline.post.tracker import PassageTracker, TrackSettings

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Lane:
    """Where the frames of a camera come from, and what its tracker knows.

    Policy `latest` drops frames that the network cannot keep up with, `every` (recordings) makes the source wait.
    """

    camera: str
    source: Source
    policy: Policy
    drops: DropCounter
    calibration: Camera | None
    tracking: TrackSettings
    tracker: PassageTracker = field(init=False)
    online: bool = False
    epoch: int = 0
    frames: int = 0
    passages: int = 0
    last_heartbeat: tuple[int, float] | None = None  # how many frames there were, and the uptime in seconds
    fits_calibration: bool = True

    def __post_init__(self) -> None:
        self.tracker = PassageTracker(self.camera, self.calibration, self.tracking, self.drops)

    def check_image_size(self, size_px: tuple[int, int]) -> None:
        """Check that the calibration is for images of this size, which changes from one connection to the next only.

        Raises:
            GateError: it is not, and the source is a recording. A live camera goes on without distance and speed
                until it has that size again.
        """
        if self.calibration is None:
            return
        fits = True
        try:
            self.calibration.require_image_size(*size_px)
        except GateError as error:
            if not self.source.live:
                raise GateError(f"{self.source.label}: {error}") from error
            fits = False
            if self.fits_calibration:
                log.error("%s: %s; distance and speed are withheld", self.camera, error)
        if fits != self.fits_calibration:
            self.fits_calibration = fits
            calibration = self.calibration if fits else None
            self.tracker = PassageTracker(self.camera, calibration, self.tracking, self.drops)
