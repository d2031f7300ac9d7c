"""What each run of the healing study needs, from its settings."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from pydantic import TypeAdapter

from limlff.md.config import NPT, AxisPressure, MDConfig, Output
from limlff.structures.host import Crystal, Host, Lattice, build_host
from limlff.structures.void import Shape
from limlff.workflows.healing.config import (
    Cavity,
    Closed,
    Dynamics,
    HealingConfig,
    Reference,
    pressure_name,
)


@dataclass(frozen=True)
class HealingRun:
    """What a run needs.

    Attributes:
        pressure_gpa: Pressure (GPa).
        host: What the hole is cut into.
        lattice: Its metal.
        sites: Its atoms.
        hole: The hole to be cut.
        seed: Which of the runs that are alike, from the seed of the study up.
        is_moved: Whether the hole is cut at a place of its own in the crystal, within one cell.
        crystal: Name of its perfect crystal, which several runs may share.
        is_shared: Whether they do.
        is_first: Whether it is the first of these.
        has_volume: Whether the void volume is measured.
        reference: Times of the perfect crystal.
        closed: When the hole counts as closed.
        duration_ps: Longest time of the run with the hole (ps).
        frame_every_ps: Time between frames (ps).
        near_angstrom: Reach of what is near the hole (Å).
        lag_ps: Time over which displacements are measured (ps).
        sides_md: Molecular dynamics that finds the lengths of the sides, without pressure; None if
            they change.
        crystal_md: Molecular dynamics of the perfect crystal.
        hole_md: Molecular dynamics with the hole.
    """

    pressure_gpa: float
    host: Host
    lattice: Lattice
    sites: int
    hole: Cavity
    seed: int
    is_moved: bool
    crystal: str
    is_shared: bool
    is_first: bool
    has_volume: bool
    reference: Reference
    closed: Closed
    duration_ps: float
    frame_every_ps: float
    near_angstrom: float
    lag_ps: float
    sides_md: MDConfig | None
    crystal_md: MDConfig
    hole_md: MDConfig

    @property
    def element(self) -> str:
        """Chemical symbol of the metal with the hole."""
        return self.lattice.element

    @property
    def steps(self) -> int:
        """Steps at most; those of a crystal that is shared count in the first run alone."""
        sides = self.sides_md.steps if self.sides_md else 0
        return self.hole_md.steps + (self.crystal_md.steps + sides if self.is_first else 0)

    @property
    def atom_steps(self) -> int:
        """Atoms times steps, at most."""
        return self.sites * self.steps


def plan_runs(settings: HealingConfig) -> Iterator[tuple[str, HealingRun]]:
    """All runs by name: seeds first, so that a study cut short has something of everything."""
    kinds = list(itertools.product(settings.sizes, settings.pressures_gpa))
    for repeat in range(settings.sweep.seeds):
        for number, shape in enumerate(settings.shapes):
            for place, (missing, pressure) in enumerate(kinds):
                crystal = _crystal_md(settings, pressure, 1000 * settings.seed + 2 * place)
                # apart by less than 1000 in all: the next seed of the study begins there
                seed = crystal.seed + 1 + 300 * number + 1000 * repeat
                yield (
                    _name(settings, missing, shape, pressure, repeat),
                    _plan(settings, missing, shape, pressure, repeat, crystal, seed),
                )


def _name(settings: HealingConfig, missing: int, shape: Shape, pressure: float, repeat: int) -> str:
    name = pressure_name(pressure)
    if not settings.is_sweep:
        return name
    return f"{missing}-{shape}-{name}-seed{settings.seed + repeat}"


def _plan(
    settings: HealingConfig,
    missing: int,
    shape: Shape,
    pressure: float,
    repeat: int,
    crystal: MDConfig,
    seed: int,
) -> HealingRun:
    dynamics, sweep = settings.dynamics, settings.sweep
    several = len(settings.shapes) * sweep.seeds > 1
    hole = {
        "seed": seed,
        "steps": settings.steps(dynamics.duration_ps),
        "initial_velocities": "file",
    }
    if sweep.seeds > 1:  # drawn anew, at the temperature that the crystal already has
        hole |= {"initial_velocities": "maxwell_boltzmann", "initial_temperature_k": None}
    name = pressure_name(pressure)
    lattice = Lattice(settings.element, settings.lattice_constant, settings.cells(missing))
    return HealingRun(
        pressure_gpa=pressure,
        host=settings.host,
        lattice=lattice,
        sites=_sites(settings.host, lattice),
        hole=settings.hole.model_copy(update={"missing_atoms": missing, "shape": shape}),
        seed=settings.seed + repeat,
        is_moved=sweep.seeds > 1,
        crystal=f"{missing}-{name}" if settings.is_sweep else name,
        is_shared=several,
        is_first=repeat == 0 and shape == settings.shapes[0],
        has_volume=not settings.is_sweep,
        reference=settings.reference,
        closed=settings.closed,
        duration_ps=dynamics.duration_ps,
        frame_every_ps=dynamics.frame_every_ps,
        near_angstrom=settings.near_angstrom,
        lag_ps=settings.mobility_lag_ps,
        sides_md=_sides_md(settings, crystal),
        crystal_md=crystal,
        hole_md=crystal.model_copy(update=hole),
    )


def _crystal_md(settings: HealingConfig, pressure: float, seed: int) -> MDConfig:
    dynamics, reference = settings.dynamics, settings.reference
    every = settings.steps(dynamics.frame_every_ps)
    return MDConfig(
        potential=settings.potential,
        seed=seed,
        steps=settings.steps(reference.equilibration_ps + reference.duration_ps),
        timestep_fs=dynamics.timestep_fs,
        temperature_k=settings.temperature_k,
        ensemble=_ensemble(dynamics, pressure),
        # Twice the target, because half of it goes into vibrations of a lattice at rest.
        initial_temperature_k=2 * settings.temperature_k,
        output=Output(thermo_every=50, trajectory_every=every, checkpoint_every=20 * every),
        dtype=dynamics.dtype,
    )


def _ensemble(dynamics: Dynamics, pressure: float) -> NPT:
    sides, tau = dynamics.sides_gpa, dynamics.barostat_tau_fs
    if dynamics.coupling == "uniaxial":
        return NPT(coupling="uniaxial", axis="z", pressure_gpa=pressure, tau_fs=tau)
    if sides is not None:
        per_axis = AxisPressure(x=sides, y=sides, z=pressure)
        return NPT(coupling="axes", pressure_gpa=per_axis, tau_fs=tau)
    return NPT(coupling=dynamics.coupling, pressure_gpa=pressure, tau_fs=tau)


def _sides_md(settings: HealingConfig, crystal: MDConfig) -> MDConfig | None:
    """Dynamics without pressure along any axis, of a host whose sides are to keep their lengths."""
    if settings.dynamics.coupling != "uniaxial":
        return None
    free = NPT(coupling="axes", pressure_gpa=0.0, tau_fs=settings.dynamics.barostat_tau_fs)
    return crystal.model_copy(update={"ensemble": free})


@lru_cache(maxsize=64)
def _sites_of(kind: str, lattice: Lattice) -> int:
    host: Host = TypeAdapter(Host).validate_json(kind)
    return len(build_host(host, lattice))


def _sites(host: Host, lattice: Lattice) -> int:
    if isinstance(host, Crystal):
        return 2 * math.prod(lattice.repeats)
    return _sites_of(host.model_dump_json(), lattice)
