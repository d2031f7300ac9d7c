"""What each run of a fusion study needs, from its settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from ase import Atoms

from limlff.config import changed
from limlff.md.arrival_rate import ArrivalRate, rate_of
from limlff.md.config import NPT, AxisPressure, Deposit, Langevin, Lid, MDConfig, Output
from limlff.md.ensemble_settings import FrictionOn
from limlff.structures.dendrite_settings import Dendrites, Grain, build_dendrites
from limlff.workflows.fusion.config import (
    CLEARANCE,
    Approach,
    Criteria,
    FusionConfig,
    Growth,
    Misorientation,
    misorientation_name,
)


@dataclass(frozen=True)
class FusionRun:
    """What a run needs.

    Attributes:
        dendrites: The dendrites as they relax; facing tips are out of each other's reach.
        misorientation: Of the second one against the first.
        seed: Seed of the run, as the settings count it.
        gap_angstrom: Distance at which facing tips are set down (Å).
        lag_ps: Time over which displacements are measured (ps).
        criteria: What counts as touching, merged, and a cavity.
        repeats: Cubic cells of the perfect crystal along each axis.
        settled_ps: Time after which its density is measured (ps).
        rate: How fast atoms come, in all units; None if none do.
        growth: How they come; None likewise.
        crystal: Molecular dynamics of the perfect crystal.
        relax: That of the dendrites before anything happens.
        fusion: That of what happens.
    """

    dendrites: Dendrites
    misorientation: Misorientation
    seed: int
    gap_angstrom: float
    lag_ps: float
    criteria: Criteria
    repeats: int
    settled_ps: float
    rate: ArrivalRate | None
    growth: Growth | None
    crystal: MDConfig
    relax: MDConfig
    fusion: MDConfig

    @property
    def is_facing(self) -> bool:
        """Whether tips face each other; else the dendrites stand side by side."""
        return self.dendrites.arrangement == "facing"

    @property
    def radius(self) -> float:
        """Largest radius of a dendrite (Å)."""
        return self.dendrites.shape.shape().width


def plan_runs(settings: FusionConfig) -> Iterator[tuple[str, FusionRun]]:
    """All runs by name: seeds first, so that a study cut short has something of everything."""
    common = _common(settings)
    rate, fusion = _drive(settings)
    for repeat in range(settings.repeats):
        for number, misorientation in enumerate(settings.misorientations):
            seed = settings.seed + repeat
            name = f"{misorientation_name(misorientation)}-seed{seed}"
            random = 1000 * seed + 10 * number
            stages = _stages(settings, common, fusion, random, name)
            yield name, _plan(settings, misorientation, seed, rate, stages)


def _drive(settings: FusionConfig) -> tuple[ArrivalRate | None, dict[str, object]]:
    """The rate of arrivals, if there are any, and what is special to the last stage."""
    drive = settings.drive
    if not isinstance(drive, Growth):
        return None, _approaching(settings, drive)
    atoms = build_dendrites(_apart(settings, settings.misorientations[0]))
    area = float(np.linalg.norm(np.cross(atoms.cell[0], atoms.cell[1])))
    rate = rate_of(drive.rate, settings.dynamics.timestep_fs, area)
    return rate, _growing(settings, drive, rate, atoms)


def _stages(
    settings: FusionConfig, common: MDConfig, fusion: dict[str, object], random: int, name: str
) -> tuple[MDConfig, MDConfig, MDConfig]:
    """Molecular dynamics of the crystal, of the dendrites apart, and of what happens."""
    crystal = {
        "seed": random,
        "steps": settings.steps(settings.crystal.equilibration_ps + settings.crystal.duration_ps),
        "ensemble": NPT(tau_fs=500.0),
        "output": _output(settings, settings.steps(0.1)),
    }
    relax = {"seed": random + 1, "steps": settings.steps(settings.dynamics.relax_ps)}
    last = {"seed": random + 2, "initial_velocities": "file", "initial_temperature_k": None}
    return (
        changed(common, crystal, name),
        changed(common, relax, name),
        changed(common, fusion | last, name),
    )


def _plan(
    settings: FusionConfig,
    misorientation: Misorientation,
    seed: int,
    rate: ArrivalRate | None,
    stages: tuple[MDConfig, MDConfig, MDConfig],
) -> FusionRun:
    drive = settings.drive
    return FusionRun(
        dendrites=_apart(settings, misorientation),
        misorientation=misorientation,
        seed=seed,
        gap_angstrom=settings.dendrites.gap_angstrom,
        lag_ps=settings.dynamics.lag_ps,
        criteria=settings.criteria,
        repeats=settings.crystal.repeats,
        settled_ps=settings.crystal.equilibration_ps,
        rate=rate,
        growth=drive if isinstance(drive, Growth) else None,
        crystal=stages[0],
        relax=stages[1],
        fusion=stages[2],
    )


def _apart(settings: FusionConfig, misorientation: Misorientation) -> Dendrites:
    """The dendrites with their orientations, facing tips out of each other's reach."""
    pair = settings.dendrites
    facet = pair.slab.facet if pair.substrate is None else Grain().facet
    turned = Grain(
        facet=facet, angle_degrees=misorientation.angle_degrees, axis=misorientation.axis
    )
    changes: dict[str, object] = {"grains": (Grain(facet=facet), turned)}
    if pair.arrangement == "facing":
        changes["gap_angstrom"] = settings.dynamics.apart_angstrom
    return changed(pair, changes, "dendrites")


