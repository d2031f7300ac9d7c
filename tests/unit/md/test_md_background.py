"""The thread that writes: order, bounds, failures."""

from __future__ import annotations

from functools import partial
from threading import Event, Thread

import pytest
from full_disk import SOON, no_space

from limlff.md.output.background import BackgroundWriter


def test_tasks_are_done_in_order_while_the_caller_goes_on():
    writer, gate, done = BackgroundWriter(), Event(), []
    writer.hand_over(lambda: gate.wait(SOON), 1)
    for number in range(200):
        writer.hand_over(partial(done.append, number), 1)
    assert done == []
    assert writer._bytes == 201
    gate.set()
    writer.wait()
    assert done == list(range(200))
    writer.close(lambda: done.append("closed"))
    assert done[-1] == "closed"


def test_caller_waits_while_more_than_allowed_is_in_memory():
    """60 bytes are under way and 40 wait; the next 30 are let in only when the 60 are done."""
    writer, gate, entered = BackgroundWriter(most_bytes=100), Event(), Event()
    writer.hand_over(lambda: gate.wait(SOON), 60)
    writer.hand_over(lambda: None, 40)

    def third():
        writer.hand_over(lambda: None, 30)
        entered.set()

    caller = Thread(target=third)
    caller.start()
    assert not entered.wait(0.2)
    gate.set()
    assert entered.wait(SOON)
    caller.join()
    writer.hand_over(lambda: None, 1000)  # larger than all that is allowed: alone
    writer.close(lambda: None)


def test_failure_reaches_the_caller_and_nothing_is_done_after_it():
    writer, done = BackgroundWriter(), []
    writer.hand_over(no_space, 1)
    with pytest.raises(OSError, match="No space left"):
        writer.wait()
    with pytest.raises(OSError, match="No space left"):
        writer.hand_over(lambda: done.append("after"), 1)
    writer.close(lambda: done.append("closed"))
    assert done == ["closed"]


def test_failure_wakes_a_caller_that_waits_for_room():
    writer, gate, told = BackgroundWriter(most_bytes=10), Event(), []

    def fail():
        gate.wait(SOON)
        no_space()

    def next_one():
        with pytest.raises(OSError, match="No space left"):
            writer.hand_over(lambda: told.append("never"), 5)
        told.append("told")

    writer.hand_over(fail, 8)
    caller = Thread(target=next_one)
    caller.start()
    gate.set()
    caller.join(SOON)
    assert told == ["told"]
    writer.close(lambda: None)
