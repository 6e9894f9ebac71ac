"""Small pieces of SVG: a chart with axes, and the picture of an image's area."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np

INK, GRID, BLUE, RED, GREEN, AMBER = "#1f2933", "#d9dee4", "#1f6feb", "#d1242f", "#1a7f37", "#b7791f"
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 10, 40


@dataclass
class Chart:
    """A line chart. Lines and marks are added, then `svg()` draws all."""

    x_label: str
    y_label: str
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    size: tuple[int, int] = (520, 270)
    _parts: list[str] = field(default_factory=list)
    _legend: list[tuple[str, str, str]] = field(default_factory=list)

    def line(
        self, x: Sequence[float], y: Sequence[float], colour: str, label: str = "", dash: str = ""
    ) -> None:
        """Add a line through the points; one with a label appears in the legend."""
        points = " ".join(f"{self._x(a):.1f},{self._y(b):.1f}" for a, b in zip(x, y, strict=True))
        self._parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'
        )
        if label:
            self._legend.append((colour, dash, label))

    def band(self, x: Sequence[float], low: Sequence[float], high: Sequence[float], colour: str) -> None:
        """Fill what lies between two lines."""
        points = [*zip(x, low, strict=True), *reversed(list(zip(x, high, strict=True)))]
        outline = " ".join(f"{self._x(a):.1f},{self._y(b):.1f}" for a, b in points)
        self._parts.append(f'<polygon points="{outline}" fill="{colour}" fill-opacity="0.18"/>')

    def marks(self, x: Sequence[float], y: Sequence[float], colour: str) -> None:
        """Add dots."""
        self._parts += [
            f'<circle cx="{self._x(a):.1f}" cy="{self._y(b):.1f}" r="2.6" fill="{colour}"/>'
            for a, b in zip(x, y, strict=True)
        ]

    def svg(self) -> str:
        """The drawing."""
        width, height = self.size
        parts = [*self._axes(), *self._parts]
        for number, (colour, dash, label) in enumerate(self._legend):
            y = _TOP + 12 + 16 * number
            parts.append(
                f'<line x1="{_LEFT + 12}" x2="{_LEFT + 36}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="2" '
                f'stroke-dasharray="{dash}"/>' + text(_LEFT + 42, y + 4, label)
            )
        return drawing(width, height, parts)

    def _x(self, value: float) -> float:
        low, high = self.x_range
        return _LEFT + (value - low) / (high - low) * (self.size[0] - _LEFT - _RIGHT)

    def _y(self, value: float) -> float:
        low, high = self.y_range
        return self.size[1] - _BOTTOM - (value - low) / (high - low) * (self.size[1] - _TOP - _BOTTOM)

    def _axes(self) -> list[str]:
        width, height = self.size
        parts = []
        for value in ticks(*self.x_range):
            x = self._x(value)
            parts.append(
                f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{height - _BOTTOM}" stroke="{GRID}"/>'
            )
            parts.append(text(x, height - _BOTTOM + 15, f"{value:g}", "middle"))
        for value in ticks(*self.y_range):
            y = self._y(value)
            parts.append(
                f'<line x1="{_LEFT}" x2="{width - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{GRID}"/>'
            )
            parts.append(text(_LEFT - 6, y + 4, f"{value:g}", "end"))
        parts.append(text((width + _LEFT) / 2, height - 6, self.x_label, "middle"))
        turn = f'transform="rotate(-90 13 {height / 2 - 12:.0f})"'
        parts.append(text(13, height / 2 - 12, self.y_label, "middle", extra=turn))
        return parts


def drawing(width: float, height: float, parts: Sequence[str], scale: float = 1.0) -> str:
    """An SVG element of these parts; `scale` enlarges or shrinks it on the page."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width * scale:.0f}" height="{height * scale:.0f}" font-family="system-ui,sans-serif" '
        f'font-size="12" fill="{INK}">' + "".join(parts) + "</svg>"
    )


def text(x: float, y: float, words: str, anchor: str = "start", size: float = 12, extra: str = "") -> str:
    """A line of text."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size:g}" {extra}>{escape(words)}</text>'


def arrow(x0: float, y0: float, x1: float, y1: float, colour: str, width: float) -> str:
    """A line with a dot where it begins."""
    return (
        f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" stroke="{colour}" stroke-width="{width:g}"/>'
        f'<circle cx="{x0:.1f}" cy="{y0:.1f}" r="{width:g}" fill="{colour}"/>'
    )


def heat(share: float) -> str:
    """Colour from white (0) over yellow to red (1)."""
    stops = np.array([[255, 255, 255], [255, 237, 160], [254, 178, 76], [227, 26, 28]], float)
    at = float(np.clip(share, 0, 1)) * 3
    low = min(int(at), 2)
    red, green, blue = (stops[low] + (at - low) * (stops[low + 1] - stops[low])).astype(int)
    return f"#{red:02x}{green:02x}{blue:02x}"


def ticks(low: float, high: float, about: int = 6) -> list[float]:
    """Round numbers in a range."""
    raw = (high - low) / about
    power = 10.0 ** np.floor(np.log10(raw))
    step = float(next(m for m in (1, 2, 5, 10) if m * power >= raw) * power)
    first = np.ceil(low / step - 1e-9)
    return [float(round(first + i, 6) * step) for i in range(int((high - first * step) / step + 1e-9) + 1)]
