"""Views and single corners that do not belong to a calibration: a finger over a corner, glare, a board that moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from calib.boards import Board
from calib.lens import Model, fit_lens
from calib.views import View

_BAD_VIEW_RATIO, _BAD_VIEW_LEAST_PX = 2.5, 0.15  # of the median view's error
_MOST_BAD_VIEWS = 0.25  # of the views
_BAD_CORNER_RATIO, _BAD_CORNER_LEAST_PX = 6.0, 0.25  # of the median error of the view's own corners
_MOST_BAD_CORNERS = 0.2  # of a view's corners; with more of them the view itself is bad
_CORNER_ROUNDS = 2  # a wrong corner pulls at its neighbours, which are judged again without it


def without_bad_corners(views: Sequence[View], board: Board) -> tuple[list[View], int]:
    """The views without corners that miss far more than the others of their view, and how many those were."""
    kept, dropped = list(views), 0
    for _ in range(_CORNER_ROUNDS):
        residuals = fit_lens(kept, board, _flexible(kept)).residuals_px
        for number, (view, misses) in enumerate(zip(kept, residuals, strict=True)):
            errors = np.linalg.norm(misses, axis=1)
            bad = errors > max(_BAD_CORNER_RATIO * float(np.median(errors)), _BAD_CORNER_LEAST_PX)
            if 0 < bad.sum() <= _MOST_BAD_CORNERS * len(bad):
                kept[number] = replace(view, ids=view.ids[~bad], corners_px=view.corners_px[~bad])
                dropped += int(bad.sum())
    return kept, dropped


def without_bad_views(views: Sequence[View], board: Board) -> tuple[list[View], list[tuple[str, float]]]:
    """Views without those that fit far worse than the others do, worst first, and their names and errors in pixels."""
    kept, bad = list(views), []
    for _ in range(int(_MOST_BAD_VIEWS * len(views))):
        errors = fit_lens(kept, board, _flexible(kept)).view_rms_px
        worst = int(np.argmax(errors))
        if errors[worst] < max(_BAD_VIEW_RATIO * float(np.median(errors)), _BAD_VIEW_LEAST_PX):
            break
        bad.append((kept.pop(worst).name, float(errors[worst])))
    return kept, bad


def _flexible(views: Sequence[View]) -> Model:
    """A model that hides no bad view behind a lens that it cannot describe."""
    return "full" if len(views) >= 8 else "k1"
