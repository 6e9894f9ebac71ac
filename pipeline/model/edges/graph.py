"""The edge network as the runtime runs it, with the interface of every network here: pixels in, corners out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pipeline.model.edges.contrast import with_contrast
from pipeline.model.edges.lines import corner_covariances, corners_where_edges_meet, strips
from pipeline.model.edges.network import EdgeNetwork, expected
from pipeline.model.graph import Normalisation


class EdgeGraph(nn.Module):
    """Normalisation, network and decoding in one module.

    Args:
        network: a trained network, in evaluation mode.
    """

    def __init__(self, network: EdgeNetwork) -> None:
        super().__init__()
        self.normalised = Normalisation()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Find where the edges meet.

        Args:
            images: (B, 224, 416, 3) uint8 BGR, rectified views.

        Returns:
            Corners (B, 4, 2) in the view's pixels, covariances (B, 4, 2, 2) in px^2, presence (B,): 1, since whether
            there is a plate was settled before.
        """
        seen = strips(self.normalised(images))
        moves, move_cov_px2 = expected(with_contrast(self.network.of_strips(seen), seen, self.network))
        covariances = corner_covariances(move_cov_px2)
        return corners_where_edges_meet(moves), covariances, torch.ones_like(moves[:, 0, 0])
