"""The network in torch behind the runtime's own interface, so that training measures what a gate will run."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pipeline.inference.locator import PlateLocator
from pipeline.inference.second_look import CROP_PX, SecondLook
from pipeline.inference.session import CornerOutput
from pipeline.model.calibration import Calibration
from pipeline.model.graph import PlateCornerGraph
from pipeline.model.measure import SIZE_PX
from pipeline.model.network import DilatedResNet50DSNT


class TorchSession:
    """A `NetworkSession` that runs the graph in torch; `bfloat16` is about twice as fast and less exact."""

    max_batch = 1

    def __init__(self, graph: nn.Module, input_size_px: tuple[int, int], bfloat16: bool) -> None:
        self.input_size_px = input_size_px
        self._graph, self._bfloat16 = graph, bfloat16

    def batch_size_for(self, count: int) -> int:
        """Any number of images is run as it is."""
        return count

    @torch.inference_mode()
    def run(self, images: NDArray[np.uint8]) -> CornerOutput:
        """Run the network on (batch, height, width, 3) uint8 BGR."""
        device = next(self._graph.buffers()).device
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=self._bfloat16):
            outputs = self._graph(torch.from_numpy(images).to(device))
        return CornerOutput(*(output.float().cpu().numpy() for output in outputs))

    def interrupt(self) -> None:
        """Nothing to do: measuring is stopped with Ctrl-C."""


def both_looks(
    network: DilatedResNet50DSNT, calibration: Calibration | None = None, bfloat16: bool = False
) -> tuple[PlateLocator, SecondLook]:
    """The first look and the second, that run a network of torch as the runtime runs an exported one."""
    device = network.heatmaps.weight.device
    graph = PlateCornerGraph(network, calibration or Calibration())
    graph = graph.to(device).to(memory_format=torch.channels_last)
    return (
        PlateLocator(TorchSession(graph, SIZE_PX, bfloat16)),
        SecondLook(TorchSession(graph, CROP_PX, bfloat16)),
    )
