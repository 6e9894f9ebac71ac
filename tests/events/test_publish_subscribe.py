"""Publisher and subscriber over real sockets on loopback. Time-outs are guards against hanging, nothing is timed."""

from __future__ import annotations

import itertools
import json
import resource
import threading
from pathlib import Path

import pytest
import zmq

from pipeline.errors import GateError
from pipeline.events import (
    AwaitingPublisher,
    EventComposer,
    EventPublisher,
    EventSubscriber,
    FanOut,
    PassageEvent,
    encode,
)
from tests.events.builders import make_heartbeat, make_passage

ANY_PORT = "tcp://127.0.0.1:*"
GUARD_S = 20.0
JPEG = b"\xff\xd8 a picture"


@pytest.fixture
def publisher():
    with AwaitingPublisher(ANY_PORT) as publisher:
        yield publisher


@pytest.fixture
def raw_publisher():
    """A plain PUB socket to send broken messages with, and its endpoint."""
    with zmq.Context() as context, context.socket(zmq.XPUB) as socket:
        socket.linger = 0
        socket.bind(ANY_PORT)
        yield socket


def subscribed(publisher, **options) -> EventSubscriber:
    subscriber = EventSubscriber(publisher.endpoint, **options)
    assert publisher.wait_for_subscriber(GUARD_S)
    return subscriber


def subscribed_raw(socket) -> EventSubscriber:
    subscriber = EventSubscriber(socket.get_string(zmq.LAST_ENDPOINT))
    assert socket.poll(GUARD_S * 1000)
    assert socket.recv() == b"\x01gate/"
    return subscriber


def receive(subscriber, count):
    received = [subscriber.receive(GUARD_S) for _ in range(count)]
    assert None not in received
    return received


def test_subscriber_receives_events_and_crops_in_order(publisher):
    composer = EventComposer()
    events = [make_passage(composer, kind=kind) for kind in ("new", "update", "end")] + [
        make_heartbeat(composer)
    ]
    with subscribed(publisher) as subscriber:
        for event in events:
            publisher.emit(event, JPEG if isinstance(event, PassageEvent) else None)
        received = receive(subscriber, 4)
    assert [item.event for item in received] == events
    assert [item.topic for item in received] == [
        "gate/entry-1/passage.new/",
        "gate/entry-1/passage.update/",
        "gate/entry-1/passage.end/",
        "gate/entry-1/heartbeat/",
    ]
    assert [item.jpeg for item in received] == [JPEG, JPEG, JPEG, None]
    assert (subscriber.lost, subscriber.malformed, subscriber.unknown) == (0, 0, 0)


def test_subscriber_is_an_iterator(publisher):
    composer = EventComposer()
    with subscribed(publisher) as subscriber:
        for _ in range(3):
            publisher.emit(make_passage(composer))
        assert [item.event.seq for item in itertools.islice(subscriber, 3)] == [1, 2, 3]


def test_subscriber_to_one_camera_gets_no_other_whose_name_begins_alike(publisher):
    composer = EventComposer()
    with subscribed(publisher, camera="entry-1") as subscriber:
        for camera in ("entry-10", "entry-1", "entry-1.b", "entry", "entry-1"):
            publisher.emit(make_passage(composer, camera=camera))
        received = receive(subscriber, 2)
        assert subscriber.receive(0.2) is None
    assert [(item.event.camera, item.event.seq) for item in received] == [("entry-1", 1), ("entry-1", 2)]
    assert subscriber.lost == 0


def test_subscriber_to_some_kinds_counts_no_loss_for_the_others(publisher):
    composer = EventComposer()
    with subscribed(publisher, kinds={"passage.end", "camera.offline"}) as subscriber:
        for kind in ("new", "update", "end", "new", "end"):
            publisher.emit(make_passage(composer, kind=kind))
        received = receive(subscriber, 2)
    assert [(item.event.kind, item.event.seq) for item in received] == [
        ("passage.end", 3),
        ("passage.end", 5),
    ]
    assert subscriber.lost == 0


def test_subscriber_that_hears_nothing_returns_none(publisher):
    with subscribed(publisher) as subscriber:
        assert subscriber.receive(0.05) is None
        assert subscriber.receive(0) is None


