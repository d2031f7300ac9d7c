"""Runs side by side, each on a core of its own, in processes that take one run after the other.

Processes are spawned, because jax does not survive a fork, and asked to stop instead of killed,
because molecular dynamics takes a signal for a wish and still writes its checkpoint. They end at
once when the process that started them is gone: nobody would hear of what they compute, and they
hold the locks of their folders. `concurrent.futures` hands out runs and brings results back; it has
no news, signals, orphans or exit codes, which are here.
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
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from typing import Any

from limlff.errors import LimlffError, OutOfTime
from limlff.signals import STOP_SIGNALS, interruptible, stop_signals

STOP_SECONDS = 60.0
"""Time in which a process must end after it was asked to (s)."""

_PR_SET_PDEATHSIG = 1  # of Linux: which signal comes when the parent dies
_ORPHANED = 1  # exit code of a process that nobody waits for
_LISTEN_SECONDS = 0.2
_EXIT_CODE_SECONDS = 5.0

_line_to_parent: tuple[Any, Any] | None = None
"""In a process: the queue for its news, and whether all are to stop."""


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
    news, stopping = context.Queue(), context.Event()
    # one run alone goes wherever there is a free core: others may be at work on the first
    started = context.Value("i", 0) if at_once > 1 else None
    line = (news, stopping, started, os.getpid())
    processes: list[Any] = []
    with interruptible():
        executor = ProcessPoolExecutor(at_once, context, _begin, line)
        try:
            with _signals_held_back():  # until they can heed them: not in their imports
                resource_tracker.ensure_running()  # keeps the books of semaphores: for good
                before = multiprocessing.active_children()
                futures = [executor.submit(_call, function, task) for task in tasks]
                processes += set(multiprocessing.active_children()) - set(before)
            return _results_of(futures, news, listen)
        except BrokenProcessPool as error:
            raise OutOfTime(
                f"the process of a run {_end_of_first(processes)} and without a result; was it "
                "killed, or out of memory? What was computed is kept"
            ) from error
        except KeyboardInterrupt as interrupt:
            raise OutOfTime(f"interrupted by {interrupt}; what was computed is kept") from interrupt
        finally:
            stopping.set()
            executor.shutdown(wait=False, cancel_futures=True)
            _end(processes)


def _results_of(
    futures: Sequence[Future[Any]], news: Any, listen: Callable[..., None]
) -> list[Any]:
    """Listen until all are done and all their news has come, or one fails."""
    waiting, told, heard = set(futures), 0, 0
    while waiting or heard < told:
        done, waiting = wait(waiting, _LISTEN_SECONDS, FIRST_COMPLETED)
        told += sum(future.result()[1] for future in done)
        with suppress(queue.Empty):
            while True:
                listen(*news.get(timeout=0 if waiting else _LISTEN_SECONDS))
                heard += 1
    return [future.result()[0] for future in futures]


@contextmanager
def _signals_held_back() -> Iterator[None]:
    """Processes started in the block hear of signals only when they ask for it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(news: Any, stopping: Any, started: Any, parent: int) -> None:
    """In a new process: if it is one of several, pin it to a core."""
    global _line_to_parent
    _line_to_parent = news, stopping
    # Where all goes well the parent has heard everything before a process ends. Where not, nobody
    # reads any more: a signal may have come in the middle of a message.
    news.cancel_join_thread()
    _end_with_parent(parent)
    # Without a run there is nothing to keep; other signals are for the parent to hear.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    if started is not None and hasattr(os, "sched_setaffinity"):
        with started.get_lock():
            number = started.value
            started.value += 1
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[number % len(cores)]})


def _call(function: Callable[..., Any], task: tuple[Any, ...]) -> tuple[Any, int]:
    """In a process: compute a task; its result, and how many news to expect of it."""
    assert _line_to_parent is not None
    news, stopping = _line_to_parent

    def stop_if_asked() -> None:
        if stopping.is_set() or asked_to_stop():
            raise OutOfTime("stopped together with the other runs")

    told = 0

    def tell(*content: Any) -> None:
        nonlocal told
        news.put(content)
        told += 1
        stop_if_asked()

    with stop_signals() as asked_to_stop:
        held_back = signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        try:
            stop_if_asked()
            return function(*task, tell), told
        except (LimlffError, OSError, MemoryError):  # each is a line for the user
            raise
        except Exception:  # a traceback crosses processes only as text
            raise RuntimeError(traceback.format_exc()) from None
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, held_back)


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


def _end_of_first(processes: list[Any]) -> str:
    """How the process that broke the pool has ended; the others then get a SIGTERM, and go on."""
    deadline = time.monotonic() + _EXIT_CODE_SECONDS
    while (code := _exit_code(processes)) is None and time.monotonic() < deadline:
        time.sleep(0.01)  # a thread of the pool asks, too, and knows the code a moment earlier
    if code is None:
        return "has ended"
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def _exit_code(processes: list[Any]) -> int | None:
    """What the first process to fail ended with; None while that is not known."""
    codes = [process.exitcode for process in processes]
    by_themselves = [code for code in codes if code and code != -signal.SIGTERM]
    if by_themselves or None in codes:
        return next(iter(by_themselves), None)
    return next((code for code in codes if code), None)


def _end(processes: list[Any]) -> None:
    """Wait for processes that were asked to stop; kill those that do not."""
    deadline = time.monotonic() + STOP_SECONDS
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
        if process.is_alive():
            process.kill()
            process.join()
