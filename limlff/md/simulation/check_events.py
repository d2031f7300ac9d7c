"""Whether the events of a run can take place in its structure."""

from __future__ import annotations

import logging

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers
from jaxtyping import Float

from limlff.errors import InputError
from limlff.md.arrival_rate import rate_of
from limlff.md.config import MDConfig
from limlff.md.event_settings import Deposit, Rate, Remove
from limlff.md.lateral_settings import Masked
from limlff.md.simulation.arrivals import timetables
from limlff.md.simulation.places import widest_disc
from limlff.md.system.state import plane_area
from limlff.md.system.structure import Structure
from limlff.potential import Potential
from limlff.quantities import check_symbol

_LOG = logging.getLogger(__name__)


def check_events(
    config: MDConfig,
    structure: Structure,
    atoms: Atoms,
    potential: Potential,
) -> None:
    """Refuse events that cannot happen in this structure.

    Raises:
        InputError: If an element is unknown to the potential, atoms shall be deposited on
            something that has no plane to deposit on, come faster than steps, or a removal matches
            no atom or all of them.
    """
    cell = atoms.cell.complete().array
    times = timetables(config, plane_area(cell))
    for index, event in enumerate(config.events):
        key = f"events.{index}"
        if event.element is not None:
            try:
                check_symbol(event.element)
            except ValueError as error:
                raise InputError(f"{key}.element {error}") from error
            potential.species_of([event.element])
        if not isinstance(event, Remove):
            _check_rate(event, key, config.timestep_fs, plane_area(cell))
        first = times[index].step_of(0)
        if first is None or first > config.steps:
            _LOG.warning("%s: %s", key, _never(first, event.last, config.steps))
        if isinstance(event, Deposit):
            _check_plane(event, key, structure, cell)
        elif event.element is not None:
            _check_element(event.element, key, config, structure)
        else:
            _check_height(event.above_z_angstrom, key, structure, atoms)


def _never(first: int | None, last: int | None, steps: int) -> str:
    if first is None:
        return f"never happens, because the first one would be after 'last' at step {last}"
    return f"the first is at step {first}, after the end of the run at step {steps}"


def _check_rate(event: Rate, key: str, timestep_fs: float, area: float) -> None:
    rate = rate_of(event, timestep_fs, area)
    if event.every is None and rate.every_steps < 1:
        raise InputError(
            f"{key}: {rate.atoms_per_ns:.3g} atoms/ns are one every {rate.every_steps:.2g} steps; "
            "the limit is one per step. Lower the rate"
        )


def _check_plane(
    event: Deposit, key: str, structure: Structure, cell: Float[np.ndarray, "3 3"]
) -> None:
    if not (structure.periodic[:2].all() and np.abs(cell[:2, 2]).max() < 1e-6):
        raise InputError(
            f"{key}: deposition needs a cell that is periodic along its first two "
            "vectors, both in the xy plane; rotate the structure"
        )
    disc = event.lateral.disc if isinstance(event.lateral, Masked) else None
    widest = widest_disc(cell[:2])
    if disc is not None and disc.radius_angstrom > widest:
        raise InputError(
            f"{key}.lateral.disc.radius_angstrom is {disc.radius_angstrom:g} Å, but a disc beyond "
            f"{widest:.2f} Å meets its own images in this cell; use a smaller one"
        )


def _check_element(element: str, key: str, config: MDConfig, structure: Structure) -> None:
    """Refuse to take out what is not there and does not come."""
    arriving = {each.element for each in config.events if isinstance(each, Deposit)}
    there = np.any((structure.mobile > 0) & (structure.numbers == atomic_numbers[element]))
    if not there and element not in arriving:
        raise InputError(
            f"{key}.element is {element}, but no {element} moves in the structure "
            "or is deposited; there is nothing to remove"
        )


def _check_height(height: float | None, key: str, structure: Structure, atoms: Atoms) -> None:
    heights = atoms.positions[structure.mobile > 0, 2]
    if np.sum(heights <= height) < 2:
        raise InputError(
            f"{key}.above_z_angstrom is {height:g} Å, but the atoms that move are "
            f"at {heights.min():.2f} to {heights.max():.2f} Å; it would remove all of them, or all "
            "but one"
        )
