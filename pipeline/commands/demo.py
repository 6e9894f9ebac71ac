"""`demo`: no camera and no data needed. Draws a car that drives up to a gate, runs the real pipeline on the clip,
publishes the events on loopback, receives them there and prints them beside the truth."""

from __future__ import annotations

import argparse
import threading
from contextlib import ExitStack
from pathlib import Path

from tqdm import tqdm

from pipeline.annotate import ClipWriter
from pipeline.commands.options import add_model_options, model_config, open_locator, stopping_on_signals
from pipeline.commands.replay import Listener, make_lane, settings_of
from pipeline.errors import GateError
from pipeline.events import (
    EventComposer,
    EventPublisher,
    EventSubscriber,
    FanOut,
    PassageEvent,
    ReplayJournal,
)
from pipeline.gate import Gate
from pipeline.post.tracker import TrackSettings
from pipeline.synthetic.approach import Approach
from pipeline.synthetic.clip import write_clip
from pipeline.synthetic.scene import Scenario

HELP = "see it work: a drawn clip through the real pipeline, events beside the truth"

HEADER = (
    "  time s   event    distance m (95 % interval)   truth    speed km/h (95 % interval)   truth   quality"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "--out", type=Path, default=Path("out/demo"), help="folder for clip, camera file and events"
    )
    parser.add_argument("--speed-kmh", type=float, default=15.0, help="speed of the car (default 15)")
    parser.add_argument("--seed", type=int, default=4, help="another car, plate and surroundings (default 4)")
    add_model_options(parser)


def execute(args: argparse.Namespace) -> int:
    """Render, run, compare; 0 if the one vehicle was reported as one passage."""
    args.out.mkdir(parents=True, exist_ok=True)
    scenario = Scenario(approach=Approach(end_m=5.0, speed_kmh=args.speed_kmh), seed=args.seed)
    clip = args.out / "clip.mp4"
    total = len(scenario.times_s)
    with tqdm(
        total=total, desc="drawing the clip", unit="frame", dynamic_ncols=True, disable=None
    ) as progress:
        files = args.out / "truth.json", args.out / "camera.toml"
        write_clip(clip, scenario, *files, progress=lambda done, total: progress.update())
    received = run_pipeline(args, scenario, clip)
    return report(received, scenario, args.out)


def run_pipeline(args: argparse.Namespace, scenario: Scenario, clip: Path) -> list[PassageEvent]:
    """Replay the clip with a publisher on loopback; returns the passage events as a subscriber received them."""
    lane = make_lane(scenario.camera.camera_id, str(clip), 0, scenario.camera, TrackSettings(), scenario.fps)
    with ExitStack() as stack:
        publisher = stack.enter_context(EventPublisher("tcp://127.0.0.1:*"))
        journal = stack.enter_context(ReplayJournal(args.out / "events.jsonl"))
        annotated = stack.enter_context(ClipWriter(args.out / "annotated.mp4"))
        locator, session = open_locator(model_config(args))
        print(f"network {session.model.hash} on {session.provider}; events at {publisher.endpoint}")
        print(HEADER)
        subscriber = Printer(publisher.endpoint, scenario)
        if not publisher.wait_for_subscriber(timeout_s=5):
            raise GateError("no event came through the loopback interface; is it up?")
        progress = stack.enter_context(
            tqdm(total=0, desc="running", unit="frame", dynamic_ncols=True, disable=None)
        )
        listener = Listener(progress, annotated, lane.tracking.presence_threshold)
        listener.begin(lane)
        sinks = FanOut([publisher, journal])
        gate = Gate(
            [lane],
            locator,
            EventComposer(),
            sinks,
            settings_of(session),
            listener.see_frame,
            listener.see_report,
        )
        with stopping_on_signals(gate.stop):
            if not gate.run():
                raise GateError("interrupted")
        return subscriber.finish()


class Printer(threading.Thread):
    """A subscriber in a thread of its own that prints each passage event beside the truth."""

    def __init__(self, endpoint: str, scenario: Scenario) -> None:
        super().__init__(name="subscriber", daemon=True)
        self._endpoint, self._scenario = endpoint, scenario
        self._events: list[PassageEvent] = []
        self._ended = threading.Event()
        self.start()

    def run(self) -> None:
        """Receive until `finish` was called and nothing more comes."""
        with EventSubscriber(self._endpoint) as subscriber:
            while (received := subscriber.receive(timeout_s=0.3)) or not self._ended.is_set():
                if received is not None and isinstance(received.event, PassageEvent):
                    self._events.append(received.event)
                    tqdm.write(row(received.event, self._scenario))

    def finish(self) -> list[PassageEvent]:
        """Wait for the last events; returns all."""
        self._ended.set()
        self.join(timeout=5)
        return self._events


def row(event: PassageEvent, scenario: Scenario) -> str:
    """One line of the table: what the event says and what is so."""
    kind = event.kind.removeprefix("passage.")
    time_s = event.last_time_s if kind == "end" else event.time_s
    truth = scenario.truth(time_s)
    distance = _estimate(event.distance_m, event.distance_ci95_m)
    speed = _estimate(event.speed_kmh, event.speed_ci95_kmh)
    measured = f"{distance:>27} {truth.distance_m:8.2f} {speed:>30} {truth.speed_kmh:7.2f}"
    return f"{time_s:8.3f}   {kind:6} {measured}   {event.quality}"


def _estimate(value: float | None, ci95: tuple[float, float] | None) -> str:
    return "-" if value is None or ci95 is None else f"{value:.2f} ({ci95[0]:.2f} to {ci95[1]:.2f})"


def report(events: list[PassageEvent], scenario: Scenario, out: Path) -> int:
    """Print the result; 0 if there was one passage with distance and speed."""
    print(f"\nfiles in {out}: clip.mp4, annotated.mp4, events.jsonl, truth.json, camera.toml")
    ends = [event for event in events if event.kind == "passage.end"]
    end = ends[0] if len(ends) == 1 else None
    if end is None or end.distance_m is None or end.speed_kmh is None:
        print(f"expected one passage with distance and speed, got {len(ends)} passages")
        return 1
    truth = scenario.truth(end.last_time_s)
    distance_error = 100 * (end.distance_m - truth.distance_m) / truth.distance_m
    speed_error = 100 * (end.speed_kmh / truth.speed_kmh - 1)
    print(
        "one vehicle, one passage\n"
        f"last distance {end.distance_m:.2f} m, truth {truth.distance_m:.2f} m: {distance_error:+.1f} %\n"
        f"speed {end.speed_kmh:.2f} km/h, truth {truth.speed_kmh:.2f} km/h: {speed_error:+.1f} %"
    )
    return 0
