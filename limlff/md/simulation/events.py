"""Atoms that are added and removed between two steps.

An event at step n acts on the state of step n after that step was written, so that its effect is
first seen at step n + 1. What is random comes from the run's seed, the event's place in the list
and the step alone, so that a resumed run draws the same numbers.

Momentum: without frozen atoms the total momentum is zero and stays so; what a new atom brings with
it, or a removed one takes away, is taken from all moving atoms as a velocity of their centre of
mass. With frozen atoms nothing is corrected. Energy: what an event adds is booked into the bath, so
that the conserved quantity goes on without a jump. The number of degrees of freedom follows the
atoms; the barostat keeps its mobility, which sets its speed and not its averages.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from ase.data import atomic_masses, atomic_numbers
from jaxtyping import Float, Int

from limlff.md.config import MDConfig, schedule_ends
from limlff.md.event_settings import Deposit, Event, Remove
from limlff.md.simulation.clearance import Clearance
from limlff.md.system.state import MDState, without_drift
from limlff.md.system.structure import Structure
from limlff.neighbors.host import bucket
from limlff.units import BOLTZMANN

_ATTEMPTS = 1000
"""Places that a deposition tries before it says that there is none."""


class EventImpossible(Exception):
    """An event cannot happen in this state; the message says why and what to do."""


@dataclass(frozen=True)
class Population:
    """Atoms and their state while events act on them, not padded.

    Attributes:
        structure: What the atoms are.
        positions: Unwrapped positions (Å).
        momenta: Momenta.
        cell: Cell vectors as rows (Å).
        kept: Indices, before the events, of the atoms that are left of those of that time; they
            come first.
    """

    structure: Structure
    positions: Float[np.ndarray, "atoms 3"]
    momenta: Float[np.ndarray, "atoms 3"]
    cell: Float[np.ndarray, "3 3"]
    kept: Int[np.ndarray, " kept"]


@dataclass
class EventClock:
    """Which events are due; `counts` is how often each has happened."""

    events: tuple[Event, ...]
    counts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.counts = self.counts or [0] * len(self.events)

    def due(self, step: int) -> list[int]:
        """Indices of the events that happen at this step."""
        return [
            index
            for index, event in enumerate(self.events)
            if event.step_of(self.counts[index]) == step
        ]

    def next_step(self) -> int | None:
        """Step of the next event, if there is one."""
        steps = (
            event.step_of(count) for event, count in zip(self.events, self.counts, strict=True)
        )
        return min((step for step in steps if step is not None), default=None)


def apply_event(
    event: Event, index: int, step: int, atoms: Population, config: MDConfig
) -> Population:
    """The atoms after an event.

    Args:
        event: What happens.
        index: Its place in the list of events.
        step: Step of the state.
        atoms: The atoms before.
        config: The run.

    Raises:
        EventImpossible: If there is no place for an atom, or too few atoms would be left.
    """
    rng = np.random.default_rng((config.seed, index, step))
    if isinstance(event, Deposit):
        return _deposit(event, step, atoms, config, rng)
    return _remove(event, atoms, rng)


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


def draw_velocity(
    mass: float, temperature_k: float, rng: np.random.Generator
) -> Float[np.ndarray, "3"]:
    """Velocity of an atom that flies downwards out of a gas (Å / internal unit of time).

    The lateral components are normal with variance kT/m; the downward one is weighted with the
    flux, p(v) = (m v / kT) exp(-m v^2 / 2kT), so that m v^2 / 2kT is exponentially distributed.

    Source: G. A. Bird, Molecular Gas Dynamics (Oxford, 1994), effusion.
    """
    width = np.sqrt(BOLTZMANN * temperature_k / mass)
    lateral = rng.normal(size=2) * width
    return np.array([*lateral, -width * np.sqrt(2.0 * rng.exponential())])


def _deposit(
    event: Deposit, step: int, atoms: Population, config: MDConfig, rng: np.random.Generator
) -> Population:
    kelvin = event.temperature_k
    if kelvin is None:
        first, last = schedule_ends(config.temperature_k)
        kelvin = first + (last - first) * min(1.0, step / config.steps)
    number = atomic_numbers[event.element]
    mass = float(atomic_masses[number])
    place = _free_place(event, atoms, rng)
    old = atoms.structure
    structure = Structure(
        numbers=np.append(old.numbers, number),
        masses=np.append(old.masses, mass),
        mobile=np.append(old.mobile, 1.0),
        periodic=old.periodic,
    )
    momentum = mass * draw_velocity(mass, kelvin, rng)
    return replace(
        atoms,
        structure=structure,
        positions=np.vstack([atoms.positions, place]),
        momenta=np.vstack([atoms.momenta, momentum]),
    )


def _free_place(
    event: Deposit, atoms: Population, rng: np.random.Generator
) -> Float[np.ndarray, "3"]:
    """A place at the wanted height that keeps its distance to all atoms."""
    height = float(atoms.positions[:, 2].max()) + event.height_angstrom
    clearance = Clearance(
        atoms.positions,
        atoms.cell,
        atoms.structure.periodic,
        height,
        event.min_distance_angstrom,
    )
    for _ in range(_ATTEMPTS):
        place = rng.uniform(size=2) @ atoms.cell[:2]
        place[2] = height
        if clearance.allows(place):
            return np.asarray(place)
    raise EventImpossible(
        f"no place for {event.element} was found {event.height_angstrom:g} Å above the highest "
        f"atom that is {event.min_distance_angstrom:g} Å from all others; give the cell more "
        "vacuum along z, "
        "deposit less often, or remove atoms that leave upwards"
    )


def _remove(event: Remove, atoms: Population, rng: np.random.Generator) -> Population:
    old = atoms.structure
    moving = old.mobile > 0
    if event.element is None:
        leaving = moving & (atoms.positions[:, 2] > event.above_z_angstrom)
    else:
        candidates = np.flatnonzero(moving & (old.numbers == atomic_numbers[event.element]))
        chosen = rng.permutation(candidates)[: event.count]
        leaving = np.zeros(len(old), bool)
        leaving[chosen] = True
    staying = ~leaving
    if leaving.any() and (moving & staying).sum() < 2:
        raise EventImpossible(
            f"removing {int(leaving.sum())} atoms would leave fewer than two that move; let the "
            "event end earlier with 'last'"
        )
    structure = Structure(
        old.numbers[staying], old.masses[staying], old.mobile[staying], old.periodic
    )
    olds = len(atoms.kept)
    return Population(
        structure,
        atoms.positions[staying],
        atoms.momenta[staying],
        atoms.cell,
        atoms.kept[staying[:olds]],
    )
