"""A rate of atoms in all its units, and what experiment it stands for."""

from __future__ import annotations

from dataclasses import dataclass

from limlff.md.event_settings import RateValue
from limlff.units import MILLIAMPERE_PER_SQUARE_CENTIMETER

PLATING_MA_PER_CM2 = (1.0, 10.0)
"""Current densities at which lithium is plated in batteries and in experiments (mA/cm²)."""

_FEMTOSECONDS_PER_NANOSECOND = 1e6


@dataclass(frozen=True)
class ArrivalRate:
    """A rate at which single atoms come or go.

    Attributes:
        every_steps: Steps between two atoms, on average.
        atoms_per_ns: Atoms per nanosecond.
        current_density_ma_per_cm2: Current density, of one electron per atom (mA/cm²).
    """

    every_steps: float
    atoms_per_ns: float
    current_density_ma_per_cm2: float

    def __str__(self) -> str:
        """One sentence: the rate in all units, and how far from plating in experiments it is."""
        low, high = PLATING_MA_PER_CM2
        density = self.current_density_ma_per_cm2
        slowest, fastest = density / high, density / low
        if fastest < 1:
            than = f"{1 / fastest:.2g} to {1 / slowest:.2g} times slower than"
        elif slowest <= 1:
            than = "as fast as"
        else:
            than = f"{slowest:.2g} to {fastest:.2g} times faster than"
        return (
            f"One atom every {self.every_steps:.4g} steps, or {self.atoms_per_ns:.4g} atoms/ns, "
            f"stands for a current density of {density:.3g} mA/cm², {than} the {low:g} to "
            f"{high:g} mA/cm² at which lithium is plated in experiments."
        )


def rate_of(event: RateValue, timestep_fs: float, area: float) -> ArrivalRate:
    """The rate of an event in all units.

    Args:
        event: The event, with its rate in one of them.
        timestep_fs: Time step of the run (fs).
        area: Area of the first two cell vectors at the start (Å^2).
    """
    steps_per_ns = _FEMTOSECONDS_PER_NANOSECOND / timestep_fs
    atoms_per_density = MILLIAMPERE_PER_SQUARE_CENTIMETER * area
    if event.every is not None:
        atoms_per_ns = steps_per_ns / event.every
    elif event.atoms_per_ns is not None:
        atoms_per_ns = event.atoms_per_ns
    else:
        assert event.current_density_ma_per_cm2 is not None  # one of the three is given
        atoms_per_ns = event.current_density_ma_per_cm2 * atoms_per_density
    return ArrivalRate(
        every_steps=steps_per_ns / atoms_per_ns,
        atoms_per_ns=atoms_per_ns,
        current_density_ma_per_cm2=atoms_per_ns / atoms_per_density,
    )
