"""Runs one command within limits and ends all of it when its time, or its parent, is gone.

A program of its own that needs nothing but Python:

    python guardian.py ALIVE SECONDS BYTES REPORT COMMAND...

ALIVE is the number of an open pipe of which the parent holds the other end: when that is closed,
be it because the parent was killed, the command is ended. How it ended and what it took is written
to the file REPORT as JSON.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress

_LOOK_SECONDS = 0.1

OVERTIME = "time"
ORPHANED = "orphaned"
ITSELF = "itself"


def main(words: list[str]) -> None:
    """Start the command, wait for its end or bring it about, and report."""
    alive, seconds, memory, report, *command = words
    os.set_inheritable(int(alive), False)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # of data and not of addresses: libraries reserve far more of these than they ever use
    resource.setrlimit(resource.RLIMIT_DATA, (int(memory), int(memory)))
    begin = time.monotonic()
    try:
        process = subprocess.Popen(command, start_new_session=True)
    except OSError as error:
        _write(report, {"ended": ITSELF, "code": 127, "error": str(error)})
        return
    ended = _wait(process, int(alive), begin + float(seconds))
    _kill_session(process.pid)
    code = process.wait()
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


def _kill_session(session: int) -> None:
    """Kill all processes of a session, whatever groups they have made among themselves."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(session, signal.SIGKILL)
    if not os.path.isdir("/proc/self"):
        return
    for name in os.listdir("/proc"):
        with suppress(ValueError, ProcessLookupError, PermissionError):
            if os.getsid(int(name)) == session:
                os.kill(int(name), signal.SIGKILL)


def _write(path: str, content: dict[str, object]) -> None:
    with open(f"{path}.part", "w", encoding="utf-8") as file:
        json.dump(content, file)
    os.replace(f"{path}.part", path)


if __name__ == "__main__":
    main(sys.argv[1:])
