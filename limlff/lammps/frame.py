"""The whole structure, brought together on the first rank."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms
from jaxtyping import Float

from limlff.lammps.domain import Domain


def gather_frame(
    lammps: Any,
    comm: Any,
    domain: Domain,
    forces: Float[np.ndarray, "local 3"],
    symbols: tuple[str, ...],
) -> Atoms | None:
    """All atoms in the order of their IDs, which are an array `id`; collective.

    Args:
        lammps: A `lammps.lammps`.
        comm: An `mpi4py.MPI.Comm` of all ranks.
        domain: Atoms of this rank.
        forces: On its local atoms (eV/Å).
        symbols: Element of each atom type.

    Returns:
        The structure with its corner at the origin on the first rank, None on others.
    """
    own = slice(domain.local)
    parts = comm.gather(
        [np.array(each[own]) for each in (domain.tags, domain.types, domain.positions)]
        + [np.array(forces)]
    )
    if parts is None:
        return None
    tags, types, positions, forces = (np.concatenate(each) for each in zip(*parts, strict=True))
    order = np.argsort(tags)
    low, high, xy, yz, xz, periodic, _ = lammps.extract_box()
    x, y, z = np.subtract(high, low)
    frame = Atoms(
        [symbols[kind - 1] for kind in types[order]],
        positions[order] - low,
        cell=[[x, 0, 0], [xy, y, 0], [xz, yz, z]],
        pbc=np.array(periodic, bool),
    )
    frame.arrays["id"] = tags[order]
    frame.arrays["forces"] = forces[order]
    return frame
