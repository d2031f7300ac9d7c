"""Energies, forces and virial of one rank, those of ghosts brought to their owners."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int

from limlff.errors import InputError
from limlff.lammps.domain import Domain, DomainArrays, Padded
from limlff.lammps.owners import Owners
from limlff.potential import Potential
from limlff.prediction import Predictor, predictor_for
from limlff.prediction.atom_virials import atom_virials

VOIGT = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
"""Components of a tensor in the order of LAMMPS."""


class RankResult(NamedTuple):
    """What the potential says of a rank's local atoms.

    Attributes:
        energy: Their potential energy (eV).
        virial: What their energy's derivatives give, as LAMMPS orders it (eV).
        energies: Energy of each (eV).
        on_all: Derivatives of their energy, also by ghosts (eV/Å).
    """

    energy: float
    virial: Float[np.ndarray, "6"]
    energies: Float[np.ndarray, " local"]
    on_all: Float[np.ndarray, "atoms 3"]


def predictor_in_domains(potential: Potential, dtype: str) -> Predictor:
    """A potential that can be evaluated in domains.

    Raises:
        InputError: If its energies depend on neighbors of neighbors.
    """
    if not potential.model.is_local:
        raise InputError(
            f"a {type(potential.model).__name__} passes messages between atoms, so that one cutoff "
            "of ghosts is not enough for a rank of LAMMPS; use a local potential (moment, mtp, "
            "deepmd), or `limlff md`"
        )
    return predictor_for(potential, dtype)


class RankForces:
    """A potential on one rank.

    Args:
        comm: An `mpi4py.MPI.Comm` of all ranks, of its own.
        predictor: What `predictor_in_domains` gives.
        skin: What is listed beyond the cutoff (Å).
        species_of_type: Species of each atom type, that of type 1 first.
    """

    def __init__(
        self,
        comm: Any,
        predictor: Predictor,
        skin: float,
        species_of_type: Int[np.ndarray, " types"],
    ) -> None:
        self._comm = comm
        self._predictor = predictor
        self._arrays = DomainArrays(predictor.potential.cutoff, skin, species_of_type)
        self._owners: Owners | None = None

    def prepare(self, domain: Domain) -> None:
        """Find the owners of ghosts if there are others than before; collective."""
        if domain.is_fresh or self._owners is None:
            self._owners = Owners(self._comm, domain.tags, domain.local)

    def list_neighbors(self, domain: Domain) -> tuple[Padded, bool]:
        """Arrays of a domain, and whether a list was built for it."""
        return self._arrays.update(domain)

    @property
    def most_neighbors(self) -> int:
        """Neighbors within cutoff and skin of the atom with most of them."""
        return self._arrays.most_neighbors

    def evaluate(self, padded: Padded, domain: Domain) -> RankResult:
        """What the potential says."""
        found = jax.device_get(self._predictor.predict(*padded))
        return RankResult(
            energy=float(found.energy),
            virial=np.array([found.virial[i, j] for i, j in VOIGT]),
            energies=found.energies[: domain.local],
            on_all=found.forces[: len(domain.positions)],
        )

    def atom_virials(self, padded: Padded, domain: Domain) -> Float[np.ndarray, "atoms 6"]:
        """Shares of local atoms and ghosts in the virial, which belong to their owners (eV)."""
        tensors = jax.device_get(atom_virials(self._predictor, *padded[:4]))
        shares = np.stack([tensors[:, i, j] for i, j in VOIGT], axis=1)
        return shares[: len(domain.positions)]

    def at_home(self, values: Float[np.ndarray, "atoms parts"]) -> Float[np.ndarray, "local parts"]:
        """What falls on local atoms and on their ghosts everywhere; collective."""
        assert self._owners is not None
        return self._owners.sum(values)
