"""Molecular dynamics of the deposition study: plating, a rest without arrivals, stripping."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from ase import Atoms
from ase.io import write

from limlff.atomic_file import replaced_when_whole
from limlff.catalog import find_potential
from limlff.errors import OutOfTime
from limlff.md.config import MDConfig
from limlff.md.output.cutout import cut_out
from limlff.md.output.names import THERMO, TRAJECTORY
from limlff.md.output.thermo import read_thermo
from limlff.md.output.trajectory import Trajectory
from limlff.potential_file import load_potential
from limlff.structures.settings import build_slab
from limlff.workflows.as_json import as_json
from limlff.workflows.deposition.growth import Growth, Stranger, atoms_of, with_grades
from limlff.workflows.deposition.plan import MONOLAYER, PlatingRun
from limlff.workflows.deposition.rest import Rest, measure_rest
from limlff.workflows.series import TimeSeries, Unmeasured
from limlff.workflows.workspace import Workspace

Ended = Literal["all stages done", "out of time"]

UNCERTAIN = "uncertain.extxyz"
"""Name of the file, in the folder of a run, with surroundings that the potential does not know."""

_MOST_CUTS, _CUT_ATOMS = 10, 60  # of a stage; DFT bears so many atoms

_THINNEST = 0.08
"""Atoms per area (1/Å^2) of the thinnest layers that films come in, Li(100) and what is like it."""
_SPARE_LAYERS = 2  # that are followed beyond those that are plated


@dataclass(frozen=True)
class Outcome:
    """One run's results.

    Attributes:
        name: Name of the run.
        run: What it was.
        plating: Numbers against time while the film grows; see `Growth.observe` and `with_grades`.
        rest: The film after that; None if time was up before.
        stripping: Numbers against time while it is taken away; None without it.
        ended: How far the run came.
        temperature_k: Mean over the second half of the plating (K).
        uncertain: Surroundings written to `UNCERTAIN`.
        timing: Wall time of each plated atom (s), and parts of the run that analysis takes.
    """

    name: str
    run: PlatingRun
    plating: TimeSeries
    rest: Rest | None
    stripping: TimeSeries | None
    ended: Ended
    temperature_k: float
    uncertain: int
    timing: dict[str, float]

    @property
    def plated(self) -> np.ndarray:
        """Amount plated in each frame of the plating, in layers."""
        return self.plating.columns["atoms"] / self.run.per_layer

    def to_json(self) -> dict[str, Any]:
        """All results as JSON holds them."""
        run = self.run
        return {
            "slab": run.slab.model_dump(mode="json"),
            "rate": asdict(run.rate),
            "seed": run.seed,
            "atoms_per_layer": run.per_layer,
            "ended": self.ended,
            "plating": self.plating.to_json(),
            "rest": as_json(self.rest),
            "stripping": self.stripping.to_json() if self.stripping else None,
            "temperature_k": self.temperature_k,
            "uncertain_surroundings": self.uncertain,
            "timing": self.timing,
        }


def simulate(run: PlatingRun, workspace: Workspace) -> Outcome:
    """Plate, rest, strip, as far as time allows.

    Raises:
        OutOfTime: If a signal came, or not even a frame could be made.
    """
    potential = load_potential(find_potential(run.plating.potential))
    begin = time.monotonic()
    plating, atoms, analysis = _grow("plating", run, run.plating, build_slab(run.slab), workspace)
    wall = time.monotonic() - begin
    rest, stripping = None, None
    if atoms is not None:
        rest, atoms = _rest(run, atoms, workspace)
    if atoms is not None and run.stripping is not None:
        stripping, atoms, _ = _grow("stripping", run, run.stripping, atoms, workspace)
    begin = time.monotonic()
    plating, strangers = with_grades(plating, potential, workspace.frames("plating"))
    found = {"plating": strangers}
    if stripping is not None:
        stripping, found["stripping"] = with_grades(
            stripping, potential, workspace.frames("stripping")
        )
    cuts = _write_uncertain(found, potential.cutoff, workspace)
    grading = time.monotonic() - begin
    return Outcome(
        name=workspace.run,
        run=run,
        plating=plating,
        rest=rest,
        stripping=stripping,
        ended="out of time" if atoms is None else "all stages done",
        temperature_k=_temperature(workspace.folder("plating")),
        uncertain=cuts,
        timing={
            "seconds_per_plated_atom": wall / max(1.0, float(plating.columns["atoms"][-1])),
            "analysis_share": analysis / max(wall, 1e-9),
            "grading_share": grading / max(wall, 1e-9),
        },
    )


def _grow(
    stage: str, run: PlatingRun, settings: MDConfig, atoms: Atoms, workspace: Workspace
) -> tuple[TimeSeries, Atoms | None, float]:
    """A stage in which the film grows or shrinks: numbers, the last state, time of the analysis."""
    followed = math.ceil(run.layers * MONOLAYER / _THINNEST) + _SPARE_LAYERS
    growth = Growth(run.slab.element, run.film, followed)
    last = workspace.dynamics(stage, settings, atoms, growth)
    series = growth.series()
    if not len(series.time_ps):
        raise OutOfTime(
            f"{workspace.folder(stage)}: time was up before the first frame; increase "
            "max_runtime_minutes"
        )
    return series, last.atoms, growth.seconds


def _rest(run: PlatingRun, atoms: Atoms, workspace: Workspace) -> tuple[Rest | None, Atoms | None]:
    """The time without arrivals: means over it, and the last state; None if time was up."""
    last = workspace.dynamics("rest", run.rest, atoms, Unmeasured("rest"))
    if last.atoms is None:
        return None, None
    frames = list(workspace.frames("rest"))
    return measure_rest(frames, run.slab.element, run.film, run.lag_ps), last.atoms


def _temperature(folder: Path) -> float:
    """Mean of the second half of a thermo table (K)."""
    kelvin = np.asarray(read_thermo(folder / THERMO)["temperature_k"])
    return float(kelvin[len(kelvin) // 2 :].mean())


def _write_uncertain(
    strangers: dict[str, list[Stranger]], radius: float, workspace: Workspace
) -> int:
    """Cut the surroundings of the most uncertain atom out of frames of each stage."""
    cuts = []
    for stage, found in strangers.items():
        chosen = np.unique(np.linspace(0, len(found) - 1, min(len(found), _MOST_CUTS)).astype(int))
        with Trajectory(workspace.folder(stage) / TRAJECTORY) as trajectory:
            for each in (found[index] for index in chosen):
                frame = trajectory[each.frame]
                try:
                    cut = cut_out(atoms_of(frame), each.atom, radius, _CUT_ATOMS)
                except ValueError:  # no cell is small enough
                    continue
                cut.info |= {"stage": stage, "grade": each.grade, "time_ps": 1e-3 * frame.time_fs}
                cuts.append(cut)
    path = workspace.folder("plating") / UNCERTAIN
    path.unlink(missing_ok=True)
    if cuts:
        with replaced_when_whole(path) as temporary:
            write(temporary, cuts, format="extxyz")
    return len(cuts)
