"""The ledger of a campaign: one SQLite file that says what is done.

A task is known by the digest of everything that decides its result, so that asking for the same
again finds what is there. A change of state is one transaction: a process killed at any moment
leaves a task queued, running, done or failed, and what was running is taken up again.

The journal is a rollback journal, not a write-ahead log: that one needs memory which all processes
share, and campaigns lie on network file systems that several machines see. Only the process that
holds the campaign's folder writes here; others read.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

from limlff.errors import InputError, shown
from limlff.learning.ledger_errors import error_of_user
from limlff.learning.tasks import Cost, Record, State, Task, canonical_json, record_of

VERSION = 1
"""Of the layout of the file."""

_BUSY_SECONDS = 60.0
"""How long to wait for a process that reads or writes (s)."""

_SCHEMA = f"""
CREATE TABLE tasks (
    key TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    inputs TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN {get_args(State)}),
    attempts INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '',
    core_seconds REAL NOT NULL DEFAULT 0,
    wall_seconds REAL NOT NULL DEFAULT 0,
    result TEXT NOT NULL DEFAULT '{{}}',
    place TEXT NOT NULL DEFAULT '',
    changed REAL NOT NULL
);
CREATE INDEX tasks_by_kind ON tasks (kind, state);
PRAGMA user_version = {VERSION};
"""
_COLUMNS = "key, kind, inputs, state, attempts, reason, core_seconds, wall_seconds, result, place"


class Ledger:
    """An open ledger; made by `open_ledger`, and closed at the end of a `with` block.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        """Wrap a connection to a file with the layout of a ledger."""
        self.path = path
        self._connection = connection

    def __enter__(self) -> Ledger:
        """The ledger itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the file."""
        self._connection.close()

    def add(self, tasks: Iterable[Task]) -> None:
        """Queue tasks; those that are known stay as they are."""
        rows = [(t.key, t.kind, canonical_json(t.inputs), "queued", time.time()) for t in tasks]
        with self._transaction() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO tasks (key, kind, inputs, state, changed) "
                "VALUES (?, ?, ?, ?, ?)",
                rows,
            )

    def start(self, task: Task) -> bool:
        """Begin an attempt at a task that is queued; says whether it was."""
        return self._change(
            task, "queued", "state = 'running', attempts = attempts + 1, reason = ''", ()
        )

    def finish(self, task: Task, result: dict[str, Any], cost: Cost, place: str = "") -> None:
        """Note the result of a running task.

        Raises:
            InputError: If the task is not running.
        """
        self._end(
            task,
            "state = 'done', reason = '', result = ?, place = ?",
            (canonical_json(result), place),
            cost,
        )

    def fail(self, task: Task, reason: str, cost: Cost) -> None:
        """Note that a running task gave no result, and why.

        Raises:
            InputError: If the task is not running.
        """
        self._end(task, "state = 'failed', reason = ?", (reason,), cost)

    def retry(self, task: Task) -> bool:
        """Queue a failed task once more, its reason kept; says whether it had failed."""
        return self._change(task, "failed", "state = 'queued'", ())

    def redo(self, task: Task, reason: str) -> bool:
        """Queue a task that is done once more, its result forgotten; says whether it was done."""
        return self._change(
            task, "done", "state = 'queued', result = '{}', place = '', reason = ?", (reason,)
        )

    def take_up_again(self) -> list[Record]:
        """Queue what is running: tasks of a process that is gone.

        To be called only by the process that holds the campaign's folder, before it starts any.

        Returns:
            The tasks, as they were.
        """
        abandoned = self.records(state="running")
        with self._transaction() as connection:
            connection.execute(
                "UPDATE tasks SET state = 'queued', reason = ?, changed = ? "
                "WHERE state = 'running'",
                ("its process ended before it did", time.time()),
            )
        return abandoned

    def get(self, task: Task) -> Record | None:
        """What is known of a task; None if it was never queued."""
        found = self._select("key = ?", (task.key,))
        return found[0] if found else None

    def records(self, kind: str | None = None, state: State | None = None) -> list[Record]:
        """Tasks of a kind, in a state, or all, in the order in which they were queued."""
        return self._select(
            "(?1 IS NULL OR kind = ?1) AND (?2 IS NULL OR state = ?2)", (kind, state)
        )

    def cost(self, kind: str | None = None, through: tuple[str, int] | None = None) -> Cost:
        """What all ended attempts at tasks took.

        Args:
            kind: Of tasks of this kind; of all kinds if None.
            through: A kind and a number: of tasks queued no later than so many of that kind, which
                is what had been spent then, also when the campaign has gone on since; of all if
                there are fewer.
        """
        last, count = through or (None, 1)
        if count == 0:
            return Cost()
        with self._told():
            cores, wall = self._connection.execute(
                "SELECT total(core_seconds), total(wall_seconds) FROM tasks "
                "WHERE (?1 IS NULL OR kind = ?1) AND (?2 IS NULL OR rowid <= coalesce("
                "(SELECT rowid FROM tasks WHERE kind = ?2 ORDER BY rowid LIMIT 1 OFFSET ?3), "
                "rowid))",
                (kind, last, count - 1),
            ).fetchone()
        return Cost(cores, wall)

    def last_change(self) -> float | None:
        """When a task last changed its state (s since 1970); None if there is none."""
        with self._told():
            (when,) = self._connection.execute("SELECT max(changed) FROM tasks").fetchone()
        return None if when is None else float(when)

    def counts(self) -> dict[str, dict[str, int]]:
        """Number of tasks by kind and state."""
        found: dict[str, dict[str, int]] = {}
        with self._told():
            rows = self._connection.execute(
                "SELECT kind, state, count(*) FROM tasks GROUP BY kind, state ORDER BY min(rowid)"
            ).fetchall()
        for kind, state, count in rows:
            found.setdefault(kind, {})[state] = count
        return found

    def _end(self, task: Task, change: str, values: tuple[Any, ...], cost: Cost) -> None:
        change += ", core_seconds = core_seconds + ?, wall_seconds = wall_seconds + ?"
        costs = (cost.core_seconds, cost.wall_seconds)
        if not self._change(task, "running", change, (*values, *costs)):
            record = self.get(task)
            state = record.state if record else "unknown"
            raise InputError(
                f"{self.path}: the task {task.kind} {task.key[:12]} is {state}, not running; only "
                "one process may work on a campaign"
            )

    def _change(self, task: Task, before: State, change: str, values: tuple[Any, ...]) -> bool:
        """Change a task that is in a given state; says whether it was."""
        with self._transaction() as connection:
            done = connection.execute(
                f"UPDATE tasks SET {change}, changed = ? WHERE key = ? AND state = ?",
                (*values, time.time(), task.key, before),
            )
        return done.rowcount == 1

    def _select(self, where: str, values: tuple[Any, ...]) -> list[Record]:
        with self._told():
            rows = self._connection.execute(
                f"SELECT {_COLUMNS} FROM tasks WHERE {where} ORDER BY rowid", values
            ).fetchall()
        try:
            return [record_of(row) for row in rows]
        except ValueError as error:
            fault = f"inputs or result of a task are no JSON of limlff ({error})"
            raise InputError(f"{self.path}: {fault}; take an unchanged copy") from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All changes of the block, or none."""
        with self._told():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Errors of SQLite as a line for the user."""
        try:
            yield
        except sqlite3.Error as error:
            raise error_of_user(self.path, error, _BUSY_SECONDS) from error


