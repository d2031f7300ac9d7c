"""What each run of a deposition study needs, from its settings."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from ase import Atoms

from limlff.analysis.film import surface_area
from limlff.analysis.reference_nets import reference_nets
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
        plating: Molecular dynamics of the plating.
        rest: That of the time after it.
        stripping: That of the stripping; None without it.
    """

    slab: Slab
    film: str
    rate: ArrivalRate
    seed: int
    layers: float
    per_layer: float
    lag_ps: float
    plating: MDConfig
    rest: MDConfig
    stripping: MDConfig | None


def plan_runs(settings: DepositionConfig) -> Iterator[tuple[str, PlatingRun]]:
    """All runs by name: seeds first, so that a study cut short has something of everything."""
    slabs = [(slab, build_slab(slab)) for slab in settings.slabs]
    for repeat in range(settings.repeats):
        for speed, rate in enumerate(settings.rates):
            for place, (slab, atoms) in enumerate(slabs):
                seed = 10_000 * (settings.seed + repeat) + 100 * place + 10 * speed
                name = f"{slab_name(slab)}-{rate_name(rate)}-seed{settings.seed + repeat}"
                yield name, _plan(settings, slab, atoms, rate, seed)


def _plan(
    settings: DepositionConfig, slab: Slab, atoms: Atoms, rate: RateValue, seed: int
) -> PlatingRun:
    dynamics, area = settings.dynamics, surface_area(atoms)
    speed = rate_of(rate, dynamics.timestep_fs, area)
    per_layer = MONOLAYER * area
    count = max(1, round(settings.layers * per_layer))
    every = _frame_steps(settings, speed, per_layer)
    first, duration = settings.steps(dynamics.relax_ps), math.ceil(count * speed.every_steps)
    common = _common(settings, atoms, slab)
    plating = common.model_copy(
        update={
            "seed": seed,
            "steps": first + duration,
            # Twice the target, because half of it goes into vibrations of a lattice at rest.
            "initial_temperature_k": 2 * settings.temperature_k,
            "events": (_deposit(settings, rate, first, speed),),
            "output": _output(settings, every),
        }
    )
    rest = common.model_copy(
        update={
            "seed": seed + 1,
            "steps": settings.steps(dynamics.rest_ps),
            "initial_velocities": "file",
            "output": _output(settings, settings.steps(dynamics.rest_frame_ps)),
        }
    )
    return PlatingRun(
        slab=slab,
        film=settings.film,
        rate=speed,
        seed=seed,
        layers=settings.layers,
        per_layer=per_layer,
        lag_ps=dynamics.lag_ps,
        plating=plating,
        rest=rest,
        stripping=_stripping(settings, rate, rest, count, area),
    )


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
    update = {
        "seed": rest.seed + 1,
        "steps": math.ceil(settings.stripping.share * plated * speed.every_steps),
        "events": (event,),
        "output": _output(settings, _frame_steps(settings, speed, plated / settings.layers)),
    }
    return rest.model_copy(update=update)


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
