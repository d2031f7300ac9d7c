"""Whether a structure can be simulated by a configuration."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from jaxtyping import Float

from limlff.errors import InputError, shown
from limlff.md.config import NPT, NVE, MDConfig, schedule_ends
from limlff.md.system.friction import friction_mask
from limlff.md.system.frozen import frozen_mask
from limlff.md.system.structure import Structure
from limlff.neighbors.pairs import find_pairs
from limlff.quantities import LARGEST_LENGTH, SHORTEST_DISTANCE

MASSES = (0.01, 1e6)
"""Lightest and heaviest atom (amu); lighter ones outrun any time step."""

LOWEST_TEMPERATURE = 1e-3
"""Lowest temperature of a thermostat (K); to freeze a structure, relax it instead."""


def check_structure(atoms: Atoms, config: MDConfig) -> Structure:
    """Masses, mobility, friction and periodicity of a structure that can be simulated.

    Raises:
        InputError: If atoms are missing, not finite or too close, if a periodic direction has no
            cell vector, or if the ensemble does not fit the structure.
    """
    name = str(config.structure or "structure")
    if not isinstance(atoms, Atoms):
        raise InputError(
            f"the structure is {shown(atoms)}; give an ase.Atoms, or name a file in 'structure'"
        )
    if not len(atoms):
        raise InputError(f"{name}: holds no atoms")
    if not (np.isfinite(atoms.positions).all() and np.isfinite(atoms.cell.array).all()):
        raise InputError(f"{name}: positions or cell are not finite numbers; repair the file")
    largest = max(float(np.abs(each).max()) for each in (atoms.positions, atoms.cell.array))
    if largest > LARGEST_LENGTH:
        raise InputError(
            f"{name}: holds a position or cell vector of {largest:.3g} Å; the limit is "
            f"{LARGEST_LENGTH:.0e} Å. Wrap the atoms into the cell, or correct the file"
        )
    lengths = atoms.cell.lengths()
    if np.any(atoms.pbc & (lengths < 1e-6)) or abs(np.linalg.det(atoms.cell.complete())) < 1e-6:
        raise InputError(
            f"{name}: is periodic along {atoms.pbc.tolist()} but its cell vectors have the lengths "
            f"{lengths.tolist()} Å or lie in a plane; give it a proper cell"
        )
    heights = 1.0 / np.linalg.norm(np.linalg.inv(atoms.cell.complete().array), axis=0)
    if np.any(atoms.pbc & (heights < SHORTEST_DISTANCE)):
        raise InputError(
            f"{name}: its cell is only {heights.min():.2g} Å between opposite faces; the limit "
            f"is {SHORTEST_DISTANCE} Å. Correct the cell, or reduce it if it is very skewed"
        )
    _refuse_close_atoms(atoms, name)
    mobile = 1.0 - frozen_mask(atoms, config.frozen, name)
    structure = Structure(
        numbers=atoms.numbers.copy(),
        masses=_masses(atoms, name),
        mobile=mobile,
        coupled=friction_mask(atoms, config.ensemble, mobile, name),
        periodic=atoms.pbc.copy(),
    )
    _check_ensemble(structure, config, name)
    return structure


def _masses(atoms: Atoms, name: str) -> Float[np.ndarray, " atoms"]:
    masses = atoms.get_masses()
    low, high = MASSES
    wrong = np.flatnonzero(~((masses >= low) & (masses <= high)))
    if len(wrong):
        index = int(wrong[0])
        raise InputError(
            f"{name}: {atoms.symbols[index]} {index} has a mass of {masses[index]:g} amu; masses "
            f"from {low:g} to {high:g} amu can be moved. Correct it, or leave the masses out"
        )
    return masses


def _refuse_close_atoms(atoms: Atoms, name: str) -> None:
    cell = atoms.cell.complete().array
    pairs = find_pairs(atoms.positions, cell, atoms.pbc, SHORTEST_DISTANCE)
    if not len(pairs.centres):
        return
    i, j = pairs.centres[0], pairs.owners[0]
    vector = atoms.positions[j] + pairs.shifts[0] @ cell - atoms.positions[i]
    symbols = atoms.get_chemical_symbols()
    raise InputError(
        f"{name}: {symbols[i]} {i} and {symbols[j]} {j} are {np.linalg.norm(vector):.2f} Å "
        f"apart; the limit is {SHORTEST_DISTANCE} Å. Remove one of them or enlarge the cell"
    )


def _check_ensemble(structure: Structure, config: MDConfig, name: str) -> None:
    if not structure.mobile.any():
        raise InputError(f"{name}: all {len(structure)} atoms are frozen; free some of them")
    if isinstance(config.ensemble, NVE):
        return
    kind = config.ensemble.kind
    if min(schedule_ends(config.temperature_k)) < LOWEST_TEMPERATURE:
        raise InputError(
            f"temperature_k is {config.temperature_k}; {kind} needs one above 0 K, at least "
            f"{LOWEST_TEMPERATURE:g} K"
        )
    if not structure.degrees_of_freedom:
        raise InputError(f"{name}: one free atom has no relative motion; {kind} needs two or more")
    if isinstance(config.ensemble, NPT):
        if not structure.periodic.all():
            raise InputError(
                f"{name}: is periodic along {structure.periodic.tolist()}; npt needs all three "
                "directions. Use nvt_langevin for slabs and clusters"
            )
        if config.initial_velocities != "file" and config.start_temperature_k <= 0:
            raise InputError(
                "initial_temperature_k is 0; npt rescales velocities, so give it a value"
            )
