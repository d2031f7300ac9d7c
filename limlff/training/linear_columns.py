"""What each parameter that the energy is linear in adds to energies, forces and virials."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from scipy.sparse import csr_array, vstack

from limlff.models.contract import LinearModel, Neighborhoods, Parameters
from limlff.training.batches import Batch


def unit_predictions(
    model: LinearModel, parameters: Parameters, batch: Batch
) -> Float[np.ndarray, "columns rows"]:
    """Energies, forces and virials that each linear parameter adds if it is one.

    A term depends on the neighbors through sums of functions of one pair. So the derivatives of
    these functions are taken once per pair, those of the terms by the sums once per atom, and their
    product is a small matrix product for each atom and channel: far less than a pass backwards per
    column.

    Args:
        model: The model.
        parameters: Its parameters; the linear ones do not matter.
        batch: The frames.

    Returns:
        For each parameter the energies (eV), forces (eV/Å) and virials (eV) of the batch, flat.
    """
    terms, by_sums, slopes = map(np.asarray, _derivatives(model, parameters, batch))
    kinds, channels, atoms = terms.shape
    neighbors, frames = batch.owners.shape[0], len(batch.energy)
    # by NumPy and SciPy: twenty times faster than what XLA makes of these products on CPU
    by_atom = np.ascontiguousarray(np.moveaxis(slopes, 3, 0)).reshape(
        *by_sums.shape[:2], -1, 3 * neighbors
    )
    gradients = (by_sums @ by_atom).reshape(atoms, kinds * channels * 3, neighbors)
    by_pair = np.ascontiguousarray(gradients.swapaxes(1, 2)).reshape(atoms * neighbors, -1)
    summed = np.asarray(_pair_sums(batch) @ by_pair).reshape(-1, channels, kinds, 3)
    forces = summed[:atoms].transpose(2, 1, 0, 3)
    virials = summed[atoms:].reshape(3, frames, channels, kinds, 3).transpose(3, 2, 1, 4, 0)
    of_frame = _sum_matrix(np.asarray(batch.frame), frames, np.dtype(float))
    energies = (of_frame @ terms.reshape(-1, atoms).T).T
    return np.concatenate(
        [energies, forces.reshape(kinds * channels, -1), virials.reshape(kinds * channels, -1)],
        axis=1,
    )


def _pair_sums(batch: Batch) -> csr_array:
    """Sums over pairs, atoms before neighbors: forces, and each column of the virials."""
    neighbors, atoms = batch.owners.shape
    dtype = np.asarray(batch.vectors).dtype
    owners = np.asarray(batch.owners).T.ravel()
    centres = np.repeat(np.arange(atoms), neighbors)
    vectors = np.asarray(batch.vectors).swapaxes(1, 2).reshape(3, -1)
    frame, frames = np.asarray(batch.frame)[centres], len(batch.energy)
    on_centres, on_owners = (_sum_matrix(group, atoms, dtype) for group in (centres, owners))
    pairs = np.arange(len(owners))
    shape = (frames, len(owners))
    virials = [csr_array((-component, (frame, pairs)), shape=shape) for component in vectors]
    return csr_array(vstack([on_centres - on_owners, *virials]))


def _sum_matrix(groups: Int[np.ndarray, " rows"], number: int, dtype: np.dtype) -> csr_array:
    """Matrix that sums rows by their group."""
    rows = len(groups)
    return csr_array((np.ones(rows, dtype), (groups, np.arange(rows))), shape=(number, rows))


@partial(jax.jit, static_argnames="model")
def _derivatives(
    model: LinearModel, parameters: Parameters, batch: Batch
) -> tuple[
    Float[Array, "kinds channels atoms"],
    Float[Array, "atoms channels kinds sums"],
    Float[Array, "channels sums 3 atoms neighbors"],
]:
    """Terms, their derivatives by the sums, and those of the sums by the pair vectors."""
    neighbors, atoms = batch.owners.shape
    around = batch.around(model.cutoff)
    mask = around.mask.T
    # every pair as an atom of its own, with one neighbor
    pairs = Neighborhoods(
        species=jnp.broadcast_to(around.species[:, None], mask.shape).ravel(),
        neighbor_species=around.neighbor_species.T.reshape(1, -1),
        owners=around.owners.T.reshape(1, -1),
        vectors=around.vectors.swapaxes(1, 2).reshape(3, 1, -1),
        mask=mask.reshape(1, -1),
    )
    vectors = pairs.vectors[:, 0]

    def of_pairs(vectors: Float[Array, "3 pairs"]) -> Float[Array, "channels sums pairs"]:
        return model.neighbor_sums(parameters, replace(pairs, vectors=vectors[:, None, :]))

    values, pull = jax.vjp(of_pairs, vectors)
    # Forwards by going backwards twice: some functions know only their derivative backwards.
    _, push = jax.vjp(lambda weights: pull(weights)[0], jnp.zeros_like(values))

    def slope(axis: int) -> Float[Array, "channels sums atoms neighbors"]:
        [along] = push(jnp.zeros_like(vectors).at[axis].set(1.0))
        return jnp.where(mask, along.reshape(*values.shape[:2], atoms, neighbors), 0.0)

    slopes = jnp.stack([slope(axis) for axis in range(3)], axis=2)
    sums = jnp.sum(
        jnp.where(mask, values.reshape(*values.shape[:2], atoms, neighbors), 0.0), axis=3
    )
    terms, pull_terms = jax.vjp(lambda s: model.linear_terms(parameters, batch.species, s), sums)
    units = jnp.eye(len(terms), dtype=terms.dtype)[:, :, None, None]
    # all channels at once, as none depends on another one's sums
    by_sums = jax.vmap(lambda unit: pull_terms(jnp.broadcast_to(unit, terms.shape))[0])(units)
    return terms, by_sums.transpose(3, 1, 0, 2), slopes
