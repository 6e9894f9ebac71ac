"""What the rectified network is trained on: corners, their standard deviations, and whether there is a plate."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from pipeline.model.calibration import STUDENT_DEGREES
from pipeline.model.dsnt import px_to_cells, windowed_dsnt
from pipeline.model.loss import LossWeights, corner_loss
from pipeline.model.rectified.network import RectifiedAnswer

SIGMA_CELLS = 1.0
"""Standard deviation of the target heatmaps."""
CORNER_WEIGHTS = LossWeights(divergence=1.0, distance=0.1, windowed=0.5)
SPREAD_WEIGHT, PRESENCE_WEIGHT = 0.05, 0.1


def losses(answer: RectifiedAnswer, corners_px: Tensor, presence: Tensor) -> dict[str, Tensor]:
    """Mean losses of a batch, weighted: their sum is what is minimised.

    Args:
        answer: of the network.
        corners_px: (B, 4, 2) true corners in the view.
        presence: (B,) 1 or 0; the corners of views without a plate do not count.
    """
    has_plate = presence > 0.5
    logits = answer.logits[has_plate]
    true_cells = px_to_cells(corners_px[has_plate], answer.stride_px)
    parts = {
        "presence": PRESENCE_WEIGHT * functional.binary_cross_entropy_with_logits(answer.presence, presence)
    }
    if has_plate.any():
        means, _ = windowed_dsnt(logits)
        errors_cells = (means - true_cells).detach()
        parts["corner"] = corner_loss(logits, true_cells, SIGMA_CELLS, CORNER_WEIGHTS).mean()
        parts["spread"] = SPREAD_WEIGHT * surprise(errors_cells, answer.log_sd_cells[has_plate]).mean()
    return parts


def surprise(errors: Tensor, log_sd: Tensor) -> Tensor:
    """Negative log likelihood (less a constant) of errors (..., 2) under a bivariate Student distribution."""
    distance2 = (errors * torch.exp(-log_sd)).square().sum(dim=-1)
    return log_sd.sum(dim=-1) + (STUDENT_DEGREES + 2) / 2 * torch.log1p(distance2 / STUDENT_DEGREES)
