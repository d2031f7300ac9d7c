"""Potential: model, parameters, elements and baseline; energies, forces and virial from them.

The derivative is taken once, here, for all models: with respect to the vectors between neighbors.
With g = dE/dr of a pair vector r from atom i to j, the force on i gains g, the force on j loses it,
and the virial is -sum(g r^T). Where a model has a compiled kernel (`limlff.kernels`), that is used
in its place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from limlff.errors import InputError
from limlff.kernels import has_kernel, pack_for_kernel
from limlff.models.contract import MessagePassingModel, Model, Parameters
from limlff.neighbors.matrix import NeighborMatrix, pair_vectors
from limlff.precision import own_precision

# Measured: a block of this size keeps its radial and angular functions in the L2 cache of a core.
CPU_BLOCK_ATOMS = 216


class Prediction(NamedTuple):
    """What a potential says of a configuration.

    Attributes:
        energy: Potential energy with the baseline (eV, float64).
        energies: The same per atom; zero in empty atom slots.
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
        energies, gradients = blockwise_energies_and_pair_gradients(
            self.model, parameters, species, owners, vectors.astype(dtype), neighbors.mask
        )
        gradients = gradients.astype(jnp.float64)
        forces = forces_from_pair_gradients(gradients, owners)
        return energies.astype(jnp.float64), forces, -jnp.einsum("akn,bkn->ab", gradients, vectors)


class PairInputs(NamedTuple):
    """What a model needs of atoms and their neighbors; empty slots are beyond the cutoff.

    Attributes:
        species: Index of each atom's element, -1 for an empty atom slot.
        neighbor_species: The same of each neighbor; -1 in empty slots.
        vectors: Vectors to the neighbors (Å).
        mask: True where a slot holds a neighbor.
    """

    species: Int[Array, "*blocks atoms"]
    neighbor_species: Int[Array, "*blocks slots atoms"]
    vectors: Float[Array, "*blocks 3 slots atoms"]
    mask: Bool[Array, "*blocks slots atoms"]


def pair_inputs(
    model: Model,
    species: Int[Array, " atoms"],
    owners: Int[Array, "slots atoms"],
    vectors: Float[Array, "3 slots atoms"],
    mask: Bool[Array, "slots atoms"],
) -> PairInputs:
    """Inputs of a model; arguments as those of `energies_and_pair_gradients`."""
    beyond = jnp.array([2.0 * model.cutoff, 0.0, 0.0], vectors.dtype)[:, None, None]
    neighbor_species = jnp.where(mask, species[owners], -1)
    return PairInputs(species, neighbor_species, jnp.where(mask, vectors, beyond), mask)


def evaluate_model(
    model: Model, parameters: Parameters, inputs: PairInputs, owners: Int[Array, "slots atoms"]
) -> Float[Array, " atoms"]:
    """Energies per atom without the baseline; owners count only where messages are passed."""
    species, neighbor_species, vectors, mask = inputs
    if isinstance(model, MessagePassingModel):
        return model.graph_energies(parameters, species, owners, vectors, mask)
    return model.energies(parameters, species, neighbor_species, vectors, mask)


def energies_and_pair_gradients(
    model: Model,
    parameters: Parameters,
    species: Int[Array, " atoms"],
    owners: Int[Array, "slots atoms"],
    vectors: Float[Array, "3 slots atoms"],
    mask: Bool[Array, "slots atoms"],
) -> tuple[Float[Array, " atoms"], Float[Array, "3 slots atoms"]]:
    """Energies per atom without the baseline, and the derivative of their sum by each pair vector.

    Args:
        model: The model.
        parameters: Its parameters in the dtype of `vectors`.
        species: Index of each atom's element, -1 for an empty atom slot.
        owners: Index of the atom that each neighbor is or is the image of.
        vectors: Vectors to the neighbors (Å); of any value in empty slots.
        mask: True where a slot holds a neighbor.
    """
    inputs = pair_inputs(model, species, owners, vectors, mask)
    energies, gradients = value_and_pair_gradients(
        lambda pair: evaluate_model(model, parameters, inputs._replace(vectors=pair), owners),
        inputs.vectors,
    )
    return energies, jnp.where(mask, gradients, 0.0)


