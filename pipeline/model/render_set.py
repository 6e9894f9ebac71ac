"""A second yardstick with exact truth: drawn plates in the place of the plates of photographs.

Labels of photographs are known to a pixel or two; where a drawn plate's corners lie is known exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.errors import GateError
from pipeline.files import make_folder, write_image
from pipeline.inference.rectify import transform_points
from pipeline.model.drawn import draw_over
from pipeline.model.measure import SIZE_PX
from pipeline.model.photographs import Photograph, Plate, quads_of, write_index
from pipeline.model.view import Augmentation, random_view, warp

PLATE_WIDTH_PX = (60.0, 200.0)
SEED = 20261125
ATTEMPTS = 20
"""Views tried for one image until its plate is wholly visible."""


def render_set(photographs: Sequence[Photograph], count: int, folder: Path) -> list[Photograph]:
    """Write `count` images of 640x480 with a drawn plate and their index to a folder.

    Views, plates and their mounting are random as in training, but without its blur, noise and colours: the plate has
    the photograph's own light and noise. The same photographs give the same images.

    Returns:
        The photographs of the new index.
    """
    make_folder(folder)
    with_plate = [photo for photo in photographs if photo.plates]
    if not with_plate:
        raise GateError("no photograph of the split has a plate to draw over")
    rendered = []
    for number in range(count):
        photo = with_plate[number % len(with_plate)]
        rng = np.random.default_rng((SEED, number))
        image, corners_px = _render(rng, photo)
        path = folder / f"{number:04d}.png"
        write_image(path, image)
        plates = (Plate(corners_px, "drawn"),)
        rendered.append(
            Photograph(path, *SIZE_PX, "rendered", f"drawn into {photo.source}", path.name, plates)
        )
    write_index(rendered, folder)
    return rendered


def _render(rng: np.random.Generator, photo: Photograph) -> tuple[np.ndarray, np.ndarray]:
    """A view (480, 640, 3) of a photograph with a drawn plate, and its corners (4, 2)."""
    settings = Augmentation(*SIZE_PX, PLATE_WIDTH_PX)
    source, quads = photo.read(), quads_of(photo)
    for _ in range(ATTEMPTS):
        homography = random_view(rng, source.shape[1::-1], quads[0], settings)
        view = warp(rng, source, homography, settings)
        drawn = draw_over(rng, view, transform_points(homography, quads[0]), settings)
        if drawn is not None:
            return drawn.image, drawn.corners_px
    raise GateError(f"{photo.path}: its plate fits into no view")
