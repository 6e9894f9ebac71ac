"""How long one image takes in each of several networks, measured in turn, and how well each finds plates.

    python tests/bench/bench_inference.py deploy/models/plate_corners.onnx deploy/models/plate_corners_int8.onnx \
        --single --data INDEX --split validation

A command, not a test: figures depend on the machine and on what else runs on it. The networks take turns, image by
image, so that other work slows all of them alike: their ratios hold on a busy machine, their milliseconds do not.
With --data the files must leave their input's size open, since the second look runs them on a crop.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from pipeline.config import ModelConfig
from pipeline.errors import GateError
from pipeline.inference.letterbox import Letterbox
from pipeline.inference.locator import decode, letterbox_batch
from pipeline.inference.session import CornerSession
from pipeline.inference.start_session import open_session

Image = NDArray[np.uint8]


def main() -> int:
    """Print the tables; returns the exit code."""
    arguments = _arguments()
    try:
        with tempfile.TemporaryDirectory() as folder:
            models = {str(path): path for path in arguments.models}
            if arguments.single:
                models = {"in single precision": _single(arguments.models[0], Path(folder))} | models
            time_networks(models, arguments)
            if arguments.data is not None:
                compare_accuracy(models, arguments.data, arguments.split)
    except GateError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def time_networks(models: dict[str, Path], arguments: argparse.Namespace) -> None:
    """A line for each network and number of threads: ms per image at each batch size, and against the first network."""
    rng = np.random.default_rng(0)
    width, height = arguments.image_size
    images = list(rng.integers(0, 256, (max(arguments.batch_sizes), height, width, 3), dtype=np.uint8))
    print(f"ms per image, median of {arguments.repeats} turns, and its share of the first network's")
    print(f"{'network':38}threads " + "".join(f"{f'batch {size}':>20}" for size in arguments.batch_sizes))
    for threads in arguments.threads:
        sessions = [_open(path, threads, arguments) for path in models.values()]
        columns = [
            _in_turn([_network(session, images[:size]) for session in sessions], arguments.repeats)
            for size in arguments.batch_sizes
        ]
        for name, *times_ms in zip(models, *columns, strict=True):
            cells = (
                f"{ms / size:14.1f} {100 * ms / column[0]:3.0f} %"
                for ms, size, column in zip(times_ms, arguments.batch_sizes, columns, strict=True)
            )
            print(f"{name:38}{threads or 'all':>7} " + "".join(cells), flush=True)
    letterbox_ms, decoding_ms = _in_turn(_around(sessions[0], images[:1]), arguments.repeats)
    print(f"besides: letterbox of {width}x{height} {letterbox_ms:.2f} ms, decoding {decoding_ms:.2f} ms")
    print(f"provider {sessions[0].provider}\n")


def compare_accuracy(models: dict[str, Path], data: Path, split: str) -> None:
    """The evaluation's figures of each network, with one look and with two, on the photographs of one split."""
    from pipeline.model.evaluate import load_looks, measure_looks
    from pipeline.model.figures import table
    from pipeline.model.photographs import read_index, select

    photographs = [photograph for photograph in select(read_index(data), split) if photograph.plates]
    if not photographs:
        raise GateError(f"{data}: no photograph with a plate in split {split!r}")
    print(f"{data}, split {split}")
    for name, path in models.items():
        progress = tqdm(photographs, name, unit="image", dynamic_ncols=True)
        for look, results in measure_looks(load_looks(path), progress).items():
            print(f"{name}, {look}\n{table(results, {})}", flush=True)


def _single(model: Path, folder: Path) -> Path:
    """The first network with its weights stored in single precision, as a file in `folder`."""
    import onnx

    from deploy.eight_bits import in_single_precision

    onnx.save(in_single_precision(onnx.load(model)), folder / "single.onnx")
    return folder / "single.onnx"


def _open(path: Path, threads: int, arguments: argparse.Namespace) -> CornerSession:
    sizes = tuple(arguments.batch_sizes)
    return open_session(
        ModelConfig(path=path, provider=arguments.provider, batch_sizes=sizes, cpu_threads=threads)
    )


def _network(session: CornerSession, images: Sequence[Image]) -> Callable[[], object]:
    """A call that runs the network on the letterboxed images."""
    _, batch = _letterboxed(session, images)
    return lambda: session.run(batch)


def _around(session: CornerSession, images: Sequence[Image]) -> list[Callable[[], object]]:
    """What is done before and after the network, as calls: letterbox, and corners in the images' own pixels."""
    boxes, batch = _letterboxed(session, images)
    output = session.run(batch)
    return [lambda: _letterboxed(session, images), lambda: decode(output, boxes)]


def _letterboxed(session: CornerSession, images: Sequence[Image]) -> tuple[list[Letterbox], Image]:
    size_px = session.input_size_px
    boxes = [Letterbox.fit((image.shape[1], image.shape[0]), size_px) for image in images]
    return boxes, letterbox_batch(images, boxes, size_px, session.batch_size_for(len(images)))


def _in_turn(steps: Sequence[Callable[[], object]], repeats: int) -> list[float]:
    """Median milliseconds of each step; they are run one after the other, `repeats` times."""
    times_s: list[list[float]] = [[] for _ in steps]
    for step in steps:
        step()
    for _ in range(repeats):
        for step, times in zip(steps, times_s, strict=True):
            started_s = time.perf_counter()
            step()
            times.append(time.perf_counter() - started_s)
    return [1000 * statistics.median(times) for times in times_s]


def _size(text: str) -> tuple[int, int]:
    width, height = map(int, text.split("x"))
    return width, height


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "models", type=Path, nargs="+", help="ONNX files; the others are held against the first"
    )
    parser.add_argument(
        "--single", action="store_true", help="also the first one with its weights in single precision"
    )
    parser.add_argument("--provider", default="cpu", choices=["auto", "tensorrt", "cuda", "cpu"])
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[1], help="increasing")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="CPU threads; 0: one per core")
    parser.add_argument("--image-size", type=_size, default=(1280, 960), metavar="WIDTHxHEIGHT")
    parser.add_argument("--repeats", type=int, default=5, help="turns of each network")
    parser.add_argument("--data", type=Path, help="index of photographs to measure the accuracy on")
    parser.add_argument("--split", default="validation", help="its split (default: %(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
