"""The stop of a run by a guard, as data: in the error that ends the run, and in its summary."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limlff.errors import GuardStop
from limlff.md.output.names import SUMMARY
from limlff.paths import user_path
from limlff.strict_json import parse_json

STOPPED_BY_GUARD = "stopped_by_guard"
"""Entry of the summary that holds a stop."""

_LONGEST_SUMMARY = 10_000_000  # bytes


@dataclass(frozen=True)
class Stop:
    """Which guard stopped a run, where, and what it left.

    Attributes:
        guard: The setting whose limit was violated, such as `max_grade` of `guards`; without a
            setting `finite`, `neighbor_search` or `event`.
        step: Step of the state that was not accepted.
        atoms: Indices of the atoms that it is about, the worst first.
        value: The worst value, in the unit of the setting; None if it is no finite number.
        limit: What the value is compared with, in the same unit; None if there is none.
        sentence: The same for people, and what to do.
        files: What was left, by what it is: `checkpoint` (of the last accepted state), `offending`
            (the state that was not accepted) and `extrapolation` (neighborhoods of the atoms, as
            cells that are small enough for DFT; `info["atom"]` tells of which).
    """

    guard: str
    step: int
    atoms: tuple[int, ...]
    value: float | None
    limit: float | None
    sentence: str
    files: dict[str, Path]

    def as_json(self, folder: Path) -> dict[str, Any]:
        """Entry of the summary; files by their paths within the run's folder."""
        return {
            "guard": self.guard,
            "step": self.step,
            "atoms": list(self.atoms),
            "value": self.value,
            "limit": self.limit,
            "sentence": self.sentence,
            "files": {
                what: path.relative_to(folder).as_posix() for what, path in self.files.items()
            },
        }


class RunStopped(GuardStop):
    """A guard has stopped a run of molecular dynamics.

    Args:
        message: One line for people.
        stop: The same as data.
    """

    def __init__(self, message: str, stop: Stop) -> None:
        super().__init__(message)
        self.stop = stop

    def __reduce__(self) -> tuple[type[RunStopped], tuple[str, Stop]]:
        """So that it comes whole from another process."""
        return type(self), (str(self), self.stop)


def finite_or_none(value: float | None) -> float | None:
    """A number that JSON can hold."""
    return None if value is None or not math.isfinite(value) else float(value)


def read_stop(folder: Path | str) -> Stop | None:
    """How a guard has stopped the run in a folder; None if none has.

    Args:
        folder: The run's folder.
    """
    folder = user_path(folder)
    try:
        with (folder / SUMMARY).open("rb") as file:
            entry = parse_json(file.read(_LONGEST_SUMMARY))[STOPPED_BY_GUARD]
        return Stop(
            guard=str(entry["guard"]),
            step=int(entry["step"]),
            atoms=tuple(int(atom) for atom in entry["atoms"]),
            value=entry["value"],
            limit=entry["limit"],
            sentence=str(entry["sentence"]),
            files={str(what): folder / name for what, name in entry["files"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
