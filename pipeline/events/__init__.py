"""Events: what the gate tells the world, composed from reports, published over ZeroMQ, written to files.

`schema` holds the types, `codec` their JSON, `compose` makes them, `crop` cuts the plate out, `publisher` and
`journal` are the sinks, `subscriber` is the client, `describe` its text for people. Format: docs/events.md.
"""

from pipeline.events.codec import MalformedEventError, decode, encode
from pipeline.events.compose import EventComposer
from pipeline.events.crop import rectified_plate_jpeg
from pipeline.events.describe import describe
from pipeline.events.journal import EventJournal, ReplayJournal, read_journal
from pipeline.events.publisher import AwaitingPublisher, EventPublisher
from pipeline.events.schema import CameraEvent, Event, Heartbeat, PassageEvent, PlateFormat
from pipeline.events.sink import EventSink, FanOut
from pipeline.events.subscriber import EventSubscriber, Received
from pipeline.names import DEFAULT_ENDPOINT

__all__ = [
    "DEFAULT_ENDPOINT",
    "AwaitingPublisher",
    "CameraEvent",
    "Event",
    "EventComposer",
    "EventJournal",
    "EventPublisher",
    "EventSink",
    "EventSubscriber",
    "FanOut",
    "Heartbeat",
    "MalformedEventError",
    "PassageEvent",
    "PlateFormat",
    "Received",
    "ReplayJournal",
    "decode",
    "describe",
    "encode",
    "read_journal",
    "rectified_plate_jpeg",
]
