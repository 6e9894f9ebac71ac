"""What was measured at the gate: the file `measured.toml`.

`TEMPLATE` explains every line; `python -m calib mount --template` writes it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from calib.camera_parts import MOST_HEIGHT_M
from pipeline.errors import GateError
from pipeline.files import read_toml

_Metres = Annotated[float, Meta(ge=-5, le=200)]
_Distance = Annotated[float, Meta(ge=0.3, le=200)]
_Sd = Annotated[float, Meta(gt=0, le=10)]

TEMPLATE = """\
# What was measured at the gate. Lengths in metres. Delete the parts you do not use.
# "distance_m" is taped along the road, in a straight line from the point straight below the lens (a plumb line) to
# the point straight below the plate, also where the camera hangs beside the lane; "range_m" is taped straight from the
# lens to the plate's centre. Give one of them.

[plate]                       # the plate that was held up
format = "eu-520x110"
centre_height_m = 0.50        # plate's centre above the road
height_sd_m = 0.01            # how well that is known
each_height_sd_m = 0.003      # how much it may differ from place to place: an uneven road, a shaky hand
lateral_sd_m = 0.03           # how straight along the lane the places lie; 0.5 if they do not follow the lane
facing_sd_deg = 3.0           # how upright and square to the lane it is held; 0.5 on a stand, with a spirit level

[[plate_at]]
image = "d300.jpg"            # as in the lines of `run_gate.py locate --json`
distance_m = 3.00
#tape_sd_m = 0.01             # of any taped distance, here and below: how good the tape is
[[plate_at]]
image = "d500.jpg"
distance_m = 5.00
[[plate_at]]
image = "d800.jpg"
distance_m = 8.00

#[[board_at]]                 # the calibration board on the road, printed text towards the camera
#image = "floor.jpg"
#placed = "lying"             # or "standing"
#distance_m = 4.00            # to the middle of the lower edge of its squares
#height_m = 0.01              # of that edge above the road
#height_sd_m = 0.005          # how well that is known

#[passages]                   # vehicles that drove straight along the lane
#file = "events.jsonl"        # as `run_gate.py run` or `replay` writes them
#plate_height_m = 0.50
#height_sd_m = 0.15

#[camera]
#height_m = 2.30              # the lens above the road, if you can tape it
#height_sd_m = 0.02

[stop_line]                   # one of the two
clicks_px = []                # two or more points on the line: [[412, 700], [880, 705]]; copy what `--click` prints
#distance_m = 2.00            # taped along the lane from the point straight below the lens
#sd_m = 0.01                  # how well that is known
"""


@dataclass(frozen=True)
class Plate:
    """The plate that was held up."""

    format: str = "eu-520x110"
    centre_height_m: _Metres = 0.5
    height_sd_m: _Sd = 0.01
    lateral_sd_m: _Sd = 0.03
    each_height_sd_m: _Sd = 0.003
    facing_sd_deg: _Sd = 3.0


@dataclass(frozen=True)
class PlateAt:
    """The plate at a taped place."""

    image: str
    distance_m: _Distance | None = None
    range_m: _Distance | None = None
    tape_sd_m: _Sd = 0.01


@dataclass(frozen=True)
class BoardAt:
    """The board at a taped place."""

    image: str
    placed: Literal["lying", "standing"]
    distance_m: _Distance | None = None
    height_m: _Metres = 0.0
    height_sd_m: _Sd = 0.005
    tape_sd_m: _Sd = 0.01


@dataclass(frozen=True)
class Passages:
    """Recorded vehicles."""

    file: str
    plate_height_m: _Metres = 0.5
    height_sd_m: _Sd = 0.15


@dataclass(frozen=True)
class TapedCamera:
    """The camera's own height."""

    height_m: Annotated[float, Meta(ge=0.3, le=MOST_HEIGHT_M)]
    height_sd_m: _Sd = 0.02


@dataclass(frozen=True)
class StopLine:
    """Where the stop line is."""

    clicks_px: tuple[tuple[float, float], ...] = ()
    distance_m: _Metres | None = None
    sd_m: _Sd = 0.01


@dataclass(frozen=True)
class Measured:
    """All measurements; see `TEMPLATE`."""

    plate: Plate = field(default_factory=Plate)
    plate_at: tuple[PlateAt, ...] = ()
    board_at: tuple[BoardAt, ...] = ()
    passages: Passages | None = None
    camera: TapedCamera | None = None
    stop_line: StopLine = field(default_factory=StopLine)

    @classmethod
    def load(cls, path: Path) -> Measured:
        """Read measured.toml.

        Raises:
            GateError: it is missing, is not TOML, a key is unknown or out of range, or the stop line is there twice.
        """
        data = read_toml(path, "measurements")
        _check_keys(path, data)
        try:
            measured = msgspec.convert(data, cls)
        except msgspec.ValidationError as error:
            raise GateError(f"{path}: {error}") from error
        if measured.stop_line.clicks_px and measured.stop_line.distance_m is not None:
            raise GateError(f"{path}: stop_line: give clicks_px or distance_m, and not both")
        return measured


def _check_keys(path: Path, data: dict[str, object]) -> None:
    """Refuse unknown keys.

    Raises:
        GateError: names the first one.
    """
    tables: dict[str, Any] = {"plate": Plate, "plate_at": PlateAt, "board_at": BoardAt, "passages": Passages}
    tables |= {"camera": TapedCamera, "stop_line": StopLine}
    for key, value in data.items():
        if key not in tables:
            raise GateError(f"{path}: {key}: unknown key; known: {', '.join(tables)}")
        for item in value if isinstance(value, list) else [value]:
            known = tables[key].__dataclass_fields__
            if not isinstance(item, dict):
                raise GateError(f"{path}: {key}: write it as a table, [{key}] or [[{key}]]")
            if unknown := set(item) - set(known):
                raise GateError(f"{path}: {key}.{sorted(unknown)[0]}: unknown key; known: {', '.join(known)}")
