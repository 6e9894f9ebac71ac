"""One passage as a part of the page: facts, pictures, and in words why a number is missing."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby

import numpy as np

from pipeline.frames import Estimate, MotionEstimate
from pipeline.page import figure, table
from pipeline.report.pictures import CORNERS, estimate_chart, jpeg_uri, residual_chart, track_over_image
from pipeline.report.record import BestFrame, PassageRecord, Published, Recorder, Summary
from pipeline.report.residuals import Residuals, residuals

WORDS = {
    "ok": "distance and speed are given",
    "uncalibrated": "no camera file was given",
    "too_few_frames": "too few frames for a speed",
    "too_little_travel": "the speed's interval would be too wide",
    "residuals_too_large": "the corners do not move as those of one plate",
    "format_ambiguous": "the plate's size is open",
    "implausible": "no plausible motion explains the corners",
    "time_jump": "the recording's times jump",
}
_COLOURED = ", ".join(f'<b style="color:{colour}">{name}</b>' for name, colour in CORNERS)


def passage_part(passage: PassageRecord, recorder: Recorder) -> str:
    """The section of a passage that has ended."""
    best, summary = passage.best, passage.summary
    if best is None or summary is None:
        return ""
    points, published = passage.points.items, passage.published.items
    span_s = summary.first_time_s, summary.last_time_s
    found = residuals(points, recorder.camera, recorder.formats)
    name = escape(passage.name)
    return (
        f'<section class="passage" id="{name}"><h2>Passage {name}</h2><div class="cols"><div class="wide">'
        + figure("Track over the best frame", track_over_image(best, points), _track_words(best))
        + f'</div><div class="facts">{_plate(best)}{table(("", ""), _facts(summary, best, found))}'
        + f"<h3>Quality over time</h3>{_quality_over_time(published)}</div></div>"
        + f'<div class="charts">{"".join(_charts(published, found, span_s))}</div></section>'
    )


def estimate_text(estimate: Estimate | None, unit: str, decimals: int) -> str:
    """A number with its 95 % interval, or a dash."""
    if estimate is None:
        return "-"
    low, high = estimate.ci95
    return f"{estimate.value:.{decimals}f} {unit} ({low:.{decimals}f} to {high:.{decimals}f})"


def quality_text(quality: str) -> str:
    """The quality's name, and what it means."""
    words = WORDS.get(quality)
    return escape(quality) + (f": {words}" if words else "")


def _facts(summary: Summary, best: BestFrame, found: Sequence[Residuals]) -> list[tuple[str, str]]:
    motion = summary.motion
    facts = [
        ("seen", f"{summary.frames} frames, {summary.first_time_s:.3f} to {summary.last_time_s:.3f} s"),
        ("last distance", estimate_text(motion.distance_m, "m", 2)),
        ("last range (from the camera)", estimate_text(motion.range_m, "m", 2)),
        ("speed", estimate_text(motion.speed_kmh, "km/h", 1)),
        ("motion", motion.motion),
        ("plate format", _format_text(motion)),
        ("quality", quality_text(motion.quality)),
        ("presence in the best frame", f"{best.presence:.3f}"),
    ]
    if found:
        rms = np.sqrt(np.mean(np.concatenate([piece.px for piece in found]) ** 2, axis=(0, 1)))
        facts.append(("residuals, rms", f"{rms[0]:.2f} px in x, {rms[1]:.2f} px in y"))
    return facts


def _format_text(motion: MotionEstimate) -> str:
    if motion.plate_format is None:
        return "none of the configured ones" if motion.quality != "uncalibrated" else "-"
    probability = motion.plate_format_probability
    return escape(motion.plate_format) + ("" if probability is None else f", probability {probability:.3f}")


def _track_words(best: BestFrame) -> str:
    return (
        f"The way of the corners {_COLOURED}; a dot where it ends. Green: the plate in the frame shown, "
        f"{best.time_s:.3f} s; white: in some others."
    )


def _plate(best: BestFrame) -> str:
    if best.plate_jpeg is None:
        return "<p>The plate is not wholly in the image, so there is no view of it from the front.</p>"
    return f'<p><img class="plate" alt="the plate from the front" src="{jpeg_uri(best.plate_jpeg)}"></p>'


def _quality_over_time(published: Sequence[Published]) -> str:
    rows = []
    for quality, run in groupby(published, key=lambda item: item.motion.quality):
        times = [item.time_s for item in run]
        rows.append((f"{times[0]:.3f} to {times[-1]:.3f} s", str(len(times)), quality_text(quality)))
    return table(("time", "reports", "quality"), rows)


def _charts(
    published: Sequence[Published], found: Sequence[Residuals], span_s: tuple[float, float]
) -> list[str]:
    charts = [
        ("Distance", estimate_chart(published, lambda motion: motion.distance_m, "distance, m", span_s)),
        ("Speed", estimate_chart(published, lambda motion: motion.speed_kmh, "speed, km/h", span_s)),
    ]
    words = "As published, with the 95 % interval."
    parts = [
        figure(title, chart, words) if chart else figure(title, "<p>None was published.</p>", "")
        for title, chart in charts
    ]
    if found:
        words = (
            f"Observed corner less that of a motion fitted to about 2 s of the track: {_COLOURED}. "
            "Grey: the 95 % range that the network states."
        )
        parts += [
            figure(f"Residuals in {axis}", residual_chart(found, index, span_s), words)
            for index, axis in enumerate("xy")
        ]
    return parts
