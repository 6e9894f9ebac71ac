"""The network of the rectified look: an hourglass of residual blocks with a DSNT heatmap for each corner.

It sees the whole plate and its surroundings at a sixteenth of the view's size, where the parts of the plate are told
from its holder, and draws the heatmaps at half, where an edge is a share of a cell.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.resnet import BasicBlock

from pipeline.model.dsnt import spatial_softmax
from pipeline.model.network import CORNERS

STRIDE_PX = 2
CHANNELS = (16, 32, 64, 128)
"""At a half, a quarter, an eighth and a sixteenth of the view's size."""


class RectifiedAnswer(NamedTuple):
    """What the network says about B views.

    Attributes:
        logits: (B, 4, h, w) heatmap logits of the corners.
        presence: (B,) logits that a plate is there.
        log_sd_cells: (B, 4, 2) logarithms of the standard deviations of the corners' x and y, in cells.
    """

    logits: Tensor
    presence: Tensor
    log_sd_cells: Tensor


class RectifiedNetwork(nn.Module):
    """Corners of a rectified view, how sure each is, and whether there is a plate.

    Presence and standard deviations are read where the corners are, as averages under their heatmaps.
    """

    stride_px = STRIDE_PX

    def __init__(self) -> None:
        super().__init__()
        finest, fine, middle, coarse = CHANNELS
        self.finest = nn.Sequential(*_conv(3, finest, 5, 2))
        self.fine = nn.Sequential(*_conv(finest, fine, 3, 2), BasicBlock(fine, fine))
        self.middle = nn.Sequential(
            *_conv(fine, middle, 3, 2), BasicBlock(middle, middle), BasicBlock(middle, middle)
        )
        self.coarse = nn.Sequential(
            *_conv(middle, coarse, 3, 2), BasicBlock(coarse, coarse), BasicBlock(coarse, coarse)
        )
        self.to_middle = nn.Conv2d(coarse, middle, kernel_size=1)
        self.middle_again = BasicBlock(middle, middle)
        self.to_fine = nn.Conv2d(middle, fine, kernel_size=1)
        self.fine_again = BasicBlock(fine, fine)
        self.to_finest = nn.Conv2d(fine, finest, kernel_size=1)
        self.finest_again = BasicBlock(finest, finest)
        self.heatmaps = nn.Conv2d(finest, CORNERS, kernel_size=1)
        self.evidence = nn.Conv2d(finest, CORNERS, kernel_size=1)
        self.log_sd = nn.Conv2d(finest, 2 * CORNERS, kernel_size=1)
        for reading in (self.evidence, self.log_sd):
            nn.init.zeros_(reading.weight)

    def forward(self, views: Tensor) -> RectifiedAnswer:
        """Run the network.

        Args:
            views: (B, 3, H, W) RGB, normalised with ImageNet's mean and standard deviation; H and W divide by 16.
        """
        finest = self.finest(views)
        fine = self.fine(finest)
        middle = self.middle(fine)
        coarse = self.coarse(middle)
        middle = self.middle_again(middle + _doubled(self.to_middle(coarse)))
        fine = self.fine_again(fine + _doubled(self.to_fine(middle)))
        finest = self.finest_again(finest + _doubled(self.to_finest(fine)))
        logits = self.heatmaps(finest).float()
        attention = spatial_softmax(logits.detach())
        presence = (attention * self.evidence(finest).float()).sum(dim=(1, 2, 3))
        log_sd = self.log_sd(finest).float().unflatten(1, (CORNERS, 2))
        return RectifiedAnswer(logits, presence, (attention.unsqueeze(2) * log_sd).sum(dim=(3, 4)))


def _conv(inputs: int, outputs: int, side: int, stride: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(inputs, outputs, side, stride, padding=side // 2, bias=False)
    return convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)


def _doubled(features: Tensor) -> Tensor:
    return functional.interpolate(features, scale_factor=2.0, mode="bilinear", align_corners=False)
