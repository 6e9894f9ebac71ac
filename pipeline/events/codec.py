"""Events to JSON bytes and back. Reading trusts nothing: size, types, ranges and texts are checked."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from pipeline.events.schema import EVENT_TYPES, SCHEMA_VERSION, Event, EventHeader

MAX_EVENT_BYTES = 64 * 1024

_ENCODER = msgspec.json.Encoder()
_HEADER_DECODER = msgspec.json.Decoder(EventHeader)
_DECODERS = {kind: msgspec.json.Decoder(type_) for kind, type_ in EVENT_TYPES.items()}

_T = TypeVar("_T")


class MalformedEventError(ValueError):
    """Bytes that are no event of a known schema; the text says what is wrong with them."""


def encode(event: Event) -> bytes:
    """The event as one line of JSON without a line end; the same event always gives the same bytes."""
    return _ENCODER.encode(event)


def decode(data: bytes) -> Event:
    """The event in `data`; unknown fields are ignored.

    Raises:
        MalformedEventError: too long, no JSON, another schema, an unknown kind, a field missing or invalid.
    """
    kind = decode_header(data).kind
    if kind not in _DECODERS:
        raise MalformedEventError(f"unknown event kind {kind!r}")
    return _decoded(_DECODERS[kind], data)


def decode_header(data: bytes) -> EventHeader:
    """Schema, sequence number, kind and camera of any event, those of unknown kinds included.

    Raises:
        MalformedEventError: too long, no JSON, no header, or a schema that this program does not know.
    """
    if len(data) > MAX_EVENT_BYTES:
        raise MalformedEventError(f"event of {len(data)} bytes; {MAX_EVENT_BYTES} are allowed")
    header = _decoded(_HEADER_DECODER, data)
    if header.schema != SCHEMA_VERSION:
        raise MalformedEventError(
            f"event of schema {header.schema}; this program reads schema {SCHEMA_VERSION}"
        )
    return header


def _decoded(decoder: msgspec.json.Decoder[_T], data: bytes) -> _T:
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedEventError(str(error)) from error
    except RecursionError as error:
        raise MalformedEventError("JSON is nested too deeply") from error
