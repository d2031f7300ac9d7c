"""What members of an ensemble say, as deviations from their mean, and the distance to the data.

The features are computed once, and pulled back once per member. Atoms are handled in blocks, so
that memory grows with atoms times members only.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from limlff.models.contract import FeatureModel, Neighborhoods, Parameters
from limlff.models.neighborhoods import CPU_BLOCK_ATOMS, split_neighborhoods
from limlff.models.readouts import KEY

_BLOCK_ATOMS_ACCELERATOR = 8192


class Deviations(NamedTuple):
    """Members less their mean, and how far each atom is from the training data.

    Attributes:
        energies: Per member and atom (eV).
        forces: Per member and atom (eV/Å).
        grade: Distance of each atom's features to the training data; 1 is their edge, infinite for
            elements of which there were no atoms.
    """

    energies: Float[Array, "members atoms"]
    forces: Float[Array, "members atoms 3"]
    grade: Float[Array, " atoms"]


def member_deviations(
    model: FeatureModel, parameters: Parameters, around: Neighborhoods
) -> Deviations:
    """Deviations of all members; pure.

    Args:
        model: The model.
        parameters: Its parameters with their uncertainty, in the dtype of the vectors.
        around: The atoms and their neighbors.
    """
    atoms = around.species.shape[0]
    members = parameters[KEY]["readouts"].shape[1]
    on_cpu = jax.default_backend() == "cpu"
    size = min(atoms, CPU_BLOCK_ATOMS if on_cpu else _BLOCK_ATOMS_ACCELERATOR)
    blocks = -(-atoms // size)

    def add_block(
        forces: Array, given: tuple[Neighborhoods, Array]
    ) -> tuple[Array, tuple[Array, Array]]:
        block, start = given
        energies, gradients, grade = _block_deviations(model, parameters, block)
        rows = jnp.moveaxis(gradients, (0, 1), (2, 3))  # neighbors, atoms, members, 3
        on_centres = jax.lax.dynamic_slice_in_dim(forces, start, size) + rows.sum(axis=0)
        forces = jax.lax.dynamic_update_slice_in_dim(forces, on_centres, start, axis=0)
        return forces.at[block.owners].add(-rows), (energies, grade)

    pieces = (split_neighborhoods(around, model.cutoff, size), jnp.arange(blocks) * size)
    nothing = jnp.zeros((blocks * size, members, 3), around.vectors.dtype)
    forces, (energies, grade) = jax.lax.scan(add_block, nothing, pieces)
    return Deviations(
        energies=jnp.moveaxis(energies, 1, 0).reshape(members, -1)[:, :atoms],
        forces=jnp.moveaxis(forces, 1, 0)[:, :atoms],
        grade=grade.reshape(-1)[:atoms],
    )


def _block_deviations(
    model: FeatureModel, parameters: Parameters, around: Neighborhoods
) -> tuple[Array, Array, Array]:
    """Deviations of energies, their derivatives by the pair vectors, and the grade."""
    arrays, species, vectors = parameters[KEY], around.species, around.vectors
    members = arrays["readouts"].shape[1]

    def energies_of(pair: Float[Array, "3 neighbors atoms"]) -> tuple[Array, Array]:
        features = model.features(parameters, replace(around, vectors=pair))
        return _by_element(species, arrays["readouts"], features), features

    energies, pull_back, features = jax.vjp(energies_of, vectors, has_aux=True)
    each = jnp.broadcast_to(
        jnp.eye(members, dtype=vectors.dtype)[:, :, None], (members, *energies.shape)
    )
    # One after the other: side by side, they leave the cache and take twice as long.
    (gradients,) = jax.lax.map(pull_back, each)
    # centred before the product: far out both are large, and their difference is what counts
    centred = features - jnp.where(species >= 0, arrays["center"].T[:, species], 0.0)
    distances = jnp.sqrt(jnp.sum(_by_element(species, arrays["projection"], centred) ** 2, axis=0))
    untrained = ~jnp.any(arrays["projection"] != 0, axis=(1, 2))
    grade = jnp.where((species >= 0) & untrained[species], jnp.inf, distances)
    return energies, jnp.where(around.mask, gradients, 0.0), grade


def _by_element(
    species: Int[Array, " atoms"],
    matrices: Float[Array, "elements rows features"],
    features: Float[Array, "features atoms"],
) -> Float[Array, "rows atoms"]:
    """Each atom's features times the matrix of its element; zero for padded atoms."""
    total = jnp.zeros((matrices.shape[1], features.shape[1]), features.dtype)
    for element, matrix in enumerate(matrices):
        total = jnp.where(species == element, matrix @ features, total)
    return total
