"""Pictures of atoms: cross-sections at telling times, and the runs in three dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from limlff.analysis.cavities import find_cavities
from limlff.analysis.local_order import classify
from limlff.md.output.names import TRAJECTORY
from limlff.md.output.trajectory import Trajectory, TrajectoryFrame
from limlff.report.movie import AtomClasses, Movie, MovieFrame
from limlff.report.page import Figure
from limlff.workflows.fusion.cases import Case
from limlff.workflows.fusion.outcome import Outcome
from limlff.workflows.scene import ORDER_CLASSES, make_movie
from limlff.workflows.snapshots import Panel, draw_snapshots, slice_about, telling_frames
from limlff.workflows.stages import folder_name

DEPTH = 4.0
"""Half the thickness of a cross-section (Å)."""

COARSE = 0.75
"""Distance of the points that show a cavity (Å), half the width of its smearing."""

BODIES = AtomClasses(
    "where atoms were at the start",
    ("slab", "first dendrite", "second dendrite", "came later"),
    ("#c9ced6", "#0072b2", "#d55e00", "#e69f00"),
    usual="slab",
)
"""Grains of the start; of a bed every other dendrite is a second one."""


def draw_cross_sections(cases: Sequence[Case], out: Path) -> list[Figure]:
    """The first run of each case at telling times, by body and by local order."""
    rows_of_bodies, rows_of_order = [], []
    for case in cases:
        run = case.outcomes[0]
        with Trajectory(_folder(out, run) / TRAJECTORY) as trajectory:
            frames = {index: trajectory[index] for index in _telling(run)}
        titles = {index: f"{case.label}, {run.series.time_ps[index]:.3g} ps" for index in frames}
        rows_of_bodies.append([_panel(f, bodies(run, f), titles[i]) for i, f in frames.items()])
        volume = run.crystal.volume_per_atom
        rows_of_order.append(
            [_panel(f, classify(f.positions, f.cell, volume), titles[i]) for i, f in frames.items()]
        )
    when = (
        f"A slice of {2 * DEPTH:.0f} Å through the axes of the dendrites, seen along y, from the "
        "first run of each misorientation: at the start, when they have touched, merged, when the "
        "cavity was largest and when it was gone, and at the end; at equal times if nothing "
        "happened. "
    )
    by_body = Figure(
        out / "cross-sections.png",
        "How they meet",
        when + "Atoms are coloured by where they were at the start.",
        wide=True,
    )
    by_order = Figure(
        out / "cross-sections-order.png",
        "Order where they meet",
        when + "Atoms are coloured by their local order; those at surfaces are in disorder.",
        wide=True,
    )
    return [
        draw_snapshots(by_body, rows_of_bodies, BODIES),
        draw_snapshots(by_order, rows_of_order, ORDER_CLASSES),
    ]


def bodies(run: Outcome, frame: TrajectoryFrame) -> np.ndarray:
    """Class of each atom in `BODIES`."""
    members = run.pair.members
    found = np.full(len(frame.positions), BODIES.names.index("came later"))
    found[: len(members)] = np.where(members == 0, 0, 1 + (_turn(run)[members - 1]))
    return found


def _turn(run: Outcome) -> np.ndarray:
    """Of each dendrite, whether it is one of those that are turned."""
    count = int(run.pair.members.max())
    if run.run.dendrites.arrangement != "bed":
        return np.arange(count) % 2
    columns, rows = run.run.dendrites.bed
    return np.array([(i + j) % 2 for j in range(rows) for i in range(columns)])


def _telling(run: Outcome) -> list[int]:
    """Frames at which something happened, at most four between the first and the last."""
    happened = run.happened
    times = (happened.touched_ps, happened.merged_ps, happened.most_missing_ps, happened.gone_ps)
    events = sorted(time for time in times if time is not None)
    return telling_frames(run.series.time_ps, events, 5)


def _panel(frame: TrajectoryFrame, classes: np.ndarray, title: str) -> Panel:
    seen = slice_about(frame.positions, frame.cell, np.full(3, 0.5), DEPTH, "y")
    return Panel(seen, classes[seen.atoms], title)


def make_movies(cases: Sequence[Case], out: Path) -> list[Movie]:
    """The first run of each case in three dimensions, with its cavity."""
    return [_movie(case, case.outcomes[0], out) for case in cases]


def _movie(case: Case, run: Outcome, out: Path) -> Movie:
    volume = run.crystal.volume_per_atom

    def look(frame: TrajectoryFrame, index: int) -> MovieFrame:
        cavities = find_cavities(frame.positions, frame.cell, 1 / volume, COARSE)
        missing = run.series.columns["enclosed_missing"][index]
        neck = run.series.columns["neck_radius_angstrom"][index]
        return MovieFrame(
            time_ps=frame.time_fs * 1e-3,
            positions=frame.positions,
            cell=frame.cell,
            classes=[bodies(run, frame), classify(frame.positions, frame.cell, volume)],
            points=cavities.grid.cartesian(np.argwhere(cavities.is_hollow)),
            note=f"neck {neck:.1f} Å, {missing:.0f} atoms missing in cavities",
        )

    colorings = [BODIES, ORDER_CLASSES]
    analysed = len(run.series.time_ps)
    return make_movie(_folder(out, run), case.label, colorings, look, analysed, "cavity")


def _folder(out: Path, run: Outcome) -> Path:
    return out / folder_name("fusion", run.name)
