"""The answers that a network is calibrated on: validation photographs, the same without plates, and plate-free ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from tqdm import tqdm

from pipeline.frames import PlateLocation
from pipeline.model.augment import without_plates
from pipeline.model.dataset import Photograph, quads_of, select, weight_of
from pipeline.model.measure import Result, compare
from pipeline.model.network import DilatedResNet50DSNT
from pipeline.model.torch_session import network_locator

EXACT_WEIGHT = 0.4
"""Photographs that training draws less often than this have labels too rough to measure errors against."""
NO_PLATE = 0
"""Seed of how plates are painted over."""


def calibration_results(
    network: DilatedResNet50DSNT, photographs: Sequence[Photograph], bfloat16: bool = False
) -> list[Result]:
    """Uncalibrated answers of the first and of the second look to everything that training has not seen."""
    looks = [network_locator(network, bfloat16=bfloat16, second_look=second) for second in (False, True)]
    first_look = looks[0]
    results = []
    for photo in tqdm(select(photographs, "validation"), desc="calibrating", unit="image"):
        image, exact = photo.read(), weight_of(photo) >= EXACT_WEIGHT
        if exact:
            results += [compare(photo, locate(image)) for locate in looks]
        erased = without_plates(np.random.default_rng(NO_PLATE), image, quads_of(photo))
        results.append(without_plate(photo, first_look(erased)))
    for photo in tqdm(select(photographs, "background-validation"), desc="calibrating", unit="image"):
        results.append(without_plate(photo, first_look(photo.read())))
    return results


def without_plate(photo: Photograph, location: PlateLocation) -> Result:
    """An answer to an image that shows no plate."""
    return Result(photo, None, location)
