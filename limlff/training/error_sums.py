"""Errors that are reported along with the loss, added up batch by batch."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from limlff.training.batches import Batch
from limlff.units import MILLIELECTRONVOLT

SUM_NAMES = (
    "loss",
    "batches",
    *(
        f"{label}_{kind}"
        for label in ("energy", "force", "stress")
        for kind in ("absolute", "square", "number")
    ),
)
"""What is added up, in this order: loss and number of batches, and `error_sums`."""


def error_sums(
    batch: Batch,
    energy: Float[Array, " frames"],
    forces: Float[Array, "atoms 3"],
    stress: Float[Array, "frames 3 3"],
) -> dict[str, Float[Array, ""]]:
    """Sums of absolute and squared residuals over the labels that are used, and their numbers.

    Args:
        batch: Frames and labels.
        energy: Residuals of the energies per atom (eV).
        forces: Residuals of the forces (eV/Å).
        stress: Residuals of the stress (GPa).
    """
    has = (batch.weights > 0).astype(energy.dtype)
    has_force = jnp.where(batch.is_core, has[batch.frame, 1], 0.0)[:, None]
    has_stress = jnp.where(jnp.eye(3, dtype=bool), has[:, 2, None, None], has[:, 3, None, None])
    has_stress = jnp.triu(has_stress)  # each of the six components once
    residuals = {
        "energy": (energy / MILLIELECTRONVOLT, has[:, 0]),
        "force": (forces, jnp.broadcast_to(has_force, forces.shape)),
        "stress": (stress, has_stress),
    }
    sums = {}
    for name, (residual, present) in residuals.items():
        sums[f"{name}_absolute"] = jnp.sum(jnp.abs(residual) * present)
        sums[f"{name}_square"] = jnp.sum(residual**2 * present)
        sums[f"{name}_number"] = jnp.sum(present)
    return sums


def errors_from_sums(sums: Sequence[float]) -> dict[str, float | None]:
    """Mean errors from the sums over batches, in the order of `SUM_NAMES`.

    Returns:
        `loss`, and `energy_mae_mev_per_atom`, `energy_rmse_mev_per_atom`,
        `force_mae_ev_per_angstrom`, `force_rmse_ev_per_angstrom`, `stress_mae_gpa`,
        `stress_rmse_gpa`; None where there is no label.
    """
    named = dict(zip(SUM_NAMES, sums, strict=True))
    errors: dict[str, float | None] = {"loss": named["loss"] / named["batches"]}
    units = {"energy": "mev_per_atom", "force": "ev_per_angstrom", "stress": "gpa"}
    for name, unit in units.items():
        number = named[f"{name}_number"]
        absolute, square = named[f"{name}_absolute"], named[f"{name}_square"]
        errors[f"{name}_mae_{unit}"] = absolute / number if number else None
        errors[f"{name}_rmse_{unit}"] = float(np.sqrt(square / number)) if number else None
    return errors