def test_plain_zeromq_can_subscribe_by_camera_and_kind(publisher):
    event = make_passage(kind="end")
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.connect(publisher.endpoint)
        socket.subscribe("gate/entry-1/passage.end/")
        assert publisher.wait_for_subscriber(GUARD_S)
        publisher.emit(make_passage(kind="new"))
        publisher.emit(event, JPEG)
        assert socket.poll(GUARD_S * 1000)
        topic, data, jpeg = socket.recv_multipart()
    assert topic == b"gate/entry-1/passage.end/"
    assert json.loads(data)["kind"] == "passage.end" and data == encode(event)
    assert jpeg == JPEG


def test_slow_subscriber_sees_its_loss_and_holds_up_nobody():
    """Far more is published than queues and socket buffers hold, to someone who does not read meanwhile."""
    composer = EventComposer()
    crop = JPEG + bytes(20_000)
    with AwaitingPublisher(ANY_PORT, high_water_mark=5) as publisher, subscribed(publisher) as subscriber:
        for _ in range(3000):
            publisher.emit(make_passage(composer), crop)
        seen = 0
        while (received := subscriber.receive(0.5)) is not None:
            seen += 1
        assert 0 < seen < 3000
        publisher.emit(make_passage(composer), crop)
        received = receive(subscriber, 1)[0]
    assert received.event.seq == 3001
    assert subscriber.lost == 3000 - seen


@pytest.fixture
def idle_subscriber():
    """A plain SUB socket that keeps next to nothing and is not read."""
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.linger = 0
        socket.rcvhwm = 1
        socket.subscribe("")
        yield socket


def emit_to_idle(publisher, idle_subscriber, count):
    idle_subscriber.connect(publisher.endpoint)
    while not idle_subscriber.poll(25):  # until its subscription has arrived
        publisher.emit(make_heartbeat())
    composer = EventComposer()
    for _ in range(count):
        publisher.emit(make_passage(composer), JPEG + bytes(200_000))


def test_publisher_keeps_no_more_events_than_its_high_water_mark(idle_subscriber):
    with EventPublisher(ANY_PORT, high_water_mark=5, linger_s=0) as publisher:
        emit_to_idle(publisher, idle_subscriber, 1000)
        seen = 0
        while idle_subscriber.poll(500):
            idle_subscriber.recv_multipart()
            seen += 1
    assert 5 <= seen < 500  # the rest of them waited in the buffers of the connection


def test_publisher_closes_although_a_subscriber_does_not_read(idle_subscriber):
    publisher = EventPublisher(ANY_PORT, linger_s=0.1)
    emit_to_idle(publisher, idle_subscriber, 200)
    closing = threading.Thread(target=publisher.close, daemon=True)
    closing.start()
    closing.join(GUARD_S)
    assert not closing.is_alive()
    publisher.close()


def test_publisher_sends_what_waits_before_it_closes():
    composer = EventComposer()
    publisher = AwaitingPublisher(ANY_PORT)
    with subscribed(publisher) as subscriber:
        for _ in range(200):
            publisher.emit(make_passage(composer))
        publisher.close()
        assert receive(subscriber, 200)[-1].event.seq == 200


def test_subscriber_survives_a_restart_of_the_publisher():
    with AwaitingPublisher(ANY_PORT) as first:
        endpoint = first.endpoint
        subscriber = subscribed(first)
        composer = EventComposer()
        for _ in range(5):
            first.emit(make_passage(composer))
        assert receive(subscriber, 5)[-1].event.seq == 5
    with subscriber, AwaitingPublisher(endpoint) as second:
        for _ in range(400):  # ZeroMQ subscribes again from within the subscriber's calls
            assert subscriber.receive(0.025) is None
            if second.wait_for_subscriber(0.025):
                break
        second.emit(make_passage())
        assert receive(subscriber, 1)[0].event.seq == 1
        assert subscriber.lost == 0


