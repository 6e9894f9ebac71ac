"""The answers that a network is calibrated on: validation photographs, the same without plates, and plate-free ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from tqdm import tqdm

from pipeline.model.erase import without_plates
from pipeline.model.measure import Result, compare
from pipeline.model.network import DilatedResNet50DSNT
from pipeline.model.photographs import PSEUDO, Photograph, is_exact, quads_of, select
from pipeline.model.torch_session import both_looks

NO_PLATE = 0
"""Seed of how plates are painted over."""


def calibration_results(network: DilatedResNet50DSNT, photographs: Sequence[Photograph]) -> list[Result]:
    """Uncalibrated answers of the first and of the second look to everything that training has not seen.

    Photographs that were relabelled tell of presence alone: their corners are a network's own.
    """
    first_look, second_look = both_looks(network)
    results = []
    for photo in tqdm(select(photographs, "validation"), desc="calibrating", unit="image"):
        image = photo.read()
        if is_exact(photo):
            first = first_look.locate([image])
            results += [compare(photo, look[0]) for look in (first, second_look.refine([image], first))]
        erased = without_plates(np.random.default_rng(NO_PLATE), image, quads_of(photo))
        results.append(Result(photo, None, first_look.locate([erased])[0]))
    relabelled = [
        p for p in select(photographs, "weak-validation") if p.closest and p.closest.label == PSEUDO
    ]
    more = relabelled + select(photographs, "background-validation")
    for photo in tqdm(more, desc="calibrating presence", unit="image"):
        results.append(compare(photo, first_look.locate([photo.read()])[0]))
    return results
