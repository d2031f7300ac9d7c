"""What a finished run leaves."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from limlff.atomic_file import replaced_when_whole
from limlff.errors import InputError
from limlff.md.output import names as files
from limlff.md.output.frames import write_frames
from limlff.md.output.thermo import read_rows
from limlff.md.run.history import missing_before
from limlff.strict_json import parse_json

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class MDResult:
    """What a finished run leaves.

    Attributes:
        folder: The run's folder.
        thermo: Thermo table, see `limlff.md.output.thermo.read_thermo`.
        trajectory: Trajectory, see `limlff.md.output.trajectory.Trajectory`.
        atoms: Last configuration, unwrapped, with momenta.
        summary: What is also in summary.json.
    """

    folder: Path
    thermo: Path
    trajectory: Path
    atoms: Atoms
    summary: dict[str, Any]


def write_results(folder: Path, atoms: Atoms, summary: dict[str, Any]) -> MDResult:
    """Write the last configuration and the summary, each whole or not at all.

    Args:
        folder: The run's folder.
        atoms: Last configuration with momenta.
        summary: What the run knows of itself; averages of the thermo table are added, and what is
            missing of the history of a run that went on without it.

    Raises:
        OSError: If they cannot be written.
    """
    thermo = folder / files.THERMO
    write_frames(folder / files.FINAL, atoms)
    summary = {**summary, "averages_of_second_half": second_half_averages(thermo)}
    missing = missing_before(folder)
    if missing:
        summary["begins_only_at_step"] = missing
    write_summary(folder, summary)
    return MDResult(folder, thermo, folder / files.TRAJECTORY, atoms, summary)


def write_summary(folder: Path, summary: dict[str, Any]) -> None:
    """Write what a run knows of itself, whole or not at all.

    Raises:
        OSError: If it cannot be written.
    """
    with replaced_when_whole(folder / files.SUMMARY) as temporary:
        temporary.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")


def finished_results(folder: Path, atoms: Atoms, steps: int) -> MDResult | None:
    """What a run that had come to its end has left, or None if that is not whole.

    Args:
        folder: The run's folder.
        atoms: Last configuration with momenta.
        steps: Steps of the run.
    """
    if not all((folder / name).is_file() for name in (files.SUMMARY, files.FINAL)):
        return None
    try:
        summary = parse_json((folder / files.SUMMARY).read_bytes())
        whole = summary["steps"] == steps
        json.dumps(summary["averages_of_second_half"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not whole:
        return None
    return MDResult(folder, folder / files.THERMO, folder / files.TRAJECTORY, atoms, summary)


def second_half_averages(thermo: Path) -> dict[str, float]:
    """Means of the columns of a thermo table over the rows of its second half.

    Rows that cannot be read are left out, and that is said.
    """
    try:
        names, rows, garbled = read_rows(thermo)
    except InputError as error:
        _LOG.warning("%s; there are no averages", error)
        return {}
    if garbled:
        lines = ", ".join(map(str, list(garbled)[:5]))
        _LOG.warning("%s: left out of the averages, because garbled: line %s", thermo, lines)
    half = rows[len(rows) // 2 :]
    if not len(half):
        return {}
    means = {name: float(half[:, column].mean()) for column, name in enumerate(names)}
    return {
        name: value
        for name, value in means.items()
        if name not in ("step", "time_fs") and np.isfinite(value)
    }


def remove_old_ends(folder: Path) -> None:
    """Remove what an earlier end of the run had left, be it finished or stopped by a guard."""
    for name in (files.SUMMARY, files.FINAL, files.OFFENDING, files.EXTRAPOLATION):
        (folder / name).unlink(missing_ok=True)
