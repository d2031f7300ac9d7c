"""Molecular dynamics of the healing study: at each pressure a perfect crystal and a holed one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from ase import Atoms

from limlff.analysis.local_order import Order, classify
from limlff.analysis.mobility import internal_coordinates, square_displacements
from limlff.errors import OutOfTime
from limlff.md.config import NPT, MDConfig, Output
from limlff.structures.lattice import bcc_supercell
from limlff.structures.void import Hole, cut_hole
from limlff.workflows.healing.analysis import Neighborhood, RunAnalysis, RunSeries
from limlff.workflows.healing.config import Cavity, Closed, HealingConfig, Reference
from limlff.workflows.series import Unmeasured, block_error
from limlff.workflows.workspace import Workspace

Ended = Literal["hole closed", "duration reached", "out of time"]


@dataclass(frozen=True)
class HealingRun:
    """What the run at one pressure needs.

    Attributes:
        pressure_gpa: Pressure (GPa).
        element: Chemical symbol of the crystal.
        lattice_constant: First guess (Å).
        repeats: Cubic cells along x, y, z.
        hole: The hole to be cut.
        reference: Times of the perfect crystal.
        closed: When the hole counts as closed.
        duration_ps: Longest time of the run with the hole (ps).
        frame_every_ps: Time between frames (ps).
        near_angstrom: Reach of what is near the hole (Å).
        lag_ps: Time over which displacements are measured (ps).
        crystal_md: Molecular dynamics of the perfect crystal.
        hole_md: Molecular dynamics with the hole.
    """

    pressure_gpa: float
    element: str
    lattice_constant: float
    repeats: tuple[int, int, int]
    hole: Cavity
    reference: Reference
    closed: Closed
    duration_ps: float
    frame_every_ps: float
    near_angstrom: float
    lag_ps: float
    crystal_md: MDConfig
    hole_md: MDConfig


@dataclass(frozen=True)
class PerfectCrystal:
    """Averages over the perfect crystal at one pressure.

    Attributes:
        volume_per_atom: Volume per atom (Å^3).
        volume_error: Its standard error (Å^3), from four blocks of time; nan for a single frame.
        bcc: Fraction of atoms that the analysis finds in bcc order: one, but for its own errors.
        msd: Mean-square displacement over the study's lag (Å^2), here of vibrations alone.
    """

    volume_per_atom: float
    volume_error: float
    bcc: float
    msd: float

    @property
    def lattice_constant(self) -> float:
        """Edge of the cubic cell (Å)."""
        return float(np.cbrt(2 * self.volume_per_atom))

    @property
    def lattice_error(self) -> float:
        """Standard error of the lattice constant (Å); nan if there are too few frames for it."""
        return self.lattice_constant * self.volume_error / self.volume_per_atom / 3


@dataclass(frozen=True)
class Outcome:
    """One pressure's results.

    Attributes:
        name: Name of the run's folder.
        pressure_gpa: Pressure (GPa).
        crystal: The perfect crystal.
        hole: The hole as it was cut.
        series: Numbers against time.
        closed_at_ps: When the hole was closed; None if it was not.
        ended: Why the run ended.
        speed: Wall time per atom and step (µs); nan if this process took none.
        atoms: Number of atoms.
    """

    name: str
    pressure_gpa: float
    crystal: PerfectCrystal
    hole: Hole
    series: RunSeries
    closed_at_ps: float | None
    ended: Ended
    speed: float
    atoms: int

    @property
    def label(self) -> str:
        """The run's name in legends and headings."""
        return f"{self.pressure_gpa:g} GPa"

    def to_json(self) -> dict[str, Any]:
        """All results as JSON holds them."""
        return {
            "name": self.name,
            "pressure_gpa": self.pressure_gpa,
            "atoms": self.atoms,
            "removed_atoms": self.hole.missing_atoms,
            "hole_radius_angstrom": self.hole.radius,
            "closed_at_ps": self.closed_at_ps,
            "ended": self.ended,
            "microseconds_per_atom_step": self.speed,
            "perfect_crystal": asdict(self.crystal)
            | {"lattice_constant": self.crystal.lattice_constant},
            "series": self.series.to_json(),
        }


