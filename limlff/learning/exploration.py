"""Exploring: runs of molecular dynamics side by side, and what is cut out of their frames.

A run that a guard stops gives the frames until then, and says why; that is no failure.
"""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from jaxtyping import Float

from limlff.errors import InputError
from limlff.frames.distances import wrapped_positions
from limlff.frames.frame import Frame
from limlff.learning.campaign import Campaign, Runs
from limlff.learning.cut import cut_frame
from limlff.learning.cut_file import write_cuts
from limlff.learning.soap import SoapSpace
from limlff.learning.task_folder import claim
from limlff.learning.tasks import Cost
from limlff.learning.time_limit import TimeLimit
from limlff.md.config import MDConfig
from limlff.md.guards.stop import RunStopped, Stop
from limlff.md.output.checkpoint import checkpoint_files, read_checkpoint
from limlff.md.output.names import CHECKPOINTS, TRAJECTORY
from limlff.md.output.trajectory import Trajectory
from limlff.md.resume import resume_md
from limlff.md.runner import run_md
from limlff.md.system.structure import read_structure
from limlff.named_potential import load
from limlff.potential import Potential
from limlff.training.uncertainty.frames import grade_frames

CUTS = "cuts.json"

Grade = Callable[[list[Frame]], list[Float[np.ndarray, " atoms"]]]
"""Extrapolation grades of the atoms of frames."""

_BLOCK_FRAMES = 64
"""Frames that are assessed at a time."""

_SEEDS = 2**63
_SEEDS_APART = 1000
_HIGHEST_GRADE = 1e6
_LAST_GOOD = "{}, last state before a guard stopped it"


@dataclass(frozen=True)
class ExploreRun:
    """One run.

    Attributes:
        name: Of its folder, unlike all others of an iteration.
        kind: Kind of configuration.
        config: Settings of the run; the potential is that of the iteration.
        strain: By how much the structure is stretched.
    """

    name: str
    kind: str
    config: MDConfig
    strain: float


@dataclass(frozen=True)
class Harvest:
    """What is taken from a run.

    Attributes:
        min_grade: Grade above which an atom is uncertain.
        core_radius: Radius of what is kept around one (Å); None for the cutoff of the potential.
        max_atoms: Most atoms of a cell.
        cuts_per_frame: Most cells of a frame.
        frames: Most frames of the run.
        soap: What grades atoms, if the potential has no grade.
    """

    min_grade: float
    core_radius: float | None
    max_atoms: int
    cuts_per_frame: int
    frames: int
    soap: SoapSpace | None = None


def harvest_of(campaign: Campaign) -> Harvest:
    """What a campaign takes from each run."""
    return Harvest(
        campaign.cut.min_grade,
        campaign.cut.core_radius_angstrom,
        campaign.labeller.max_atoms,
        campaign.cut.cuts_per_frame,
        campaign.explore.frames_per_run,
    )


def runs_of(campaign: Campaign, potential: str, iteration: int) -> list[ExploreRun]:
    """All runs of an iteration."""
    runs: list[ExploreRun] = []
    turn = iteration if campaign.explore.vary_seeds else 0
    first_seed = _first_seed(campaign, turn)
    for kind in campaign.runs:
        for path, temperature, pressure, strain in _combinations(kind):
            number = len(runs)
            changes: dict[str, Any] = {
                "potential": potential,
                "structure": path,
                "temperature_k": temperature,
                "seed": (first_seed + number) % _SEEDS,
            }
            if pressure is not None:
                pressed = {"pressure_gpa": pressure}
                changes["ensemble"] = kind.md.ensemble.model_copy(update=pressed)
            config = kind.md.model_copy(update=changes)
            name = f"{number:03d}-{_as_name(kind.kind)}"
            runs.append(ExploreRun(name, kind.kind, config, strain))
    return runs