def test_subscriber_may_start_before_the_publisher():
    with EventPublisher(ANY_PORT) as free:
        endpoint = free.endpoint
    with EventSubscriber(endpoint) as subscriber, AwaitingPublisher(endpoint) as publisher:
        assert publisher.wait_for_subscriber(GUARD_S)
        publisher.emit(make_passage())
        assert receive(subscriber, 1)


def test_wait_for_subscriber_without_one_gives_up(publisher):
    assert not publisher.wait_for_subscriber(0.05)


def test_wait_for_subscriber_after_the_only_one_left_gives_up(publisher):
    subscribed(publisher).close()
    assert not all(publisher.wait_for_subscriber(0.01) for _ in range(2000))


def test_subscriber_counts_gaps_of_each_camera(raw_publisher):
    composer_a, composer_b = EventComposer(), EventComposer()
    events = [make_passage(composer_a, camera="a") for _ in range(10)]
    others = [make_passage(composer_b, camera="b") for _ in range(10)]
    with subscribed_raw(raw_publisher) as subscriber:
        for event in (events[3], others[0], events[6], others[1], events[7], others[9]):
            raw_publisher.send_multipart([f"gate/{event.camera}/{event.kind}/".encode(), encode(event)])
        receive(subscriber, 6)
    assert subscriber.lost == 2 + 7


@pytest.mark.parametrize(
    "message",
    [
        [b"gate/entry-1/passage.update/"],
        [b"gate/entry-1/passage.update/", b"no json"],
        [b"gate/entry-2/passage.update/", encode(make_passage())],
        [b"gate/\xff/", encode(make_passage())],
        [b"gate/entry-1/passage.update/", encode(make_passage()), b"GIF89a"],
        [b"gate/entry-1/passage.update/", encode(make_passage()), JPEG, b"more"],
        [b"gate/entry-1/passage.update/", encode(make_passage()).replace(b'"schema":1', b'"schema":9')],
        [b"gate/entry-1/passage.update/", encode(make_passage()).replace(b'"frame":312', b'"frame":-1')],
    ],
    ids=[
        "one part",
        "no JSON",
        "topic of another",
        "topic of bytes",
        "no JPEG",
        "4 parts",
        "schema",
        "range",
    ],
)
def test_subscriber_skips_and_counts_malformed_messages(raw_publisher, caplog, message):
    event = make_passage()
    with subscribed_raw(raw_publisher) as subscriber:
        raw_publisher.send_multipart(message)
        raw_publisher.send_multipart([b"gate/entry-1/passage.update/", encode(event)])
        assert receive(subscriber, 1)[0].event == event
    assert subscriber.malformed == 1
    assert "malformed message" in caplog.text


def test_message_larger_than_any_event_is_not_taken_in(raw_publisher):
    """The subscriber closes the connection on which it comes."""
    message = [b"gate/entry-1/passage.update/", encode(make_passage()), JPEG + bytes(2_000_000)]
    with subscribed_raw(raw_publisher) as subscriber:
        raw_publisher.send_multipart(message)
        for _ in range(1000):
            assert subscriber.receive(0.01) is None
            if raw_publisher.poll(10):
                assert raw_publisher.recv() == b"\x00gate/"
                break
        else:
            pytest.fail("the connection was not closed")


def test_subscriber_skips_kinds_of_later_versions(raw_publisher):
    composer = EventComposer()
    first, second, third = (make_passage(composer) for _ in range(3))
    with subscribed_raw(raw_publisher) as subscriber:
        for event, kind in ((first, "passage.update"), (second, "barrier.open"), (third, "passage.update")):
            data = encode(event).replace(b"passage.update", kind.encode())
            raw_publisher.send_multipart([f"gate/entry-1/{kind}/".encode(), data])
        assert [item.event.seq for item in receive(subscriber, 2)] == [1, 3]
    assert (subscriber.unknown, subscriber.malformed, subscriber.lost) == (1, 0, 0)


def test_publisher_and_subscriber_meet_at_a_path(tmp_path, caplog):
    with AwaitingPublisher(f"ipc://{tmp_path}/events") as publisher, subscribed(publisher) as subscriber:
        publisher.emit(make_passage())
        assert receive(subscriber, 1)
    assert not caplog.records


