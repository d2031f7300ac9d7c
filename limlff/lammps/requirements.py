"""What LAMMPS must have been told for its numbers to be right, looked at on each rank."""

from __future__ import annotations

from typing import Any

from ase.data import atomic_masses, atomic_numbers

from limlff.errors import InputError

_OTHER_MASS = 0.2  # isotopes of lithium differ from the mean by 14 %


def require_safe_lists(lammps: Any) -> None:
    """Refuse a `neigh_modify` with which ghosts within the cutoff may be missing for some steps.

    Raises:
        InputError: If LAMMPS does not look in each step whether its lists are still complete.
    """
    every, delay, checks = (
        lammps.extract_setting(f"neigh_{name}") for name in ("every", "delay", "dist_check")
    )
    if delay > 0 or every > 1 or not checks:
        raise InputError(
            f"neigh_modify has every {every} delay {delay} check {'yes' if checks else 'no'}, so "
            "that neighbors could be missing in silence; write neigh_modify every 1 delay 0 "
            "check yes behind pair_style limlff"
        )


def check_masses(lammps: Any, symbols: tuple[str, ...]) -> None:
    """Refuse types whose mass is not that of their element, as where types are exchanged.

    Raises:
        InputError: If a mass is off by more than isotopes can be.
    """
    masses = lammps.numpy.extract_atom("mass")
    if masses is None:
        return
    for kind, symbol in enumerate(symbols, 1):
        usual = float(atomic_masses[atomic_numbers[symbol]])
        if abs(masses[kind] / usual - 1) > _OTHER_MASS:
            raise InputError(
                f"atom type {kind} has a mass of {masses[kind]:.4g}, but is {symbol} by "
                f"pair_coeff, whose mass is {usual:.4g}; correct the order of the elements or the "
                "mass"
            )
