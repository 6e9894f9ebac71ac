"""How large the rectified network's variances must be for 95 % ellipses to hold 95 % of the errors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.frames import PlateLocation
from pipeline.inference.rectified_look import RectifiedLook
from pipeline.inference.rectify import INPUT_PX
from pipeline.model.figures import CHI2_95, mahalanobis2
from pipeline.model.measure import Result, compare
from pipeline.model.photographs import Photograph, is_exact, select
from pipeline.model.rectified.graph import RectifiedGraph
from pipeline.model.rectified.network import RectifiedNetwork
from pipeline.model.rectified.samples import disturbed
from pipeline.model.torch_session import TorchSession

STARTS = 4
"""Each validation plate is rectified around so many different wrong corners."""
SEED = 0


def calibrated_scale(network: RectifiedNetwork, photographs: Sequence[Photograph]) -> float:
    """The factor on the network's variances, from validation photographs with exact labels; 1 if there are none."""
    graph = RectifiedGraph(network, 1.0).to(next(network.parameters()).device)
    look = RectifiedLook(TorchSession(graph, INPUT_PX, bfloat16=False), own_covariances=True)
    results = corrected_labels(look, select(photographs, "validation"))
    if not results:
        return 1.0
    errors = np.array([result.errors_px for result in results])
    covariances = np.array([result.location.corner_cov_px2 for result in results])
    return float(np.quantile(mahalanobis2(errors, covariances), 0.95) / CHI2_95)


def corrected_labels(look: RectifiedLook, photographs: Sequence[Photograph]) -> list[Result]:
    """The look's answers where it is given labels that were disturbed, for each photograph with an exact one."""
    results = []
    for number, photo in enumerate(photographs):
        if photo.closest is None or not is_exact(photo):
            continue
        rng, image = np.random.default_rng((SEED, number)), photo.read()
        for _ in range(STARTS):
            start = PlateLocation(
                1.0, disturbed(rng, photo.closest.corners_px), np.tile(np.eye(2), (4, 1, 1))
            )
            (answer,) = look.refine([image], [start])
            if answer.corners_px is not start.corners_px:
                results.append(compare(photo, answer))
    return results
