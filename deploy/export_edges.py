"""Export the edge network to ONNX: `python -m deploy.export_edges --checkpoint checkpoint.pt --out FILE`.

The file is written only if ONNX Runtime and torch agree on drawn plates to within 0.05 px.
"""

from __future__ import annotations

import sys

from deploy.export_rectified import export_views, parse_arguments
from pipeline.errors import command
from pipeline.inference.model_file import EDGE_CORNERS
from pipeline.model.edges.graph import EdgeGraph
from pipeline.model.edges.training import EdgeTraining


@command
def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = parse_arguments(argv, "python -m deploy.export_edges", __doc__)
    training = EdgeTraining.load(args.checkpoint)
    export_views(EdgeGraph(training.averaged()), {"task": EDGE_CORNERS}, args)
    return 0


if __name__ == "__main__":
    sys.exit(main())
