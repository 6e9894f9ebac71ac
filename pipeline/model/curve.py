"""The log of a training run, and its learning curve as a picture."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot as plt

SMOOTHING_STEPS = 25


def log_entry(out: Path, entry: dict) -> None:
    """Append an entry to the log of the run in a folder."""
    with (out / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps(entry) + "\n")


def _entries(log: Path) -> Iterator[dict]:
    """The entries of a log; a line that a full disk or a power cut left half is passed over."""
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        with contextlib.suppress(json.JSONDecodeError):
            yield json.loads(line)


def draw_learning_curve(log: Path, picture: Path) -> None:
    """Draw the losses and the validation errors that a run wrote to its log (one JSON object a line)."""
    entries = list(_entries(log))
    names = dict.fromkeys(name for entry in entries for name in entry if name not in ("step", "validation"))
    checks = [entry for entry in entries if "validation" in entry]
    figure, (losses, errors) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    for name in names:
        steps, values = np.array([(entry["step"], entry[name]) for entry in entries if name in entry]).T
        window = min(SMOOTHING_STEPS, len(values))
        smooth = np.convolve(values, np.ones(window) / window, mode="valid")
        if smooth.min() > 0:  # a log likelihood has no place on the logarithmic axis
            losses.semilogy(steps[window - 1 :], smooth, label=f"{name} (mean of {window})")
    losses.set(xlabel="step", ylabel="training loss", title="Training")
    if losses.lines:
        losses.legend()
    if checks:
        at = [entry["step"] for entry in checks]
        errors.plot(
            at, [entry["validation"]["median_px"] for entry in checks], "o-", label="median corner error (px)"
        )
        errors.plot(
            at, [entry["validation"]["p90_px"] for entry in checks], "s--", label="90th percentile (px)"
        )
        errors.set_yscale("log")
        errors.legend()
    errors.set(xlabel="step", ylabel="px at 640x480", title="Validation")
    for axes in (losses, errors):
        axes.grid(True, alpha=0.3)
    figure.savefig(picture, dpi=110)
    plt.close(figure)
