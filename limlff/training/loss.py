"""Loss of a batch, and the errors that are reported along with it.

Residuals are divided by the accuracy that is wanted of each label, so that weights of 1 balance a
potential which is that good: 1 meV/atom for energies, 10 meV/Å for forces, 10 meV/atom for the
virial per atom. The virial per atom, stress times volume per atom, stands for the stress because
vacuum beside a slab does not dilute it; 10 meV/atom are 0.08 GPa at 20 Å^3/atom. Then

    loss = w_E sum_f a_f h(e_f^2) / A + w_F sum_i b_f(i) h(|f_i|^2 / 3) / B
         + w_S sum_f (c_f h(|v_f|^2_normal / 3) + d_f h(|v_f|^2_shear / 6)) / C

with e_f the scaled residual of the energy per atom of frame f, f_i that of the force on atom i, v_f
that of the virial per atom; a, b, c, d the factors of the frame, b zero outside of its core where
one is marked; A, B, C constants that make the loss of an average batch a mean (they do not depend
on the batch, so that the loss is a plain sum over frames and the gradient is not biased by the
packing). h is the pseudo-Huber function

    h(q) = d^2 (sqrt(1 + q / d^2) - 1) = q / (1 + sqrt(1 + q / d^2)),

q / 2 for small residuals, linear in them beyond d, smooth everywhere; taken of squared norms it
does not depend on the orientation of forces.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from limlff.models.contract import Model, Parameters
from limlff.prediction.pair_gradients import forces_from_pair_gradients
from limlff.training.batches import Batch
from limlff.training.derivative import energies_and_pair_gradients
from limlff.training.error_sums import error_sums
from limlff.training.packing import Packing
from limlff.units import GIGAPASCAL, MILLIELECTRONVOLT

ENERGY_SCALE = 1 * MILLIELECTRONVOLT
"""eV/atom"""
FORCE_SCALE = 10 * MILLIELECTRONVOLT
"""eV/Å"""
VIRIAL_SCALE = 10 * MILLIELECTRONVOLT
"""eV/atom"""


@dataclass(frozen=True)
class LossFormula:
    """Constants of the loss, hashable so that it can be closed over by a compiled function.

    Attributes:
        huber: Scaled residual where it becomes linear; None for squares.
        energy_norm: A, sum of the energies' factors in an average batch.
        force_norm: B, the same for forces, over atoms.
        stress_norm: C, the same for normal and shear stress together.
    """

    huber: float | None
    energy_norm: float
    force_norm: float
    stress_norm: float


def formula_for(packing: Packing, batch_atoms: int, huber: float | None) -> LossFormula:
    """The loss whose value for an average batch of `packing` is a weighted mean."""
    share = min(1.0, batch_atoms / packing.atoms)
    weights = np.array([sample.weights for sample in packing.samples])
    sizes = np.array([np.sum(sample.is_core) for sample in packing.samples])
    energy, force, stress = (
        share * float(total)
        for total in (weights[:, 0].sum(), (weights[:, 1] * sizes).sum(), weights[:, 2:].sum() / 2)
    )
    # a kind of label that is nowhere has residuals of weight zero, divided by one
    return LossFormula(huber, energy or 1.0, force or 1.0, stress or 1.0)


def predict_batch(
    model: Model, parameters: Parameters, batch: Batch
) -> tuple[Float[Array, " frames"], Float[Array, "atoms 3"], Float[Array, "frames 3 3"]]:
    """Energies without baseline (eV), forces (eV/Å) and virials (eV) of a batch."""
    frames = batch.energy.shape[0]
    around = batch.around(model.cutoff)
    energies, gradients = energies_and_pair_gradients(model, parameters, around)
    forces = forces_from_pair_gradients(gradients, batch.owners)
    virials = -jnp.einsum("aki,bki->iab", gradients, batch.vectors)
    return (
        jax.ops.segment_sum(energies, batch.frame, frames, indices_are_sorted=True),
        forces,
        jax.ops.segment_sum(virials, batch.frame, frames, indices_are_sorted=True),
    )


compiled_predict_batch = jax.jit(predict_batch, static_argnames="model")
"""The same as a program; training differentiates within programs of its own."""


def batch_loss(
    model: Model,
    formula: LossFormula,
    parameters: Parameters,
    offsets: Float[Array, "zeros elements"],
    batch: Batch,
    weights: Float[Array, " kinds"],
) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
    """Loss of a batch, and sums of errors over it.

    Args:
        model: The model.
        formula: Constants of the loss.
        parameters: Its parameters.
        offsets: Energy per atom by which the labels of each zero lie above the model's (eV).
        batch: Frames and labels.
        weights: Weights of energies, forces and stresses.

    Returns:
        The loss, and the sums of `error_sums`.
    """
    energy, forces, virial = predict_batch(model, parameters, batch)
    shift = jnp.sum(batch.composition * offsets[batch.zero], axis=1)
    energy_residual = (energy + shift - batch.energy) / batch.atoms
    force_residual = forces - batch.forces
    virial_residual = (virial - batch.virial) / batch.atoms[:, None, None]
    terms = _loss_terms(formula, batch, energy_residual, force_residual, virial_residual)
    loss = jnp.sum(weights * terms)
    stress_residual = (virial - batch.virial) / batch.volume[:, None, None] / GIGAPASCAL
    sums = error_sums(batch, energy_residual, force_residual, stress_residual)
    return loss, {"loss": loss, "batches": jnp.ones((), loss.dtype), **sums}


def _loss_terms(
    formula: LossFormula,
    batch: Batch,
    energy: Float[Array, " frames"],
    forces: Float[Array, "atoms 3"],
    virial: Float[Array, "frames 3 3"],
) -> Float[Array, " kinds"]:
    """Terms of energies, forces and virials, from residuals per atom, before their weights."""
    diagonal = jnp.eye(3, dtype=bool)
    squares = (virial / VIRIAL_SCALE) ** 2
    normal = jnp.sum(jnp.where(diagonal, squares, 0.0), axis=(1, 2)) / 3
    shear = jnp.sum(jnp.where(diagonal, 0.0, squares), axis=(1, 2)) / 6
    force_squares = jnp.sum((forces / FORCE_SCALE) ** 2, axis=1) / 3
    factors, huber = batch.weights, formula.huber
    of_atom = jnp.where(batch.is_core, factors[batch.frame, 1], 0.0)
    of_energies = factors[:, 0] * _pseudo_huber((energy / ENERGY_SCALE) ** 2, huber)
    of_forces = of_atom * _pseudo_huber(force_squares, huber)
    of_virials = factors[:, 2] * _pseudo_huber(normal, huber)
    of_virials += factors[:, 3] * _pseudo_huber(shear, huber)
    return jnp.stack(
        [
            jnp.sum(of_energies) / formula.energy_norm,
            jnp.sum(of_forces) / formula.force_norm,
            jnp.sum(of_virials) / formula.stress_norm,
        ]
    )


def _pseudo_huber(
    squared: Float[Array, " residuals"], width: float | None
) -> Float[Array, " residuals"]:
    """Half the squared residual near zero, linear in the residual far beyond `width`."""
    if width is None:
        return 0.5 * squared
    return squared / (1.0 + jnp.sqrt(1.0 + squared / width**2))
