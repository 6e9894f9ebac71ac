"""Weights to start a training from: ImageNet's, or a network that was exported."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import onnx
import torch
from google.protobuf.message import DecodeError
from onnx import numpy_helper
from torch import Tensor, nn
from torchvision.models import ResNet50_Weights

from pipeline.errors import GateError
from pipeline.model.checkpoint import read_checkpoint
from pipeline.model.network import DilatedResNet50DSNT

MOST_MISSING = 0.5
"""A file that lacks more of the backbone's tensors than this share holds something else."""


def load_imagenet(network: DilatedResNet50DSNT, weights_file: Path | None) -> list[str]:
    """Fill the backbone with ImageNet weights: torchvision's own, or a file with torchvision's key names.

    Returns:
        The names of backbone tensors that the weights do not contain; these keep their random start.

    Raises:
        GateError: the file cannot be read or holds something else.
    """
    if weights_file is None:
        weights = ResNet50_Weights.IMAGENET1K_V2.get_state_dict(progress=True, check_hash=True)
    else:
        weights = read_checkpoint(weights_file, set(), "ImageNet weights")
    if not all(isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in weights.items()):
        raise GateError(f"{weights_file}: not ResNet50 weights alone, by torchvision's names")
    renamed = {
        _own_name(name): tensor.float() for name, tensor in weights.items() if not name.startswith("fc.")
    }
    own = network.state_dict()
    unknown = [name for name, tensor in renamed.items() if name not in own or own[name].shape != tensor.shape]
    if unknown:
        raise GateError(
            f"{weights_file}: not ResNet50 weights with torchvision's names (for example {unknown[0]})"
        )
    backbone = [
        name for name in own if not name.startswith(("heatmaps.", "evidence.")) and "num_batches" not in name
    ]
    missing = [name for name in backbone if name not in renamed]
    if len(missing) > MOST_MISSING * len(backbone):
        raise GateError(
            f"{weights_file}: holds {len(backbone) - len(missing)} of ResNet50's {len(backbone)} tensors by "
            "torchvision's names"
        )
    network.load_state_dict(renamed, strict=False)
    return missing


def _own_name(torchvision_name: str) -> str:
    """conv1.weight -> stem.0.weight, bn1.bias -> stem.1.bias; the stages keep their names."""
    for theirs, ours in (("conv1.", "stem.0."), ("bn1.", "stem.1.")):
        if torchvision_name.startswith(theirs):
            return ours + torchvision_name.removeprefix(theirs)
    return torchvision_name


def load_exported(path: Path) -> DilatedResNet50DSNT:
    """A network from an exported ONNX file, to go on training from.

    Raises:
        GateError: the file cannot be read or was not exported by this program.
    """
    facts, weights = read_exported(path)
    network = DilatedResNet50DSNT(stride_on_first_conv=facts.get("resnet") == "v1")
    fill(network, weights, path)
    return network


def read_exported(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """An ONNX file's metadata, and its weights by the names of the network's own.

    Raises:
        GateError: it cannot be read.
    """
    try:
        model = onnx.load(path)
    except (OSError, DecodeError) as error:
        raise GateError(f"{path}: cannot be read as an ONNX model ({error})") from error
    weights = {
        _module_name(tensor.name): torch.from_numpy(numpy_helper.to_array(tensor).copy())
        for tensor in model.graph.initializer
    }
    return {entry.key: entry.value for entry in model.metadata_props}, weights


def _module_name(exported_name: str) -> str:
    """network.stem.0.weight.half -> stem.0.weight; a bias that the exporter folded, stem.0.weight_bias -> .bias."""
    return exported_name.removeprefix("network.").removesuffix(".half").replace(".weight_bias", ".bias")


def fill(network: nn.Module, weights: dict[str, Tensor], path: Path, without: tuple[str, ...] = ()) -> None:
    """Put exported weights into every convolution, but for those whose names begin with one of `without`.

    The export has folded every batch normalisation into the convolution before it. Here the convolution takes
    the weights, and the normalisation becomes an identity that carries the bias.

    Raises:
        GateError: something is missing.
    """
    for name, conv, norm in convolutions(network):
        if name.startswith(without):
            continue
        found = weights.get(f"{name}.weight"), weights.get(f"{name}.bias")
        if found[0] is None or found[1] is None or found[0].shape != conv.weight.shape:
            raise GateError(f"{path}: holds no {name}; give a file that this program has exported")
        conv.weight.data.copy_(found[0])
        if norm is None:
            assert conv.bias is not None
            conv.bias.data.copy_(found[1])
            continue
        assert norm.running_mean is not None and norm.running_var is not None
        norm.weight.data.fill_(1)
        norm.bias.data.copy_(found[1])
        norm.running_mean.zero_()
        norm.running_var.fill_(1 - norm.eps)


def convolutions(network: nn.Module) -> Iterator[tuple[str, nn.Conv2d, nn.BatchNorm2d | None]]:
    """Name, convolution and the batch normalisation behind it; one with a bias of its own has none."""
    modules = dict(network.named_modules())
    for name, conv in modules.items():
        if isinstance(conv, nn.Conv2d):
            norm = modules[_norm_after(name)] if conv.bias is None else None
            assert norm is None or isinstance(norm, nn.BatchNorm2d)
            yield name, conv, norm


def _norm_after(conv: str) -> str:
    """The batch normalisation behind a convolution: stem.0 -> stem.1, layer1.0.conv2 -> layer1.0.bn2."""
    head, _, last = conv.rpartition(".")
    return f"{head}.{last.replace('conv', 'bn')}" if last.startswith("conv") else f"{head}.1"
