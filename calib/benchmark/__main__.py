"""Calibrate simulated cameras whose truth is known, and count how often ± holds it. Run i always has seed i.

images   the lens from rendered images of a board, as many as the guide asks for
lens     the lens from simulated corners, worse ones than the images give
hand     the mount from a plate held by hand at 3, 5 and 8 m: tape 1 cm, corners 1 px, and the holding
stand    the mount from a plate on a stand there: only tape, corners and lens err

Ctrl-C ends it early with the table of the runs so far."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial

# Before OpenCV loads OpenBLAS: the threads of small problems only wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import cv2
import numpy as np
from tqdm import tqdm

from calib.benchmark.lens_runs import image_run, lens_run
from calib.benchmark.mount_runs import BY_HAND, ON_STAND, mount_run
from calib.benchmark.table import Run, summary
from calib.lens import PARAMETERS
from calib.mount import MOUNT_KEYS
from pipeline.option_types import count

_KINDS: dict[str, tuple[Callable[[np.random.Generator], Run], Sequence[str]]] = {
    "images": (image_run, PARAMETERS),
    "lens": (lens_run, PARAMETERS),
    "hand": (partial(mount_run, plate=BY_HAND), MOUNT_KEYS),
    "stand": (partial(mount_run, plate=ON_STAND), MOUNT_KEYS),
}


def main(argv: Sequence[str] | None = None) -> None:
    """Run one benchmark and print its table."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="python -m calib.benchmark", description=__doc__, formatter_class=raw
    )
    parser.add_argument("what", choices=tuple(_KINDS))
    parser.add_argument("--runs", type=count, default=200, help="default 200")
    args = parser.parse_args(argv)
    make, names = _KINDS[args.what]
    cv2.setNumThreads(1)  # many small problems: threads only get in each other's way
    numbers = tqdm(range(args.runs), args.what, disable=not sys.stderr.isatty())
    runs: list[Run] = []
    try:
        for number in numbers:
            runs.append(make(np.random.default_rng(number)))
    except KeyboardInterrupt:
        print(f"interrupted after {len(runs)} of {args.runs} runs", file=sys.stderr)
    if runs:
        print("\n".join(summary(names, runs)))


if __name__ == "__main__":
    main()
