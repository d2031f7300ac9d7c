"""What a state must satisfy after every chunk, before it is accepted and written."""

from __future__ import annotations

import numpy as np

from limlff.md.config import Guards
from limlff.md.state import AtomTable, MDState, kinetic_tensor, temperature


def find_problem(state: MDState, atoms: AtomTable, limits: Guards) -> str | None:
    """Why a state cannot be accepted, or None if it can.

    Args:
        state: State after a chunk (NumPy arrays).
        atoms: The atoms.
        limits: Limits of a sane run.
    """
    for name in ("positions", "momenta", "forces", "energy", "virial", "cell", "bath_energy"):
        values = np.asarray(getattr(state, name))
        if not np.isfinite(values).all():
            where = ""
            if values.shape[:1] == np.shape(state.positions)[:1]:
                where = f" of atom {int(np.argmin(np.isfinite(values).all(axis=1)))}"
            return f"{name}{where} not finite; use a shorter timestep_fs or check the structure"
    kinetic = 0.5 * float(np.trace(kinetic_tensor(state, atoms)))
    kelvin = temperature(kinetic, float(atoms.degrees_of_freedom))
    if kelvin > limits.max_temperature_k:
        return (
            f"temperature is {kelvin:.0f} K, above guards.max_temperature_k = "
            f"{limits.max_temperature_k:g} K; use a shorter timestep_fs or relax first"
        )
    forces = np.linalg.norm(state.forces, axis=1)
    worst = int(np.argmax(forces))
    if forces[worst] > limits.max_force_ev_per_angstrom:
        return (
            f"force on atom {worst} is {forces[worst]:.3g} eV/Å, above guards."
            f"max_force_ev_per_angstrom = {limits.max_force_ev_per_angstrom:g} eV/Å; use a shorter "
            "timestep_fs or relax the structure first"
        )
    return None
