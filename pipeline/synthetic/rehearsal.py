"""A drawn gate's pictures with labelme files, to rehearse docs/training.md before labelling pictures of one's own.

    python -m pipeline.synthetic.rehearsal --out DIR [--passages 20]

Writes DIR/pictures/ with two frames of each passage and the exact corners of its plate in labelme's format, and
DIR/background/ with the empty lane.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tqdm import tqdm

from calib.camera import Camera, Intrinsics, Mount
from pipeline.errors import command
from pipeline.files import make_folder, write_image
from pipeline.option_types import count, natural
from pipeline.post.plate_formats import formats_named
from pipeline.synthetic.approach import SpeedCourse
from pipeline.synthetic.paste import Image
from pipeline.synthetic.render import Sensor, draw_panels, frames
from pipeline.synthetic.scene import Scenario, Truth
from pipeline.synthetic.surroundings import empty_road, posts

FRAME_TIMES_S = (0.0, 1.2)
EMPTY_PICTURES = 12
FORMATS = formats_named(["eu-520x110", "eu-340x240"])


def gate() -> Camera:
    """A camera beside the lane, 1.6 m high and turned 8 degrees into it, of 960x720 px."""
    lens = Intrinsics(960, 720, 1000.0, 1000.0, 479.5, 359.5)
    return Camera("rehearsal", lens, Mount(1.6, 9.0, 0.0, -8.0, stop_line_m=2.0))


def passages(count: int, seed: int) -> Iterator[list[tuple[Image, Truth]]]:
    """Frames (H, W, 3) uint8 BGR of `count` vehicles with their truth; every fourth passes at night."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        speed_kmh = rng.uniform(5, 9)
        scenario = Scenario(
            approach=SpeedCourse(rng.uniform(5.0, 8.5), ((0.0, speed_kmh), (max(FRAME_TIMES_S), speed_kmh))),
            plate_format=FORMATS[int(rng.random() < 0.2)],
            lane_offset_m=0.9 + rng.normal(0, 0.15),
            lane_centre_m=0.8,
            camera=gate(),
            frame_times_s=FRAME_TIMES_S,
            night=number % 4 == 3,
            seed=int(rng.integers(2**31)),
        )
        yield list(frames(scenario))


def empty_pictures(count: int, seed: int) -> Iterator[Image]:
    """The lane without a vehicle."""
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        light = draw_panels(gate(), posts(), np.array([0.8, 0.0, 0.0])).cover(empty_road(rng, gate(), 0.8))
        yield Sensor(rng, gate(), noise=1.6).expose(light * np.float32(rng.uniform(0.2, 1.0)))


def labelme_file(picture: str, truth: Truth) -> str:
    """What labelme would save after four exact clicks; its (0, 0) is the corner of the first pixel."""
    lens = gate().intrinsics
    points = (truth.corners_px + 0.5).tolist()
    shape = {"label": "plate", "points": points, "group_id": None, "shape_type": "polygon", "flags": {}}
    size = {"imageWidth": lens.width, "imageHeight": lens.height}
    return json.dumps(
        {"version": "5.5.0", "flags": {}, "shapes": [shape], "imagePath": picture, "imageData": None, **size}
    )


@command
def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.synthetic.rehearsal",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--passages", type=count, default=20)
    parser.add_argument("--seed", type=natural, default=1)
    args = parser.parse_args(argv)
    pictures, background = args.out / "pictures", args.out / "background"
    make_folder(pictures)
    make_folder(background)
    vehicles = tqdm(passages(args.passages, args.seed), total=args.passages, unit="passage")
    for number, views in enumerate(vehicles, start=1):
        for place, (image, truth) in enumerate(views, start=1):
            name = f"passage{number:03d}_{place}.jpg"
            write_image(pictures / name, image)
            (pictures / name).with_suffix(".json").write_text(labelme_file(name, truth), encoding="utf-8")
    for number, image in enumerate(empty_pictures(EMPTY_PICTURES, args.seed), start=1):
        write_image(background / f"empty{number:02d}.jpg", image)
    print(f"{pictures}: {len(FRAME_TIMES_S) * args.passages} labelled; {background}: {EMPTY_PICTURES} empty")
    return 0


if __name__ == "__main__":
    sys.exit(main())
