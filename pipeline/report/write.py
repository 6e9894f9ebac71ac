"""The report's page: what was replayed, a line for each passage, then the passages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from tqdm import tqdm

from calib.camera import Camera
from pipeline.page import page, table
from pipeline.redact import redact
from pipeline.report.passage import estimate_text, passage_part
from pipeline.report.record import PassageRecord, Recorder

_STYLE = """
.passage{margin-top:40px}.wide{flex:1 1 560px;max-width:660px!important}.wide figure{max-width:660px}
.cols>.facts{flex:1 1 360px}.plate{max-width:100%;border:1px solid #d9dee4;border-radius:4px}
.facts td{vertical-align:top}.facts td:last-child,.facts th:last-child{text-align:left}td a{color:#1f6feb}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(420px,100%),1fr));gap:8px 24px;margin-top:14px}
section{break-inside:avoid}
"""


@dataclass(frozen=True)
class Replayed:
    """One recording that was replayed: its name, the frames it had, those dropped by reason, and who looked on."""

    name: str
    frames: int
    dropped: Mapping[str, int]
    recorder: Recorder


@dataclass(frozen=True)
class Circumstances:
    """What the replay ran with: camera file and network as text, and from which presence on a plate counts."""

    camera_file: str | None
    network: str
    presence_threshold: float


def report_page(replays: Sequence[Replayed], circumstances: Circumstances) -> str:
    """The whole page. Passwords and keys in names are left out."""
    passages = [(item, replayed.recorder) for replayed in replays for item in replayed.recorder.passages]
    title = "Replay of " + ", ".join(redact(replayed.name) for replayed in replays)
    count = "1 passage" if len(passages) == 1 else f"{len(passages)} passages"
    frames = sum(replayed.frames for replayed in replays)
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="sub">{frames} frames, {count}. Intervals are 95 % everywhere on this page.</p>',
        table(("recording", "frames", "passages", "dropped"), map(_recording, replays)),
        f'<div class="facts">{table(("", ""), _head(replays[0].recorder, circumstances))}</div>',
        "<h2>Passages</h2>" if passages else "<p>No vehicle was seen.</p>",
    ]
    if passages:
        head = ("passage", "from", "to", "last distance", "speed", "motion", "quality")
        parts.append(table(head, (_line(item) for item, _ in passages)))
    progress = tqdm(passages, desc="writing the report", unit="passage", dynamic_ncols=True, disable=None)
    parts += [passage_part(item, recorder) for item, recorder in progress]
    return page(title, parts, _STYLE)


def _recording(replayed: Replayed) -> tuple[str, ...]:
    dropped = ", ".join(f"{count} {reason}" for reason, count in replayed.dropped.items()) or "none"
    passages = len(replayed.recorder.passages)
    return escape(redact(replayed.name)), str(replayed.frames), str(passages), escape(dropped)


def _head(recorder: Recorder, circumstances: Circumstances) -> list[tuple[str, str]]:
    formats = ", ".join(item.name for item in recorder.formats)
    return [
        ("camera", escape(_camera_text(recorder.camera, circumstances.camera_file))),
        ("network", escape(redact(circumstances.network))),
        ("a plate counts from presence", f"{circumstances.presence_threshold:g}"),
        ("plate formats that may occur", escape(formats)),
    ]


def _camera_text(camera: Camera | None, file: str | None) -> str:
    if camera is None:
        return "no camera file: no distance, no speed"
    lens, mount = camera.intrinsics, camera.mount
    hangs = f"{mount.height_m:.2f} m high, {mount.pitch_deg:.1f} degrees down" if mount else "mount unknown"
    named = f"{camera.camera_id} ({redact(file)})" if file else camera.camera_id
    return f"{named}, {lens.width} x {lens.height} px, focal length {lens.fx:.0f} px, {hangs}"


def _line(passage: PassageRecord) -> tuple[str, ...]:
    name, summary = escape(passage.name), passage.summary
    if summary is None:
        return (name,)
    motion = summary.motion
    return (
        f'<a href="#{name}">{name}</a>',
        f"{summary.first_time_s:.3f} s",
        f"{summary.last_time_s:.3f} s",
        estimate_text(motion.distance_m, "m", 2),
        estimate_text(motion.speed_kmh, "km/h", 1),
        motion.motion,
        escape(motion.quality),
    )
