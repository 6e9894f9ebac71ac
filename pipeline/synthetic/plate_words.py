"""What plates are made of: colours, scripts, patterns of registrations, words; and random choice among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from pipeline.synthetic.blank import Colour

T = TypeVar("T")

WHITE, SILVER, YELLOW, AMBER = (240, 242, 243), (200, 203, 205), (30, 200, 250), (60, 180, 235)
BLACK, NAVY, BLUE, SKY = (22, 20, 20), (90, 35, 15), (150, 60, 15), (220, 160, 70)
GREEN, RED, GREY = (70, 110, 20), (35, 25, 170), (140, 140, 140)
DARK_ON_LIGHT: list[tuple[Colour, Colour]] = [
    *[(WHITE, BLACK)] * 5,
    *[(YELLOW, BLACK)] * 2,
    (AMBER, BLACK),
    (SILVER, BLACK),
    (WHITE, NAVY),
    (WHITE, RED),
    (WHITE, GREEN),
    (SKY, BLACK),
]
LIGHT_ON_DARK: list[tuple[Colour, Colour]] = [
    (BLUE, WHITE),
    (BLACK, WHITE),
    (BLACK, SILVER),
    (GREEN, WHITE),
    (RED, WHITE),
    (GREY, BLACK),
    (NAVY, YELLOW),
]
LATIN, DIGITS = "ABCDEFGHJKLMNPRSTUVWXYZ", "0123456789"
ARABIC, ARABIC_DIGITS = "أبجدرسصطعفقلمنهوي", "٠١٢٣٤٥٦٧٨٩"
CHINESE = "京沪粤津冀晋蒙辽吉黑苏浙皖闽赣鲁豫鄂湘桂琼渝川贵云藏陕甘青宁新"
KANA = "あいうえかきくけこさすせそたちつて"
PATTERNS = ["A-AA 9999", "AA 999 AA", "AA99 AAA", "AAA 999", "AAA-9999", "99-AAA-9", "9999 AAA", "A 999 AA"]
PATTERNS += ["AAA 9A99", "AA-99-99", "9AAA999", "99 999 99", "AA 99 A 9999", "A999AA 99", "999-9999"]
REGIONS = [
    "CALIFORNIA",
    "NEVADA",
    "OREGON",
    "VERMONT",
    "OHIO",
    "SP-SAO PAULO",
    "RS-CANOAS",
    "ONTARIO",
    "MEXICO",
]
MOTTOS = ["THE OPEN ROAD", "GREAT LAKES", "SUNSHINE STATE", "www.plates.org", "FIRST IN FLIGHT", "04-27"]


def pick(rng: np.random.Generator, choices: Sequence[T]) -> T:
    """One of `choices`, all alike in chance."""
    return choices[int(rng.integers(len(choices)))]


def registration(rng: np.random.Generator, pattern: str) -> str:
    """Letters for every A and digits for every 9 of `pattern`."""
    kinds = {"A": LATIN, "9": DIGITS, "ع": ARABIC, "٩": ARABIC_DIGITS}
    return "".join(pick(rng, kinds[sign]) if sign in kinds else sign for sign in pattern)
