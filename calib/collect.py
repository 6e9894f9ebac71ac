"""Views of a board from images, a video or a live camera, with the reason for each image that gave none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from calib.boards import Board
from calib.detect import BoardFinder, Detection, Image
from calib.diagnose import why_not_found
from calib.findings import Finding
from calib.judge_views import LEAST_VIEWS
from calib.views import NOVEL, STILL_PX, Coverage, View, make_view, motion_px, rough_pose
from pipeline.capture.images import IMAGE_SUFFIXES, list_images
from pipeline.errors import GateError
from pipeline.files import as_text, read_image

Answer = Literal["no board", "blurred", "moving", "like an earlier view", "taken"]

_KEPT_FAILURES = 6


@dataclass
class Collection:
    """Views so far, and what was not usable.

    Attributes:
        views: the usable ones.
        skipped: (name, reason) of the others.
        failures: a few images without a board, to tell why.
        blurred: views whose corners are not to be trusted.
        sizes: (width, height) in pixels of all images; more than one is a mistake.
    """

    views: list[View] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    failures: list[Image] = field(default_factory=list)
    blurred: list[View] = field(default_factory=list)
    sizes: set[tuple[int, int]] = field(default_factory=set)

    def findings(self, board: Board) -> list[Finding]:
        """What is wrong with the images, as opposed to the views."""
        if len(self.sizes) > 1:
            listed = ", ".join(f"{width}x{height}" for width, height in sorted(self.sizes))
            text = f"the images have different sizes ({listed}); use images of one camera with unchanged settings"
            return [Finding("refuse", "mixed_sizes", text)]
        enough = len(self.views) >= LEAST_VIEWS
        found: list[Finding] = []
        if self.blurred:
            found.append(_blur_finding(self.blurred, enough))
        if self.failures and not enough and not self.blurred:
            found.append(why_not_found(self.failures, board))
        return found


def _blur_finding(blurred: Sequence[View], enough: bool) -> Finding:
    names = ", ".join(view.name for view in blurred[:4]) + (" and others" if len(blurred) > 4 else "")
    smeared = sum(view.smeared for view in blurred) > len(blurred) / 2
    advice = (
        "hold the board still, add light, shorten the exposure"
        if smeared
        else "focus the camera and fix the focus"
    )
    code = "motion_blur" if smeared else "out_of_focus"
    text = f"{len(blurred)} blurred image{'s' * (len(blurred) > 1)} left out ({names}); {advice}"
    return Finding("improve" if enough else "refuse", code, text)


def from_images(paths: Sequence[Path], finder: BoardFinder) -> Collection:
    """Views of all images; each must show the board."""
    collection = Collection()
    for path in paths:
        image = read_image(path)
        if image is None:
            collection.skipped.append((as_text(path.name), "not a readable image"))
            continue
        add_image(collection, as_text(path.name), image, finder)
    return collection


def add_image(collection: Collection, name: str, image: Image, finder: BoardFinder) -> None:
    """Add one image's view, or the reason why it has none."""
    collection.sizes.add((image.shape[1], image.shape[0]))
    found = finder.find(image)
    if found is None:
        collection.skipped.append((name, "no board found"))
        if len(collection.failures) < _KEPT_FAILURES:
            collection.failures.append(image)
        return
    view = make_view(name, image, finder.board, found)
    if view.unsharp:
        collection.blurred.append(view)
        collection.skipped.append((name, f"blurred ({view.blur_px[1]:.1f} px)"))
    else:
        collection.views.append(view)


class ViewPicker:
    """Takes from moving pictures the views that are sharp, still and unlike the ones it has.

    Attributes:
        collection: the views taken so far, and what was not usable.
        coverage: of those views.
    """

    def __init__(self, finder: BoardFinder) -> None:
        self.collection = Collection()
        self.coverage = Coverage.of([], finder.board)
        self._finder = finder
        self._last: Detection | None = None

    def offer(self, name: str, image: Image) -> tuple[Answer, Detection | None]:
        """What becomes of one frame."""
        self.collection.sizes.add((image.shape[1], image.shape[0]))
        found, before = self._finder.find(image), self._last
        self._last = found
        if found is None:
            if len(self.collection.failures) < _KEPT_FAILURES:
                self.collection.failures.append(image)
            return "no board", None
        if before is None or motion_px(before, found) > STILL_PX:
            return "moving", found
        view = make_view(name, image, self._finder.board, found)
        if view.unsharp:
            if len(self.collection.blurred) < _KEPT_FAILURES:
                self.collection.blurred.append(view)
            return "blurred", found
        pose = rough_pose(view, self._finder.board)
        if any(pose.distance(other) < NOVEL for other in self.coverage.poses):
            return "like an earlier view", found
        self.collection.views.append(view)
        self.coverage = Coverage.of(self.collection.views, self._finder.board)
        if len(self.collection.views) >= LEAST_VIEWS:
            self.collection.blurred.clear()  # blurred moments of a video that gives enough are no fault
        return "taken", found


def image_paths(sources: Sequence[str]) -> list[Path] | None:
    """The images that are meant: a folder of images, or images one by one; None for a video or a camera.

    Raises:
        GateError: a mixture, or nothing there.
    """
    paths = [Path(source) for source in sources]
    if len(paths) == 1 and paths[0].is_dir():
        return list_images(paths[0])
    if all(path.suffix.lower() in IMAGE_SUFFIXES for path in paths):
        for path in paths:
            if not path.is_file():
                raise GateError(f"{path}: no such file; check the path")
        return paths
    if len(paths) > 1:
        raise GateError("give one video, one camera, one folder of images, or several image files")
    return None
