"""One start of a campaign, as its workers see it: a file that says whether it still goes on.

The campaign touches the file every now and then; who no longer sees that knows that it was killed.
The next start writes another session, which workers of the one before see at once. Until these
have ended, a lock for each task keeps others from it.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from limlff.atomic_file import write_text_whole
from limlff.errors import OutOfTime
from limlff.file_lock import lock_alone

FOLDER = "cluster"
"""Where sessions, locks and all that Parsl writes lie, in the folder of a campaign."""

PATIENCE_SECONDS = 300.0
"""How long a task waits for a worker of an earlier session (s)."""

BEAT_SECONDS = 20.0
"""How often a campaign shows that it goes on (s)."""

SILENCE_SECONDS = 180.0
"""Without a sign for so long it is given up (s); network file systems show one after a minute."""

_ENDED = "ended"
_WAIT_SECONDS = 0.5


@dataclass(frozen=True)
class Session:
    """A start of a campaign.

    Attributes:
        campaign: Its folder, with its whole path.
        token: Unlike that of all other starts.
    """

    campaign: Path
    token: str

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return self.campaign / FOLDER

    @property
    def _file(self) -> Path:
        return self.folder / "session"

    @classmethod
    def begin(cls, campaign: Path) -> Session:
        """Begin a session, which ends the one before."""
        session = cls(campaign.absolute(), uuid.uuid4().hex)
        session.folder.mkdir(parents=True, exist_ok=True)
        write_text_whole(session._file, session.token)
        return session

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show that the session goes on, until the end of the block, which ends it."""
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(BEAT_SECONDS):
                with suppress(OSError):
                    os.utime(self._file)

        threading.Thread(target=beat, daemon=True, name="limlff-session").start()
        try:
            yield
        finally:
            ended.set()
            write_text_whole(self._file, _ENDED)

    def watch(self) -> Callable[[], bool]:
        """A function that tells whether the session goes on, and has shown that of late."""
        last_sign, since = 0, time.monotonic()

        def goes_on() -> bool:
            nonlocal last_sign, since
            with suppress(OSError):
                sign = self._file.stat().st_mtime_ns
                if sign != last_sign:
                    last_sign, since = sign, time.monotonic()
            return self.goes_on() and time.monotonic() - since < SILENCE_SECONDS

        return goes_on

    def goes_on(self) -> bool:
        """Whether no other session has begun, as far as can be seen."""
        try:
            return self._file.read_text(encoding="utf-8") == self.token
        except FileNotFoundError:
            return False
        except OSError:  # a network file system that does not answer for a moment
            return True

    @contextmanager
    def alone(self, folder: Path) -> Iterator[None]:
        """Keep others from the task with this folder; wait for those that are at it.

        Raises:
            OutOfTime: If they do not end.
        """
        name = "-".join(folder.relative_to(self.campaign).parts)
        path = self.folder / "locks" / name
        path.parent.mkdir(exist_ok=True)
        deadline = time.monotonic() + PATIENCE_SECONDS
        with open(path, "a", encoding="utf-8") as file:
            while not _taken(file.fileno()):
                if time.monotonic() > deadline or not self.goes_on():
                    raise OutOfTime(f"{folder}: a worker of an earlier start is still at it")
                time.sleep(_WAIT_SECONDS)
            yield


def _taken(descriptor: int) -> bool:
    try:
        lock_alone(descriptor)
    except (BlockingIOError, PermissionError):
        return False
    return True
