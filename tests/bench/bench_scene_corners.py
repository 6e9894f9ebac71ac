"""How far the network's edges lie from the truth on the drawn gate scene: `python tests/bench/bench_scene_corners.py`.

Prints, for twelve drawn cars at 8 m and at 4 m, the error of the plate's width in percent and how far its upper and
lower edge lie outside of the true ones, in millimetres on the plate.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.config import ModelConfig
from pipeline.inference.locator import Locator
from pipeline.inference.looks import open_locator
from pipeline.synthetic.approach import Approach
from pipeline.synthetic.render import frames
from pipeline.synthetic.scene import Scenario

CARS, DISTANCES_M = range(12), (8.0, 4.0)


def edge_errors(locator: Locator, seed: int, distance_m: float) -> Sequence[float]:
    """Width error in percent, upper and lower edge outward in mm, of one car."""
    scenario = Scenario(seed=seed, approach=Approach(start_m=distance_m, end_m=distance_m - 0.5), fps=1)
    image, truth = next(frames(scenario))
    error_px = locator.locate([image])[0].corners_px - truth.corners_px
    width_px = truth.corners_px[1, 0] - truth.corners_px[0, 0]
    mm_per_px = 1000 * scenario.plate_format.width_m / width_px
    wider_px = error_px[[1, 2], 0].mean() - error_px[[0, 3], 0].mean()
    return 100 * wider_px / width_px, -error_px[:2, 1].mean() * mm_per_px, error_px[2:, 1].mean() * mm_per_px


def main() -> None:
    """Print a line for each car and distance."""
    locator, _ = open_locator(ModelConfig(provider="cpu"))
    for distance_m in DISTANCES_M:
        for seed in CARS:
            width, upper, lower = edge_errors(locator, seed, distance_m)
            edges = f"upper {upper:+4.0f} mm  lower {lower:+4.0f} mm"
            print(f"{distance_m:.0f} m  car {seed:2d}  width {width:+5.1f} %  {edges}")


if __name__ == "__main__":
    main()
