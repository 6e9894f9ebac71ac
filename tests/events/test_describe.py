from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta, timezone

import msgspec

from pipeline.events import EventComposer, describe
from tests.events.builders import MOTION, UNCALIBRATED, make_heartbeat, make_passage


def test_describe_passage_with_numbers():
    assert describe(make_passage(utc_s=1746100994.48)) == (
        "12:03:14.480Z  entry-1  passage entry-1-1-0004 update    3.05 m (2.97 to 3.13)"
        "    14.2 km/h (13.8 to 14.6)  approaching  ok"
    )


def test_describe_end_tells_the_whole_passage_at_its_last_moment():
    assert describe(make_passage(kind="end", utc_s=1746100994.48)).startswith("12:03:14.960Z  entry-1")
    line = describe(make_passage(kind="end"))
    assert line.startswith("    12.960 s  entry-1  passage entry-1-1-0004 end   ")
    assert line.endswith("ok  44 frames in 1.76 s")


def test_describe_passage_without_numbers_says_why():
    assert describe(make_passage(motion=UNCALIBRATED)) == (
        "    12.480 s  entry-1  passage entry-1-1-0004 update  no distance  no speed  unknown      uncalibrated"
    )


def test_describe_passage_without_distance_gives_the_range():
    motion = dataclasses.replace(MOTION, distance_m=None)
    assert "range 5.21 m (5.13 to 5.29)" in describe(make_passage(motion=motion))


def test_describe_camera_and_heartbeat():
    composer = EventComposer()
    online = composer.camera(
        "entry-1",
        "online",
        epoch=2,
        source="rtsp://10.0.0.5",
        image_size_px=(1280, 960),
        provider="CPU",
        utc_s=0.0,
    )
    assert describe(online) == "00:00:00.000Z  entry-1  camera online  rtsp://10.0.0.5  1280x960  CPU"
    offline = composer.camera("entry-1", "offline", epoch=2, source="clip.mp4", reason="end of file")
    assert describe(offline) == "           -  entry-1  camera offline  clip.mp4  end of file"
    assert describe(make_heartbeat()) == (
        "12:03:14.480Z  entry-1  heartbeat  online  25.0 fps  90000 frames  31 passages"
        "  1 bad_time  7 superseded  up 1:02:03"
    )


def test_describe_says_utc_whatever_the_zone_and_bears_times_at_the_end_of_the_calendar():
    event = make_passage(utc_s=1746100994.48)
    zone = timezone(timedelta(hours=2))
    there = msgspec.structs.replace(event, utc=event.utc.astimezone(zone))
    assert describe(there).startswith("12:03:14.480Z")
    end = make_passage(kind="end", utc_s=0.0)
    for utc in (
        datetime.max.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-23))),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=23))),
    ):
        line = describe(msgspec.structs.replace(end, utc=utc, last_time_s=1e9))
        assert line.startswith("           -  entry-1")
