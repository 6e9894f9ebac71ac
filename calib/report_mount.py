"""The report's part on the mount."""

from __future__ import annotations

from html import escape

from calib import pictures
from calib.camera import Camera
from calib.record import MountRecord
from pipeline.page import table

_UNITS = {
    "height_m": "m",
    "pitch_deg": "degrees",
    "roll_deg": "degrees",
    "lane_yaw_deg": "degrees",
    "stop_line_m": "m",
}
_NAMES = {
    "height_m": "height above the road",
    "pitch_deg": "pitch (looking down)",
    "roll_deg": "roll (scene turned clockwise)",
    "lane_yaw_deg": "lane direction (to the right)",
    "stop_line_m": "stop line, from below the camera",
}


def mount_part(camera: Camera, record: MountRecord | None) -> list[str]:
    """HTML of the numbers with their ±, the side view, and every measurement against the others."""
    mount = camera.mount
    if mount is None:
        return []
    rows = []
    for key, name in _NAMES.items():
        if key == "stop_line_m" and not camera.has_stop_line:
            continue
        sd = getattr(camera.uncertainty, key)
        unit = _UNITS[key]
        digits = 3 if unit == "m" else 2
        rows.append(
            (
                name,
                f"{getattr(mount, key):.{digits}f} {unit}",
                "" if sd is None else f"± {1.96 * sd:.{digits}f}",
            )
        )
    parts = [
        "<h2>Mount</h2>",
        table(("", "value", "95 %"), rows),
        pictures.side_view(mount, camera.intrinsics),
    ]
    if record is not None and record.residuals:
        listed = [
            (
                escape(item.name),
                f"{item.taped_m:.3f} m",
                f"{item.predicted_m:.3f} m",
                f"{item.error_cm:+.1f} cm",
                f"± {196 * item.sd_m:.1f} cm",
                "agrees" if item.agrees else "DOES NOT AGREE",
            )
            for item in record.residuals
        ]
        head = ("measurement", "taped", "from all others", "difference", "expected", "")
        parts += ["<h3>Every measurement against the others</h3>", table(head, listed)]
    return parts
