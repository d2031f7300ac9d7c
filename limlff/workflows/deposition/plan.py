"""What each run of a deposition study needs, from its settings."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms

from limlff.analysis.film import surface_area
from limlff.analysis.reference_nets import reference_nets
from limlff.config import changed
from limlff.md.arrival_rate import ArrivalRate, rate_of
from limlff.md.config import Deposit, Langevin, Lid, MDConfig, Output, Strip
from limlff.md.ensemble_settings import FrictionOn
from limlff.md.event_settings import RateValue
from limlff.structures.settings import Slab, build_slab
from limlff.workflows.deposition.config import (
    CLEARANCE,
    DepositionConfig,
    rate_name,
    slab_name,
)

MONOLAYER = reference_nets()["Li(110)"].density
"""Atoms per area (1/Å^2) that count as one layer plated."""


@dataclass(frozen=True)
class PlatingRun:
    """What a run needs.

    Attributes:
        slab: The slab.
        film: Chemical symbol of what is plated.
        rate: How fast, in all units.
        seed: Seed of its random numbers.
        layers: Amount plated, in layers.
        per_layer: Atoms that count as one layer plated.
        lag_ps: Time over which displacements are measured (ps).
        settle_ps: Time after plating in which nothing is measured (ps).
        plated: Atoms at which the plating ends.
        left: Atoms of the film at which the stripping ends.
        plating: Molecular dynamics of the plating, at most.
        rest: That of the time after it.
        stripping: That of the stripping, at most; None without it.
    """

    slab: Slab
    film: str
    rate: ArrivalRate
    seed: int
    layers: float
    per_layer: float
    lag_ps: float
    settle_ps: float
    plated: int
    left: int
    plating: MDConfig
    rest: MDConfig
    stripping: MDConfig | None


def plan_runs(settings: DepositionConfig) -> Iterator[tuple[str, PlatingRun]]:
    """All runs by name: seeds first, so that a study cut short has something of everything."""
    slabs = [(slab, build_slab(slab)) for slab in settings.slabs]
    for repeat in range(settings.repeats):
        for speed, rate in enumerate(settings.rates):
            for place, (slab, atoms) in enumerate(slabs):
                seed = 1000 * (settings.seed + repeat) + 100 * place + 10 * speed
                name = f"{slab_name(slab)}-{rate_name(rate)}-seed{settings.seed + repeat}"
                yield name, _plan(settings, slab, atoms, rate, seed, name)


def _plan(
    settings: DepositionConfig, slab: Slab, atoms: Atoms, rate: RateValue, seed: int, name: str
) -> PlatingRun:
    dynamics, area = settings.dynamics, surface_area(atoms)
    speed = rate_of(rate, dynamics.timestep_fs, area)
    per_layer = MONOLAYER * area
    count = max(1, round(settings.layers * per_layer))
    common = changed(_common(settings, atoms, slab), {"seed": seed}, name)
    plating = changed(common, _plating(settings, rate, speed, count), name)
    rest = changed(common, _rest(settings, seed), name)
    share = settings.stripping.share if settings.stripping else 0.0
    return PlatingRun(
        slab=slab,
        film=settings.film,
        rate=speed,
        seed=seed,
        layers=settings.layers,
        per_layer=per_layer,
        lag_ps=dynamics.lag_ps,
        settle_ps=dynamics.settle_ps,
        plated=count,
        left=count - round(share * count),
        plating=plating,
        rest=rest,
        stripping=_stripping(settings, rate, rest, count, area),
    )


def _plating(
    settings: DepositionConfig, rate: RateValue, speed: ArrivalRate, count: int
) -> dict[str, Any]:
    every = _frame_steps(settings, speed, count / settings.layers)
    first = settings.steps(settings.dynamics.relax_ps)
    return {
        "steps": first + _longest(settings, count, speed, every),
        # Twice the target, because half of it goes into vibrations of a lattice at rest.
        "initial_temperature_k": 2 * settings.temperature_k,
        "events": (_deposit(settings, rate, first, speed),),
        "output": _output(settings, every),
    }


def _rest(settings: DepositionConfig, seed: int) -> dict[str, Any]:
    dynamics = settings.dynamics
    return {
        "seed": seed + 1,
        "steps": settings.steps(dynamics.settle_ps + dynamics.rest_ps),
        "initial_velocities": "file",
        "output": _output(settings, settings.steps(dynamics.rest_frame_ps)),
    }


def _longest(settings: DepositionConfig, atoms: int, speed: ArrivalRate, every: int) -> int:
    """Steps in which so many atoms have come or gone for certain, and the frame after them.

    Of independent arrivals N in the mean, N + 6 sqrt(N) + 20 are fewer than N once in a billion.
    """
    spare = 6 * math.sqrt(atoms) + 20 if settings.arrival.times == "poisson" else 1
    return math.ceil((atoms + spare) * speed.every_steps) + every


def _stripping(
    settings: DepositionConfig, plating: RateValue, rest: MDConfig, plated: int, area: float
) -> MDConfig | None:
    """The plated atoms, or a part of them, taken away."""
    if settings.stripping is None:
        return None
    rate = settings.stripping.rate or plating
    speed = rate_of(rate, rest.timestep_fs, area)
    event = Strip(
        element=settings.film,
        choice=settings.stripping.choice,
        arrivals=settings.arrival.times,
        **rate.model_dump(exclude_none=True),
    )
    every = _frame_steps(settings, speed, plated / settings.layers)
    changes = {
        "seed": rest.seed + 1,
        "steps": _longest(settings, round(settings.stripping.share * plated), speed, every),
        "events": (event,),
        "output": _output(settings, every),
    }
    return changed(rest, changes, "stripping")


def _common(settings: DepositionConfig, atoms: Atoms, slab: Slab) -> MDConfig:
    """What all stages have in common: where friction acts, and where the lid is."""
    dynamics = settings.dynamics
    planes = np.unique(atoms.positions[:, 2].round(3))
    above = slab.fixed_layers + dynamics.friction_layers
    friction_below = float(0.5 * (planes[above - 1] + planes[above]))
    lid = float(atoms.positions[:, 2].max()) + slab.vacuum_angstrom - CLEARANCE
    return MDConfig(
        potential=settings.potential,
        steps=1,
        timestep_fs=dynamics.timestep_fs,
        temperature_k=settings.temperature_k,
        ensemble=Langevin(
            friction_per_ps=dynamics.friction_per_ps,
            friction_on=FrictionOn(below_z_angstrom=friction_below),
        ),
        lid=Lid(z_angstrom=lid),
        dtype=dynamics.dtype,
    )


def _deposit(
    settings: DepositionConfig, rate: RateValue, first: int, speed: ArrivalRate
) -> Deposit:
    arrival = settings.arrival
    if arrival.times == "fixed":
        first += round(speed.every_steps)
    return Deposit(
        element=settings.film,
        arrivals=arrival.times,
        first=first,
        height_angstrom=arrival.height_angstrom,
        min_distance_angstrom=arrival.min_distance_angstrom,
        temperature_k=arrival.temperature_k,
        lateral=arrival.lateral,
        **rate.model_dump(exclude_none=True),
    )


def _frame_steps(settings: DepositionConfig, speed: ArrivalRate, per_layer: float) -> int:
    """Steps between frames while atoms come or go."""
    return max(1, round(speed.every_steps * per_layer / settings.dynamics.frames_per_layer))


def _output(settings: DepositionConfig, every: int) -> Output:
    return Output(
        thermo_every=100,
        trajectory_every=every,
        checkpoint_every=settings.dynamics.checkpoint_every,
    )
