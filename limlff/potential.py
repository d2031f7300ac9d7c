"""Potential: model, parameters, elements and baseline; energies, forces and virial from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from limlff.errors import InputError
from limlff.kernels import has_kernel, pack_for_kernel
from limlff.models.contract import Model, Parameters
from limlff.models.neighborhoods import fill_neighborhoods
from limlff.neighbors.matrix import NeighborMatrix, pair_vectors
from limlff.precision import own_precision
from limlff.prediction.pair_gradients import (
    energies_and_pair_gradients,
    forces_from_pair_gradients,
)


class Prediction(NamedTuple):
    """What a potential says of a configuration.

    Attributes:
        energy: Potential energy with the baseline (eV, float64).
        energies: The same per atom; zero for padded atoms.
        forces: Forces (eV/Å, float64).
        virial: -dE/dstrain (eV, float64); the potential's stress is -virial / volume.
    """

    energy: Float[Array, ""]
    energies: Float[Array, " atoms"]
    forces: Float[Array, "atoms 3"]
    virial: Float[Array, "3 3"]


@dataclass(frozen=True)
class Potential:
    """A model with its parameters, ready to be evaluated.

    Attributes:
        model: Architecture and settings, hashable.
        parameters: Arrays of the model (float64 at rest).
        baseline: Energy per atom of each element that is added to the model's (eV).
        card: What is known of it: training summary, data, licence; values JSON can hold.
    """

    model: Model
    parameters: Parameters
    baseline: Float[np.ndarray, " elements"]
    card: dict[str, Any] = field(default_factory=dict)

    @property
    def elements(self) -> tuple[str, ...]:
        """Chemical symbols that it knows."""
        return self.model.elements

    @property
    def cutoff(self) -> float:
        """Distance beyond which atoms do not see each other (Å)."""
        return self.model.cutoff

    def species_of(self, symbols: list[str]) -> Int[np.ndarray, " atoms"]:
        """Index of each symbol in `elements`.

        Raises:
            InputError: If an element is not known to the potential.
        """
        index = {symbol: i for i, symbol in enumerate(self.elements)}
        unknown = sorted(set(symbols) - set(index))
        if unknown:
            raise InputError(
                f"the structure holds {', '.join(unknown)}, but this potential knows only "
                f"{', '.join(self.elements)}; use a potential trained on {', '.join(unknown)}"
            )
        return np.array([index[symbol] for symbol in symbols], dtype=np.int32)

    @own_precision()
    def predict(
        self,
        species: Int[Array, " atoms"],
        positions: Float[Array, "atoms 3"],
        cell: Float[Array, "3 3"],
        neighbors: NeighborMatrix,
        dtype: str = "float64",
    ) -> Prediction:
        """Energy, forces and virial; pure, so that it may be called inside a compiled function.

        Args:
            species: Index into `elements` of each atom; -1 for an empty atom slot.
            positions: Positions (Å), of any real type.
            cell: Cell vectors as rows (Å), of any real type.
            neighbors: All pairs within the cutoff; pairs beyond it do no harm.
            dtype: Arithmetic of the model, "float32" or "float64".
        """
        species = jnp.asarray(species, jnp.int32)
        positions, cell = jnp.asarray(positions, jnp.float64), jnp.asarray(cell, jnp.float64)
        derive = self._by_kernel if has_kernel(self.model, self.parameters) else self._by_formula
        energies, forces, virial = derive(species, positions, cell, neighbors, dtype)
        energies += jnp.where(species >= 0, jnp.asarray(self.baseline)[species], 0.0)
        return Prediction(jnp.sum(energies), energies, forces, virial)

    def _by_kernel(
        self, species: Array, positions: Array, cell: Array, neighbors: NeighborMatrix, dtype: str
    ) -> tuple[Array, Array, Array]:
        """Energies without the baseline, forces and virial by a compiled kernel."""
        from limlff.kernels.custom_call import evaluate_on_cpu  # numba takes a while to import

        packed = pack_for_kernel(self.model, self.parameters, dtype)  # type: ignore[arg-type]
        return evaluate_on_cpu(packed, species, positions, cell, neighbors)

    def _by_formula(
        self, species: Array, positions: Array, cell: Array, neighbors: NeighborMatrix, dtype: str
    ) -> tuple[Array, Array, Array]:
        """The same from the model's energies and their derivative by jax."""
        parameters = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), self.parameters)
        vectors = pair_vectors(positions, cell, neighbors)
        owners = neighbors.owners
        around = fill_neighborhoods(
            self.cutoff, species, owners, vectors.astype(dtype), neighbors.mask
        )
        energies, gradients = energies_and_pair_gradients(self.model, parameters, around)
        gradients = gradients.astype(jnp.float64)
        forces = forces_from_pair_gradients(gradients, owners)
        return energies.astype(jnp.float64), forces, -jnp.einsum("akn,bkn->ab", gradients, vectors)
