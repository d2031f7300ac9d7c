"""Predictions as ASE names and orders them."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from limlff.atom_arrays import AtomArrays
from limlff.prediction import Prediction

_VOIGT = ((0, 1, 2, 1, 0, 0), (0, 1, 2, 2, 2, 1))


def results_of(prediction: Prediction, arrays: AtomArrays) -> dict[str, Any]:
    """Results by the names that ASE has for them, of the atoms without padding."""
    count = len(arrays.numbers)
    results = {
        "energy": float(prediction.energy),
        "free_energy": float(prediction.energy),
        # copies, which may be written to and do not keep the padded arrays alive
        "energies": np.array(prediction.energies[:count]),
        "forces": np.array(prediction.forces[:count]),
    }
    if arrays.cell.any(axis=1).all():
        results["stress"] = stress_of(np.asarray(prediction.virial), arrays.cell)
    return results


def stress_of(
    virial: Float[np.ndarray, "*atoms 3 3"], cell: Float[np.ndarray, "3 3"]
) -> Float[np.ndarray, "*atoms 6"]:
    """Stress in Voigt order (eV/Å^3) of a virial, or of the virial of each atom (eV)."""
    stress = -virial / abs(np.linalg.det(cell))
    return (0.5 * (stress + stress.swapaxes(-1, -2)))[..., _VOIGT[0], _VOIGT[1]]
