"""Molecular dynamics of the healing study: a perfect crystal, then the same with a hole."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers

from limlff.analysis.local_order import Order, classify
from limlff.analysis.mobility import internal_coordinates, square_displacements
from limlff.analysis.voids import LayeredDensity, layered_density
from limlff.errors import InputError, OutOfTime
from limlff.folder_lock import holder_of, locked
from limlff.md.output.trajectory import TrajectoryFrame
from limlff.structures.host import CopperInterface, Crystal, build_host, other_plane, place_in
from limlff.structures.void import Hole, cut_hole
from limlff.workflows.healing.analysis import Neighborhood, Reference, RunAnalysis
from limlff.workflows.healing.outcome import Ended, Outcome, PerfectCrystal
from limlff.workflows.healing.plan import HealingRun
from limlff.workflows.series import Unmeasured, block_error
from limlff.workflows.workspace import News, Workspace

_SHARED = "shared"  # folder in that of a shared crystal, whose lock says who is at work on it
_WAIT_SECONDS = 0.5

MIDDLE = 5.0
"""Distance from the middle between two faces of copper within which it is lithium alone (Å)."""


def simulate(run: HealingRun, workspace: Workspace) -> Outcome:
    """One run: equilibrate the perfect crystal, cut the hole, and watch it.

    Raises:
        OutOfTime: If time was up before a hole could be cut, or a signal came.
    """
    perfect, crystal = equilibrate(run, workspace)
    atoms, hole = hole_of(run, perfect)
    surroundings = Neighborhood(
        centre=hole.centre,
        near=hole.radius + run.near_angstrom,
        far=hole.radius + 2 * run.near_angstrom,
    )
    reference = Reference(1 / crystal.volume_per_atom, atomic_numbers[run.element], crystal.layers)
    analysis = RunAnalysis(reference, surroundings, run.lag_ps, run.closed, run.has_volume)
    last = workspace.dynamics("hole", run.hole_md, atoms, analysis)
    ended: Ended = "hole closed"
    if not last.finished:
        ended = "out of time"
    elif analysis.time_ps[-1] > run.duration_ps - 0.5 * run.frame_every_ps:
        ended = "duration reached"
    return Outcome(
        name=workspace.folder("hole").name,
        run=run,
        crystal=crystal,
        hole=hole,
        series=analysis.series(),
        closed_at_ps=analysis.closed_at_ps,
        ended=ended,
        speed=last.speed,
        atoms=len(atoms),
    )


def hole_of(run: HealingRun, perfect: Atoms) -> tuple[Atoms, Hole]:
    """The crystal with the hole of a run, which is moved within a cell if runs are to differ."""
    x, y, z = place_in(run.host, perfect, run.element, run.hole.centre)
    if run.is_moved:
        offset = np.random.default_rng(run.hole_md.seed).random(3) - 0.5
        if not isinstance(run.host, Crystal):
            offset[2] = 0.0  # it stays at its boundary
        offset *= run.lattice.constant / perfect.cell.lengths()
        x, y, z = map(float, (np.array([x, y, z]) + offset) % 1.0)
    return cut_hole(perfect, run.hole.missing_atoms, run.hole.shape, (x, y, z), run.element)


def equilibrate(run: HealingRun, workspace: Workspace) -> tuple[Atoms, PerfectCrystal]:
    """A perfect crystal at the temperature and pressure of a run.

    A crystal that several runs share is computed by the first that comes; the others wait for it.

    Returns:
        Its last configuration with velocities, and its averages.

    Raises:
        OutOfTime: If the time does not suffice for it.
    """
    place = replace(workspace, run=run.crystal)
    with ExitStack() as stack:
        if run.is_shared:
            place = replace(place, resume=True)  # of this study: what was there before was cleared
            _wait_for(place, stack)
        atoms = _with_sides(run, place)
        last = place.dynamics("crystal", run.crystal_md, atoms, Unmeasured("perfect crystal"))
    if last.atoms is None:
        raise _crystal_alone(place)
    return last.atoms, _averages(run, place, len(atoms))


def _with_sides(run: HealingRun, place: Workspace) -> Atoms:
    """The host as built, or with sides as long as they are without pressure."""
    atoms = build_host(run.host, run.lattice)
    if run.sides_md is None:
        return atoms
    last = place.dynamics("sides", run.sides_md, atoms, Unmeasured("its sides"))
    if last.atoms is None:
        raise _crystal_alone(place)
    begin_fs = 1e3 * run.reference.equilibration_ps
    cells = [frame.cell for frame in place.frames("sides") if frame.time_fs >= begin_fs]
    lengths = np.mean([np.diag(cell) for cell in cells], axis=0)
    atoms.set_cell([lengths[0], lengths[1], atoms.cell.array[2, 2]], scale_atoms=True)
    return atoms


def _wait_for(place: Workspace, stack: ExitStack) -> None:
    """Have a shared crystal to oneself; until then another run is at work on it."""
    folder: Path = place.folder("crystal") / _SHARED
    while True:
        try:
            stack.enter_context(locked(folder))
        except InputError:
            if time.monotonic() > place.deadline:
                raise _crystal_alone(place) from None
            if holder_of(folder) is None:
                stack.enter_context(locked(folder))  # let go of in between, or it cannot be locked
                return
            place.tell(News(place.run, place.folder("crystal").name, 0.0, "waits for it"))
            time.sleep(_WAIT_SECONDS)
        else:
            return


def _crystal_alone(place: Workspace) -> OutOfTime:
    return OutOfTime(
        f"{place.folder('crystal')}: the perfect crystal alone took all of the time allowed; "
        "increase max_runtime_minutes, or make reference.duration_ps shorter"
    )


def _averages(run: HealingRun, place: Workspace, atoms: int) -> PerfectCrystal:
    begin_fs = 1e3 * run.reference.equilibration_ps
    frames = [frame for frame in place.frames("crystal") if frame.time_fs >= begin_fs]
    volumes = np.array([abs(np.linalg.det(frame.cell)) for frame in frames]) / atoms
    own = frames[0].numbers == atomic_numbers[run.element]
    found = [np.mean(classify(f.positions, f.cell)[own] == Order.BCC) for f in frames[::4]]
    coordinates = internal_coordinates(
        np.array([f.positions for f in frames]), np.array([f.cell for f in frames])
    )
    lag = min(round(run.lag_ps / run.frame_every_ps), len(frames) - 1)
    layers = _layers(frames, ~own) if isinstance(run.host, CopperInterface) else None
    return PerfectCrystal(
        volume_per_atom=float(volumes.mean()) if layers is None else 1 / _in_the_middle(layers),
        volume_error=block_error(volumes),
        bcc=float(np.mean(found)),
        msd=float(square_displacements(coordinates, lag)[:, own].mean()),
        layers=layers,
    )


def _layers(frames: list[TrajectoryFrame], is_copper: np.ndarray) -> LayeredDensity:
    """Density against the distance from the middle of the copper."""
    return layered_density(
        [
            (f.positions, f.cell, other_plane(f.positions[:, 2], is_copper, float(f.cell[2, 2])))
            for f in frames
        ]
    )


def _in_the_middle(layers: LayeredDensity) -> float:
    """Density of the metal in the middle between two faces of copper (1/Å^3)."""
    last = max(1, round(MIDDLE / layers.spacing))
    return float(layers.values[-last:].mean())