def open_ledger(path: Path, read_only: bool = False) -> Ledger:
    """Open a ledger, or begin one.

    Args:
        path: The file; its folder must be there.
        read_only: Whether it is only looked at; then it must be there.

    Raises:
        InputError: If it is no ledger, one of a newer limlff, damaged, or cannot be written.
        OSError: If the disk is full or fails, or another process holds the file for too long.
    """
    if read_only and not path.is_file():
        raise InputError(f"{shown(path)}: there is no such ledger; name the folder of a campaign")
    # who only reads may have to roll back what a killed process left, so that it cannot be "ro"
    name = f"{path.absolute().as_uri()}?mode={'rw' if read_only else 'rwc'}"
    try:
        connection = sqlite3.connect(
            name, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        _prepare(connection, path, read_only)
    except sqlite3.Error as error:
        raise error_of_user(path, error, _BUSY_SECONDS) from error
    return Ledger(path, connection)


def _prepare(connection: sqlite3.Connection, path: Path, read_only: bool) -> None:
    """Check the layout, or make it."""
    if read_only:
        connection.execute("PRAGMA query_only = ON")
    else:
        connection.execute("PRAGMA journal_mode = DELETE")
        # the folder is synced too, so that not even a power failure brings a journal back
        connection.execute("PRAGMA synchronous = EXTRA")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 0 and not read_only and not _has_tables(connection):
        connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
    elif version != VERSION:
        connection.close()
        raise InputError(
            f"{shown(path)}: is no ledger of this limlff (layout {version}, not {VERSION}); "
            "name another folder, or use the limlff that wrote it"
        )


def _has_tables(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
