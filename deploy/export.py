"""Export a checkpoint to one ONNX file: `python -m deploy.export --checkpoint checkpoint.pt --out model.onnx`.

The file is complete in itself, takes camera pixels and gives corners; its weights are stored in half precision and used
in single. It is written only if ONNX Runtime and torch agree on images to within 0.05 px.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import nn

from deploy.onnx_graph import export_single, store_in_half
from deploy.write_model import write_model
from pipeline.errors import GateError, command
from pipeline.files import check_places, refuse_overwriting
from pipeline.inference.model_file import PLATE_CORNERS
from pipeline.inference.session import CornerOutput
from pipeline.model.graph import PlateCornerGraph
from pipeline.model.network import STRIDE_PX
from pipeline.model.photographs import read_index, select
from pipeline.model.training import load_network
from pipeline.option_types import count
from pipeline.synthetic.render import frames
from pipeline.synthetic.scene import Scenario, gate_camera

PARITY_LIMIT_PX, PRESENCE_LIMIT = 0.05, 0.01


def parity(graph: nn.Module, model: onnx.ModelProto, images: Sequence[NDArray[np.uint8]]) -> dict[str, float]:
    """Largest differences between torch and ONNX Runtime over (H, W, 3) images, in corner pixels and in presence."""
    corner_px, presence = [], []
    source = model.SerializeToString()
    session = onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"])
    for image in images:
        batch = image[None]
        with torch.inference_mode():
            expected = CornerOutput(*(output.numpy() for output in graph(torch.from_numpy(batch))))
        found = CornerOutput(*session.run(CornerOutput._fields, {"images": batch}))
        corner_px.append(np.linalg.norm(expected.corners_px - found.corners_px, axis=-1).max())
        presence.append(np.abs(expected.presence - found.presence).max())
    return {"corner_px": float(np.max(corner_px)), "presence": float(np.max(presence))}


def export(
    graph: nn.Module,
    out: Path,
    images: Sequence[NDArray[np.uint8]],
    facts: dict[str, str],
    any_size: bool = True,
) -> None:
    """Export, compare and write.

    Args:
        graph: takes (B, H, W, 3) uint8 and gives what `CornerOutput` holds.
        out: the file.
        images: (H, W, 3) to compare torch and ONNX Runtime on.
        facts: what the file is to say of itself beside its input and the order of the corners.
        any_size: leave height and width of the input open.

    Raises:
        GateError: torch and ONNX Runtime disagree; nothing is written then.
    """
    size_px = (images[0].shape[1], images[0].shape[0])
    with tempfile.TemporaryDirectory() as folder:
        single = export_single(graph, size_px, Path(folder) / "single.onnx", any_size)
    difference = parity(graph, single, images)
    print(f"single precision, torch against ONNX Runtime on {len(images)} images: {_text(difference)}")
    _require_parity(out, difference)
    half = store_in_half(single)
    difference = parity(graph, half, images)
    print(f"half-precision storage, torch in single against it: {_text(difference)}")
    _require_parity(out, difference)
    common = {"corner_order": "TL,TR,BR,BL", "input": f"{size_px[0]}x{size_px[1]} BGR uint8 NHWC"}
    half.metadata_props.extend(
        onnx.StringStringEntryProto(key=key, value=value) for key, value in (common | facts).items()
    )
    write_model(half, out)


def _require_parity(out: Path, difference: dict[str, float]) -> None:
    # NaN is no agreement
    if not (difference["corner_px"] <= PARITY_LIMIT_PX and difference["presence"] <= PRESENCE_LIMIT):
        raise GateError(
            f"{out}: not written, since torch and ONNX Runtime differ by {difference['corner_px']:.3f} px and "
            f"{difference['presence']:.3f} in presence, more than {PARITY_LIMIT_PX} px or {PRESENCE_LIMIT}"
        )


def comparison_images(data: Path | None, size_px: tuple[int, int], count: int) -> list[NDArray[np.uint8]]:
    """Validation photographs of an index in a letterbox, or frames of the drawn gate scene where none is given."""
    if data is None:
        drawn = [image for image, _ in frames(Scenario(camera=gate_camera(*size_px), fps=4.0))]
        return drawn[:count]
    images = []
    for photograph in select(read_index(data), "validation")[:count]:
        image, _ = photograph.letterboxed(size_px)
        images.append(image)
    if not images:
        raise GateError(
            f"{data}: holds no validation photographs to compare on; leave --data out to use drawn ones"
        )
    return images


def facts_of(graph: PlateCornerGraph) -> dict[str, str]:
    """What the file says of itself; `resnet` lets training start from it again."""
    return {
        "task": PLATE_CORNERS,
        "resnet": "v1" if graph.network.stride_on_first_conv else "v1.5",
        **{name: repr(value) for name, value in asdict(graph.calibration).items()},
    }


def _text(difference: dict[str, float]) -> str:
    return f"corners {difference['corner_px']:.1e} px, presence {difference['presence']:.1e} at most"


@command
def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.export", description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True, help="checkpoint.pt of a training run")
    parser.add_argument("--out", type=Path, required=True, help="the .onnx file to write")
    parser.add_argument(
        "--size",
        type=int,
        nargs=2,
        default=(640, 480),
        metavar=("WIDTH", "HEIGHT"),
        help="size of the images that the runtime gives to the file (it takes others too)",
    )
    parser.add_argument(
        "--data", type=Path, help="compare on validation photographs of this index, not on drawn scenes"
    )
    parser.add_argument("--images", type=count, default=16, help="how many images to compare on")
    args = parser.parse_args(argv)
    if any(side % STRIDE_PX or side <= 0 for side in args.size):
        raise GateError(f"--size {args.size[0]} {args.size[1]}: both sides must divide by {STRIDE_PX}")
    refuse_overwriting([args.out], [args.checkpoint])
    check_places({args.out: "network"})
    size_px = (args.size[0], args.size[1])
    graph = PlateCornerGraph(*load_network(args.checkpoint))
    images = comparison_images(args.data, size_px, args.images)
    export(graph, args.out, images, facts_of(graph))
    return 0


if __name__ == "__main__":
    sys.exit(main())
