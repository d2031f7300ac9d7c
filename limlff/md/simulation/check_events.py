"""Whether the events of a run can take place in its structure."""

from __future__ import annotations

import logging

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers

from limlff.errors import InputError
from limlff.md.config import MDConfig
from limlff.md.event_settings import Deposit, Remove
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
            something that has no plane to deposit on, or a removal matches no atom or all of them.
    """
    cell = atoms.cell.complete().array
    for index, event in enumerate(config.events):
        if event.element is not None:
            try:
                check_symbol(event.element)
            except ValueError as error:
                raise InputError(f"events.{index}.element {error}") from error
            potential.species_of([event.element])
        first = event.step_of(0)
        if first is not None and first > config.steps:
            _LOG.warning(
                "events.%d: the first is at step %d, after the end of the run at step %d",
                index,
                first,
                config.steps,
            )
        if isinstance(event, Remove):
            _check_removal(event, f"events.{index}", config, structure, atoms)
        if isinstance(event, Deposit):
            lateral = structure.periodic[:2].all() and np.abs(cell[:2, 2]).max() < 1e-6
            if not lateral:
                raise InputError(
                    f"events.{index}: deposition needs a cell that is periodic along its first two "
                    "vectors, both in the xy plane; rotate the structure"
                )


def _check_removal(
    event: Remove, key: str, config: MDConfig, structure: Structure, atoms: Atoms
) -> None:
    moving = structure.mobile > 0
    if event.element is not None:
        arriving = {each.element for each in config.events if isinstance(each, Deposit)}
        there = np.any(moving & (structure.numbers == atomic_numbers[event.element]))
        if not there and event.element not in arriving:
            raise InputError(
                f"{key}.element is {event.element}, but no {event.element} moves in the structure "
                "or is deposited; there is nothing to remove"
            )
        return
    heights = atoms.positions[moving, 2]
    if np.sum(heights <= event.above_z_angstrom) < 2:
        raise InputError(
            f"{key}.above_z_angstrom is {event.above_z_angstrom:g} Å, but the atoms that move are "
            f"at {heights.min():.2f} to {heights.max():.2f} Å; it would remove all of them, or all "
            "but one"
        )
