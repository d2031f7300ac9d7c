"""Forces of the members by the compiled kernel of a model, one member after the other.

A member is the model with other readout weights, so that the kernel that makes dynamics fast serves
here too: as many force evaluations as there are members, and one for their mean.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from limlff import precision as precision  # first: sets up jax
from limlff.models.moment import MomentModel
from limlff.neighbors.matrix import NeighborMatrix
from limlff.potential import Potential
from limlff.uncertainty.contract import KEY

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
    assert isinstance(potential.model, MomentModel)
    arrays = potential.parameters[KEY]
    apart = _APART * float(np.asarray(arrays["factors"])[0, 1])
    mean = potential.predict(species, positions, cell, neighbors, dtype).forces
    forces = []
    for readouts in np.moveaxis(np.asarray(arrays["readouts"]), 1, 0):
        parameters = with_readouts(potential.model, potential.parameters, apart * readouts)
        member = replace(potential, parameters=parameters)
        forces.append(member.predict(species, positions, cell, neighbors, dtype).forces)
    return (jnp.stack(forces) - mean) / apart


def with_readouts(
    model: MomentModel, parameters: dict[str, Any], change: Float[np.ndarray, "elements features"]
) -> dict[str, Any]:
    """Parameters (NumPy) whose readout weights, in the order of the features, are changed."""
    last = f"layer{len(model.hidden)}"
    width = sum(model.hidden[-1:])
    layer = {name: np.asarray(array) for name, array in parameters["net"][last].items()}
    if width:
        layer["weights"] = layer["weights"] + change[:, None, :width]
    layer["bias"] = layer["bias"] + change[:, width : width + 1]
    linear = np.asarray(parameters["linear"]) + change[:, width + 1 :]
    return {**parameters, "net": {**parameters["net"], last: layer}, "linear": linear}
