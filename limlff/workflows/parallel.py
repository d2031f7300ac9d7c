"""Runs side by side, each in a process of its own on a core of its own.

Processes are spawned, because jax does not survive a fork, and asked to stop instead of killed,
because molecular dynamics takes a signal for a wish and still writes its checkpoint. They end at
once when the process that started them is gone: nobody would hear of what they compute, and they
hold the locks of their folders.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import multiprocessing.connection
import os
import queue
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from typing import Any

from limlff.errors import LimlffError, OutOfTime
from limlff.signals import STOP_SIGNALS, ignore_signals, interruptible, stop_signals

STOP_SECONDS = 60.0
"""Time in which a process must end after it was asked to (s)."""

_PR_SET_PDEATHSIG = 1  # of Linux: which signal comes when the parent dies
_ORPHANED = 1  # exit code of a process that nobody waits for


def run_in_processes(
    function: Callable[..., Any],
    tasks: Sequence[tuple[Any, ...]],
    at_once: int,
    listen: Callable[..., None],
) -> list[Any]:
    """Call a function with the arguments of each task, several at a time.

    Args:
        function: Of a module, so that another process can find it; called as
            `function(*task, tell)`. What it passes to `tell` is passed to `listen` here. `tell`
            raises `OutOfTime` when the process is to stop.
        tasks: Arguments of each call.
        at_once: Processes at the same time.
        listen: Told what the processes tell.

    Returns:
        The results in the order of the tasks.

    Raises:
        LimlffError: What the first call to fail raised.
        OutOfTime: If a signal came that asks to stop, or a process was killed.
    """
    context = multiprocessing.get_context("spawn")
    with _signals_held_back():  # by the process that keeps the books of semaphores: for good
        resource_tracker.ensure_running()
    messages, stopping = context.Queue(), context.Event()
    waiting = [
        context.Process(
            target=_work, args=(function, task, number, messages, stopping, os.getpid())
        )
        for number, task in enumerate(tasks)
    ]
    results: dict[int, Any] = {}
    running: dict[int, Any] = {}
    with interruptible():
        try:
            while len(results) < len(tasks):
                while waiting and len(running) < at_once:
                    number = len(tasks) - len(waiting)
                    _start(waiting.pop(0), number, running)
                _take_message(messages, running, results, listen)
        except KeyboardInterrupt as interrupt:
            raise OutOfTime(f"interrupted by {interrupt}; what was computed is kept") from interrupt
        finally:
            stopping.set()
            _end(running, messages)
    return [results[number] for number in range(len(tasks))]


@contextmanager
def _signals_held_back() -> Iterator[None]:
    """Processes started in the block hear of signals only when they ask for it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(process: Any, number: int, running: dict[int, Any]) -> None:
    with _signals_held_back():  # until it can heed them: not in its imports
        process.start()
        running[number] = process


def _work(
    function: Callable[..., Any],
    task: tuple[Any, ...],
    number: int,
    messages: Any,
    stopping: Any,
    parent: int,
) -> None:
    """In the process: pin it to a core, call the function, send its result."""
    _end_with_parent(parent)
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[number % len(cores)]})

    def tell(*news: Any) -> None:
        messages.put((number, "news", news))
        if stopping.is_set() or asked_to_stop():
            raise OutOfTime("stopped together with the other runs")

    with stop_signals() as asked_to_stop:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        try:
            messages.put((number, "result", function(*task, tell)))
        except (LimlffError, OSError, MemoryError) as error:  # each is a line for the user
            messages.put((number, "error", error))
        except Exception:  # a traceback crosses processes only as text
            messages.put((number, "error", RuntimeError(traceback.format_exc())))
        ignore_signals()


def _end_with_parent(parent: int) -> None:
    """Have this process killed when its parent is gone, even while it computes.

    Its checkpoints are whole at any moment. On Linux the system does it; elsewhere a thread waits
    for the end of a pipe that only the parent holds.
    """
    with suppress(OSError, AttributeError):  # raised elsewhere than on Linux
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    threading.Thread(target=_watch_parent, daemon=True, name="limlff-parent").start()
    if os.getppid() != parent:  # gone before all this
        os._exit(_ORPHANED)


def _watch_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(_ORPHANED)


def _take_message(
    messages: Any, running: dict[int, Any], results: dict[int, Any], listen: Callable[..., None]
) -> None:
    """Wait for a message for a short time and act on it."""
    dead = [number for number, process in running.items() if not process.is_alive()]
    try:
        number, kind, content = messages.get(timeout=0.5)
    except queue.Empty:
        if dead:  # before the wait, and nothing of it was left in the queue
            raise OutOfTime(
                f"the process of run {dead[0] + 1} {_end_of(running[dead[0]].exitcode)} and "
                "without a result; was it killed, or out of memory? What was computed is kept"
            ) from None
        return
    if kind == "news":
        listen(*content)
    elif kind == "error":
        raise content
    else:
        results[number] = content
        running.pop(number).join()


def _end_of(code: int) -> str:
    """How a process has ended, from its exit code."""
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def _end(running: dict[int, Any], messages: Any) -> None:
    """Wait for processes that were asked to stop; kill those that do not."""
    deadline = time.monotonic() + STOP_SECONDS
    for process in running.values():
        # A process ends only when what it sent was taken out of the queue.
        while process.is_alive() and time.monotonic() < deadline:
            try:
                messages.get(timeout=0.2)
            except queue.Empty:
                continue
        process.kill()
        process.join()
