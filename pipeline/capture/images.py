"""A folder of images, shown at a stated rate."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from pipeline.capture.recording import Recording
from pipeline.capture.timeline import Timeline
from pipeline.errors import GateError
from pipeline.files import natural_order, read_image
from pipeline.frames import DropCounter, DropReason, Frame

log = logging.getLogger(__name__)

IMAGE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


def list_images(folder: Path) -> list[Path]:
    """Images of `folder` (not of the folders in it), "frame2" before "frame10".

    Raises:
        GateError: there is none.
    """
    images = [path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()]
    if not images:
        raise GateError(f"{folder}: no images here; give a folder of {', '.join(IMAGE_SUFFIXES)} files")
    return sorted(images, key=lambda path: natural_order(path.name))


class ImageFolder(Recording):
    """The images of a folder in the natural order of their names, image i at time i / fps.

    An image that cannot be read is counted as `undecodable` and leaves its time unused.
    """

    def __init__(self, camera: str, folder: Path, drops: DropCounter, fps: float) -> None:
        super().__init__(camera, str(folder), drops)
        if not 0 < fps <= 1000:
            raise GateError(f"{folder}: {fps:g} images a second; give a rate above 0 and up to 1000")
        self._folder = folder
        self._period_s = 1 / Fraction(fps)
        self._images: list[Path] = []

    @property
    def frame_count_hint(self) -> int | None:
        """Number of images in the folder, None before it was opened."""
        return len(self._images) or None

    def _start(self, timeline: Timeline) -> Iterator[Frame]:
        self._images = list_images(self._folder)
        return self._load(timeline)

    def _load(self, timeline: Timeline) -> Iterator[Frame]:
        for index, path in enumerate(self._images):
            image = read_image(path)
            if image is None:
                log.warning("%s: not a readable image, skipped", path)
                timeline.skip(DropReason.UNDECODABLE)
                continue
            stamp = timeline.stamp(index * self._period_s, "pts")
            if stamp is not None:
                yield Frame(stamp, image)