def value_and_pair_gradients(
    energies_of: Callable[[Array], Array], vectors: Float[Array, "3 slots atoms"]
) -> tuple[Float[Array, " atoms"], Float[Array, "3 slots atoms"]]:
    """Energies by a function of the pair vectors, and the derivative of their sum by these."""

    def total(pair: Float[Array, "3 slots atoms"]) -> tuple[Array, Array]:
        energies = energies_of(pair)
        return jnp.sum(energies), energies

    (_, energies), gradients = jax.value_and_grad(total, has_aux=True)(vectors)
    return energies, gradients


def blockwise_energies_and_pair_gradients(
    model: Model,
    parameters: Parameters,
    species: Int[Array, " atoms"],
    owners: Int[Array, "slots atoms"],
    vectors: Float[Array, "3 slots atoms"],
    mask: Bool[Array, "slots atoms"],
    block_atoms: int = CPU_BLOCK_ATOMS,
) -> tuple[Float[Array, " atoms"], Float[Array, "3 slots atoms"]]:
    """The same as `energies_and_pair_gradients`, in blocks of atoms that fit the cache of a CPU.

    An atom's energy depends on its own pair vectors alone, so the blocks are independent. On
    accelerators, for few atoms, and where messages pass between atoms, there is one block.
    """
    atoms = species.shape[0]
    if not can_be_in_blocks(model) or atoms <= block_atoms:
        return energies_and_pair_gradients(model, parameters, species, owners, vectors, mask)
    inputs = pair_inputs(model, species, owners, vectors, mask)

    def one_block(block: PairInputs) -> tuple[Array, Array]:
        return value_and_pair_gradients(
            lambda pair: evaluate_model(model, parameters, block._replace(vectors=pair), owners),
            block.vectors,
        )

    energies, gradients = jax.lax.map(one_block, inputs_in_blocks(model, inputs, block_atoms))
    joined = jnp.moveaxis(gradients, 0, -2).reshape(*vectors.shape[:2], -1)[:, :, :atoms]
    return energies.reshape(-1)[:atoms], jnp.where(mask, joined, 0.0)


def can_be_in_blocks(model: Model) -> bool:
    """Whether blocks of atoms are independent of each other, and this is a CPU."""
    return jax.default_backend() == "cpu" and not isinstance(model, MessagePassingModel)


def inputs_in_blocks(model: Model, inputs: PairInputs, block_atoms: int) -> PairInputs:
    """Inputs with blocks in the first axis, the last one padded with empty atom slots."""
    fills = (-1, -1, 2 * model.cutoff, False)
    return PairInputs(
        *(in_blocks(array, fill, block_atoms) for array, fill in zip(inputs, fills, strict=True))
    )


def in_blocks(array: Array, fill: float, block_atoms: int) -> Array:
    """An array with its last axis, atoms, in blocks, and these in the first axis."""
    atoms = array.shape[-1]
    blocks = -(-atoms // block_atoms)
    widths = [(0, 0)] * (array.ndim - 1) + [(0, blocks * block_atoms - atoms)]
    padded = jnp.pad(array, widths, constant_values=fill)
    return jnp.moveaxis(padded.reshape(*array.shape[:-1], blocks, block_atoms), -2, 0)


def forces_from_pair_gradients(
    gradients: Float[Array, "3 slots atoms"], owners: Int[Array, "slots atoms"]
) -> Float[Array, "atoms 3"]:
    """Forces (eV/Å) from the derivatives of the energy by the vectors to the neighbors."""
    on_centres = jnp.sum(gradients, axis=1)
    atoms = gradients.shape[2]
    on_neighbors = jax.vmap(
        lambda component: jnp.zeros(atoms, gradients.dtype).at[owners].add(component)
    )(gradients)
    return (on_centres - on_neighbors).T
