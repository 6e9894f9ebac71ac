"""docs/events.md says what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest

from pipeline.events import CameraEvent, Heartbeat, PassageEvent, PlateFormat, decode
from pipeline.events.schema import EVENT_TYPES, EventHeader
from pipeline.frames import DropReason

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "events.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
EXAMPLES = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)


def fields_of(type_) -> set[str]:
    return {field.name for field in msgspec.structs.fields(type_)}


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("Fields of every event", fields_of(EventHeader)),
        (
            "Fields of passage.new, passage.update and passage.end",
            fields_of(PassageEvent) - fields_of(EventHeader)
            | {f"plate_format.{name}" for name in fields_of(PlateFormat)},
        ),
        ("Fields of camera.online and camera.offline", fields_of(CameraEvent) - fields_of(EventHeader)),
        ("Fields of heartbeat", fields_of(Heartbeat) - fields_of(EventHeader)),
    ],
)
def test_tables_list_exactly_the_fields_of_the_types(section, expected):
    documented = re.findall(r"^\| `([a-z0-9_.]+)` \|", SECTIONS[section], re.MULTILINE)
    assert sorted(documented) == sorted(expected)


def test_page_lists_every_kind_and_drop_reason():
    assert set(re.findall(r"^\| `([a-z.]+)` \|", PAGE.split("## ")[0], re.MULTILINE)) == set(EVENT_TYPES)
    assert all(f"`{reason}`" in SECTIONS["Fields of heartbeat"] for reason in DropReason)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: json.loads(text)["kind"])
def test_examples_are_events_without_a_missing_or_surplus_field(example):
    event = decode(example.encode())
    assert set(json.loads(example)) == fields_of(type(event))


def test_page_has_an_example_of_every_type():
    assert {type(decode(example.encode())) for example in EXAMPLES} == set(EVENT_TYPES.values())
