"""The network: a ResNet50 whose last two stages are dilated instead of strided, and a 1x1 convolution to heatmaps."""

from __future__ import annotations

from torch import Tensor, nn
from torchvision.models import resnet50

from pipeline.model.dsnt import spatial_softmax

STRIDE_PX = 8
"""Pixels a heatmap cell of the shipped network; the input's sides must divide by it."""
DILATED_STAGES = {32: [False, False, False], 16: [False, False, True], 8: [False, True, True]}
"""Which of layer2, layer3 and layer4 are dilated instead of strided, for each stride; 32 is the ordinary ResNet50."""
CORNERS = 4


class DilatedResNet50DSNT(nn.Module):
    """Heatmap logits of the four corners and the logit of a plate's presence.

    Presence is read where the corners are: a second 1x1 convolution gives one evidence map a corner, and the presence
    logit is the evidence averaged under the corner's own heatmap. It therefore depends neither on the size of
    the image nor on how much background surrounds the plate. The heatmaps are detached there, so that presence
    never bends the localisation.

    Args:
        stride_on_first_conv: put the stride of a strided stage on its 1x1 convolution (ResNet v1, as in Keras'
            weights) instead of its 3x3 one (torchvision).
        stride_px: 8, or 16 or 32 for comparison. The tensors are the same for all, so weights fit each of them.
    """

    def __init__(self, stride_on_first_conv: bool = False, stride_px: int = STRIDE_PX) -> None:
        super().__init__()
        self.stride_on_first_conv, self.stride_px = stride_on_first_conv, stride_px
        backbone = resnet50(weights=None, replace_stride_with_dilation=DILATED_STAGES[stride_px])
        self.stem = nn.Sequential(backbone.conv1, backbone.bn1, backbone.relu, backbone.maxpool)
        self.layer1, self.layer2 = backbone.layer1, backbone.layer2
        self.layer3, self.layer4 = backbone.layer3, backbone.layer4
        channels = backbone.fc.in_features
        self.heatmaps = nn.Conv2d(channels, CORNERS, kernel_size=1)
        self.evidence = nn.Conv2d(channels, CORNERS, kernel_size=1)
        nn.init.normal_(self.heatmaps.weight, std=0.01)
        nn.init.zeros_(self.evidence.weight)
        if stride_on_first_conv:
            for block in (self.layer2[0], self.layer3[0], self.layer4[0]):
                block.conv1.stride, block.conv2.stride = block.conv2.stride, (1, 1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Run the network.

        Args:
            images: (B, 3, H, W) RGB, normalised with ImageNet's mean and standard deviation; H and W divide by
                the stride.

        Returns:
            Heatmap logits (B, 4, H / stride, W / stride) and presence logits (B,).
        """
        features = self.layer4(self.layer3(self.layer2(self.layer1(self.stem(images)))))
        logits = self.heatmaps(features).float()
        attention = spatial_softmax(logits.detach())
        presence = (attention * self.evidence(features).float()).sum(dim=(1, 2, 3))
        return logits, presence
