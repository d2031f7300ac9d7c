"""Screened nuclear repulsion at short range, so that no two atoms can fall into each other."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from ase.data import atomic_numbers, covalent_radii
from jaxtyping import Array, Float, Int

from limlff.models.radial import polynomial_cutoff

# Universal screening function of Ziegler, Biersack and Littmark, The Stopping and Range of Ions in
# Solids (Pergamon, 1985): amplitudes, decay constants, length prefactor (Å) and exponent.
SCREENING_AMPLITUDES = (0.18175, 0.50986, 0.28022, 0.02817)
SCREENING_DECAYS = (3.19980, 0.94229, 0.40290, 0.20162)
_SCREENING_LENGTH = 0.8854 * 0.529177210903
_SCREENING_EXPONENT = 0.23
_COULOMB = 14.3996454784  # e^2 / (4 pi epsilon_0) in eV Å


def zbl_energies(
    elements: tuple[str, ...],
    species: Int[Array, " atoms"],
    neighbor_species: Int[Array, "neighbors atoms"],
    squared: Float[Array, "neighbors atoms"],
) -> Float[Array, " atoms"]:
    """Half the repulsion of each atom's pairs (eV).

    V(r) = e^2 Z1 Z2 / r * phi(r / a) * f(r) with the universal screening function phi and the
    cutoff function f = (1 - (r/R)^2)^3, R being the sum of the covalent radii; smooth to second
    order at R.

    Args:
        elements: Chemical symbols that species count.
        species: Species of the atoms (-1 for padded neighbors counts as the first element).
        neighbor_species: Species of the neighbors.
        squared: Squared distances (Å^2), beyond every R for padded neighbors.
    """
    strengths, lengths, reaches = pair_tables(elements)
    centre, neighbor = jnp.maximum(species, 0)[None, :], jnp.maximum(neighbor_species, 0)

    def pick(table: np.ndarray) -> Array:
        """Value of each pair; a constant where there is one element, which saves a gather."""
        if len(elements) == 1:
            return jnp.asarray(table[0, 0], squared.dtype)
        return jnp.asarray(table, squared.dtype)[centre, neighbor]

    strength, length, reach = pick(strengths), pick(lengths), pick(reaches)
    distance = jnp.sqrt(squared)
    x = distance / length
    screening = sum(
        a * jnp.exp(-b * x) for a, b in zip(SCREENING_AMPLITUDES, SCREENING_DECAYS, strict=True)
    )
    pair = strength / distance * screening * polynomial_cutoff(squared / reach**2)
    return jnp.sum(pair, axis=0) / 2


def pair_tables(
    elements: tuple[str, ...],
) -> tuple[Float[np.ndarray, "e e"], Float[np.ndarray, "e e"], Float[np.ndarray, "e e"]]:
    """Strength e^2 Z1 Z2 (eV Å), screening length a (Å) and reach R (Å) of pairs of elements."""
    charges = np.array([atomic_numbers[element] for element in elements], float)
    radii = np.array([covalent_radii[atomic_numbers[element]] for element in elements])
    powers = charges**_SCREENING_EXPONENT
    return (
        _COULOMB * np.outer(charges, charges),
        _SCREENING_LENGTH / (powers[:, None] + powers[None, :]),
        radii[:, None] + radii[None, :],
    )
