"""Runs one command within limits and ends all of it when its time, or its parent, is gone.

A program of its own that needs nothing but Python:

    python guardian.py ALIVE SECONDS BYTES REPORT COMMAND...

ALIVE is the number of an open pipe of which the parent holds the other end: when that is closed,
be it because the parent was killed, the command is ended, with all that it has started, also in
sessions of their own. How it ended and what it took is written to the file REPORT as JSON. If the
guardian itself is killed, the system ends the command, on Linux, and `kill_session` the rest of it.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress

_LOOK_SECONDS = 0.1
_END_SECONDS = 10.0
_TURN_SECONDS = 0.01
_ENDED = (b"Z", b"X")  # states in /proc
_LARGEST_LIMIT = 2**63 - 1
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # of Linux

OVERTIME = "time"
ORPHANED = "orphaned"
ITSELF = "itself"


def main(words: list[str]) -> None:
    """Start the command, wait for its end or bring it about, and report."""
    alive, seconds, memory, report, *command = words
    os.set_inheritable(int(alive), False)
    end_with_this = _tie_to_this_process()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _limit_memory(int(memory))
    begin = time.monotonic()
    try:
        process = subprocess.Popen(command, process_group=0, preexec_fn=end_with_this)
    except OSError as error:
        _write(report, {"ended": ITSELF, "code": 127, "error": str(error)})
        return
    ended = _wait(process, int(alive), begin + float(seconds))
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    code = process.wait()
    _kill_all(lambda: _family(os.getpid()))
    _reap()
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    content = {
        "ended": ended,
        "code": code,
        "wall_seconds": time.monotonic() - begin,
        "core_seconds": usage.ru_utime + usage.ru_stime,
        "peak_bytes": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
    }
    if ended != ORPHANED:
        _write(report, content)


def _wait(process: subprocess.Popen[bytes], alive: int, deadline: float) -> str:
    """Why the wait is over."""
    while process.poll() is None:
        if time.monotonic() > deadline:
            return OVERTIME
        if select.select([alive], [], [], _LOOK_SECONDS)[0]:
            return ORPHANED
    return ITSELF


def _limit_memory(size: int) -> None:
    """Limit data and not addresses: libraries reserve far more of these than they ever use."""
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    size = min(size, _LARGEST_LIMIT if most == resource.RLIM_INFINITY else most)
    resource.setrlimit(resource.RLIMIT_DATA, (size, size))


def _tie_to_this_process() -> Callable[[], None]:
    """Become the parent of all orphans of the command; what it calls to end with this process."""
    guardian = os.getpid()
    try:
        control = ctypes.CDLL(None).prctl
    except (OSError, AttributeError):  # elsewhere than on Linux
        return lambda: None
    control(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def end_with_this() -> None:
        control(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != guardian:  # gone before that
            os._exit(1)

    return end_with_this


def kill_session(session: int) -> None:
    """Kill all processes of a session, whatever groups they have made among themselves."""
    _kill_all(lambda: [pid for pid, (_, own) in _processes().items() if own == session])


def _kill_all(find: Callable[[], list[int]]) -> None:
    """Kill processes until none is found any more."""
    deadline = time.monotonic() + _END_SECONDS  # what hangs in the kernel is not waited for
    while (pids := find()) and time.monotonic() < deadline:
        for pid in pids:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_TURN_SECONDS)


def _reap() -> None:
    """Take the end of all children that have ended, whose times then count."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _family(ancestor: int) -> list[int]:
    """All descendants of a process."""
    children: dict[int, list[int]] = {}
    for pid, (parent, _) in _processes().items():
        children.setdefault(parent, []).append(pid)
    found: list[int] = []
    waiting = [ancestor]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def _processes() -> dict[int, tuple[int, int]]:
    """Parent and session of each process that goes on, where the system lists them in /proc."""
    found: dict[int, tuple[int, int]] = {}
    if not os.path.isdir("/proc/self"):
        return found
    for name in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
            state, parent, _, session = file.read().rpartition(b")")[2].split()[:4]
            if state not in _ENDED:
                found[int(name)] = int(parent), int(session)
    return found


def _write(path: str, content: dict[str, object]) -> None:
    with open(f"{path}.part", "w", encoding="utf-8") as file:
        json.dump(content, file)
    os.replace(f"{path}.part", path)


if __name__ == "__main__":
    main(sys.argv[1:])
