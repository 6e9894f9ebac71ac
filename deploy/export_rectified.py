"""Export the rectified network to ONNX: `python -m deploy.export_rectified --checkpoint checkpoint.pt --out FILE`.

The file is written only if ONNX Runtime and torch agree on drawn plates to within 0.05 px.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from deploy.export import export
from pipeline.errors import command
from pipeline.files import check_places, refuse_overwriting
from pipeline.inference.model_file import RECTIFIED_CORNERS
from pipeline.inference.rectify import rectified
from pipeline.model.rectified.graph import RectifiedGraph
from pipeline.model.rectified.samples import disturbed
from pipeline.model.rectified.training import RectifiedTraining
from pipeline.option_types import count
from pipeline.synthetic.render import frames
from pipeline.synthetic.scene import Scenario


def comparison_views(count: int) -> list[NDArray[np.uint8]]:
    """Views (224, 416, 3) of the drawn gate scene around corners that are nearly right."""
    rng = np.random.default_rng(0)
    scenes = itertools.islice(frames(Scenario(fps=8.0)), count)
    return [rectified(image, disturbed(rng, truth.corners_px))[0] for image, truth in scenes]


def parse_arguments(argv: list[str] | None, prog: str, description: str | None) -> argparse.Namespace:
    """The command line of the export of a network for rectified views."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument("--checkpoint", type=Path, required=True, help="checkpoint.pt of the training run")
    parser.add_argument("--out", type=Path, required=True, help="the .onnx file to write")
    parser.add_argument("--images", type=count, default=16, help="how many views to compare on")
    args = parser.parse_args(argv)
    refuse_overwriting([args.out], [args.checkpoint])
    check_places({args.out: "network"})
    return args


def export_views(graph: nn.Module, facts: dict[str, str], args: argparse.Namespace) -> None:
    """Write the graph of a network for rectified views, compared with torch on drawn ones."""
    export(graph.cpu(), args.out, comparison_views(args.images), facts, any_size=False)


@command
def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = parse_arguments(argv, "python -m deploy.export_rectified", __doc__)
    training = RectifiedTraining.load(args.checkpoint)
    graph = RectifiedGraph(training.averaged(), training.covariance_scale)
    facts = {"task": RECTIFIED_CORNERS, "covariance_scale": repr(training.covariance_scale)}
    export_views(graph, facts, args)
    return 0


if __name__ == "__main__":
    sys.exit(main())
