"""The report's part on the lens."""

from __future__ import annotations

from html import escape

from calib import pictures
from calib.camera import Intrinsics
from calib.judge_lens import GOOD_EDGE_PX
from calib.lens import PARAMETERS
from calib.record import LensRecord
from pipeline.page import figure, table

_MODELS = {
    "none": "no distortion",
    "k1": "k1",
    "k1k2": "k1, k2",
    "full": "k1, k2, k3, p1, p2",
}


def lens_part(record: LensRecord, lens: Intrinsics) -> list[str]:
    """HTML of the numbers with their ±, the models tried, the pictures, and what was left out."""
    size_px = lens.width, lens.height
    corners = sum(len(view.corners_px) for view in record.views)
    figures = [
        figure(
            "Where the board was",
            pictures.coverage(record, size_px),
            "Every dot is a corner. Red cells have none, yellow ones fewer than ten: hold the board there.",
        ),
        figure(
            "How well each direction is known",
            pictures.uncertainty_map(record, size_px),
            f"Standard deviation, in pixels, of where a far point would appear. Under {GOOD_EDGE_PX:g} is good.",
        ),
        figure(
            "Residuals, 100 times enlarged",
            pictures.residual_vectors(record, size_px),
            "They should point everywhere. Arrows that agree in a region mean a bent board or a moving lens.",
        ),
        figure(
            "What the lens does",
            pictures.distortion_field(lens),
            "From where an ideal lens would put a point (dot) to where this one does, at true scale. Red: the centre.",
        ),
        figure(
            "Error of each view", pictures.views_errors(record), "A view far above the median is doubtful."
        ),
    ]
    return [
        "<h2>Lens</h2>",
        f"<p>{len(record.views)} views with {corners} corners of a {escape(record.board)}; {escape(record.date)}; "
        f"source {escape(record.source)}.</p>",
        '<div class="cols"><div>',
        _parameter_table(record),
        "</div><div>",
        _model_table(record),
        "</div></div>",
        f'<div class="cols">{"".join(figures)}</div>',
        _left_out(record),
    ]


def _parameter_table(record: LensRecord) -> str:
    rows = []
    for name, value, sd in zip(PARAMETERS, record.parameters, record.sd, strict=True):
        digits = 1 if name in PARAMETERS[:4] else 4
        unit = "px" if name in PARAMETERS[:4] else ""
        spread = f"± {1.96 * sd:.{digits + 1}f} {unit}" if sd else "held at 0"
        rows.append((name, f"{value:.{digits}f}", spread))
    note = (
        f"The ± of the fit alone was widened {record.optimism:.2f} times, because leaving views out "
        "changed the result that "
        "much more than the fit believed."
        if record.optimism > 1.02
        else "Leaving views out confirms the ± of the fit."
    )
    return table(("", "value", "95 %"), rows) + f"<p>{note}</p>"


def _model_table(record: LensRecord) -> str:
    rows = [
        (_MODELS[name] + (" (chosen)" if name == record.model else ""), f"{error:.3f} px")
        for name, error in record.held_out_px.items()
    ]
    return table(("distortion model", "error on views not used"), rows) + (
        f"<p>On the views used the error is {record.rms_px:.3f} px rms; that number always falls with "
        "more parameters.</p>"
    )


def _left_out(record: LensRecord) -> str:
    rows = [(escape(name), escape(reason)) for name, reason in record.left_out]
    return "<h3>Images left out</h3>" + table(("image", "reason"), rows) if rows else ""