def _first_seed(campaign: Campaign, turn: int) -> int:
    """Seed of the first run: none of another iteration has one of those that follow."""
    runs = sum(len(list(_combinations(kind))) for kind in campaign.runs)
    apart = _SEEDS_APART * -(-runs // _SEEDS_APART)
    return 100 * apart * campaign.seed + apart * turn


def _combinations(kind: Runs) -> Iterator[tuple[Path, float, float | None, float]]:
    pressures: tuple[float | None, ...] = kind.pressures_gpa or (None,)
    return itertools.product(kind.structures, kind.temperatures_k, pressures, kind.strains)


def _as_name(text: str) -> str:
    """Text as part of the name of a folder."""
    return "-".join(re.findall(r"[^\W_]+", text))[:40].rstrip("-")


def explore(
    folder: Path,
    key: str,
    run: ExploreRun,
    harvest: Harvest,
    limit: TimeLimit,
    tell: Callable[..., None],
) -> dict[str, Any]:
    """Run, or go on with a run, and cut out what is uncertain; in a process of its own.

    Args:
        folder: Folder of the run; the cuts are written there.
        key: Key of the task; what another one has left in the folder is removed.
        run: The run.
        harvest: What is taken from it.
        limit: When it is left with a checkpoint.
        tell: Told the result and the cost at the end.

    Returns:
        Numbers of `frames` that the run should have given, and of those that are `uncertain`, to
        which what a guard has kept it from counts; number of `cuts`; the `stop` by a guard in
        words, or None.

    Raises:
        OutOfTime: If a signal came or the time is over.
    """
    begin, cores = time.monotonic(), time.process_time()
    potential = load(run.config.potential)
    claim(folder, key)
    stop = _run(run, folder, potential, limit)
    grade = harvest.soap.grades if harvest.soap else partial(grade_frames, potential)
    written, uncertain = _uncertain_frames(run, harvest, folder, grade, stop)
    radius = harvest.core_radius or potential.cutoff
    cuts = []
    for index in _evenly(len(uncertain), harvest.frames):
        frame, grades = uncertain[index]
        cuts += cut_frame(frame, grades, radius, harvest.max_atoms, harvest.cuts_per_frame)
    write_cuts(cuts, folder / CUTS)
    planned = run.config.steps // run.config.output.trajectory_every + 1
    missing = planned - written if stop else 0
    result = {
        "frames": written + missing,
        "uncertain": min(len(uncertain), written) + missing,
        "cuts": len(cuts),
        "stop": stop.sentence if stop else None,
    }
    tell(run.name, result, Cost(time.process_time() - cores, time.monotonic() - begin))
    return result


def _run(run: ExploreRun, folder: Path, potential: Potential, limit: TimeLimit) -> Stop | None:
    """Molecular dynamics to the end; how a guard stopped it, if one did."""
    try:
        if checkpoint_files(folder / CHECKPOINTS):
            resume_md(folder, potential, progress=False, max_runtime_seconds=limit.left)
        else:
            atoms = stretched(read_structure(run.config.structure), run.strain)
            run_md(
                run.config,
                folder,
                atoms,
                potential,
                progress=False,
                force=True,
                max_runtime_seconds=limit.left,
            )
    except RunStopped as stopped:
        return stopped.stop
    return None


def stretched(atoms: Atoms, strain: float) -> Atoms:
    """The structure stretched along its periodic axes, positions with the cell."""
    if strain and not np.any(atoms.pbc):
        raise InputError(f"a strain of {strain:g} needs a periodic structure; take 'strains' out")
    factors = np.where(atoms.pbc, 1.0 + strain, 1.0)
    atoms.set_cell(atoms.cell.array * factors[:, None], scale_atoms=True)
    return atoms


def _uncertain_frames(
    run: ExploreRun, harvest: Harvest, folder: Path, grade: Grade, stop: Stop | None
) -> tuple[int, list[tuple[Frame, Float[np.ndarray, " atoms"]]]]:
    """Number of frames of the trajectory, and frames with the grades of uncertain atoms."""
    written = 0
    uncertain: list[tuple[Frame, Float[np.ndarray, " atoms"]]] = []
    for block in _blocks(run, folder, stop):
        written += sum(frame.origin != _LAST_GOOD.format(run.name) for frame in block)
        for frame, found in zip(block, grade(block), strict=True):
            grades = np.where(found > harvest.min_grade, found, 0.0)
            if np.any(grades > 0):  # an element that was never trained on has an infinite grade
                uncertain.append((frame, np.minimum(grades, _HIGHEST_GRADE)))
    return written, uncertain


def _blocks(run: ExploreRun, folder: Path, stop: Stop | None) -> Iterator[list[Frame]]:
    """Frames of a run, some at a time; the last, where a guard stopped it, is its last good state.

    Atoms are in the cell, where codes of DFT want them.
    """
    periodic = np.asarray(read_structure(run.config.structure).pbc)

    def frame_of(origin: str, numbers: Any, positions: Any, cell: Any) -> Frame:
        places = np.asarray(positions, float)
        frame = Frame(numbers, places, np.asarray(cell), periodic, group=run.kind, origin=origin)
        return replace(frame, positions=wrapped_positions(frame))

    with Trajectory(folder / TRAJECTORY) as trajectory:
        for start in range(0, len(trajectory), _BLOCK_FRAMES):
            block = []
            for index in range(start, min(start + _BLOCK_FRAMES, len(trajectory))):
                taken = trajectory[index]
                origin = f"{run.name}, step {taken.step}"
                block.append(frame_of(origin, taken.numbers, taken.positions, taken.cell))
            yield block
    if stop is not None and "checkpoint" in stop.files:
        kept = read_checkpoint(stop.files["checkpoint"])
        positions = np.asarray(kept.state.positions)[: len(kept.numbers)]
        yield [frame_of(_LAST_GOOD.format(run.name), kept.numbers, positions, kept.state.cell)]


def _evenly(count: int, most: int) -> list[int]:
    """Indices of at most so many of `count` things, evenly spaced, the last always among them."""
    if count <= most:
        return list(range(count))
    return [int(index) for index in np.linspace(0, count - 1, most + 1)[1:].round()]
