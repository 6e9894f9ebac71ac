"""`locate`: the plate's corners in single images."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
from tqdm import tqdm

from pipeline.annotate import draw_location
from pipeline.capture.images import list_images
from pipeline.commands.options import add_model_options, model_config
from pipeline.config import ModelConfig
from pipeline.errors import GateError
from pipeline.files import make_folder, read_image, refuse_overwriting, write_image
from pipeline.frames import PlateLocation
from pipeline.inference.looks import open_locator
from pipeline.option_types import probability

HELP = "find the plate in images: corners with covariance, one line an image"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("paths", nargs="+", type=Path, metavar="IMAGE_OR_FOLDER")
    parser.add_argument(
        "--json",
        action="store_true",
        help="one JSON object a line: file, image_size_px, presence, corners_px, corner_cov_px2, ms",
    )
    parser.add_argument(
        "--annotate", type=Path, metavar="DIR", help="write the images with the corners drawn in there"
    )
    parser.add_argument(
        "--presence-threshold",
        type=probability,
        default=ModelConfig().presence_threshold,
        metavar="P",
        help="only for text and drawing",
    )
    add_model_options(parser)


def execute(args: argparse.Namespace) -> int:
    """Locate in every image; one that cannot be read is named and the others are still done."""
    files = [file for path in args.paths for file in _images_of(path)]
    if args.annotate is not None:
        refuse_overwriting((_drawn_path(args.annotate, file) for file in files), files)
        make_folder(args.annotate)
    locator, _ = open_locator(model_config(args))
    unreadable = 0
    for file in tqdm(files, unit="image", dynamic_ncols=True, disable=True if len(files) == 1 else None):
        image = read_image(file)
        if image is None:
            tqdm.write(f"error: {file}: cannot be read as an image", file=sys.stderr)
            unreadable += 1
            continue
        started_s = time.perf_counter()
        location = locator.locate([image])[0]
        elapsed_ms = 1000 * (time.perf_counter() - started_s)
        if args.json:
            tqdm.write(_json_line(file, image.shape[1::-1], location, elapsed_ms))
        else:
            tqdm.write(_text_line(file, location, elapsed_ms, args.presence_threshold))
        if args.annotate is not None:
            drawn = draw_location(image, location, args.presence_threshold)
            write_image(_drawn_path(args.annotate, file), drawn)
    return 2 if unreadable else 0


def _images_of(path: Path) -> list[Path]:
    if path.is_dir():
        return list_images(path)
    if not path.is_file():
        raise GateError(f"{path}: no such file or folder; check the path")
    return [path]


def _drawn_path(folder: Path, file: Path) -> Path:
    return folder / f"{file.stem}.jpg"


def _json_line(file: Path, size_px: tuple[int, ...], location: PlateLocation, elapsed_ms: float) -> str:
    return json.dumps(
        {
            "file": str(file),
            "image_size_px": size_px,
            "presence": round(location.presence, 5),
            "corners_px": np.round(location.corners_px, 3).tolist(),
            "corner_cov_px2": np.round(location.corner_cov_px2, 5).tolist(),
            "ms": round(elapsed_ms, 2),
        }
    )


def _text_line(file: Path, location: PlateLocation, elapsed_ms: float, threshold: float) -> str:
    if location.presence < threshold:
        return f"{file}  no plate (presence {location.presence:.3f})  {elapsed_ms:.0f} ms"
    sd_px = np.sqrt(np.trace(location.corner_cov_px2, axis1=1, axis2=2) / 2)
    corners = "  ".join(
        f"{name} ({x:.1f}, {y:.1f}) ±{sd:.1f}"
        for name, (x, y), sd in zip(("TL", "TR", "BR", "BL"), location.corners_px, sd_px, strict=True)
    )
    return f"{file}  presence {location.presence:.3f}  {corners}  {elapsed_ms:.0f} ms"
