from __future__ import annotations

import threading

from pipeline.capture import Mailbox
from pipeline.frames import DropCounter
from tests.capture.builders import frame

GUARD_S = 20.0


def test_latest_keeps_the_newest_frame_and_counts_the_others() -> None:
    drops = DropCounter()
    mailbox = Mailbox("latest", drops, threading.Condition())
    for index in range(5):
        mailbox.put(frame(index))
    newest = mailbox.take()
    assert newest is not None and newest.stamp.index == 4
    assert mailbox.take() is None
    assert drops.snapshot() == {"superseded": 4}


def test_every_keeps_all_frames_in_order_for_a_slow_consumer() -> None:
    drops = DropCounter()
    ready = threading.Condition()
    mailbox = Mailbox("every", drops, ready, capacity=3)
    producer = threading.Thread(target=_put_and_close, args=(mailbox, 40), daemon=True)
    producer.start()
    taken, longest = [], 0
    while True:
        with ready:
            assert ready.wait_for(lambda: len(mailbox) or mailbox.closed, timeout=GUARD_S)
            longest = max(longest, len(mailbox))
        threading.Event().wait(0.002)
        item = mailbox.take()
        if item is None:
            break
        taken.append(item.stamp.index)
    assert taken == list(range(40))
    assert longest <= 3
    assert drops.snapshot() == {}


def test_every_blocks_when_full_until_a_frame_is_taken() -> None:
    mailbox = Mailbox("every", DropCounter(), threading.Condition(), capacity=2)
    mailbox.put(frame(0))
    mailbox.put(frame(1))
    third = threading.Thread(target=mailbox.put, args=(frame(2),), daemon=True)
    third.start()
    third.join(0.1)
    assert third.is_alive() and len(mailbox) == 2
    mailbox.take()
    third.join(GUARD_S)
    assert not third.is_alive() and len(mailbox) == 2


def test_close_frees_a_blocked_put_and_counts_its_frame() -> None:
    drops = DropCounter()
    mailbox = Mailbox("every", drops, threading.Condition(), capacity=1)
    mailbox.put(frame(0))
    blocked = threading.Thread(target=mailbox.put, args=(frame(1),), daemon=True)
    blocked.start()
    mailbox.close()
    blocked.join(GUARD_S)
    assert not blocked.is_alive()
    assert drops.snapshot() == {"stopped": 1}


def test_close_leaves_waiting_frames_to_be_taken() -> None:
    mailbox = Mailbox("every", DropCounter(), threading.Condition())
    mailbox.put(frame(0))
    mailbox.close()
    assert mailbox.closed and len(mailbox) == 1
    assert mailbox.take() is not None and mailbox.take() is None


def test_take_works_while_the_shared_condition_is_held() -> None:
    ready = threading.Condition()
    boxes = [Mailbox("latest", DropCounter(), ready) for _ in range(2)]
    boxes[1].put(frame(7))
    with ready:
        assert boxes[0].take() is None
        taken = boxes[1].take()
    assert taken is not None and taken.stamp.index == 7


def test_put_and_close_wake_one_waiter_on_all_mailboxes() -> None:
    ready = threading.Condition()
    boxes = [Mailbox("latest", DropCounter(), ready) for _ in range(3)]
    seen: list[str] = []

    def wait_for_all() -> None:
        with ready:
            assert ready.wait_for(lambda: any(len(box) for box in boxes), timeout=GUARD_S)
            seen.append("frame")
            assert ready.wait_for(lambda: any(box.closed for box in boxes), timeout=GUARD_S)
            seen.append("closed")

    waiter = threading.Thread(target=wait_for_all, daemon=True)
    waiter.start()
    boxes[2].put(frame(0))
    boxes[1].close()
    waiter.join(GUARD_S)
    assert seen == ["frame", "closed"]


def _put_and_close(mailbox: Mailbox, count: int) -> None:
    for index in range(count):
        mailbox.put(frame(index))
    mailbox.close()