def _common(settings: FusionConfig) -> MDConfig:
    dynamics = settings.dynamics
    return MDConfig(
        potential=settings.potential,
        steps=1,
        timestep_fs=dynamics.timestep_fs,
        temperature_k=settings.temperature_k,
        ensemble=Langevin(friction_per_ps=2.0),
        # Twice the target, because half of it goes into vibrations of a lattice at rest.
        initial_temperature_k=2 * settings.temperature_k,
        output=_output(settings, settings.steps(dynamics.frame_every_ps)),
        dtype=dynamics.dtype,
    )


def _approaching(settings: FusionConfig, drive: Approach) -> dict[str, object]:
    """The cell alone changes its length along z."""
    return {
        "steps": settings.steps(drive.duration_ps),
        "ensemble": NPT(
            coupling="uniaxial",
            axis="z",
            pressure_gpa=AxisPressure(z=1e-3 * drive.pressure_mpa),
            tau_fs=drive.barostat_tau_fs,
        ),
    }


def _growing(
    settings: FusionConfig, drive: Growth, rate: ArrivalRate, atoms: Atoms
) -> dict[str, object]:
    """Atoms come from above, then none any more."""
    pair = settings.dendrites
    slab = pair.slab if pair.substrate is None else pair.substrate
    planes = np.unique(atoms.positions[atoms.arrays["grain"] == 0, 2].round(3))
    above = slab.fixed_layers + drive.friction_layers
    last = round(drive.atoms * rate.every_steps)
    friction_below = float(0.5 * (planes[above - 1] + planes[above]))
    deposit = Deposit(
        element=pair.element,
        arrivals=drive.times,
        last=last,
        height_angstrom=drive.height_angstrom,
        min_distance_angstrom=drive.min_distance_angstrom,
        temperature_k=drive.temperature_k,
        lateral=drive.lateral,
        **drive.rate.model_dump(exclude_none=True),
    )
    return {
        "steps": last + settings.steps(drive.rest_ps),
        "ensemble": Langevin(
            friction_per_ps=drive.friction_per_ps,
            friction_on=FrictionOn(below_z_angstrom=friction_below),
        ),
        "lid": Lid(above_highest_angstrom=pair.vacuum_angstrom - CLEARANCE),
        "events": (deposit,),
    }


def _output(settings: FusionConfig, every: int) -> Output:
    return Output(
        thermo_every=100,
        trajectory_every=every,
        checkpoint_every=settings.dynamics.checkpoint_every,
    )
