"""Atoms of one MPI rank as LAMMPS has them, in the padded arrays that potentials take.

A rank has local atoms, whose energies it computes, and ghosts, which are copies of other ranks'
atoms or periodic images. Ghosts are the halo of `limlff.neighbors.matrix`: atoms with empty lists
that are not local. Sizes of the arrays only grow, and with headroom, so that nothing is compiled
again while atoms come and go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

from limlff.neighbors.host import Capacity, bucket, build_neighbors
from limlff.neighbors.kept import rounded_size
from limlff.neighbors.matrix import NeighborMatrix

HEADROOM = 1.1
"""Room for atoms and ghosts beyond those that are there when the arrays grow."""

NO_CELL = np.eye(3)
"""Cell of a rank, where images are atoms of their own: it has no meaning."""


@dataclass(frozen=True)
class Domain:
    """Local atoms first, then ghosts; views of LAMMPS' own memory, good for this step only.

    Attributes:
        step: Step of LAMMPS.
        local: Number of local atoms.
        positions: Positions, ghosts where they are seen from here (Å).
        types: Atom types, from 1.
        tags: Atom IDs; a ghost has that of its owner.
        is_fresh: Whether LAMMPS has exchanged atoms or found ghosts anew for this step.
    """

    step: int
    local: int
    positions: Float[np.ndarray, "atoms 3"]
    types: Int[np.ndarray, " atoms"]
    tags: Int[np.ndarray, " atoms"]
    is_fresh: bool


def read_domain(lammps: Any, step: int) -> Domain:
    """What LAMMPS has on this rank now.

    Args:
        lammps: A `lammps.lammps`.
        step: Step of LAMMPS.
    """
    local = lammps.extract_setting("nlocal")
    count = local + lammps.extract_setting("nghost")
    is_fresh = lammps.extract_setting("neigh_ago") == 0
    if count == 0:  # LAMMPS has no arrays then
        nothing = np.zeros(0, np.int32)
        return Domain(step, 0, np.zeros((0, 3)), nothing, nothing, is_fresh)
    arrays = lammps.numpy
    return Domain(
        step=step,
        local=local,
        positions=arrays.extract_atom("x", nelem=count),
        types=arrays.extract_atom("type", nelem=count),
        tags=arrays.extract_atom("id", nelem=count),
        is_fresh=is_fresh,
    )


class Padded(NamedTuple):
    """Padded arrays of a domain, arguments of `limlff.prediction.Predictor.predict`.

    Attributes:
        species: Index of each atom's element in the potential; -1 for padded atoms.
        positions: Positions (Å).
        cell: Without meaning.
        neighbors: Lists of the local atoms.
        local: True for local atoms.
    """

    species: Int[np.ndarray, " atoms"]
    positions: Float[np.ndarray, "atoms 3"]
    cell: Float[np.ndarray, "3 3"]
    neighbors: NeighborMatrix
    local: Bool[np.ndarray, " atoms"]


class DomainArrays:
    """Padded arrays of a rank that follow its domain, and a list that is kept while it is complete.

    A list is built of all ghosts that LAMMPS has. As long as these are the same and the two atoms
    of a pair together have moved by no more than the skin, no pair within the cutoff is missing
    from it; positions are Cartesian and ghosts are followed too, so that this holds whatever the
    box does. That LAMMPS has all ghosts within the cutoff is its own concern (`neigh_modify`).

    Args:
        cutoff: Cutoff of the potential (Å).
        skin: What is listed beyond it (Å).
        species_of_type: Species of each atom type, that of type 1 first.

    Attributes:
        most_neighbors: Neighbors of the atom that has most of them in the present lists.
    """

    def __init__(
        self, cutoff: float, skin: float, species_of_type: Int[np.ndarray, " types"]
    ) -> None:
        self._cutoff = cutoff
        self._skin = skin
        self._species_of_type = np.concatenate([[-1], species_of_type]).astype(np.int32)
        self._size = 0
        self._capacity = Capacity(1, 0)
        self.most_neighbors = 0
        self._reference = np.zeros((0, 3))
        self._padded: Padded | None = None

    def update(self, domain: Domain) -> tuple[Padded, bool]:
        """Arrays of a domain, and whether a list was built for it."""
        if self._padded is None or domain.is_fresh or not self._is_complete(domain):
            self._build(domain)
            built = True
        else:
            self._padded.positions[: len(domain.positions)] = domain.positions
            built = False
        assert self._padded is not None
        return self._padded, built

    def _is_complete(self, domain: Domain) -> bool:
        """Whether the list holds all pairs within the cutoff; no if a position is not finite."""
        if len(domain.positions) != len(self._reference):
            return False
        moved = domain.positions - self._reference
        squared = np.einsum("ij,ij->i", moved, moved)
        local = squared[: domain.local].max(initial=0.0)
        ghosts = squared[domain.local :].max(initial=0.0)
        return bool(np.sqrt(local) + np.sqrt(max(local, ghosts)) <= self._skin)

    def _build(self, domain: Domain) -> None:
        count = len(domain.positions)
        if count >= self._size:  # one padded atom at least, which kernels visit
            self._size = rounded_size(bucket(count + 1, 1, HEADROOM))
        matrix, self._capacity = build_neighbors(
            domain.positions if count else np.zeros((1, 3)),  # a search wants a point at least
            NO_CELL,
            np.zeros(3, bool),
            self._cutoff + self._skin,
            self._capacity,
            self._size,
            domain.local,
        )
        listed = np.asarray(matrix.lists)[: domain.local]
        counts = np.sum(listed != np.arange(domain.local)[:, None], axis=1)
        self.most_neighbors = int(counts.max(initial=0))
        species = np.full(self._size, -1, np.int32)
        species[:count] = self._species_of_type[domain.types]
        positions = np.zeros((self._size, 3))
        positions[:count] = domain.positions
        local = np.arange(self._size) < domain.local
        self._reference = np.array(domain.positions)
        self._padded = Padded(
            jax.device_put(species),
            positions,
            NO_CELL,
            jax.device_put(matrix),
            jax.device_put(local),
        )
