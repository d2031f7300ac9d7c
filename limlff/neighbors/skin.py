"""How long a neighbor list stays complete while atoms move and the cell changes.

A list built with radius R = cutoff + skin holds every pair that was closer than R. Let
F = cell_ref^-1 cell be the deformation of the cell and u = x - x_ref F what an atom has moved
beyond it. A pair vector is then r = r_ref F + u_j - u_i, with |r| >= s |r_ref| - 2 max|u|, where s
is the smallest singular value of F. No missing pair can be within the cutoff as long as

    2 max|u| + (cutoff + skin) (1 - s) <= skin.

Here 1 - s is replaced by its upper bound ||F - 1|| (Frobenius), which needs no decomposition.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from limlff import precision as precision  # first: sets up jax


@jax.jit
def list_is_complete(
    positions: Float[Array, "atoms 3"],
    cell: Float[Array, "3 3"],
    reference_positions: Float[Array, "atoms 3"],
    reference_cell: Float[Array, "3 3"],
    cutoff: float,
    skin: float,
) -> Bool[Array, ""]:
    """Whether a list built at the reference surely holds all pairs within the cutoff now.

    Args:
        positions: Present positions, unwrapped (Å); padded atoms stay at the origin.
        cell: Present cell vectors as rows, none of them zero (Å).
        reference_positions: Positions at which the list was built (Å).
        reference_cell: Cell with which the list was built (Å).
        cutoff: Cutoff of the potential (Å).
        skin: What was added to the cutoff when the list was built (Å).

    Returns:
        True or False; False if a position is not finite.
    """
    deformation = jnp.linalg.inv(reference_cell) @ cell
    x, y, z = jnp.split(reference_positions, 3, axis=1)
    # term by term, so that XLA makes one pass over the atoms of it
    carried = x * deformation[0] + y * deformation[1] + z * deformation[2]
    displacements = positions - carried
    longest = jnp.sqrt(jnp.max(jnp.sum(displacements * displacements, axis=1)))
    strain = jnp.linalg.norm(deformation - jnp.eye(3))
    return 2.0 * longest + (cutoff + skin) * strain <= skin
