"""What a potential says of configurations, by its formula or by a compiled kernel.

Which of the two is chosen once, by `predictor_for`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from limlff.errors import InputError
from limlff.kernels import kernel_for
from limlff.neighbors.matrix import AnyArray, NeighborMatrix
from limlff.potential import Potential
from limlff.precision import own_precision
from limlff.prediction.program import FormulaProgram, Program, Weights, program_of_kernel


class Prediction(NamedTuple):
    """What a potential says of a configuration.

    Attributes:
        energy: Potential energy of the local atoms with the baseline (eV, float64).
        energies: The same per atom; zero for padded atoms and for those that are not local.
        forces: Forces (eV/Å, float64): derivatives of `energy`, also by atoms that are not local.
        virial: -dE/dstrain (eV, float64); the potential's stress is -virial / volume.
    """

    energy: Float[Array, ""]
    energies: Float[Array, " atoms"]
    forces: Float[Array, "atoms 3"]
    virial: Float[Array, "3 3"]


@dataclass(frozen=True, eq=False)
class Predictor:
    """A potential that is ready to be evaluated; made by `predictor_for`.

    Attributes:
        potential: The potential.
        program: What its programs are compiled for.
        arguments: Its weights if they are arguments of the programs.
    """

    potential: Potential
    program: Program
    arguments: Weights | None

    @property
    def dtype(self) -> str:
        """Arithmetic of the model."""
        return self.program.dtype

    @property
    def is_formula(self) -> bool:
        """Whether it is the formula, for which a padded atom costs as much as any other."""
        return isinstance(self.program, FormulaProgram)

    @own_precision()
    def predict(
        self,
        species: Int[AnyArray, " atoms"],
        positions: Float[AnyArray, "atoms 3"],
        cell: Float[AnyArray, "3 3"],
        neighbors: NeighborMatrix,
        local: Bool[AnyArray, " atoms"] | None = None,
    ) -> Prediction:
        """Energy, forces and virial; compiled once for each shape, and also part of other programs.

        Args:
            species: Index into the potential's `elements`; -1 for a padded atom.
            positions: Positions (Å), of any real type.
            cell: Cell vectors as rows (Å), of any real type.
            neighbors: All pairs within the cutoff; pairs beyond it do no harm.
            local: False for atoms of the halo of an MPI rank: their lists are empty, their energy
                is another rank's. All atoms are local if it is None.

        Raises:
            InputError: If there is a halo, but the energies of the model depend on neighbors of
                neighbors.
        """
        if local is not None and not self.program.model.is_local:
            raise InputError(
                f"a {type(self.program.model).__name__} passes messages between atoms, so that one "
                "cutoff of halo atoms is not enough; compute the whole structure in one domain"
            )
        return _predict(self.program, self.arguments, species, positions, cell, neighbors, local)


@own_precision()
def predictor_for(potential: Potential, dtype: str = "float64") -> Predictor:
    """The fastest way to evaluate a potential on the device in use.

    Args:
        potential: The potential; its arrays are numbers (see `formula_predictor_for`).
        dtype: Arithmetic of the model, "float32" or "float64".
    """
    kernel = kernel_for(potential.model)
    if kernel is None:
        return formula_predictor_for(potential, dtype)
    return Predictor(potential, program_of_kernel(potential, dtype, kernel), None)


@own_precision()
def formula_predictor_for(potential: Potential, dtype: str = "float64") -> Predictor:
    """The formula even where there is a kernel: its results have derivatives by the parameters.

    Args:
        potential: The potential; its arrays may be those of a function that is being traced.
        dtype: Arithmetic of the model, "float32" or "float64".
    """
    weights = (potential.parameters, jnp.asarray(potential.baseline))
    return Predictor(potential, FormulaProgram(potential.model, dtype), jax.device_put(weights))


@partial(jax.jit, static_argnums=0, inline=True)
def _predict(
    program: Program,
    arguments: Weights | None,
    species: Int[Array, " atoms"],
    positions: Float[Array, "atoms 3"],
    cell: Float[Array, "3 3"],
    neighbors: NeighborMatrix,
    local: Bool[Array, " atoms"] | None,
) -> Prediction:
    parameters, baseline = program.weights(arguments)
    geometry = (
        jnp.asarray(species, jnp.int32),
        jnp.asarray(positions, jnp.float64),
        jnp.asarray(cell, jnp.float64),
        neighbors,
    )
    energies, forces, virial = program.evaluate(parameters, *geometry)
    energies += jnp.where(geometry[0] >= 0, jnp.asarray(baseline)[geometry[0]], 0.0)
    if local is not None:
        energies = jnp.where(local, energies, 0.0)
    return Prediction(jnp.sum(energies), energies, forces, virial)
