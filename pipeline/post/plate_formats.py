"""Sizes of number plates, outer edge to outer edge.

Only sizes that a regulation, a standard or the issuing authority states are listed. A format is a size, not a
country: where several countries use one size it appears once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.errors import GateError


@dataclass(frozen=True)
class PlateFormat:
    """One plate size.

    Attributes:
        name: what configuration and events call it.
        width_m, height_m: outer size.
        countries: where it is used, ISO 3166-1 alpha-2 (not exhaustive for sizes used all over Europe).
        source: the rule that states the size.
    """

    name: str
    width_m: float
    height_m: float
    countries: tuple[str, ...]
    source: str


_EUROPEAN = "AT BE BG CH CY CZ DE DK EE ES FR GR HR HU IE IT LT LU LV MT NL NO PL PT RO SE SI SK"
_EUROPE = tuple(_EUROPEAN.split())
_FZV = "Germany: Fahrzeug-Zulassungsverordnung, annex 4"
_GOST = "Russia: GOST R 50577"
_UK = "UK: BS AU 145e"
_SWISS = "Switzerland: Verkehrszulassungsverordnung (VZV)"
_SAE = "USA and Canada: SAE J686, 12 x 6 in"
_GA36 = "China: GA 36"
_JAPAN = "Japan: Road Vehicles Act, enforcement regulations, form of number plates"
_MERCOSUR = "Mercosur: GMC resolution 33/14"
_INDIA = "India: Central Motor Vehicles Rules 1989, rule 50"

FORMATS: tuple[PlateFormat, ...] = (
    PlateFormat("eu-520x110", 0.520, 0.110, _EUROPE, f"{_FZV}: one row, up to 520 x 110 mm"),
    PlateFormat(
        "eu-340x240", 0.340, 0.240, _EUROPE, "EU: Directive 70/222/EEC, space for a two-row rear plate"
    ),
    PlateFormat("es-340x220", 0.340, 0.220, ("ES",), "Spain: Reglamento General de Vehiculos, annex XVIII"),
    PlateFormat("de-340x200", 0.340, 0.200, ("DE",), f"{_FZV}: two rows, up to 340 x 200 mm"),
    PlateFormat("de-255x130", 0.255, 0.130, ("DE",), f"{_FZV}: small two-row plate"),
    PlateFormat("de-180x200", 0.180, 0.200, ("DE",), f"{_FZV}: motorcycles, narrowest"),
    PlateFormat(
        "be-340x210", 0.340, 0.210, ("BE", "NL"), "Belgium: ministerial decree of 23 July 2001, two rows"
    ),
    PlateFormat("it-360x110", 0.360, 0.110, ("IT",), "Italy: D.P.R. 495/1992, front plate"),
    PlateFormat("gb-520x111", 0.520, 0.111, ("GB",), f"{_UK}: one row, usual 520 x 111 mm"),
    PlateFormat("ch-300x80", 0.300, 0.080, ("CH",), f"{_SWISS}: front"),
    PlateFormat("ch-500x110", 0.500, 0.110, ("CH",), f"{_SWISS}: rear, long"),
    PlateFormat("ch-300x160", 0.300, 0.160, ("CH",), f"{_SWISS}: rear, high"),
    PlateFormat("ru-520x112", 0.520, 0.112, ("RU",), f"{_GOST}: type 1"),
    PlateFormat("ru-290x170", 0.290, 0.170, ("RU",), f"{_GOST}: type 1A"),
    PlateFormat("us-305x152", 0.3048, 0.1524, ("US", "CA", "MX"), _SAE),
    PlateFormat("cn-440x140", 0.440, 0.140, ("CN",), f"{_GA36}: cars"),
    PlateFormat("cn-480x140", 0.480, 0.140, ("CN",), f"{_GA36}: new-energy vehicles"),
    PlateFormat("cn-440x220", 0.440, 0.220, ("CN",), f"{_GA36}: large vehicles, rear"),
    PlateFormat("jp-330x165", 0.330, 0.165, ("JP",), f"{_JAPAN}: medium"),
    PlateFormat("jp-440x220", 0.440, 0.220, ("JP",), f"{_JAPAN}: large"),
    PlateFormat(
        "br-400x130", 0.400, 0.130, ("BR", "AR", "UY", "PY"), f"{_MERCOSUR} and Brazil: CONTRAN 231/2007"
    ),
    PlateFormat("eg-350x170", 0.350, 0.170, ("EG",), "Egypt: plates of the 2008 traffic law"),
    PlateFormat("au-372x134", 0.372, 0.134, ("AU",), "Australia: ADR 61, standard plate, 372 x 134 mm"),
    PlateFormat("in-500x120", 0.500, 0.120, ("IN",), f"{_INDIA}: cars, one row"),
    PlateFormat("in-340x200", 0.340, 0.200, ("IN",), f"{_INDIA}: cars, two rows"),
)

SIZES_M = {item.name: (item.width_m, item.height_m) for item in FORMATS}
"""Width and height of each format, by its name."""


def formats_named(names: Iterable[str]) -> tuple[PlateFormat, ...]:
    """The formats of these names, in the table's order.

    Raises:
        GateError: a name is unknown, or there is none.
    """
    wanted = set(names)
    if unknown := wanted - {item.name for item in FORMATS}:
        known = ", ".join(item.name for item in FORMATS)
        raise GateError(f"plate_formats: unknown format {sorted(unknown)[0]!r}; known: {known}")
    if not wanted:
        raise GateError("plate_formats: name at least one format")
    return tuple(item for item in FORMATS if item.name in wanted)


EUROPE = formats_named(("eu-520x110", "eu-340x240"))
"""The two sizes that may occur where a site names none."""
