"""Atoms that are added and removed between two steps.

An event at step n acts on the state of step n after that step was written, so that its effect is
first seen at step n + 1. What is random comes from the run's seed, the event's place in the list,
the step and how often it has happened at that step already, so that a resumed run draws the same
numbers. Events of one step act in the order of the settings; one that is due twice, as it may be in
a Poisson process, acts twice in a row.

Momentum: without frozen atoms the total momentum is zero and stays so; what a new atom brings with
it, or a removed one takes away, is taken from all moving atoms as a velocity of their centre of
mass. With frozen atoms nothing is corrected. Energy: what an event adds is booked into the bath, so
that the conserved quantity goes on without a jump. The number of degrees of freedom follows the
atoms; the barostat keeps its mobility, which sets its speed and not its averages.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from limlff.md.config import MDConfig
from limlff.md.event_settings import Deposit, Event, Strip
from limlff.md.simulation.deposition import deposit
from limlff.md.simulation.population import Population
from limlff.md.simulation.removal import remove, strip
from limlff.md.system.state import MDState, without_drift
from limlff.neighbors.host import bucket


def apply_due(due: list[int], step: int, atoms: Population, config: MDConfig) -> Population:
    """The atoms after the events of a step: in the order of the settings, each as often as due.

    Args:
        due: Indices of the events; one that happens twice stands twice.
        step: Step of the state.
        atoms: The atoms before.
        config: The run.

    Raises:
        EventImpossible: If there is no place for an atom, or too few atoms would be left.
        InputError: If the atoms lie so that their neighbors cannot be counted.
    """
    for place, index in enumerate(due):
        repeat = due[:place].count(index)
        atoms = apply_event(config.events[index], index, step, atoms, config, repeat)
    return atoms


def apply_event(
    event: Event, index: int, step: int, atoms: Population, config: MDConfig, repeat: int = 0
) -> Population:
    """The atoms after an event.

    Args:
        event: What happens.
        index: Its place in the list of events.
        step: Step of the state.
        atoms: The atoms before.
        config: The run.
        repeat: How often it has happened at this step already.

    Raises:
        EventImpossible: If there is no place for an atom, or too few atoms would be left.
        InputError: If the atoms lie so that their neighbors cannot be counted.
    """
    key = (config.seed, index, step)
    rng = np.random.default_rng((*key, repeat) if repeat else key)
    if isinstance(event, Deposit):
        return deposit(event, step, atoms, config, rng)
    if isinstance(event, Strip):
        return strip(event, atoms)
    return remove(event, atoms, rng)


def padded_state(atoms: Population, state: MDState) -> MDState:
    """The state of other atoms, without forces yet, padded to the size of before or more.

    Args:
        atoms: The atoms.
        state: The state before the events.
    """
    count = len(atoms.structure)
    size = padded_size(count, len(np.asarray(state.positions)))
    positions, momenta = np.zeros((size, 3)), np.zeros((size, 3))
    positions[:count], momenta[:count] = atoms.positions, atoms.momenta
    if atoms.structure.keeps_centre:
        masses, mobile = atoms.structure.padded(size)
        momenta = np.asarray(without_drift(momenta, masses, mobile))  # type: ignore[arg-type]
    return replace(
        state,
        forces_known=np.bool_(False),  # type: ignore[arg-type]
        positions=positions,  # type: ignore[arg-type]
        momenta=momenta,  # type: ignore[arg-type]
        forces=np.zeros((size, 3)),  # type: ignore[arg-type]
    )


def padded_size(count: int, size: int = 0) -> int:
    """Atoms with padding: the size there is, or where that is too small, half as many more."""
    return size if count <= size else bucket(count, step=32, headroom=1.5)
