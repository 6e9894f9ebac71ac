"""The network of the rectified look: an hourglass that sees the view at half its size, and a detail path at full size.

The hourglass sees the whole plate and its surroundings at a thirty-second of the view's size, where the parts of the
plate are told from its holder. The detail path draws the heatmaps at half of the view's size, where the corners of
even a large plate are known to a share of one of the photograph's own pixels.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.resnet import BasicBlock

from pipeline.model.dsnt import spatial_softmax
from pipeline.model.network import CORNERS

CHANNELS = (16, 32, 64, 128)
"""Of the hourglass, at a half, a quarter, an eighth and a sixteenth of what it sees."""
DETAIL_CHANNELS = 16


class RectifiedAnswer(NamedTuple):
    """What the network says about B views.

    Attributes:
        logits: (B, 4, h, w) heatmap logits of the corners.
        presence: (B,) logits that a plate is there.
        log_sd_cells: (B, 4, 2) logarithms of the standard deviations of the corners' x and y, in cells.
        stride_px: view pixels of a heatmap's cell.
    """

    logits: Tensor
    presence: Tensor
    log_sd_cells: Tensor
    stride_px: int


class RectifiedNetwork(nn.Module):
    """Corners of a rectified view, how sure each is, and whether there is a plate."""

    def __init__(self) -> None:
        super().__init__()
        self.hourglass = Hourglass()
        self.coarse_reading = Reading(CHANNELS[0], stride_px=4)
        self.detail = nn.Sequential(*_conv(3, DETAIL_CHANNELS, 5, 2))
        self.to_detail = nn.Conv2d(CHANNELS[0], DETAIL_CHANNELS, kernel_size=1)
        self.detail_again = nn.Sequential(
            BasicBlock(DETAIL_CHANNELS, DETAIL_CHANNELS), BasicBlock(DETAIL_CHANNELS, DETAIL_CHANNELS)
        )
        self.reading = Reading(DETAIL_CHANNELS, stride_px=2)

    def forward(self, views: Tensor) -> RectifiedAnswer:
        """Run the network.

        Args:
            views: (B, 3, H, W) RGB, normalised with ImageNet's mean and standard deviation; H and W divide by 32.
        """
        context = self.to_detail(self.hourglass(_halved(views)))
        answer: RectifiedAnswer = self.reading(self.detail_again(self.detail(views) + _doubled(context)))
        return answer

    def coarse(self, views: Tensor) -> RectifiedAnswer:
        """What the hourglass alone says, on heatmaps of half the size: the first thing to be trained."""
        answer: RectifiedAnswer = self.coarse_reading(self.hourglass(_halved(views)))
        return answer


class Hourglass(nn.Module):
    """Features (B, 16, H / 2, W / 2) of images (B, 3, H, W), each aware of the whole image."""

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

    def forward(self, images: Tensor) -> Tensor:
        """H and W divide by 16."""
        finest = self.finest(images)
        fine = self.fine(finest)
        middle = self.middle(fine)
        coarse = self.coarse(middle)
        middle = self.middle_again(middle + _doubled(self.to_middle(coarse)))
        fine = self.fine_again(fine + _doubled(self.to_fine(middle)))
        refined: Tensor = self.finest_again(finest + _doubled(self.to_finest(fine)))
        return refined


class Reading(nn.Module):
    """Heatmaps from features; presence and standard deviations as averages under them, where the corners are."""

    def __init__(self, channels: int, stride_px: int) -> None:
        super().__init__()
        self.stride_px = stride_px
        self.heatmaps = nn.Conv2d(channels, CORNERS, kernel_size=1)
        self.evidence = nn.Conv2d(channels, CORNERS, kernel_size=1)
        self.log_sd = nn.Conv2d(channels, 2 * CORNERS, kernel_size=1)
        for reading in (self.evidence, self.log_sd):
            nn.init.zeros_(reading.weight)

    def forward(self, features: Tensor) -> RectifiedAnswer:
        """The answer from features (B, channels, h, w)."""
        logits = self.heatmaps(features).float()
        attention = spatial_softmax(logits.detach())
        presence = (attention * self.evidence(features).float()).sum(dim=(1, 2, 3))
        log_sd = self.log_sd(features).float().unflatten(1, (CORNERS, 2))
        log_sd_cells = (attention.unsqueeze(2) * log_sd).sum(dim=(3, 4))
        return RectifiedAnswer(logits, presence, log_sd_cells, self.stride_px)


def _conv(inputs: int, outputs: int, side: int, stride: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(inputs, outputs, side, stride, padding=side // 2, bias=False)
    return convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)


def _halved(images: Tensor) -> Tensor:
    return functional.avg_pool2d(images, 2)


def _doubled(features: Tensor) -> Tensor:
    return functional.interpolate(features, scale_factor=2.0, mode="bilinear", align_corners=False)
