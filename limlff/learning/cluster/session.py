"""One start of a campaign, as its workers see it: a file that says whether it still goes on.

A worker outlives a campaign that is killed, by minutes or until somebody notices. The next start
writes another session: workers of the one before end their tasks, and until they have, a lock for
each task keeps others from it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from limlff.atomic_file import write_text_whole
from limlff.errors import OutOfTime
from limlff.file_lock import lock_alone

FOLDER = "cluster"
"""Where sessions, locks and all that Parsl writes lie, in the folder of a campaign."""

PATIENCE_SECONDS = 300.0
"""How long a task waits for a worker of an earlier session (s): more than Parsl takes to end it."""

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

    def end(self) -> None:
        """Tell workers that nobody waits for them."""
        write_text_whole(self._file, _ENDED)

    def goes_on(self) -> bool:
        """Whether somebody waits for the workers of this session, as far as can be seen."""
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
