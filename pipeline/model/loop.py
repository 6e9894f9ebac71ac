"""The loop around a training run, whatever it trains: batches in; log, checkpoints and learning curve out."""

from __future__ import annotations

import argparse
import ctypes
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import cv2
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from pipeline.errors import GateError
from pipeline.files import make_folder
from pipeline.model.curve import draw_learning_curve, log_entry
from pipeline.model.photographs import add_data_argument
from pipeline.option_types import natural, positive_number

Batch = tuple[Tensor, Tensor, Tensor]
"""Images (B, 3, H, W), corners (B, 4, 2) in their pixels, presence (B,) 0 or 1."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of malloc.h


class Run(Protocol):
    """What is trained: `training.Training`, `averaged.AveragedTraining`."""

    step: int

    @property
    def steps(self) -> int:
        """Optimiser steps at the end of the run."""
        ...

    def train_step(self, images: Tensor, corners_px: Tensor, presence: Tensor) -> dict[str, float]:
        """One optimiser step on a batch; returns the losses by name."""
        ...

    def save(self, path: Path) -> None:
        """Write a checkpoint."""
        ...


def advance(run: Run, batches: Iterable[Batch], out: Path, checkpoint_minutes: float) -> Iterator[tqdm]:
    """Train on the batches with a log, checkpoints and learning curves; yields the bar after every step."""
    _keep_freed_memory()
    last_saved_s = time.monotonic()
    with tqdm(total=run.steps, initial=run.step, unit="step", dynamic_ncols=True) as progress:
        for batch in batches:
            with _undivided():
                losses = run.train_step(*batch)
                log_entry(out, {"step": run.step, **losses})
            progress.update()
            progress.set_postfix({name: f"{value:.3f}" for name, value in losses.items()})
            if time.monotonic() - last_saved_s > 60 * checkpoint_minutes:
                save(run, out)
                last_saved_s = time.monotonic()
            yield progress


@contextmanager
def _undivided() -> Iterator[None]:
    """Ctrl-C takes effect when the block is done: half an optimiser step is no state to go on from."""
    if signal.getsignal(signal.SIGINT) in (signal.SIG_IGN, None):  # as in the background of a script
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


def loaded(samples: Dataset, batch: int | None, order: Sequence[int], workers: int) -> Iterator[Any]:
    """The samples in this order, in batches or, without a batch size, one by one, prepared by other processes.

    Raises:
        GateError: a sample cannot be made; in its own words, not in those of the process that failed.
    """
    if workers:
        # Before they are forked: OpenCV's threads would get in their way, and to end them there waits for ever.
        cv2.setNumThreads(1)
    try:
        yield from DataLoader(samples, batch, sampler=order, num_workers=workers)
    except GateError as error:
        raise GateError(str(error).rstrip().rpartition(f"{GateError.__name__}: ")[2]) from error


def add_run_arguments(parser: argparse.ArgumentParser, out: Path) -> None:
    """The options of every training run."""
    add_data_argument(parser)
    parser.add_argument("--out", type=Path, default=out, help="where all results go (default: %(default)s)")
    parser.add_argument("--resume", action="store_true", help="go on from what is in OUT")
    parser.add_argument(
        "--workers",
        type=natural,
        default=1,
        help="processes that prepare images; 0: this one does (default: %(default)s)",
    )
    parser.add_argument(
        "--checkpoint-minutes",
        type=positive_number,
        default=4.0,
        help="time between checkpoints (default: %(default)s)",
    )


def _keep_freed_memory() -> None:
    """Have the C library keep what a step frees for the next one.

    Given back, it comes as new pages that the kernel fills with zeros: a third of a step's time.
    """
    if sys.platform == "linux":
        library = ctypes.CDLL(None)
        if hasattr(library, "mallopt"):
            library.mallopt(_M_MMAP_THRESHOLD, 2**30)
            library.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def begin_in(out: Path) -> None:
    """Make the folder of a new run.

    Raises:
        GateError: a run is in it already, which a new one would overwrite.
    """
    checkpoint = out / "checkpoint.pt"
    if checkpoint.exists():
        raise GateError(f"{checkpoint}: a run is here already; go on with --resume, or give another --out")
    make_folder(out)
    (out / "log.jsonl").unlink(missing_ok=True)  # of a run that left no checkpoint


def given(args: argparse.Namespace, *names: str) -> dict[str, Any]:
    """Those of the options, by their names in `args`, that were given; they have no default of their own."""
    return {name: value for name in names if (value := getattr(args, name)) is not None}


def refuse_changes(out: Path, options: Mapping[str, bool]) -> None:
    """Refuse to go on with other options than a run was begun with; True where one was given that differs.

    Raises:
        GateError: one does.
    """
    changed = [option for option, differs in options.items() if differs]
    if changed:
        raise GateError(
            f"{out}: the run there was begun with another {', '.join(changed)}; leave that out, or give the same, "
            "to go on with it; or begin a new run in another --out"
        )


@contextmanager
def resumable(run: Run, out: Path) -> Iterator[None]:
    """The run is saved when the block is done or interrupted, which says how to go on; an error saves nothing."""
    try:
        yield
    except KeyboardInterrupt as stop:
        save(run, out)
        raise KeyboardInterrupt(f"interrupted after step {run.step}; go on with --resume") from stop
    save(run, out)


def save(run: Run, out: Path) -> None:
    """Write checkpoint and, once there was a step, learning curve."""
    run.save(out / "checkpoint.pt")
    log = out / "log.jsonl"
    if log.exists():
        draw_learning_curve(log, out / "curve.png")


def computes_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies in bfloat16 itself: other processors only emulate it, many times slower."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_avx512_bf16_supported()
