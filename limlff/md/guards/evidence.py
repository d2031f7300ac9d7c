"""What a guard leaves behind: the offending frame, and neighborhoods worth labelling."""

from __future__ import annotations

from pathlib import Path

import ase.io
import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms

from limlff.atomic_file import replaced_when_whole
from limlff.md.guards.checks import Look, Problem
from limlff.md.output.cutout import cut_out
from limlff.md.output.names import EXTRAPOLATION, OFFENDING
from limlff.md.system.prepare import Structure
from limlff.md.system.state import MDState

_NEIGHBORHOODS = 5
"""Most neighborhoods that are cut out of a frame."""


def write_evidence(
    out: Path, look: Look, problem: Problem, last_good: MDState, core_radius: float
) -> list[str]:
    """Write the offending frame and the neighborhoods of the atoms that a problem is about.

    Args:
        out: The run's folder.
        look: The state that was not accepted; if its positions are not finite, the last good state
            stands for it.
        problem: What is wrong with it.
        last_good: The last accepted state, of the same atoms.
        core_radius: Radius of the neighborhoods (Å).

    Returns:
        Names of the files.
    """
    state = look.state if _is_finite(look.state) else last_good
    if not _is_finite(state):
        return []
    frame = atoms_of(state, look.structure)
    frame.arrays["forces"] = np.asarray(state.forces)[: len(frame)]
    frame.info.update(step=_step(state), reason=problem.sentence)
    write_frames(out / OFFENDING, frame)
    cells = []
    for atom in _apart(frame, problem.atoms, core_radius):
        cell = cut_out(frame, atom, core_radius)
        cell.info.update(step=_step(state), atom=atom, reason=problem.sentence)
        cells.append(cell)
    if not cells:
        return [OFFENDING]
    write_frames(out / EXTRAPOLATION, cells)
    return [OFFENDING, EXTRAPOLATION]


def atoms_of(state: MDState, structure: Structure) -> Atoms:
    """A state as an ASE structure with momenta, unwrapped; atoms that are held are fixed in it."""
    count = len(structure)
    atoms = Atoms(
        structure.numbers,
        np.asarray(state.positions)[:count],
        cell=np.asarray(state.cell),
        pbc=structure.periodic,
        masses=structure.masses,
    )
    atoms.set_momenta(np.asarray(state.momenta)[:count])
    held = np.flatnonzero(structure.mobile == 0)
    if len(held):  # so that a run that begins with this structure holds them too
        atoms.set_constraint(FixAtoms(held))
    return atoms


def write_frames(path: Path, frames: Atoms | list[Atoms]) -> None:
    """Write extended XYZ, whole or not at all.

    Raises:
        OSError: If it cannot be written.
    """
    with replaced_when_whole(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        ase.io.write(file, frames, format="extxyz")


def _step(state: MDState) -> int:
    return int(max(state.step, -1 - state.step))


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
