"""Go on training from an exported rectified network, whose batch normalisations the export has folded away."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from pipeline.model.rectified.training import Plan, RectifiedTraining
from pipeline.model.weights import convolutions, fill, read_exported

NOT_EXPORTED = ("coarse_reading",)


def start_from_exported(plan: Plan, path: Path, views: Tensor) -> RectifiedTraining:
    """A new run that begins where the exported network is.

    Args:
        plan: without coarse steps: their heatmaps are not exported.
        path: of the ONNX file.
        views: (B, 3, H, W), what the network will be trained on: the normalisations are measured on them.

    Raises:
        GateError: the file cannot be read or is of another network.
    """
    training = RectifiedTraining(plan)
    network = training.network
    fill(network, read_exported(path)[1], path, without=NOT_EXPORTED)
    restore_normalisations(network, views.to(training.device, memory_format=torch.channels_last))
    training.average.module.load_state_dict(network.state_dict())
    return training


@torch.no_grad()
def restore_normalisations(network: nn.Module, views: Tensor) -> None:
    """Make normalisations that are identities what they were before: of what the views bring, computing the same.

    The convolutions before them become as large as fresh ones, since Adam's steps are of one size for all.
    """
    moments: dict[nn.BatchNorm2d, tuple[Tensor, Tensor]] = {}
    hooks = []
    for _, conv, norm in convolutions(network):
        if norm is not None:
            factor = (3 * conv.weight[0].numel()) ** -0.5 / conv.weight.square().mean().sqrt()
            conv.weight.mul_(factor)
            norm.weight.div_(factor)
            hooks.append(
                norm.register_forward_pre_hook(lambda norm, given: moments.update({norm: _moments(given[0])}))
            )
    network.eval()(views)
    network.train()
    for hook in hooks:
        hook.remove()
    for norm, (variance, mean) in moments.items():
        norm.bias.add_(norm.weight * mean)
        norm.weight.mul_((variance + norm.eps).sqrt())
        norm.running_mean, norm.running_var = mean, variance


def _moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Variance and mean of each channel."""
    return torch.var_mean(features, dim=(0, 2, 3), correction=0)
