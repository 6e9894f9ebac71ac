from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import numpy as np
import pytest

from pipeline.errors import GateError
from pipeline.events import EventComposer, encode
from pipeline.events.text import public_text
from pipeline.frames import Estimate, PlateLocation
from tests.events.builders import (
    CORNERS_PX,
    MOTION,
    UNCALIBRATED,
    make_heartbeat,
    make_passage,
    make_report,
    with_presence,
)


def test_passage_numbers_each_camera_on_its_own_over_all_kinds():
    composer = EventComposer()
    events = [
        composer.camera("a", "online", epoch=1, source="x"),
        make_passage(composer, camera="b"),
        make_passage(composer, camera="a"),
        make_heartbeat(composer, camera="a"),
        make_heartbeat(composer, camera="b"),
    ]
    assert [(event.camera, event.seq) for event in events] == [
        ("a", 1),
        ("b", 1),
        ("a", 2),
        ("a", 3),
        ("b", 2),
    ]


@pytest.mark.parametrize("kind", ["new", "update", "end"])
def test_passage_carries_kind_and_summary(kind):
    event = make_passage(kind=kind)
    assert event.kind == f"passage.{kind}"
    assert (event.first_time_s, event.last_time_s, event.frames) == (11.2, 12.96, 44)
    assert event.image_size_px == (640, 480)


def test_passage_without_numbers_says_why():
    event = make_passage(motion=UNCALIBRATED)
    assert event.range_m is event.distance_m is event.speed_kmh is event.plate_format is None
    assert event.range_ci95_m is event.distance_ci95_m is event.speed_ci95_kmh is None
    assert (event.motion, event.quality) == ("unknown", "uncalibrated")


def test_passage_with_wall_clock_gives_utc():
    event = make_passage(utc_s=1746100994.48)
    assert event.utc == datetime(2025, 5, 1, 12, 3, 14, 480_000, tzinfo=UTC)
    assert b'"utc":"2025-05-01T12:03:14.480000Z"' in encode(event)


@pytest.mark.parametrize(
    "bad",
    [
        Estimate(float("nan"), 0.2, (13.8, 14.6)),
        Estimate(14.2, float("inf"), (13.8, 14.6)),
        Estimate(14.2, 0.2, (13.8, float("inf"))),
    ],
)
def test_passage_with_estimate_not_finite_publishes_null_and_says_so(bad):
    event = make_passage(motion=dataclasses.replace(MOTION, speed_kmh=bad))
    assert (event.speed_kmh, event.speed_sd_kmh, event.speed_ci95_kmh) == (None, None, None)
    assert event.distance_m == 3.051
    assert event.quality == "not_finite"


def test_passage_with_estimate_not_finite_keeps_a_reason_already_given():
    motion = dataclasses.replace(UNCALIBRATED, range_m=Estimate(np.nan, 1.0, (0.0, 1.0)))
    assert make_passage(motion=motion).quality == "uncalibrated"


def test_passage_with_corners_not_finite_is_refused():
    plate = PlateLocation(0.9, np.full((4, 2), np.nan), np.zeros((4, 2, 2)))
    with pytest.raises(ValueError, match="nan"):
        make_passage(plate=plate)
    with pytest.raises(ValueError, match="inf"):
        EventComposer().passage(with_presence(make_report(), float("inf")))


def test_passage_numbers_are_rounded_and_never_minus_zero():
    plate = PlateLocation(0.99996, CORNERS_PX - 1e-5 - CORNERS_PX[0], np.full((4, 2, 2), np.float32(1 / 3)))
    data = encode(make_passage(plate=plate))
    assert b"-0.0," not in data and b"-0.0]" not in data
    assert b'"presence":1.0,' in data
    assert b"[[0.33333,0.33333],[0.33333,0.33333]]" in data


@pytest.mark.parametrize("camera", ["", "a/b", "a b", "..", "é", "a\n", "x" * 65])
def test_camera_id_unfit_for_topics_is_refused(camera):
    with pytest.raises(GateError, match="camera id"):
        EventComposer().camera(camera, "online", epoch=1, source="x")


@pytest.mark.parametrize(
    "text",
    [
        "rtsp://admin:geheim@10.0.0.5:554/live",
        "cannot open rtsp://admin:ge@/heim@10.0.0.5/live: timed out",
        "rtsp://10.0.0.5/user=admin&password=geheim&channel=1",
        "rtsp://10.0.0.5/user=admin_password=geheim_channel=1_stream=0",
        "http://10.0.0.5/video?token=geheim",
        "http://10.0.0.5/video?loginpas=geheim&x=1",
    ],
)
def test_camera_events_carry_no_credentials(text):
    composer = EventComposer()
    online = composer.camera("entry-1", "online", epoch=1, source=text)
    offline = composer.camera("entry-1", "offline", epoch=1, source=text, reason=text)
    sent = encode(online) + encode(offline)
    assert b"heim" not in sent and b"admin" not in sent
    assert b"10.0.0.5" in sent


def test_public_text_without_credentials_stays_as_it_is():
    text = "rtsp://10.0.0.5:554/Streaming/Channels/101 gave no frame for 5.0 s"
    assert public_text(text) == text


def test_public_text_is_printable_and_short():
    assert public_text("lost\r\n\x1b[31m") == "lost [31m"
    assert len(public_text("x" * 1000)) == 300
