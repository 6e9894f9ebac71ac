"""The network as a gate runs it, ready to be exported: one graph from camera pixels to calibrated corners."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from pipeline.model.calibration import Calibration
from pipeline.model.dataset import IMAGENET_MEAN_RGB, IMAGENET_SD_RGB
from pipeline.model.dsnt import cells_to_px, windowed_dsnt
from pipeline.model.network import DilatedResNet50DSNT


class Normalisation(nn.Module):
    """Camera pixels, (B, H, W, 3) uint8 BGR, as ImageNet's networks expect them: (B, 3, H, W) float RGB."""

    def __init__(self) -> None:
        super().__init__()
        self.gain: Tensor
        self.offset: Tensor
        mean, sd = torch.tensor(IMAGENET_MEAN_RGB), torch.tensor(IMAGENET_SD_RGB)
        self.register_buffer("gain", (1 / (255 * sd)).view(1, 3, 1, 1))
        self.register_buffer("offset", (-mean / sd).view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Normalise."""
        blue, green, red = images.permute(0, 3, 1, 2).float().split(1, dim=1)
        return torch.cat((red, green, blue), dim=1) * self.gain + self.offset


class PlateCornerGraph(nn.Module):
    """Normalisation, network and decoding in one module; batch normalisation is folded into the convolutions.

    Args:
        network: a trained network; it is copied.
        calibration: what training measured last.
    """

    def __init__(self, network: DilatedResNet50DSNT, calibration: Calibration) -> None:
        super().__init__()
        self.identity: Tensor
        self.normalised = Normalisation()
        self.network = fold_batch_norms(network)
        self.calibration = calibration
        self.register_buffer("identity", torch.eye(2))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Locate the plate.

        Args:
            images: (B, H, W, 3) uint8 BGR.

        Returns:
            Corners (B, 4, 2) in input pixels, covariances (B, 4, 2, 2) in px^2, presence (B,) in [0, 1].
        """
        logits, presence = self.network(self.normalised(images))
        means, moments = windowed_dsnt(logits)
        corners_px = cells_to_px(means, self.network.stride_px)
        edges_px = corners_px[:, (1, 2)] - corners_px[:, (0, 3)]
        width_px = edges_px.square().sum(dim=-1).sqrt().mean(dim=-1)
        known = self.calibration
        common = (known.covariance_share * width_px).square() + known.covariance_floor_px**2
        return (
            corners_px,
            moments * (known.covariance_scale * self.network.stride_px**2)
            + common[:, None, None, None] * self.identity,
            (presence - known.presence_offset).sigmoid(),
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
