"""Runs one command as long as a session of a campaign goes on, and ends all of it afterwards.

Parsl starts processes that outlive a campaign that is killed: an interchange beside it, and pools
of workers, which as a rule end by themselves but can also wait for ever. Each of them runs under
this guard, which needs nothing but the file of the session:

    python -m limlff.learning.cluster.guard CAMPAIGN TOKEN COMMAND...
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

from limlff.learning.cluster.session import Session

STOP_SECONDS = 60.0
"""Time that tasks have for their checkpoints when they are to stop (s)."""

_TURN_SECONDS = 0.2
_LOOK_SECONDS = 2.0
_KILLED = 1


def main(campaign: str, token: str, *command: str) -> int:
    """Run the command; returns its exit code."""
    parent, is_asked = os.getppid(), False

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal is_asked
        is_asked = True

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the campaign to hear
    goes_on = Session(Path(campaign), token).watch()
    process = subprocess.Popen(command, start_new_session=True)
    look = time.monotonic()
    while process.poll() is None and not is_asked and os.getppid() == parent:
        if time.monotonic() > look:
            look += _LOOK_SECONDS
            if not goes_on():
                break
        time.sleep(_TURN_SECONDS)
    code = process.poll()
    _end_group(process)
    return _KILLED if code is None else code


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End a command and all that it has started, in peace if they do not take too long."""
    deadline = time.monotonic() + STOP_SECONDS
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)
        while time.monotonic() < deadline:
            process.poll()  # so that it is no zombie, which would be found for ever
            os.killpg(process.pid, 0)
            time.sleep(_TURN_SECONDS)
        os.killpg(process.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
