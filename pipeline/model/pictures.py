"""Pictures of an evaluation: the worst cases, the error against the plate's width, and the presence ROC."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot as plt

from pipeline.files import write_image
from pipeline.model.figures import presence_roc
from pipeline.model.measure import SIZE_PX, Result
from pipeline.model.tiles import Image, put_title, tiled

LABEL_BGR, FOUND_BGR = (0, 220, 0), (0, 0, 255)
TILES = (4, 6)


def draw_worst_cases(results: Sequence[Result], picture: Path) -> None:
    """A sheet of the plates with the largest error relative to their width; label green, answer red."""
    labelled = [result for result in results if result.plate is not None]
    worst = sorted(labelled, key=lambda result: -result.error_px / result.width_px)
    tiles = [_tile(result) for result in worst[: TILES[0] * TILES[1]]]
    write_image(picture, tiled(tiles, TILES[0], fill=0))


def _tile(result: Result) -> Image:
    """The surroundings of the labelled plate, 320x240, with both quadrilaterals."""
    assert result.plate is not None
    image, _ = result.photograph.letterboxed(SIZE_PX)
    centre = result.plate.corners_px.mean(axis=0)
    zoom = 320 / (2.2 * result.width_px if result.found else SIZE_PX[0])
    if not result.found:
        centre = np.array(SIZE_PX) / 2
    view = np.array([[zoom, 0, 160 - zoom * centre[0]], [0, zoom, 120 - zoom * centre[1]]])
    tile = np.asarray(cv2.warpAffine(image, view, (320, 240), flags=cv2.INTER_LINEAR), np.uint8)
    for corners, colour in ((result.plate.corners_px, LABEL_BGR), (result.location.corners_px, FOUND_BGR)):
        outline = np.round((corners @ view[:, :2].T + view[:, 2]) * 16).astype(np.int32)
        cv2.polylines(tile, [outline], True, colour, 1, cv2.LINE_AA, shift=4)
    tile[:17] //= 4
    put_title(tile, f"{result.photograph.path.name}  {result.error_px:.1f} px of {result.width_px:.0f}")
    return tile


def draw_figures(results: Sequence[Result], picture: Path) -> None:
    """Corner error against plate width, and the presence ROC where there are photographs without a plate."""
    figure, (errors, roc) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    labelled = [result for result in results if result.plate is not None]
    errors.loglog([r.width_px for r in labelled], [r.error_px for r in labelled], ".", alpha=0.7)
    errors.set(
        xlabel="plate width (px at 640x480)", ylabel="mean corner error (px)", title=f"{len(labelled)} plates"
    )
    if any(result.plate is None for result in results):
        false_alarms, recall, _ = presence_roc(results)
        roc.step(np.maximum(false_alarms, 1e-3), recall, where="post")
        roc.set_xscale("log")
    roc.set(xlabel="false-alarm rate", ylabel="recall", title="Presence")
    for axes in (errors, roc):
        axes.grid(True, which="both", alpha=0.3)
    figure.savefig(picture, dpi=110)
    plt.close(figure)
