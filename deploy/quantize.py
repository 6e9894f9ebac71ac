"""Make an 8-bit network for CPUs from an exported one: `python -m deploy.quantize --data INDEX`.

The convolutions of the backbone, and what lies between them, compute on 8-bit integers; the heads and the decoding
stay in single precision. How large the numbers between two layers get is learned from photographs of the index's split
`train`. The file is written only if the plates are found where the given network finds them, on other photographs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto
from tqdm import tqdm

from deploy.eight_bits import Image, in_single_precision, quantized
from deploy.write_model import write_model
from pipeline.config import SHIPPED_MODEL, ModelConfig
from pipeline.errors import GateError, command
from pipeline.files import check_places, refuse_overwriting
from pipeline.frames import plate_width_px
from pipeline.inference.model_file import inspect_model
from pipeline.inference.session import CornerOutput
from pipeline.inference.start_session import session_options
from pipeline.model.measure import FOUND_SHARE_OF_WIDTH
from pipeline.model.photographs import read_index, select
from pipeline.option_types import count
from pipeline.synthetic.approach import Approach
from pipeline.synthetic.render import frames
from pipeline.synthetic.scene import Scenario, gate_camera

MEDIAN_LIMIT_PX = 0.15
"""How far half of the corners may move: the median error then grows by less."""
LOST_LIMIT = 0.005
"""Share of the plates that the given network finds and the 8-bit one may lose."""

IMAGES, COMPARED, FEWEST = 48, 64, 8
"""Images to calibrate on and to compare on where nobody asks for a number, and how many an index must have of each."""


@dataclass(frozen=True, eq=False)
class Sample:
    """An image (H, W, 3) of the network's input size and the corners (4, 2) of the plate in it."""

    image: Image
    corners_px: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Loss:
    """What 8 bits cost, measured on samples.

    Attributes:
        moved_px: (n, 4) distances between the two networks' corners.
        found: shares of the plates that the network in single precision and the one in 8 bits find and recognise.
        presence: largest difference of the presences.
    """

    moved_px: NDArray[np.float64]
    found: tuple[float, float]
    presence: float

    @classmethod
    def between(cls, single: CornerOutput, eight: CornerOutput, samples: Sequence[Sample]) -> Loss:
        """Compare the answers of two networks to the same samples."""
        return cls(
            np.linalg.norm(single.corners_px - eight.corners_px, axis=-1),
            (_found_share(single, samples), _found_share(eight, samples)),
            float(np.abs(single.presence - eight.presence).max()),
        )

    def __str__(self) -> str:
        median, p95, largest = np.percentile(self.moved_px, (50, 95, 100))
        return (
            f"corners move {median:.3f} px (median), {p95:.3f} px (95th percentile), {largest:.2f} px (most); "
            f"found and recognised {100 * self.found[1]:.1f} % instead of {100 * self.found[0]:.1f} %; "
            f"presence differs by {self.presence:.4f} at most"
        )

    @property
    def bearable(self) -> bool:
        """Whether the 8-bit network may take the other's place."""
        lost = self.found[0] - self.found[1]
        return float(np.median(self.moved_px)) <= MEDIAN_LIMIT_PX and lost <= LOST_LIMIT


def _found_share(answer: CornerOutput, samples: Sequence[Sample]) -> float:
    """Share of the plates whose corners are found and whose presence is above the gate's usual threshold."""
    truth_px = np.stack([sample.corners_px for sample in samples])
    error_px = np.linalg.norm(answer.corners_px - truth_px, axis=-1).mean(axis=1)
    width_px = np.array([plate_width_px(corners) for corners in truth_px])
    recognised = answer.presence >= ModelConfig().presence_threshold
    return float((recognised & (error_px < FOUND_SHARE_OF_WIDTH * width_px)).mean())


def answers(model: ModelProto, samples: Sequence[Sample], name: str) -> CornerOutput:
    """A network's answers to samples, each run alone, behind a progress bar."""
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), session_options(), providers=["CPUExecutionProvider"]
    )
    outputs = [
        session.run(CornerOutput._fields, {"images": sample.image[None]})
        for sample in tqdm(samples, name, unit="image", dynamic_ncols=True)
    ]
    return CornerOutput(*(np.concatenate(parts) for parts in zip(*outputs, strict=True)))


