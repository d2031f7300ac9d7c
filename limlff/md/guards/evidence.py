"""What a guard leaves behind: the offending frame, and neighborhoods worth labelling."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ase import Atoms

from limlff.md.guards.violation import Snapshot, Violation
from limlff.md.output.cutout import cut_out
from limlff.md.output.frames import write_frames
from limlff.md.output.names import EXTRAPOLATION, OFFENDING
from limlff.md.system.state import MDState
from limlff.md.system.structure import atoms_of

_NEIGHBORHOODS = 5
"""Most neighborhoods that are cut out of a frame."""


def write_evidence(
    out: Path, snapshot: Snapshot, violation: Violation, last_good: MDState, core_radius: float
) -> dict[str, Path]:
    """Write the offending frame and the neighborhoods of the atoms that a violation is about.

    Args:
        out: The run's folder.
        snapshot: The state that was not accepted; if its positions are not finite, the last good
            state stands for it.
        violation: What is wrong with it.
        last_good: The last accepted state, of the same atoms.
        core_radius: Radius of the neighborhoods (Å).

    Returns:
        The files by what they are: `offending` and, if there are atoms to cut out, `extrapolation`.
    """
    state = snapshot.state if _is_finite(snapshot.state) else last_good
    if not _is_finite(state):
        return {}
    frame = atoms_of(state, snapshot.structure)
    frame.arrays["forces"] = np.asarray(state.forces)[: len(frame)]
    frame.info.update(step=int(state.step), reason=violation.sentence)
    return write_frame(out, frame, violation.atoms, core_radius)


def write_frame(
    out: Path, frame: Atoms, atoms: tuple[int, ...], core_radius: float
) -> dict[str, Path]:
    """Write a frame and the neighborhoods of some of its atoms.

    Args:
        out: The run's folder.
        frame: The frame; `info` holds its step and the reason, which the neighborhoods get too.
        atoms: Indices of the atoms, the worst first.
        core_radius: Radius of the neighborhoods (Å).

    Returns:
        As `write_evidence`.
    """
    files = {"offending": out / OFFENDING}
    write_frames(files["offending"], frame)
    cells = []
    for atom in _apart(frame, atoms, core_radius):
        cell = cut_out(frame, atom, core_radius)
        cell.info.update(step=frame.info["step"], atom=atom, reason=frame.info["reason"])
        cells.append(cell)
    if cells:
        files["extrapolation"] = out / EXTRAPOLATION
        write_frames(files["extrapolation"], cells)
    return files


def _is_finite(state: MDState) -> bool:
    return bool(np.isfinite(state.positions).all() and np.isfinite(state.cell).all())


def _apart(frame: Atoms, atoms: tuple[int, ...], distance: float) -> list[int]:
    """The first few atoms that are not in each other's neighborhood."""
    chosen: list[int] = []
    for atom in atoms[:500]:
        if not chosen or frame.get_distances(atom, chosen, mic=True).min() > distance:
            chosen.append(atom)
        if len(chosen) == _NEIGHBORHOODS or (len(frame) <= 100 and chosen):
            break
    return chosen
