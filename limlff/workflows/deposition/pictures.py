"""Pictures of atoms: cross-sections, layers from above, and the run in three dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from limlff.analysis.film import NO_LAYER, Film, find_film
from limlff.analysis.local_order import classify
from limlff.analysis.reference_nets import COPPER_NETS, LITHIUM_NETS
from limlff.analysis.similarity import NONE, Similarity, compare_film
from limlff.analysis.texture import VOLUME
from limlff.md.output.names import TRAJECTORY
from limlff.md.output.trajectory import Trajectory, TrajectoryFrame
from limlff.report.movie import AtomClasses, Movie, MovieFrame, element_classes
from limlff.report.page import Figure
from limlff.workflows.deposition.cases import Case
from limlff.workflows.deposition.outcome import Outcome
from limlff.workflows.grades import atoms_of
from limlff.workflows.scene import ORDER_CLASSES, make_movie
from limlff.workflows.series import TimeSeries
from limlff.workflows.snapshots import Panel, draw_snapshots, slice_about
from limlff.workflows.stages import folder_name

DEPTH = 4.0
"""Half the thickness of a cross-section (Å)."""

_ABOVE = 3.0  # free height above the film in a cross-section (Å)
_SHOWN_LAYERS = 4

SIMILARITY_CLASSES = AtomClasses(
    "similarity",
    (NONE, *LITHIUM_NETS, *COPPER_NETS),
    ("#c9ced6", "#0072b2", "#d55e00", "#009e73", "#e69f00", "#8a5a44", "#a9745a", "#c99a80"),
    usual="",
)
"""Nets that atoms with their neighbors in a layer are most like, in the colours of the figures."""

LAYER_CLASSES = AtomClasses(
    "layer",
    ("in flight", "substrate", "layer 1", "layer 2", "layer 3", "layer 4", "higher"),
    ("#d1495b", "#b87333", "#08306b", "#2171b5", "#6baed6", "#c6dbef", "#eef3fa"),
    usual="substrate",
)


def draw_cross_sections(cases: Sequence[Case], out: Path) -> Figure:
    """The first run of each case at rising amounts, seen along the surface."""
    target = Figure(
        out / "cross-sections.png",
        "The film as it grows",
        f"A slice of {2 * DEPTH:.0f} Å seen along y, from the first run at the lowest rate on each "
        "surface: before plating, at a third, at two thirds and at the end of it. The amount is in "
        "layers of Li(110).",
        wide=True,
    )
    rows = []
    for case in cases:
        run = case.outcomes[0]
        films = _films(_folder(out, run), run, run.plating, 3)
        top = _top(films)
        rows.append(
            [
                _cross_section(film, top, f"{case.facet}, {run.plated[index]:.1f}")
                for index, film in films.items()
            ]
        )
    return draw_snapshots(target, rows, _elements(cases))


def draw_what_stays(cases: Sequence[Case], out: Path) -> Figure:
    """The first stripped run of each case: before, halfway, at the end, and that from above."""
    target = Figure(
        out / "what-stays.png",
        "What stripping leaves",
        f"A slice of {2 * DEPTH:.0f} Å seen along y while lithium is taken away, from the first "
        "run at the lowest rate on each surface: before, halfway and at the end; and the end from "
        "above, from the top plane of copper up. The amount left is in layers of Li(110).",
        wide=True,
    )
    rows = []
    for case in cases:
        run = next((each for each in case.outcomes if each.stripping is not None), None)
        if run is None or run.stripping is None:
            continue
        films = _films(out / folder_name("stripping", run.name), run, run.stripping, 2)
        left = run.stripping.columns["atoms"] / run.run.per_layer
        top, last = _top(films), films[max(films)]
        rows.append(
            [
                *(_cross_section(film, top, f"{case.facet}, {left[index]:.1f} left")
                  for index, film in films.items()),
                _seen_from_above(last, f"{case.facet}, from above"),
            ]
        )  # fmt: skip
    return draw_snapshots(target, rows, _elements(cases))


def _films(folder: Path, run: Outcome, series: TimeSeries, parts: int) -> dict[int, Film]:
    """The first frame of a stage, the last one that was analysed, and some between them."""
    last = len(series.time_ps) - 1
    chosen = sorted({part * last // parts for part in range(parts + 1)})
    with Trajectory(folder / TRAJECTORY) as trajectory:
        return {index: _film(trajectory[index], run) for index in chosen}


def _top(films: dict[int, Film]) -> float:
    """Height up to which cross-sections of films are drawn (Å)."""
    tops = [f.atoms.positions[f.layers != NO_LAYER, 2].max() for f in films.values()]
    return float(max(tops)) + _ABOVE


def _elements(cases: Sequence[Case]) -> AtomClasses:
    return element_classes([cases[0].slab.element, cases[0].outcomes[0].run.film])


def _cross_section(film: Film, height: float, title: str) -> Panel:
    """Atoms in the middle of the cell, which is cut off above the film."""
    shown = np.flatnonzero(film.layers != NO_LAYER)
    cell = film.atoms.cell.array.copy()
    cell[2] = 0, 0, height
    seen = slice_about(film.atoms.positions[shown], cell, np.full(3, 0.5), DEPTH, "y")
    return Panel(seen, film.of(film.element)[shown][seen.atoms].astype(int), title)


def _seen_from_above(film: Film, title: str) -> Panel:
    """The top plane of the substrate and all that is above it."""
    shown = np.flatnonzero(film.layers >= 0)
    cell = film.atoms.cell.array
    seen = slice_about(film.atoms.positions[shown], cell, np.full(3, 0.5), np.inf)
    return Panel(seen, film.of(film.element)[shown][seen.atoms].astype(int), title)


def draw_layers(cases: Sequence[Case], out: Path) -> Figure | None:
    """The layers of the first run of each case after plating, from above; None without any."""
    target = Figure(
        out / "layers.png",
        "Layers from above, after plating",
        "The layers nearest to the surface in the last frame of the first run at the lowest rate; "
        "atoms are coloured by the plane that they and their neighbors in the layer are most like.",
        wide=True,
    )
    rows = []
    for case in cases:
        run = next((each for each in case.outcomes if each.rest is not None), None)
        if run is None:
            continue
        with Trajectory(out / folder_name("rest", run.name) / TRAJECTORY) as trajectory:
            film = _film(trajectory[len(trajectory) - 1], run)
        classes = similarity_classes(compare_film(film))
        numbers = [number for number in film.numbers if 0 < number <= _SHOWN_LAYERS]
        panels = [_from_above(film, n, classes, f"{case.facet}, layer {n}") for n in numbers]
        rows += [panels] if panels else []
    return draw_snapshots(target, rows, SIMILARITY_CLASSES) if rows else None


def _from_above(film: Film, number: int, classes: np.ndarray, title: str) -> Panel:
    members = np.flatnonzero(film.layers == number)
    cell = film.atoms.cell.array
    seen = slice_about(film.atoms.positions[members], cell, np.full(3, 0.5), np.inf)
    return Panel(seen, classes[members][seen.atoms], title)


def make_movies(cases: Sequence[Case], out: Path) -> list[Movie]:
    """The plating of the first run of each case in three dimensions."""
    return [_movie(case, case.outcomes[0], out) for case in cases]


def _movie(case: Case, run: Outcome, out: Path) -> Movie:
    def look(frame: TrajectoryFrame, index: int) -> MovieFrame:
        film = _film(frame, run)
        return MovieFrame(
            time_ps=frame.time_fs * 1e-3,
            positions=frame.positions,
            cell=frame.cell,
            classes=[
                similarity_classes(compare_film(film)),
                layer_classes(film),
                classify(frame.positions, frame.cell, VOLUME),
            ],
            note=f"{run.plated[index]:.2f} layers",
        )

    colorings = [SIMILARITY_CLASSES, LAYER_CLASSES, ORDER_CLASSES]
    analysed = len(run.plating.time_ps)
    return make_movie(_folder(out, run), case.label, colorings, look, analysed)


def similarity_classes(similarity: Similarity) -> np.ndarray:
    """Class of each atom in `SIMILARITY_CLASSES`."""
    numbers = [SIMILARITY_CLASSES.names.index(net) for net in (*similarity.nets, NONE)]
    return np.array(numbers)[similarity.classes()]  # the last one is that of -1


def layer_classes(film: Film) -> np.ndarray:
    """Class of each atom in `LAYER_CLASSES`."""
    highest = len(LAYER_CLASSES.names) - 2
    layers = np.clip(film.layers, 0, highest) + 1
    return np.where(film.layers == NO_LAYER, 0, layers)


def _film(frame: TrajectoryFrame, run: Outcome) -> Film:
    return find_film(atoms_of(frame), run.run.slab.element, run.run.film)


def _folder(out: Path, run: Outcome) -> Path:
    return out / folder_name("plating", run.name)
