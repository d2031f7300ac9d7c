"""Tasks of a campaign, each known by the digest of everything that decides its result."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["queued", "running", "done", "failed"]


@dataclass(frozen=True)
class Task:
    """Something to be done once.

    Attributes:
        kind: What is done, such as "label".
        inputs: All that decides the result, in values that JSON can hold: digests of structures
            and data, settings.
    """

    kind: str
    inputs: dict[str, Any]

    @property
    def key(self) -> str:
        """SHA-256 of kind and inputs, 64 hexadecimal digits."""
        return hashlib.sha256(canonical_json([self.kind, self.inputs]).encode()).hexdigest()


@dataclass(frozen=True)
class Cost:
    """What an attempt took.

    Attributes:
        core_seconds: Processor time of all of its processes (s).
        wall_seconds: Time on the clock (s).
    """

    core_seconds: float = 0.0
    wall_seconds: float = 0.0


@dataclass(frozen=True)
class Record:
    """A task as the ledger has it.

    Attributes:
        task: The task.
        state: Where it is.
        attempts: How often it was begun.
        reason: Why the last attempt failed or was begun anew; empty otherwise.
        cost: Of all attempts that ended.
        result: What came out, in values that JSON can hold; empty before.
        place: File or folder of the result, relative to the campaign's folder; may be empty.
    """

    task: Task
    state: State
    attempts: int = 0
    reason: str = ""
    cost: Cost = Cost()
    result: dict[str, Any] = field(default_factory=dict)
    place: str = ""


def record_of(row: tuple[Any, ...]) -> Record:
    """A task as a row of the ledger has it: its key, then inputs and result as JSON.

    Raises:
        ValueError: If these are no objects of JSON.
    """
    _, kind, inputs, state, attempts, reason, cores, wall, result, place = row
    given, found = json.loads(inputs), json.loads(result)
    if not (isinstance(given, dict) and isinstance(found, dict)):
        raise ValueError("no object")
    return Record(Task(kind, given), state, attempts, reason, Cost(cores, wall), found, place)


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and all digits: one text for one value.

    Raises:
        ValueError: If a number is not finite.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
