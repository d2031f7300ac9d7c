"""Units: the only place where anything is converted.

Inside limlff energies are in eV, lengths in Å, masses in amu (ASE's units); hence times are in
Å sqrt(amu/eV) = 10.18 fs and stresses in eV/Å^3. Names at the edges carry their unit.
Values: CODATA 2018, through `scipy.constants`.
"""

from __future__ import annotations

from scipy import constants

_TIME_UNIT_SECONDS = 1e-10 * (constants.atomic_mass / constants.elementary_charge) ** 0.5

FEMTOSECOND: float = 1e-15 / _TIME_UNIT_SECONDS
"""One femtosecond in units of Å sqrt(amu/eV)."""

BOLTZMANN: float = constants.Boltzmann / constants.elementary_charge
"""Boltzmann constant in eV/K."""

GIGAPASCAL: float = 1e9 * 1e-30 / constants.elementary_charge
"""One gigapascal in eV/Å^3."""

KILOBAR: float = 0.1 * GIGAPASCAL
"""One kilobar in eV/Å^3."""

JOULE_PER_SQUARE_METER: float = 1e-20 / constants.elementary_charge
"""One J/m^2 in eV/Å^2."""

MILLIELECTRONVOLT: float = 1e-3
"""One meV in eV."""

MILLIAMPERE_PER_SQUARE_CENTIMETER: float = 1e-3 / constants.elementary_charge * 1e-16 * 1e-9
"""One mA/cm^2 in elementary charges per Å^2 and ns."""
