"""Forces of the members by the compiled kernel of a model, one member after the other.

A member is the model with other readout weights, so that the kernel that makes dynamics fast serves
here too: as many force evaluations as there are members, and one for their mean.
"""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from limlff import precision as precision  # first: sets up jax
from limlff.models.contract import FeatureModel
from limlff.models.readouts import KEY
from limlff.neighbors.matrix import NeighborMatrix
from limlff.potential import Potential

# Members differ by little more than single precision resolves. Their differences are linear in the
# readouts, and are taken between members that are this much farther apart than after calibration.
_APART = 10.0


def member_forces_by_kernel(
    potential: Potential,
    species: Int[Array, " atoms"],
    positions: Float[Array, "atoms 3"],
    cell: Float[Array, "3 3"],
    neighbors: NeighborMatrix,
    dtype: str,
) -> Float[Array, "members atoms 3"]:
    """Forces of the members less those of the potential (eV/Å), before calibration.

    Arguments as those of `limlff.uncertainty.assess`; `limlff.kernels.has_kernel` must be true of
    the potential, whose parameters are therefore numbers also inside a compiled function.
    """
    assert isinstance(potential.model, FeatureModel)
    arrays = potential.parameters[KEY]
    apart = _APART * float(np.asarray(arrays["factors"])[0, 1])
    mean = potential.predict(species, positions, cell, neighbors, dtype).forces
    forces = []
    for readouts in np.moveaxis(np.asarray(arrays["readouts"]), 1, 0):
        parameters = potential.model.with_readouts(potential.parameters, apart * readouts)
        member = replace(potential, parameters=parameters)
        forces.append(member.predict(species, positions, cell, neighbors, dtype).forces)
    return (jnp.stack(forces) - mean) / apart