def test_a_path_that_another_publisher_serves_is_not_taken_away_from_it(tmp_path):
    endpoint = f"ipc://{tmp_path}/events"
    with AwaitingPublisher(endpoint) as publisher:
        with pytest.raises(GateError, match="in use"):
            EventPublisher(endpoint)
        with subscribed(publisher) as subscriber:
            publisher.emit(make_passage())
            assert receive(subscriber, 1)
    with pytest.raises(GateError, match="cannot be bound"):
        EventPublisher(f"ipc://{tmp_path}/" + 200 * "x")
    (tmp_path / "events").touch()  # as a gate that was killed leaves it
    with AwaitingPublisher(endpoint) as publisher, subscribed(publisher):
        pass


def test_publisher_ignores_what_strangers_send(publisher):
    with zmq.Context() as context, context.socket(zmq.XSUB) as stranger:
        stranger.linger = 0
        stranger.connect(publisher.endpoint)
        stranger.send(b"\x01gate/")
        assert publisher.wait_for_subscriber(GUARD_S)
        for _ in range(500):
            stranger.send(b"\x07 not a subscription")
        publisher.emit(make_passage())
        assert stranger.poll(GUARD_S * 1000)


def test_publisher_keeps_nothing_of_what_strangers_send():
    """A gate that runs for months would end for want of memory."""
    with (
        EventPublisher(ANY_PORT) as publisher,
        zmq.Context() as context,
        context.socket(zmq.XSUB) as stranger,
    ):
        stranger.linger = 0
        stranger.connect(publisher.endpoint)
        before_mb = resident_mb()
        for _ in range(4000):
            for _ in range(10):
                stranger.send(b"\x07" + bytes(1000))
            publisher.emit(make_heartbeat())  # as it does so it takes in what has come
        assert resident_mb() < before_mb + 15


def resident_mb() -> float:
    """Memory that this process occupies."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def test_publisher_on_a_port_in_use_says_so(publisher):
    with pytest.raises(GateError, match="is in use"):
        EventPublisher(publisher.endpoint)


@pytest.mark.parametrize(
    "endpoint",
    ["5571", "tcp://127.0.0.1", "tcp://127.0.0.1:99999", "udp://127.0.0.1:5571", "tcp://a b:1", ""],
)
def test_malformed_endpoint_is_refused_by_both_sides(endpoint):
    for side in (EventPublisher, EventSubscriber):
        with pytest.raises(GateError, match="event endpoint"):
            side(endpoint)


def test_publisher_on_an_address_of_another_machine_is_refused():
    with pytest.raises(GateError, match="cannot be bound"):
        EventPublisher("tcp://192.0.2.1:5571")


def test_subscriber_with_invalid_choices_is_refused():
    with pytest.raises(GateError, match="unknown event kind 'passage'"):
        EventSubscriber(kinds=["passage"])
    with pytest.raises(GateError, match="camera id"):
        EventSubscriber(camera="a/b")
    for endpoint in (ANY_PORT, "tcp://127.0.0.1:0", "tcp://*:5571"):
        with pytest.raises(GateError, match="give the gate's own address and port"):
            EventSubscriber(endpoint)
    with pytest.raises(GateError, match="cannot subscribe"):
        EventSubscriber("ipc://" + 200 * "x")


def test_publisher_warns_when_it_leaves_loopback(caplog):
    with EventPublisher(ANY_PORT):
        assert not caplog.records
    with EventPublisher("tcp://0.0.0.0:*"):
        assert "unencrypted" in caplog.text


def test_publisher_refuses_a_crop_that_subscribers_would(publisher):
    with pytest.raises(ValueError, match="crop of"):
        publisher.emit(make_passage(), JPEG + bytes(1024 * 1024))


def test_fan_out_gives_every_sink_every_event():
    class Sink:
        def __init__(self):
            self.got = []

        def emit(self, event, jpeg=None):
            self.got.append((event, jpeg))

    sinks = [Sink(), Sink()]
    event = make_passage()
    FanOut(sinks).emit(event, JPEG)
    assert [sink.got for sink in sinks] == [[(event, JPEG)]] * 2
