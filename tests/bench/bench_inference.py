"""How long one image takes, by batch size and number of CPU threads, letterbox and decoding included.

    python tests/bench/bench_inference.py deploy/models/plate_corners.onnx --threads 1 2 4 --batch-sizes 1 4

A command, not a test: figures depend on the machine and on what else runs on it. Each figure is the median of
`--repeats` runs, divided by the batch size.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pipeline.config import ModelConfig
from pipeline.errors import GateError
from pipeline.inference.letterbox import Letterbox
from pipeline.inference.locator import decode, letterbox_batch
from pipeline.inference.session import CornerSession, open_session


def main() -> int:
    """Print the table; returns the exit code."""
    arguments = _arguments()
    rng = np.random.default_rng(0)
    width, height = arguments.image_size
    images = rng.integers(0, 256, (max(arguments.batch_sizes), height, width, 3), dtype=np.uint8)
    print(
        f"{width} x {height} images, ms per image (network + letterbox + decoding), median of {arguments.repeats}"
    )
    print("threads " + "".join(f"{f'batch {size}':>24}" for size in arguments.batch_sizes))
    for threads in arguments.threads:
        config = ModelConfig(
            path=arguments.model,
            provider=arguments.provider,
            batch_sizes=tuple(arguments.batch_sizes),
            cpu_threads=threads,
        )
        try:
            session = open_session(config)
        except GateError as error:
            print(error, file=sys.stderr)
            return 2
        cells = [_cell(session, list(images[:size]), arguments.repeats) for size in arguments.batch_sizes]
        print(f"{threads or 'all':>7} " + "".join(f"{cell:>24}" for cell in cells), flush=True)
    print(f"model {session.model.hash} on {session.provider}")
    return 0


def _cell(session: CornerSession, images: list[np.ndarray], repeats: int) -> str:
    input_px = session.model.input_size_px
    boxes = [Letterbox.fit((image.shape[1], image.shape[0]), input_px) for image in images]
    batch = letterbox_batch(images, boxes, input_px, session.batch_size_for(len(images)))
    output = session.run(batch)
    steps: list[Callable[[], object]] = [
        lambda: session.run(batch),
        lambda: letterbox_batch(images, boxes, input_px, len(batch)),
        lambda: decode(output, boxes),
    ]
    return " + ".join(f"{_median_ms(step, repeats) / len(images):.2f}" for step in steps)


def _median_ms(step: Callable[[], object], repeats: int) -> float:
    times_s = []
    for _ in range(repeats):
        started_s = time.perf_counter()
        step()
        times_s.append(time.perf_counter() - started_s)
    return 1000 * statistics.median(times_s)


def _size(text: str) -> tuple[int, int]:
    width, height = map(int, text.split("x"))
    return width, height


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="the ONNX file")
    parser.add_argument("--provider", default="cpu", choices=["auto", "tensorrt", "cuda", "cpu"])
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[1, 4], help="increasing")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 0], help="CPU threads; 0: one per core")
    parser.add_argument("--image-size", type=_size, default=(1280, 960), metavar="WIDTHxHEIGHT")
    parser.add_argument("--repeats", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
