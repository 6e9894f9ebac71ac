"""`demo`: no camera and no data needed. Draws a car that drives up to a gate, runs the real pipeline on the clip,
publishes the events on loopback, receives them there and prints them beside the truth."""

from __future__ import annotations

import argparse
import threading
from pathlib import Path

from tqdm import tqdm

from pipeline.commands.clip_run import FILES, draw_clip, run_clip
from pipeline.commands.clip_table import run_all
from pipeline.commands.options import add_model_options, model_config
from pipeline.errors import GateError
from pipeline.events import AwaitingPublisher, EventSubscriber, PassageEvent
from pipeline.inference.looks import open_locator
from pipeline.option_types import natural
from pipeline.post.tracker import TrackSettings
from pipeline.synthetic.approach import Approach
from pipeline.synthetic.clips import CLIPS, clip_named
from pipeline.synthetic.scene import Scenario
from pipeline.synthetic.score import score, truth_of

HELP = "see it work: a drawn clip through the real pipeline, events beside the truth"

HEADER = (
    "  time s   event    distance m (95 % interval)   truth    speed km/h (95 % interval)   truth   quality"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("out/demo"),
        help="folder for what is drawn and written (default out/demo)",
    )
    which = parser.add_mutually_exclusive_group()
    names = "; ".join(f"{clip.name}: {clip.about}" for clip in CLIPS)
    which.add_argument("--clip", metavar="NAME", help=f"a clip of the catalogue instead ({names})")
    which.add_argument(
        "--all",
        action="store_true",
        help="every clip of the catalogue, each into a folder of its own, and a table of the errors",
    )
    own = parser.add_argument_group("the clip that is drawn without --clip and --all")
    own.add_argument("--speed-kmh", type=float, help="speed of the car (default 15)")
    own.add_argument("--seed", type=natural, help="another car, plate and surroundings (default 4)")
    add_model_options(parser)


def execute(args: argparse.Namespace) -> int:
    """Draw, run, compare; 0 if every vehicle was reported as one passage."""
    speed_kmh = 15.0 if args.speed_kmh is None else args.speed_kmh
    if not 1 <= speed_kmh <= 100:
        raise GateError(f"--speed-kmh {speed_kmh:g}: give a speed of 1 to 100 km/h")
    if (args.all or args.clip) and (args.speed_kmh, args.seed) != (None, None):
        raise GateError(
            "--speed-kmh and --seed: the clips of the catalogue have their own; leave these options out"
        )
    if args.all:
        locator, session = open_locator(model_config(args))
        print(f"network {session.model.hash} on {session.provider}")
        return 0 if run_all(args.out, locator, session) else 1
    scenario = (
        clip_named(args.clip).make()
        if args.clip
        else Scenario(
            approach=Approach(end_m=5.0, speed_kmh=speed_kmh), seed=4 if args.seed is None else args.seed
        )
    )
    draw_clip(args.out, scenario)
    return report(run_pipeline(args, scenario), scenario, args.out)


def run_pipeline(args: argparse.Namespace, scenario: Scenario) -> list[PassageEvent]:
    """Replay the clip with a publisher on loopback; returns the passage events as a subscriber received them."""
    with AwaitingPublisher("tcp://127.0.0.1:*") as publisher:
        locator, session = open_locator(model_config(args))
        print(f"network {session.model.hash} on {session.provider}; events at {publisher.endpoint}")
        print(HEADER)
        subscriber = Printer(publisher.endpoint, scenario)
        if not publisher.wait_for_subscriber(timeout_s=5):
            raise GateError("no event came through the loopback interface; is it up?")
        run_clip(args.out, scenario, locator, session, [publisher], TrackSettings())
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
            received, ended = None, False
            while received is not None or not ended:
                ended = self._ended.is_set()  # asked first, so that the last event has a whole wait to come
                received = subscriber.receive(timeout_s=1.0 if ended else 0.3)
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
    truth = truth_of(event, scenario)
    distance = _estimate(event.distance_m, event.distance_ci95_m)
    speed = _estimate(event.speed_kmh, event.speed_ci95_kmh)
    measured = f"{distance:>27} {truth.distance_m:8.2f} {speed:>30} {truth.speed_kmh:7.2f}"
    return f"{truth.time_s:8.3f}   {event.kind.removeprefix('passage.'):6} {measured}   {event.quality}"


def _estimate(value: float | None, ci95: tuple[float, float] | None) -> str:
    return "-" if value is None or ci95 is None else f"{value:.2f} ({ci95[0]:.2f} to {ci95[1]:.2f})"


def report(events: list[PassageEvent], scenario: Scenario, out: Path) -> int:
    """Print the result; 0 if there was one passage for each vehicle."""
    print(f"\nfiles in {out}: {FILES}")
    found = score(events, scenario)
    vehicles = "one vehicle" if found.vehicles == 1 else f"{found.vehicles} vehicles"
    passages = "one passage" if found.passages == 1 else f"{found.passages} passages"
    print(f"{vehicles}, {passages}")
    for end in (event for event in events if event.kind == "passage.end"):
        print(*_agreement(end, scenario), sep="\n")
    return 0 if found.passages_right else 1


def _agreement(end: PassageEvent, scenario: Scenario) -> list[str]:
    """What the end of a passage says of distance and speed, beside the truth."""
    truth, lines = truth_of(end, scenario), []
    if end.distance_m is not None:
        error = 100 * (end.distance_m - truth.distance_m) / truth.range_m
        lines.append(
            f"last distance {end.distance_m:.2f} m, truth {truth.distance_m:.2f} m: {error:+.1f} % of the range"
        )
    if end.speed_kmh is not None:
        speed = f"speed {end.speed_kmh:.2f} km/h, truth"
        times = scenario.times_s[
            (scenario.times_s >= end.first_time_s) & (scenario.times_s <= end.last_time_s)
        ]
        true = [scenario.truth(time_s, truth.vehicle).speed_kmh for time_s in times]
        if max(true) - min(true) < 0.01:
            lines.append(f"{speed} {true[0]:.2f} km/h: {100 * (end.speed_kmh / true[0] - 1):+.1f} %")
        else:
            lines.append(f"{speed} {min(true):.1f} to {max(true):.1f} km/h")
    return lines
