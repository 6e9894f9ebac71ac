"""The network as a gate runs it: one graph from camera pixels to corners, ready to be exported."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from pipeline.model.dataset import IMAGENET_MEAN_RGB, IMAGENET_SD_RGB
from pipeline.model.dsnt import cells_to_px, windowed_dsnt
from pipeline.model.network import STRIDE_PX, DilatedResNet50DSNT


class PlateCornerGraph(nn.Module):
    """Normalisation, network and decoding in one module; batch normalisation is folded into the convolutions.

    Args:
        network: a trained network; it is copied.
        covariance_scale: factor from a heatmap's second moment to the covariance of the corner's error.
    """

    def __init__(self, network: DilatedResNet50DSNT, covariance_scale: float) -> None:
        super().__init__()
        self.gain: Tensor
        self.offset: Tensor
        self.network = fold_batch_norms(network)
        self.covariance_scale = covariance_scale
        mean, sd = torch.tensor(IMAGENET_MEAN_RGB), torch.tensor(IMAGENET_SD_RGB)
        self.register_buffer("gain", (1 / (255 * sd)).view(1, 3, 1, 1))
        self.register_buffer("offset", (-mean / sd).view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Locate the plate.

        Args:
            images: (B, H, W, 3) uint8 BGR.

        Returns:
            Corners (B, 4, 2) in input pixels, covariances (B, 4, 2, 2) in px^2, presence (B,) in [0, 1].
        """
        blue, green, red = images.permute(0, 3, 1, 2).float().split(1, dim=1)
        rgb = torch.cat((red, green, blue), dim=1)
        logits, presence = self.network(rgb * self.gain + self.offset)
        means, covariances = windowed_dsnt(logits)
        return (
            cells_to_px(means, STRIDE_PX),
            covariances * (self.covariance_scale * STRIDE_PX**2),
            presence.sigmoid(),
        )


def fold_batch_norms(network: DilatedResNet50DSNT) -> DilatedResNet50DSNT:
    """A copy of the network in which every batch normalisation has become part of the convolution before it."""
    folded = copy.deepcopy(network).eval().requires_grad_(False)
    conv, norm = folded.stem[0], folded.stem[1]
    assert isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
    folded.stem[0], folded.stem[1] = fuse_conv_bn_eval(conv, norm), nn.Identity()
    for stage in (folded.layer1, folded.layer2, folded.layer3, folded.layer4):
        for block in stage:
            for conv_name, norm_name in (("conv1", "bn1"), ("conv2", "bn2"), ("conv3", "bn3")):
                setattr(
                    block, conv_name, fuse_conv_bn_eval(getattr(block, conv_name), getattr(block, norm_name))
                )
                setattr(block, norm_name, nn.Identity())
            if block.downsample is not None:
                block.downsample = nn.Sequential(fuse_conv_bn_eval(*block.downsample))
    return folded