def quantize(source: Path, out: Path, calibration: Sequence[Sample], comparison: Sequence[Sample]) -> None:
    """Quantise, compare and write.

    Args:
        source: an exported network.
        out: where the 8-bit one goes.
        calibration: samples to learn the ranges from.
        comparison: others, to compare the two networks on.

    Raises:
        GateError: the 8-bit network loses too much; nothing is written then.
    """
    print(f"calibrated on {len(calibration)} images, compared on {len(comparison)}")
    single = in_single_precision(onnx.load(source))
    eight = quantized(single, [sample.image for sample in calibration])
    loss = Loss.between(
        answers(single, comparison, "single precision"), answers(eight, comparison, "8 bits"), comparison
    )
    print(f"8 bits against single precision on {len(comparison)} images: {loss}")
    if not loss.bearable:
        raise GateError(
            f"{out}: not written, since the limits are {MEDIAN_LIMIT_PX} px (median) and {100 * LOST_LIMIT} % of the "
            "plates; calibrate on more images (--images), or on photographs like your camera's (--data)"
        )
    write_model(eight, out)


def letterboxed(
    data: Path, split: str, size_px: tuple[int, int], asked: int | None, usual: int
) -> list[Sample]:
    """Photographs of a split with a plate, spread evenly over the index, in letterboxes of (width, height).

    Args:
        data: the index.
        split: `train` or `validation`.
        size_px: of the letterbox.
        asked: how many; None takes `usual`, or all where there are fewer.
        usual: see there.

    Raises:
        GateError: there are fewer than were asked for, or than `FEWEST`.
    """
    photographs = [photo for photo in select(read_index(data), split) if photo.plates]
    count = asked or min(usual, max(len(photographs), FEWEST))
    if len(photographs) < count:
        raise GateError(
            f"{data}: {len(photographs)} photographs of split {split!r} show a plate, fewer than {count}; "
            "ask for fewer with --images (of train) or --compare (of validation)"
        )
    samples = []
    for number in range(count):
        photo = photographs[number * len(photographs) // count]
        assert photo.closest is not None
        image, box = photo.letterboxed(size_px)
        samples.append(Sample(image, box.to_input_px(photo.closest.corners_px)))
    return samples


def drawn(size_px: tuple[int, int], count: int, first_car: int) -> list[Sample]:
    """Frames of the drawn gate scene, each of another car, from far away to near."""
    samples = []
    for car, distance_m in enumerate(np.linspace(9.0, 3.5, count), start=first_car):
        approach = Approach(start_m=distance_m, end_m=distance_m - 0.5)
        scenario = Scenario(approach=approach, camera=gate_camera(*size_px), fps=1.0, seed=car)
        image, truth = next(frames(scenario))
        samples.append(Sample(image, truth.corners_px))
    return samples


@command
def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.quantize",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--model", type=Path, default=SHIPPED_MODEL, help="the exported network (default: %(default)s)"
    )
    parser.add_argument(
        "--out", type=Path, help="the 8-bit network; by default beside --model, with _int8 in its name"
    )
    parser.add_argument(
        "--data",
        type=Path,
        help="index of photographs: calibrate on its split train, compare on validation; without it, on drawn scenes",
    )
    fewer = f"or what the index has, {FEWEST} at least"
    parser.add_argument("--images", type=count, help=f"how many images to calibrate on ({IMAGES}, {fewer})")
    parser.add_argument("--compare", type=count, help=f"how many images to compare on ({COMPARED}, {fewer})")
    args = parser.parse_args(argv)
    out = args.out or args.model.with_name(f"{args.model.stem}_int8.onnx")
    refuse_overwriting([out], [args.model])
    check_places({out: "network"})
    size_px = inspect_model(args.model).input_size_px
    if args.data is None:
        calibration = drawn(size_px, args.images or IMAGES, first_car=0)
        comparison = drawn(size_px, args.compare or COMPARED, first_car=len(calibration))
    else:
        calibration = letterboxed(args.data, "train", size_px, args.images, IMAGES)
        comparison = letterboxed(args.data, "validation", size_px, args.compare, COMPARED)
    quantize(args.model, out, calibration, comparison)
    return 0


if __name__ == "__main__":
    sys.exit(main())
