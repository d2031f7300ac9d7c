"""How fast a hole can close at most: the collapse of a hole in a fluid without viscosity.

Pressure and surface tension do work on the fluid, which becomes its kinetic energy:

    2 pi rho R^3 (dR/dt)^2 = 4 pi / 3 P (R0^3 - R^3) + 4 pi gamma (R0^2 - R^2)

Whatever the rim does, it cannot be faster. Without tension the time is Rayleigh's, 0.915 R0
sqrt(rho / P), 1.3 ps for 2 nm of lithium at 1 GPa: holes of nanometres close nearly as fast.

Source: Lord Rayleigh, Philos. Mag. 34, 94 (1917), with surface tension.
"""

from __future__ import annotations

import numpy as np

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)

AMU_PER_CUBIC_ANGSTROM = 1660.539
"""1 u/Å^3 in kg/m^3."""


def collapse_time(
    radius: np.ndarray, end_radius: np.ndarray, pressure_gpa: np.ndarray, surface_energy: float,
    density: float,
) -> np.ndarray:  # fmt: skip
    """Time in which holes shrink from one radius to another (ps); infinite where nothing drives.

    Args:
        radius: Radii at the start (Å).
        end_radius: Radii at the end (Å).
        pressure_gpa: Pressures from outside (GPa).
        surface_energy: Surface energy (J/m²).
        density: Density of the fluid (kg/m³).
    """
    # R = R0 (1 - s^2), because dR/dt grows from zero like the square root of R0 - R
    last = np.sqrt(1 - end_radius / radius)[:, None]
    s = 0.5 * last * (_NODES + 1)
    part = 1 - s**2
    tension = (20 * surface_energy / radius)[:, None]  # GPa
    driving = (2 / 3) * pressure_gpa[:, None] * (1 - part**3) + tension * (1 - part**2)
    # R in Å, GPa and kg/m^3 give (ps)^2 with a factor of 1e-5
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.sqrt(1e-5 * density * part**3 / driving) * 2 * s
    times = radius * (terms * _WEIGHTS * 0.5 * last).sum(axis=1)
    return np.where((driving > 0).all(axis=1), times, np.inf)
