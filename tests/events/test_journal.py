from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import GateError
from pipeline.events import EventComposer, EventJournal, ReplayJournal, encode, read_journal
from tests.events.builders import make_heartbeat, make_passage


def some_events(count=3):
    composer = EventComposer()
    return [make_passage(composer) for _ in range(count)]


class FullDisk:
    """The file of a journal on a disk with little room left."""

    def __init__(self, file, room):
        self._file, self._room = file, room

    def __getattr__(self, name):
        return getattr(self._file, name)

    def write(self, line):
        return self._file.write(line[: self._room])


def write(journal, events):
    with journal:
        for event in events:
            journal.emit(event, b"\xff\xd8")


def test_replay_journal_holds_one_event_a_line(tmp_path):
    events = some_events()
    write(ReplayJournal(tmp_path / "out.jsonl"), events)
    assert (tmp_path / "out.jsonl").read_bytes() == b"".join(encode(event) + b"\n" for event in events)
    assert list(read_journal(tmp_path / "out.jsonl")) == events
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]


def test_replay_journal_written_twice_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        write(ReplayJournal(tmp_path / name), some_events())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_replay_journal_of_a_broken_replay_leaves_the_old_file_and_the_part(tmp_path):
    out = tmp_path / "out.jsonl"
    write(ReplayJournal(out), some_events(2))
    with pytest.raises(RuntimeError), ReplayJournal(out) as journal:
        journal.emit(some_events(1)[0])
        raise RuntimeError
    assert len(list(read_journal(out))) == 2
    assert len(list(read_journal(tmp_path / "out.jsonl.part"))) == 1


def test_replay_journal_starts_empty_over_an_old_part(tmp_path):
    (tmp_path / "out.jsonl.part").write_text("half a li")
    write(ReplayJournal(tmp_path / "out.jsonl"), some_events(1))
    assert len(list(read_journal(tmp_path / "out.jsonl"))) == 1


def test_event_journal_can_be_read_while_it_is_written_and_continued(tmp_path):
    path = tmp_path / "gate.jsonl"
    with EventJournal(path) as journal:
        journal.emit(make_passage())
        assert len(list(read_journal(path))) == 1
    write(EventJournal(path), [make_heartbeat()])
    assert [event.kind for event in read_journal(path)] == ["passage.update", "heartbeat"]


@pytest.mark.parametrize("journal", [EventJournal, ReplayJournal])
def test_journal_that_cannot_be_written_is_refused_at_once(tmp_path, journal):
    with pytest.raises(GateError, match="no regular file"):
        journal(tmp_path)
    for name in ("missing/out.jsonl", 300 * "x"):
        with pytest.raises(GateError, match="cannot write the events"):
            journal(tmp_path / name)


def test_replay_journal_on_a_full_disk_ends_the_replay(tmp_path, monkeypatch):
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    journal = ReplayJournal(tmp_path / "out.jsonl")
    journal.close()
    with open("/dev/full", "wb", buffering=0) as full:  # noqa: PTH123
        monkeypatch.setattr(journal, "_file", full)
        with pytest.raises(GateError, match="No space left"):
            journal.emit(make_passage())


def test_gate_goes_on_while_its_disk_is_full_and_writes_again_afterwards(tmp_path, monkeypatch, caplog):
    path = tmp_path / "gate.jsonl"
    journal = EventJournal(path)
    whole = journal._file
    monkeypatch.setattr(journal, "_file", FullDisk(whole, room=50))
    for event in some_events(3):
        journal.emit(event)
    assert path.read_bytes() == b""
    assert [record.levelname for record in caplog.records].count("ERROR") == 1
    assert "No space left" in caplog.text

    monkeypatch.setattr(journal, "_file", whole)
    caplog.clear()
    for event in some_events(2):
        journal.emit(event)
    journal.close()
    assert len(list(read_journal(path))) == 2
    assert caplog.text.count("3 of them are missing") == 1


def test_journal_that_was_moved_away_is_begun_anew(tmp_path):
    path, older = tmp_path / "gate.jsonl", tmp_path / "gate.jsonl.1"
    with EventJournal(path) as journal:
        journal.emit(make_passage())
        path.rename(older)  # as logrotate does
        journal.emit(make_heartbeat())
        assert [event.kind for event in read_journal(path)] == ["heartbeat"]
        assert [event.kind for event in read_journal(older)] == ["passage.update"]
        path.unlink()
        journal.emit(make_passage())
        assert [event.kind for event in read_journal(path)] == ["passage.update"]


def test_read_journal_names_the_bad_line(tmp_path):
    path = tmp_path / "out.jsonl"
    path.write_bytes(encode(make_passage()) + b"\n{}\n")
    with pytest.raises(GateError, match=r"out\.jsonl, line 2: .*schema"):
        list(read_journal(path))
    with pytest.raises(GateError, match="cannot read"):
        list(read_journal(tmp_path / "none.jsonl"))


@pytest.mark.parametrize(
    "half", [encode(make_passage())[:50], b'{"sc', b"\0" * 300, b'{"schema"\0\0', b"\0" * 200_000]
)
def test_half_an_event_of_an_earlier_run_is_taken_away_and_none_is_joined_to_it(tmp_path, half):
    path = tmp_path / "gate.jsonl"
    write(EventJournal(path), some_events(2))
    with path.open("ab") as file:
        file.write(half)  # a power cut
    write(EventJournal(path), [make_heartbeat()])
    assert [event.kind for event in read_journal(path)] == ["passage.update"] * 2 + ["heartbeat"]
    write(EventJournal(path), [])
    assert len(list(read_journal(path))) == 3


@pytest.mark.parametrize(
    "content",
    [b"somebody's notes", b"notes\n{}", b"x" * 100_000, b"[intrinsics]\nfx = 1\n", b"x" * 65_536 + b"\n"],
)
def test_a_file_that_is_no_journal_is_left_as_it_is(tmp_path, content):
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(GateError, match=r"notes\.txt: its last line is no event"):
        EventJournal(path)
    assert path.read_bytes() == content


def test_two_gates_do_not_write_to_one_journal(tmp_path):
    path = tmp_path / "gate.jsonl"
    with EventJournal(path) as journal:
        journal.emit(make_passage())
        with pytest.raises(GateError, match=r"gate\.jsonl: another program writes its events there"):
            EventJournal(path)
    write(EventJournal(path), some_events(1))
    assert len(list(read_journal(path))) == 2


def test_a_short_write_leaves_no_half_line(tmp_path, monkeypatch, caplog):
    path = tmp_path / "gate.jsonl"
    journal = EventJournal(path)
    journal.emit(make_passage())

    with path.open("ab") as file:  # of somebody else, meanwhile
        file.write(encode(make_heartbeat()) + b"\n")
    monkeypatch.setattr(journal, "_file", FullDisk(journal._file, room=50))
    journal.emit(make_passage())
    journal.close()
    assert [event.kind for event in read_journal(path)] == ["passage.update", "heartbeat"]
    assert [record.levelname for record in caplog.records] == ["ERROR"]  # told once, not with each event
