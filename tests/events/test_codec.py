from __future__ import annotations

import json

import msgspec
import pytest

from pipeline.events import EventComposer, MalformedEventError, decode, encode
from pipeline.events.codec import MAX_EVENT_BYTES, decode_header
from tests.events.builders import UNCALIBRATED, make_heartbeat, make_passage


def changed(**fields) -> bytes:
    """A valid passage event with some fields replaced."""
    return json.dumps(json.loads(encode(make_passage())) | fields).encode()


@pytest.mark.parametrize(
    "event",
    [
        make_passage(),
        make_passage(kind="end", utc_s=1746100994.48),
        make_passage(motion=UNCALIBRATED),
        make_heartbeat(),
        EventComposer().camera("entry-1", "online", epoch=1, source="clip.mp4", image_size_px=(640, 480)),
        EventComposer().camera("entry-1", "offline", epoch=0, source="/dev/video0", reason="no such device"),
    ],
    ids=lambda event: event.kind,
)
def test_decode_returns_what_was_encoded(event):
    assert decode(encode(event)) == event


def test_encode_passage_has_every_field_of_the_published_form():
    fields = json.loads(encode(make_passage()))
    assert list(fields)[:4] == ["schema", "seq", "kind", "camera"]
    assert fields.items() >= {
        "schema": 1, "seq": 1, "kind": "passage.update", "camera": "entry-1", "passage": "entry-1-1-0004",
        "epoch": 1, "time_s": 12.48, "utc": None, "time_source": "pts", "frame": 312, "presence": 0.9981,
        "motion": "approaching", "quality": "ok", "range_m": 5.21, "distance_m": 3.051, "speed_kmh": 14.2,
    }.items()  # fmt: skip
    assert fields["corners_px"] == [[412.1, 300.2], [520.4, 301.0], [520.2, 324.9], [412.0, 324.1]]
    assert fields["corner_cov_px2"] == [[[0.2, 0.0], [0.0, 0.2]]] * 4
    assert fields["plate_format"] == {"name": "eu-520x110", "probability": 0.97}
    assert fields["range_ci95_m"] == [5.132, 5.289]
    assert fields["distance_ci95_m"] == [2.972, 3.129]
    assert fields["speed_ci95_kmh"] == [13.81, 14.6]


def test_encode_gives_one_line():
    assert b"\n" not in encode(make_passage())


def test_decode_ignores_fields_it_does_not_know():
    assert decode(changed(lane="left", seq=17)).seq == 17


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "truncated"),
        (b"\xff\xfe", "malformed"),
        (b"[]", "Expected `object`"),
        (b"{}", "missing required field `schema`"),
        (changed(schema=2), "schema 2"),
        (changed(kind="passage.flies"), "unknown event kind 'passage.flies'"),
        (changed(camera="../x"), "camera"),
        (changed(camera="entry-1\n"), "camera"),
        (changed(seq=-1), "seq"),
        (changed(seq=2**70), "seq"),
        (changed(presence=1.5), "presence"),
        (changed(time_s="12.5"), "time_s"),
        (changed(time_s=float("nan")), "malformed"),
        (changed(time_s=float("inf")), "malformed"),
        (encode(make_passage()).replace(b":12.48", b":1e999"), "time_s"),
        (changed(corners_px=[[0, 0]] * 3), "corners_px"),
        (changed(corner_cov_px2=[[0.2, 0.2]] * 4), "corner_cov_px2"),
        (changed(quality="ok\x1b[2J"), "quality"),
        (changed(motion="flying"), "motion"),
        (changed(utc="yesterday"), "utc"),
        (changed(utc="2025-05-01T12:03:14"), "utc"),
        (changed(range_sd_m=-0.1), "range_sd_m"),
        (changed(distance_ci95_m=[3.2, 3.1]), "distance: the interval .* is reversed"),
        (changed(speed_ci95_kmh=None), "speed: value, sd and ci95"),
        (b" " * (MAX_EVENT_BYTES + 1), "bytes"),
        (b'{"x":' * 10_000, "nested too deeply"),
    ],
    ids=str,
)  # fmt: skip
def test_decode_of_bad_bytes_says_what_is_wrong(data, complaint):
    with pytest.raises(MalformedEventError, match=complaint):
        decode(data)


def test_decode_header_reads_kinds_of_later_versions():
    header = decode_header(changed(kind="barrier.open"))
    assert (header.kind, header.camera, header.seq) == ("barrier.open", "entry-1", 1)


def test_events_cannot_be_changed():
    with pytest.raises(AttributeError):
        make_passage().seq = 5
    assert msgspec.structs.replace(make_passage(), seq=5).seq == 5
