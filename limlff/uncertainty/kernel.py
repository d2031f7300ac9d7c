"""Forces of the members by the compiled kernel of a model, one member after the other.

A member is the model with other readout weights, so that the kernel that makes dynamics fast serves
here too: as many force evaluations as there are members, and one for their mean.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from limlff import precision as precision  # first: sets up jax
from limlff.models.readouts import KEY
from limlff.neighbors.matrix import NeighborMatrix
from limlff.prediction.program import KernelProgram

# Members differ by little more than single precision resolves. Their differences are linear in the
# readouts, and are taken between members that are this much farther apart than after calibration.
_APART = 10.0


def member_forces_by_kernel(
    program: KernelProgram,
    species: Int[Array, " atoms"],
    positions: Float[Array, "atoms 3"],
    cell: Float[Array, "3 3"],
    neighbors: NeighborMatrix,
) -> Float[Array, "members atoms 3"]:
    """Forces of the members less those of the potential (eV/Å), before calibration.

    Args:
        program: The kernel with the weights of the potential.
        species: Index of each atom's element; -1 for a padded atom.
        positions: Positions (Å, float64).
        cell: Cell vectors as rows (Å, float64).
        neighbors: All pairs within the cutoff; pairs beyond it do no harm.
    """
    model: Any = program.model  # a FeatureModel, whose parameters hold an uncertainty
    parameters, _ = program.constants
    arrays = parameters[KEY]
    apart = _APART * float(arrays["factors"][0, 1])
    geometry = (species, positions, cell, neighbors)
    _, mean, _ = program.evaluate(parameters, *geometry)
    members = [
        program.evaluate(model.with_readouts(parameters, apart * readouts), *geometry)[1]
        for readouts in np.moveaxis(arrays["readouts"], 1, 0)
    ]
    return (jnp.stack(members) - mean) / apart
