"""How near distance and speed come to the statistical limit.

Simulates passages with known truth, estimates them, and prints errors, the Cramér-Rao bound, coverage of the
intervals and, for comparison, what single-frame PnP (IPPE) with a regression makes of the same tracks.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import command
from pipeline.files import check_places, make_folder
from pipeline.option_types import count, natural
from pipeline.post.benchmark.passages import (
    EXACT,
    MANOEUVRES,
    OTHERS,
    REALISTIC,
    Population,
    simulate,
    update_milliseconds,
)
from pipeline.post.benchmark.report import report
from pipeline.post.benchmark.results import Cases


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.post.benchmark",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--passages",
        type=count,
        default=2000,
        help="of each of the two main cases; fewer of the others (%(default)s)",
    )
    parser.add_argument("--seed", type=natural, default=1, help="of all that is drawn (%(default)s)")
    parser.add_argument(
        "--plots", type=Path, metavar="DIR", help="write motion_error.png and motion_coverage.png there"
    )
    return parser.parse_args(argv)


def simulated(passages: int, seed: int) -> Cases:
    """All manoeuvres of the two main cases."""
    few = max(passages // 4, 1)
    return {
        name: {
            manoeuvre: simulate(
                passages if manoeuvre == "steady" else few,
                seed,
                Population(conditions, manoeuvre),
                f"{name} {manoeuvre}",
            )
            for manoeuvre in MANOEUVRES
        }
        for name, conditions in (("exact", EXACT), ("realistic", REALISTIC))
    }


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Simulate, print, plot; returns the exit code."""
    args = parse_arguments(argv)
    if args.plots:
        from pipeline.post.benchmark.plots import plot_coverage, plot_errors

        errors, coverage = args.plots / "motion_error.png", args.plots / "motion_coverage.png"
        make_folder(args.plots)
        check_places({errors: "plot", coverage: "plot"})
    cases = simulated(args.passages, args.seed)
    fewer = max(args.passages // 8, 1)
    others = {name: simulate(fewer, args.seed, population, name) for name, population in OTHERS.items()}
    print(f"python -m pipeline.post.benchmark --passages {args.passages} --seed {args.seed}")
    for line in report(cases, others, update_milliseconds(args.seed, 20)):
        print(line)
    if args.plots:
        plot_errors(cases, errors)
        plot_coverage(cases, coverage)
    return 0


if __name__ == "__main__":
    sys.exit(main())
