"""Signals: noted where something can be kept, an exception elsewhere, and never twice."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress

import pytest

from limlff.errors import OutOfTime
from limlff.resumable import resumable
from limlff.signals import STOP_SIGNALS, Interrupted, interruptible, stop_signals


def send(number: int) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("name", ["TERM", "INT", "HUP", "USR1", "USR2", "XCPU"])
def test_each_signal_is_noted_or_raised_by_its_name_and_handlers_are_put_back(name):
    number = getattr(signal, f"SIG{name}")
    before = signal.getsignal(number)
    with stop_signals() as came:
        assert came() == ""
        send(number)
        assert came() == f"SIG{name}"
    with pytest.raises(Interrupted, match=f"SIG{name}"), interruptible():
        send(number)
    assert signal.getsignal(number) is before


def test_a_second_signal_does_not_disturb_what_is_stopping():
    """Neither the cleaning up after an interruption, nor what follows a run that was left."""
    cleaned = []
    with interruptible(), pytest.raises(Interrupted):
        try:
            send(signal.SIGINT)
        finally:
            send(signal.SIGTERM)
            cleaned.append("inside")
    with interruptible() as first:
        with stop_signals() as came:
            send(signal.SIGTERM)
        send(signal.SIGINT)
        assert came() == "SIGTERM" and first() == signal.SIGTERM
    assert cleaned == ["inside"]


def test_a_signal_whose_exception_was_lost_is_heeded_again():
    """Libraries catch all exceptions now and then; callbacks of the interpreter have no caller."""
    with pytest.raises(Interrupted, match="SIGTERM"), interruptible():
        with suppress(BaseException):
            send(signal.SIGINT)
        send(signal.SIGTERM)

    class Noisy:
        def __del__(self):
            send(signal.SIGHUP)
            time.sleep(0)  # where the exception is raised

    with pytest.raises(Interrupted, match="SIGHUP"), interruptible():
        Noisy()
        time.sleep(5)


def test_an_import_is_finished_before_a_signal_is_heeded(tmp_path, monkeypatch):
    """Compiled modules can crash when an exception is raised in the middle of them."""
    (tmp_path / "half_imported.py").write_text(
        "import os, signal, time\n"
        "os.kill(os.getpid(), signal.SIGINT)\n"
        "time.sleep(0.1)\n"
        "whole = True\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(Interrupted, match="SIGINT"), interruptible():
        import half_imported

        time.sleep(5)
    assert half_imported.whole


def test_nohup_keeps_its_meaning_and_an_ignored_interrupt_does_not():
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as shells do for background processes
    try:
        with stop_signals() as came:
            send(signal.SIGHUP)
            assert came() == ""
            send(signal.SIGINT)
            assert came() == "SIGINT"
        with interruptible():
            send(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_work_that_is_kept_is_out_of_time_and_other_work_is_interrupted(tmp_path):
    with pytest.raises(Interrupted), interruptible(), resumable(tmp_path, "again", "*.npz"):
        send(signal.SIGTERM)
    (tmp_path / "checkpoint.npz").touch()
    with (
        pytest.raises(OutOfTime, match=r"SIGTERM; go on with: again$"),
        interruptible(),
        resumable(tmp_path, "again", "*.npz"),
    ):
        send(signal.SIGTERM)


def test_a_full_disk_is_out_of_time_and_says_what_to_do(tmp_path):
    with (
        pytest.raises(OutOfTime, match=r"No space left on device; free space.*start again"),
        resumable(tmp_path, "again", "*.npz"),
        open("/dev/full", "wb", buffering=0) as full,
    ):
        full.write(b"0")
