"""The rectified network as the runtime runs it, with the interface of every network here: pixels in, corners out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pipeline.model.dsnt import cells_to_px, windowed_dsnt
from pipeline.model.graph import Normalisation
from pipeline.model.rectified.network import RectifiedNetwork


class RectifiedGraph(nn.Module):
    """Normalisation, network and decoding in one module.

    Args:
        network: a trained network, in evaluation mode.
        covariance_scale: what calibration multiplies the network's own variances with.
    """

    def __init__(self, network: RectifiedNetwork, covariance_scale: float) -> None:
        super().__init__()
        self.normalised = Normalisation()
        self.network, self.covariance_scale = network, covariance_scale

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Correct the corners.

        Args:
            images: (B, 224, 416, 3) uint8 BGR, rectified views.

        Returns:
            Corners (B, 4, 2) in the view's pixels, covariances (B, 4, 2, 2) in px^2, presence (B,) in [0, 1].
        """
        answer = self.network(self.normalised(images))
        means, _ = windowed_dsnt(answer.logits)
        variances = torch.exp(2 * answer.log_sd_cells) * (self.covariance_scale * answer.stride_px**2)
        return cells_to_px(means, answer.stride_px), torch.diag_embed(variances), answer.presence.sigmoid()
