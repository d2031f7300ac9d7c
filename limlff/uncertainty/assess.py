"""How far a potential can be trusted, atom by atom: `assess(predictor, ...)`."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from limlff.errors import InputError
from limlff.models.contract import FeatureModel, Parameters
from limlff.models.neighborhoods import fill_neighborhoods
from limlff.models.readouts import KEY
from limlff.neighbors.matrix import AnyArray, NeighborMatrix, pair_vectors
from limlff.potential import Potential
from limlff.precision import own_precision
from limlff.prediction import Predictor
from limlff.prediction.program import KernelProgram, Program, Weights
from limlff.uncertainty.kernel import member_forces_by_kernel
from limlff.uncertainty.members import Deviations, member_deviations


class Assessment(NamedTuple):
    """What a potential knows of its own errors; zero for padded atoms.

    All are infinite for an atom of an element that no training frame held.

    Attributes:
        energy_spread: Standard deviation of each atom's energy over the members, calibrated (eV).
        force_spread: Expected error of a component of each atom's force, calibrated (eV/Å).
        grade: Extrapolation grade: distance of the atom's surroundings to the training data, in
            units of that of the farthest atom trained on; above 1 the potential extrapolates.
    """

    energy_spread: Float[Array, " atoms"]
    force_spread: Float[Array, " atoms"]
    grade: Float[Array, " atoms"]


def available(potential: Potential) -> bool:
    """Whether the potential carries what `assess` needs."""
    return isinstance(potential.model, FeatureModel) and KEY in potential.parameters


@own_precision()
def assess(
    predictor: Predictor,
    species: Int[AnyArray, " atoms"],
    positions: Float[AnyArray, "atoms 3"],
    cell: Float[AnyArray, "3 3"],
    neighbors: NeighborMatrix,
) -> Assessment:
    """Energy spread, force spread and extrapolation grade of each atom.

    Compiled once for each shape, and also part of other programs. Force spreads cost about two
    evaluations of the forces per member, and less by a compiled kernel; call it once in a while,
    not at every step. A program that returns only grades and energy spreads is compiled without the
    forces, and costs one or two evaluations.

    Args:
        predictor: Of a potential for which `available` is true; float32 is ample.
        species: Index into its elements of each atom; -1 for a padded atom.
        positions: Positions (Å), of any real type.
        cell: Cell vectors as rows (Å), of any real type.
        neighbors: All pairs within the cutoff; pairs beyond it do no harm.

    Returns:
        Arrays in float64.

    Raises:
        InputError: If the potential carries no uncertainty.
    """
    if not available(predictor.potential):
        raise InputError(
            "the potential has no uncertainty: train it with `uncertainty` in its recipe"
        )
    return _assess(predictor.program, predictor.arguments, species, positions, cell, neighbors)


@partial(jax.jit, static_argnums=0, inline=True)
def _assess(
    program: Program,
    arguments: Weights | None,
    species: Int[Array, " atoms"],
    positions: Float[Array, "atoms 3"],
    cell: Float[Array, "3 3"],
    neighbors: NeighborMatrix,
) -> Assessment:
    species = jnp.asarray(species, jnp.int32)
    positions, cell = jnp.asarray(positions, jnp.float64), jnp.asarray(cell, jnp.float64)
    parameters, _ = program.weights(arguments)
    parameters = jax.tree.map(lambda leaf: jnp.asarray(leaf, program.dtype), parameters)
    vectors = pair_vectors(positions, cell, neighbors).astype(program.dtype)
    model: Any = program.model  # a FeatureModel, as `available` has made sure
    around = fill_neighborhoods(model.cutoff, species, neighbors.owners, vectors, neighbors.mask)
    deviations = member_deviations(model, parameters, around)
    if isinstance(program, KernelProgram):
        forces = member_forces_by_kernel(program, species, positions, cell, neighbors)
        deviations = deviations._replace(forces=forces)
    results = (*calibrated_spreads(parameters, deviations), deviations.grade)
    return Assessment(*(values.astype(jnp.float64) for values in results))


def calibrated_spreads(
    parameters: Parameters, deviations: Deviations
) -> tuple[Float[Array, " atoms"], Float[Array, " atoms"]]:
    """Spread of each atom's energy (eV) and of its force's components (eV/Å)."""
    factors = parameters[KEY]["factors"][0]
    energy = jnp.sqrt(_variance(deviations.energies))
    force = jnp.sqrt(jnp.mean(_variance(deviations.forces), axis=-1))
    # members agree on what no label has moved, so that their spread is no measure of it
    known = jnp.isfinite(deviations.grade)
    return (
        jnp.where(known, factors[0] * energy, jnp.inf),
        jnp.where(known, factors[1] * force, jnp.inf),
    )


def _variance(deviations: Float[Array, "members ..."]) -> Float[Array, "..."]:
    """Variance over members whose mean is zero, without bias."""
    return jnp.sum(deviations**2, axis=0) / max(deviations.shape[0] - 1, 1)
