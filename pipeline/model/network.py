"""The network: a ResNet50 whose last two stages are dilated instead of strided, and a 1x1 convolution to heatmaps."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from google.protobuf.message import DecodeError
from onnx import numpy_helper
from torch import Tensor, nn
from torchvision.models import ResNet50_Weights, resnet50

from pipeline.errors import GateError
from pipeline.model.dsnt import spatial_softmax

STRIDE_PX = 8
"""Pixels a heatmap cell; the input's sides must divide by it."""
CORNERS = 4


class DilatedResNet50DSNT(nn.Module):
    """Heatmap logits of the four corners and the logit of a plate's presence.

    Presence is read where the corners are: a second 1x1 convolution gives one evidence map a corner, and the presence
    logit is the evidence averaged under the corner's own heatmap. It therefore depends neither on the size of
    the image nor on how much background surrounds the plate. The heatmaps are detached there, so that presence
    never bends the localisation.

    Args:
        stride_on_first_conv: put the stride of layer2 on its 1x1 convolution (ResNet v1, as in Keras' weights)
            instead of its 3x3 one (torchvision).
    """

    def __init__(self, stride_on_first_conv: bool = False) -> None:
        super().__init__()
        self.stride_on_first_conv = stride_on_first_conv
        backbone = resnet50(weights=None, replace_stride_with_dilation=[False, True, True])
        self.stem = nn.Sequential(backbone.conv1, backbone.bn1, backbone.relu, backbone.maxpool)
        self.layer1, self.layer2 = backbone.layer1, backbone.layer2
        self.layer3, self.layer4 = backbone.layer3, backbone.layer4
        channels = backbone.fc.in_features
        self.heatmaps = nn.Conv2d(channels, CORNERS, kernel_size=1)
        self.evidence = nn.Conv2d(channels, CORNERS, kernel_size=1)
        nn.init.normal_(self.heatmaps.weight, std=0.01)
        nn.init.zeros_(self.evidence.weight)
        if stride_on_first_conv:
            self.layer2[0].conv1.stride, self.layer2[0].conv2.stride = (2, 2), (1, 1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Run the network.

        Args:
            images: (B, 3, H, W) RGB, normalised with ImageNet's mean and standard deviation; H and W divide by 8.

        Returns:
            Heatmap logits (B, 4, H / 8, W / 8) and presence logits (B,).
        """
        features = self.layer4(self.layer3(self.layer2(self.layer1(self.stem(images)))))
        logits = self.heatmaps(features).float()
        attention = spatial_softmax(logits.detach())
        presence = (attention * self.evidence(features).float()).sum(dim=(1, 2, 3))
        return logits, presence


def load_imagenet(network: DilatedResNet50DSNT, weights_file: Path | None) -> list[str]:
    """Fill the backbone with ImageNet weights: torchvision's own, or a file with torchvision's key names.

    Returns:
        The names of backbone tensors that the weights do not contain; these keep their random start.
    """
    if weights_file is None:
        weights = ResNet50_Weights.IMAGENET1K_V2.get_state_dict(progress=True, check_hash=True)
    else:
        weights = torch.load(weights_file, map_location="cpu", weights_only=True)
    renamed = {
        _own_name(name): tensor.float() for name, tensor in weights.items() if not name.startswith("fc.")
    }
    own = network.state_dict()
    unknown = [name for name, tensor in renamed.items() if name not in own or own[name].shape != tensor.shape]
    if unknown:
        raise GateError(
            f"{weights_file}: not ResNet50 weights with torchvision's names (for example {unknown[0]})"
        )
    network.load_state_dict(renamed, strict=False)
    return [
        name
        for name in own
        if name not in renamed
        and not name.startswith(("heatmaps.", "evidence."))
        and "num_batches" not in name
    ]


def _own_name(torchvision_name: str) -> str:
    """conv1.weight -> stem.0.weight, bn1.bias -> stem.1.bias; the stages keep their names."""
    for theirs, ours in (("conv1.", "stem.0."), ("bn1.", "stem.1.")):
        if torchvision_name.startswith(theirs):
            return ours + torchvision_name.removeprefix(theirs)
    return torchvision_name


def load_exported(path: Path) -> DilatedResNet50DSNT:
    """A network from an exported ONNX file, to go on training from.

    The export has folded every batch normalisation into the convolution before it. Here the convolution takes the weights,
    and the normalisation becomes an identity that carries the bias.

    Raises:
        GateError: the file cannot be read or was not exported by this program.
    """
    try:
        model = onnx.load(path)
    except (OSError, DecodeError) as error:
        raise GateError(f"{path}: cannot be read as an ONNX model ({error})") from error
    facts = {entry.key: entry.value for entry in model.metadata_props}
    weights = {
        tensor.name.removesuffix(".half").removeprefix("network."): torch.from_numpy(
            numpy_helper.to_array(tensor).astype("float32")
        )
        for tensor in model.graph.initializer
    }
    network = DilatedResNet50DSNT(stride_on_first_conv=facts.get("resnet") == "v1")
    modules = dict(network.named_modules())
    for name, conv in modules.items():
        if not isinstance(conv, nn.Conv2d):
            continue
        if f"{name}.weight" not in weights or f"{name}.bias" not in weights:
            raise GateError(f"{path}: holds no {name}; give a file that deploy.export has written")
        conv.weight.data.copy_(weights[f"{name}.weight"])
        if conv.bias is not None:
            conv.bias.data.copy_(weights[f"{name}.bias"])
            continue
        norm = modules[_norm_after(name)]
        assert (
            isinstance(norm, nn.BatchNorm2d)
            and norm.running_mean is not None
            and norm.running_var is not None
        )
        norm.weight.data.fill_(1)
        norm.bias.data.copy_(weights[f"{name}.bias"])
        norm.running_mean.zero_()
        norm.running_var.fill_(1 - norm.eps)
    return network


def _norm_after(conv: str) -> str:
    """The batch normalisation behind a convolution: stem.0 -> stem.1, layer1.0.conv2 -> layer1.0.bn2."""
    head, _, last = conv.rpartition(".")
    return f"{head}.{last.replace('conv', 'bn')}" if last.startswith("conv") else f"{head}.1"