def plan_run(settings: HealingConfig, index: int) -> HealingRun:
    """What one of the runs of a study needs.

    Args:
        settings: The study.
        index: Which pressure.
    """
    dynamics, reference = settings.dynamics, settings.reference
    every = settings.steps(dynamics.frame_every_ps)
    crystal = MDConfig(
        potential=settings.potential,
        seed=1000 * settings.seed + 2 * index,
        steps=settings.steps(reference.equilibration_ps + reference.duration_ps),
        timestep_fs=dynamics.timestep_fs,
        temperature_k=settings.temperature_k,
        ensemble=NPT(
            coupling=dynamics.coupling,
            pressure_gpa=settings.pressures_gpa[index],
            tau_fs=dynamics.barostat_tau_fs,
        ),
        # Twice the target, because half of it goes into vibrations of a lattice at rest.
        initial_temperature_k=2 * settings.temperature_k,
        output=Output(thermo_every=50, trajectory_every=every, checkpoint_every=20 * every),
        dtype=dynamics.dtype,
    )
    hole = {
        "seed": crystal.seed + 1,
        "steps": settings.steps(dynamics.duration_ps),
        "initial_velocities": "file",
    }
    return HealingRun(
        pressure_gpa=settings.pressures_gpa[index],
        element=settings.element,
        lattice_constant=settings.lattice_constant,
        repeats=settings.repeats,
        hole=settings.hole,
        reference=reference,
        closed=settings.closed,
        duration_ps=dynamics.duration_ps,
        frame_every_ps=dynamics.frame_every_ps,
        near_angstrom=settings.near_angstrom,
        lag_ps=settings.mobility_lag_ps,
        crystal_md=crystal,
        hole_md=crystal.model_copy(update=hole),
    )


def simulate(run: HealingRun, workspace: Workspace) -> Outcome:
    """Run one pressure: equilibrate the perfect crystal, cut the hole, and watch it.

    Raises:
        OutOfTime: If time was up before a hole could be cut, or a signal came.
    """
    perfect, crystal = equilibrate(run, workspace)
    atoms, hole = cut_hole(perfect, run.hole.missing_atoms, run.hole.shape, run.hole.centre)
    surroundings = Neighborhood(
        centre=hole.centre,
        near=hole.radius + run.near_angstrom,
        far=hole.radius + 2 * run.near_angstrom,
    )
    analysis = RunAnalysis(1 / crystal.volume_per_atom, surroundings, run.lag_ps, run.closed)
    last = workspace.dynamics("hole", run.hole_md, atoms, analysis)
    ended: Ended = "hole closed"
    if not last.finished:
        ended = "out of time"
    elif analysis.time_ps[-1] > run.duration_ps - 0.5 * run.frame_every_ps:
        ended = "duration reached"
    return Outcome(
        name=workspace.folder("hole").name,
        pressure_gpa=run.pressure_gpa,
        crystal=crystal,
        hole=hole,
        series=analysis.series(),
        closed_at_ps=analysis.closed_at_ps,
        ended=ended,
        speed=last.speed,
        atoms=len(atoms),
    )


def equilibrate(run: HealingRun, workspace: Workspace) -> tuple[Atoms, PerfectCrystal]:
    """A perfect crystal at the temperature and one of the pressures.

    Returns:
        Its last configuration with velocities, and its averages.

    Raises:
        OutOfTime: If the time does not suffice for it.
    """
    atoms = bcc_supercell(run.element, run.lattice_constant, run.repeats)
    last = workspace.dynamics("crystal", run.crystal_md, atoms, Unmeasured("perfect crystal"))
    if last.atoms is None:
        raise OutOfTime(
            f"{workspace.folder('crystal')}: the perfect crystal alone took all of the time "
            "allowed; increase max_runtime_minutes, or make reference.duration_ps shorter"
        )
    begin_fs = 1e3 * run.reference.equilibration_ps
    frames = [frame for frame in workspace.frames("crystal") if frame.time_fs >= begin_fs]
    volumes = np.array([abs(np.linalg.det(frame.cell)) for frame in frames]) / len(atoms)
    found = [np.mean(classify(f.positions, f.cell) == Order.BCC) for f in frames[::4]]
    coordinates = internal_coordinates(
        np.array([f.positions for f in frames]), np.array([f.cell for f in frames])
    )
    lag = min(round(run.lag_ps / run.frame_every_ps), len(frames) - 1)
    averages = PerfectCrystal(
        volume_per_atom=float(volumes.mean()),
        volume_error=block_error(volumes),
        bcc=float(np.mean(found)),
        msd=float(square_displacements(coordinates, lag).mean()),
    )
    return last.atoms, averages
