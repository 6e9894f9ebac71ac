"""The table of `run-gate demo --all` with true corners and 0.5 px of noise in the network's place, nothing drawn.

    python -m tests.bench.bench_clips        (from the repository's root)

The difference to the demo's table is what the network costs.
"""

from __future__ import annotations

import operator
from functools import reduce

from pipeline.commands.clip_table import HEADER, line
from pipeline.synthetic.clips import CLIPS
from pipeline.synthetic.score import score
from tests.synthetic.standin import see


def main() -> None:
    """Print the table."""
    print(HEADER)
    scores = []
    for clip in CLIPS:
        scenario = clip.make()
        scores.append(score(see(scenario), scenario))
        print(line(clip.name, scores[-1]), flush=True)
    print(line("all", reduce(operator.add, scores)))


if __name__ == "__main__":
    main()
