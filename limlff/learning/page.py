"""The page of a campaign: learning curve, what was chosen and why, what it cost."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.visualize.plot import plot_atoms

from limlff.learning.campaign import Campaign
from limlff.learning.choices import Choice
from limlff.numbers_as_text import counted, figure
from limlff.potential import Potential
from limlff.report.page import Figure, Report, Table, write_report
from limlff.workflows.figures import RUN_COLORS, drawing
from limlff.workflows.provenance import provenance_of
from limlff.yaml_file import dump_yaml

PAGE = "index.html"

_COLUMNS = 6
_MOST_PICTURES = 12
_PICTURE_INCHES = 1.9

_DEFINITIONS = (
    (
        "Uncertain frame",
        "A frame of an exploration with an atom above cut.min_grade; what a guard has kept a run "
        "from counts as uncertain.",
    ),
    ("Grade", "Distance of an atom's surroundings to the training data; 1 is their edge."),
    (
        "New",
        "Distance of an atom's surroundings to the nearest that are known or chosen, in the units "
        "of the grade; or its leverage, of which 1 is the largest of what is known.",
    ),
    ("Core", "Atoms of a cut-out whose surroundings are as in the run; drawn in full colour."),
    ("Core hours", "Processor time of all processes."),
)
_LIMITS = (
    "The test frames say how good the potential is for configurations like them, not for all.",
    "A grade below 1 says that surroundings are like those of the training data, not that the "
    "labels are right.",
)


def write_page(
    folder: Path,
    campaign: Campaign,
    curve: Sequence[dict[str, Any]],
    chosen: dict[int, list[Choice]],
    potential: Potential,
) -> Path:
    """Write the page of a campaign.

    Args:
        folder: Folder of the campaign.
        campaign: Its settings.
        curve: Rows of its learning curve.
        chosen: What each iteration chose.
        potential: Its last potential.

    Returns:
        The path of the page.
    """
    with tempfile.TemporaryDirectory() as pictures:
        figures = [
            _learning_curve(curve, Path(pictures) / "curve.png"),
            _costs(curve, Path(pictures) / "cost.png"),
        ]
        for iteration, choices in chosen.items():
            target = Path(pictures) / f"chosen-{iteration}.png"
            figures.append(_structures(iteration, choices, target))
        report = Report(
            title="Active learning",
            simulated=_explored(campaign),
            numbers=_table(curve, chosen),
            figures=figures,
            definitions=_DEFINITIONS,
            limits=_LIMITS,
            tables=[_reasons(iteration, choices) for iteration, choices in chosen.items()],
            summary=_summary(curve, chosen),
            settings=dump_yaml(campaign.model_dump(mode="json")),
            provenance=provenance_of(potential, "the last of the campaign"),
        )
        return write_report(folder / PAGE, report)


def _explored(campaign: Campaign) -> str:
    kinds = "; ".join(
        f"{each.kind}, {counted(len(each.structures), 'structure')} at "
        f"{', '.join(f'{kelvin:g}' for kelvin in each.temperatures_k)} K"
        for each in campaign.runs
    )
    return f"Molecular dynamics of {kinds}. Frames labelled by {campaign.labeller.code_in_words}."


def _summary(curve: Sequence[dict[str, Any]], chosen: dict[int, list[Choice]]) -> str:
    labelled = sum(not choice.failure for each in chosen.values() for choice in each)
    failed = sum(len(each) for each in chosen.values()) - labelled
    were = "was" if labelled == 1 else "were"
    text = f"{counted(labelled, 'frame')} {were} labelled in {counted(len(chosen), 'iteration')}"
    text += f", {failed} got no label that can be used." if failed else "."
    errors = [row["errors"].get("force_mae_ev_per_angstrom") for row in curve if row["errors"]]
    if len(errors) > 1 and errors[0] is not None and errors[-1] is not None:
        text += f" The force error on the test frames went from {1e3 * errors[0]:.3g} to "
        text += f"{1e3 * errors[-1]:.3g} meV/Å."
    stops = sum(len(row["stops"]) for row in curve)
    return text + (f" Guards stopped {counted(stops, 'run')}." if stops else "")


def _table(curve: Sequence[dict[str, Any]], chosen: dict[int, list[Choice]]) -> Table:
    columns = (
        "iteration",
        "frames before",
        "force MAE (meV/Å)",
        "energy MAE (meV/atom)",
        "uncertain frames (%)",
        "stopped runs",
        "chosen",
        "without label",
    )
    rows = []
    for row in curve:
        choices = chosen.get(row["iteration"], [])
        rows.append(
            (
                str(row["iteration"]),
                str(row["frames"]),
                figure(row["errors"].get("force_mae_ev_per_angstrom"), ".4g", 1e3),
                figure(row["errors"].get("energy_mae_mev_per_atom"), ".3g"),
                figure(row["uncertain_share"], ".3g", 100),
                str(len(row["stops"])),
                str(len(choices)),
                str(sum(bool(choice.failure) for choice in choices)),
            )
        )
    return Table(columns, rows)


def _learning_curve(curve: Sequence[dict[str, Any]], path: Path) -> Figure:
    target = Figure(
        path,
        "Learning curve",
        "Mean absolute error of force components on the test frames, and share of the frames of "
        "each exploration that are uncertain, against the number of frames labelled before it.",
    )
    frames = [row["frames"] for row in curve]
    most = max(*frames, 10)  # before anything is labelled the axis has a length, too
    kinds = (
        (
            "Force MAE (meV/Å)",
            [_scaled(row["errors"].get("force_mae_ev_per_angstrom"), 1e3) for row in curve],
        ),
        ("Uncertain frames (%)", [_scaled(row["uncertain_share"], 100) for row in curve]),
    )
    with drawing(target, columns=2, size=(7.2, 3.0)) as (_, (axes,)):
        for axis, (name, values), color in zip(axes, kinds, RUN_COLORS, strict=False):
            axis.plot(frames, values, marker="o", color=color)
            axis.set_xlabel("Labelled frames")
            axis.set_ylabel(name)
            axis.set_ylim(0, 1.1 * axis.get_ylim()[1])
            axis.set_xlim(-0.05 * most, 1.05 * most)
            axis.xaxis.get_major_locator().set_params(integer=True)
    return target


def _scaled(value: float | None, factor: float) -> float:
    return float("nan") if value is None else factor * value


def _costs(curve: Sequence[dict[str, Any]], path: Path) -> Figure:
    target = Figure(
        path,
        "Cost",
        "Processor time until the end of each exploration, by what it was spent on.",
    )
    iterations = [row["iteration"] for row in curve]
    bottom = np.zeros(len(curve))
    with drawing(target) as (_, ((axis,),)):
        for kind, color in zip(("explore", "label", "train"), RUN_COLORS, strict=False):
            hours = np.array([row["core_hours"][kind] for row in curve])
            axis.bar(iterations, hours, bottom=bottom, color=color, label=kind, width=0.6)
            bottom += hours
        axis.set_xticks(iterations)
        axis.set_xlabel("Iteration")
        axis.set_ylabel("Core hours")
        axis.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))
        axis.set_xlim(min(iterations) - 0.7, max(iterations) + 0.7)
    return target


def _structures(iteration: int, choices: Sequence[Choice], path: Path) -> Figure:
    shown = choices[:_MOST_PICTURES]
    rows = -(-len(shown) // _COLUMNS)
    size = (_COLUMNS * _PICTURE_INCHES, rows * (_PICTURE_INCHES + 0.4))
    caption = f"The first {len(shown)} of {len(choices)}, which the table below gives with reasons."
    target = Figure(path, f"Chosen in iteration {iteration}", caption, wide=True)
    with drawing(target, rows, _COLUMNS, size) as (_, axes):
        for axis in axes.ravel():
            axis.set_axis_off()
        for number, (axis, choice) in enumerate(zip(axes.ravel(), shown, strict=False)):
            frame = choice.cut.frame
            atoms = Atoms(frame.numbers, frame.positions, cell=frame.cell, pbc=frame.periodic)
            plot_atoms(atoms, axis, rotation="-80x,15y,0z", colors=_colors(choice, atoms))
            axis.set_title(f"{number + 1}. {frame.group}", fontsize=8)
    return target


def _colors(choice: Choice, atoms: Atoms) -> list[tuple[float, ...]]:
    """Colours of the elements, pale outside of the core."""
    from ase.data.colors import jmol_colors

    core = choice.cut.frame.is_core[:, None]
    full = jmol_colors[atoms.numbers]
    return [tuple(color) for color in np.where(core, full, 0.75 + 0.25 * full).tolist()]


def _reasons(iteration: int, choices: Sequence[Choice]) -> Table:
    """Why each structure was chosen, and what its calculation took."""
    rows = []
    for number, choice in enumerate(choices, 1):
        frame = choice.cut.frame
        end = choice.failure or f"{choice.wall_seconds:.0f} s"
        rows.append((str(number), str(frame.origin), str(len(frame)), choice.why, end))
    columns = ("", "from", "atoms", "why", "calculation")
    return Table(columns, rows, f"Chosen in iteration {iteration}", is_text=True)
