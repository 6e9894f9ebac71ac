"""One drawn clip through the real pipeline, as the demo does it, with all its files in one folder."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tqdm import tqdm

from pipeline.annotate import ClipWriter
from pipeline.commands.options import stopping_on_signals
from pipeline.commands.recordings import Listener, circumstances, replay_lane, settings_of
from pipeline.events import EventComposer, EventSink, FanOut, ReplayJournal
from pipeline.files import PartFile, make_folder
from pipeline.gate import Gate
from pipeline.inference.locator import Locator
from pipeline.inference.session import CornerSession
from pipeline.post.tracker import TrackSettings
from pipeline.report.write import report_page
from pipeline.synthetic.clip import write_clip
from pipeline.synthetic.scene import Scenario

FILES = "clip.mp4, annotated.mp4, report.html, events.jsonl, truth.json, camera.toml"


def draw_clip(folder: Path, scenario: Scenario) -> None:
    """Write clip.mp4, truth.json and camera.toml."""
    make_folder(folder)
    total = len(scenario.times_s)
    with tqdm(total=total, desc="drawing", unit="frame", dynamic_ncols=True, disable=None) as bar:
        files = folder / "truth.json", folder / "camera.toml"
        write_clip(folder / "clip.mp4", scenario, *files, progress=lambda done, total: bar.update())


def run_clip(
    folder: Path,
    scenario: Scenario,
    locator: Locator,
    session: CornerSession,
    sinks: Sequence[EventSink],
    tracking: TrackSettings,
) -> None:
    """Replay a drawn clip into `sinks`; writes events.jsonl, annotated.mp4 and report.html.

    Raises:
        GateError: a file cannot be written.
        KeyboardInterrupt: a signal ended it.
    """
    camera, clip = scenario.camera, folder / "clip.mp4"
    lane = replay_lane(camera.camera_id, str(clip), 0, camera, tracking)
    with ExitStack() as stack:
        journal = stack.enter_context(ReplayJournal(folder / "events.jsonl"))
        annotated = stack.enter_context(ClipWriter(folder / "annotated.mp4"))
        page = stack.enter_context(PartFile(folder / "report.html", "report"))
        bar = stack.enter_context(
            tqdm(total=0, desc="running", unit="frame", dynamic_ncols=True, disable=None)
        )
        listener = Listener(bar, tracking.presence_threshold, annotated, recording=True)
        listener.begin(lane)
        gate = Gate(
            [lane], locator, EventComposer(), FanOut([*sinks, journal]), settings_of(session),
            listener.see_frame, listener.see_report,
        )  # fmt: skip
        with stopping_on_signals(gate.stop):
            if not gate.run():
                raise KeyboardInterrupt("interrupted")
        ran_with = circumstances(session, folder / "camera.toml", tracking.presence_threshold)
        page.write(report_page(listener.replayed(), ran_with).encode())
