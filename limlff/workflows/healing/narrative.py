"""What the page of the healing study says: result, numbers, definitions and limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from limlff.analysis import local_order, voids
from limlff.analysis.grid import PeriodicGrid
from limlff.analysis.mobility import SQUARE_ANGSTROM_PER_PS_IN_CM2_PER_S
from limlff.md.output.trajectory import TrajectoryFrame
from limlff.numbers_as_text import DASH, figure
from limlff.report.movie import Movie, MovieFrame
from limlff.report.page import Report, Table
from limlff.workflows.healing import figures
from limlff.workflows.healing.config import Closed, HealingConfig
from limlff.workflows.healing.outcome import Outcome
from limlff.workflows.healing.wording import host_in_words, load_in_words
from limlff.workflows.scene import ORDER_CLASSES, make_movie
from limlff.workflows.series import last_mean

HOLLOW_SPACING = 1.0
"""Distance of the points that show a hole (Å)."""


def build_report(settings: HealingConfig, outcomes: Sequence[Outcome], out: Path) -> Report:
    """Everything the page says, from the outcomes alone."""
    near, lag = settings.near_angstrom, settings.mobility_lag_ps
    return Report(
        title=f"Healing of a hole of {settings.sizes[0]} atoms in {settings.element}",
        simulated=simulated(settings, outcomes),
        numbers=key_numbers(outcomes),
        figures=[
            figures.draw_snapshots_of(outcomes, out),
            figures.plot_missing_atoms(outcomes, settings.closed.missing_below, out),
            figures.plot_void_volume(outcomes, out),
            figures.plot_disorder(outcomes, near, out),
            figures.plot_mobility(outcomes, lag, out),
        ],
        movies=[
            movie(f"{settings.temperature_k:g} K, {outcome.label}", outcome, out)
            for outcome in outcomes
        ],
        definitions=definitions(near, lag, settings.closed),
        limits=limits(outcomes),
    )


def sentence(temperature_k: float, outcome: Outcome) -> str:
    """One run's result in words."""
    series = outcome.series
    where = f"At {outcome.pressure_gpa:g} GPa and {temperature_k:g} K"
    end = float(series.time_ps[-1])
    if outcome.closed_at_ps is None:
        missing = float(series.columns["missing_atoms"][-1])
        reason = "when the time allowed was up" if outcome.ended == "out of time" else "at the end"
        return (
            f"{where} the hole does not close: {figure(missing, '.0f')} of "
            f"{outcome.hole.missing_atoms} "
            f"atoms are missing in it after {end:.1f} ps, {reason}."
        )
    most = _largest(series.columns["disordered_near"])
    bcc = last_mean(series.columns["bcc_all"])
    return (
        f"{where} the hole is closed after {outcome.closed_at_ps:.1f} ps; on the way up to "
        f"{figure(most, '.0f', 100)} % of the atoms near it are in disorder, and at the end, at "
        f"{end:.1f} ps, {figure(bcc, '.0f', 100)} % of all atoms are in bcc order."
    )


def simulated(settings: HealingConfig, outcomes: Sequence[Outcome]) -> str:
    """What was done, in sentences."""
    dynamics, reference, first = settings.dynamics, settings.reference, outcomes[0]
    return (
        f"{host_in_words(settings, first.run)}, periodic in all directions, was held at "
        f"{settings.temperature_k:g} K and each pressure for "
        f"{reference.equilibration_ps + reference.duration_ps:g} ps, the last "
        f"{reference.duration_ps:g} ps of which gave the density of reference. Then the "
        f"{first.hole.missing_atoms} atoms nearest to a point were taken out "
        f"({first.run.hole.shape}, {first.hole.radius:.1f} Å), leaving {first.atoms}. Molecular "
        f"dynamics with a time step of {dynamics.timestep_fs:g} fs; pressure by stochastic cell "
        "rescaling, "
        f"{load_in_words(dynamics)}, temperature by stochastic velocity rescaling; model "
        "arithmetic in "
        f"{dynamics.dtype}. A run ends when the hole has been closed for "
        f"{settings.closed.for_ps + settings.closed.go_on_ps:g} ps, after "
        f"{dynamics.duration_ps:g} ps, or when "
        f"{settings.max_runtime_minutes:g} minutes for all simulations are over."
    )


def key_numbers(outcomes: Sequence[Outcome]) -> Table:
    """A column for each run."""

    def row(name: str, values: Sequence[str]) -> list[str]:
        return [name, *values]

    def column(name: str, scale: float = 1.0, digits: int = 1) -> list[str]:
        return [_text(scale * last_mean(o.series.columns[name]), digits) for o in outcomes]

    def diffusion(group: str) -> list[str]:
        scale = SQUARE_ANGSTROM_PER_PS_IN_CM2_PER_S * 1e6
        return [_text(scale * o.series.diffusion[group], 2) for o in outcomes]

    lattice = [
        f"{figure(o.crystal.lattice_constant, '.3f')} ± {figure(o.crystal.lattice_error, '.3f')}"
        for o in outcomes
    ]
    closed = [
        f"{o.closed_at_ps:.1f}" if o.closed_at_ps is not None else "not closed" for o in outcomes
    ]
    rows = [
        row("Atoms removed", [str(o.hole.missing_atoms) for o in outcomes]),
        row("Hole closed at (ps)", closed),
        row("Length of the run (ps)", [f"{o.series.time_ps[-1]:.1f}" for o in outcomes]),
        row("Run ended because", [o.ended for o in outcomes]),
        row("Missing atoms of the largest hole, last frames", column("missing_atoms")),
        row("Missing atoms of the whole cell, last frames", column("missing_atoms_of_cell")),
        row("Void volume, last frames (Å³)", column("void_volume_angstrom3", digits=0)),
        row("Disordered atoms near the hole, largest (%)", [_most_disorder(o) for o in outcomes]),
        row("The same, last frames (%)", column("disordered_near", 100)),
        row("Atoms in bcc order, whole cell, last frames (%)", column("bcc_all", 100)),
        row("Diffusion near the hole, whole run (10⁻⁶ cm²/s)", diffusion("near")),
        row("Diffusion far from it, whole run (10⁻⁶ cm²/s)", diffusion("far")),
        row("Perfect crystal: lattice constant (Å)", lattice),
        row(
            "Perfect crystal: found in bcc order (%)",
            [figure(o.crystal.bcc, ".2f", 100) for o in outcomes],
        ),
    ]
    return Table(["", *(outcome.label for outcome in outcomes)], rows)


def definitions(near: float, lag_ps: float, closed: Closed) -> list[tuple[str, str]]:
    """Meaning of every quantity on the page.

    Args:
        near: Reach of what is near the hole (Å).
        lag_ps: Time over which displacements are measured (ps).
        closed: When the hole counts as closed.
    """
    return [
        (
            "Missing atoms of the largest hole",
            f"Atoms are smeared by Gaussians of {voids.SMEARING} Å. A hole is where the density is "
            f"below {100 * voids.HOLE_DENSITY:.0f} % of that of the perfect crystal at the same "
            f"temperature and pressure; the deficit is summed over it and {voids.MARGIN} Å around "
            "it. A vacancy by itself is no hole.",
        ),
        (
            "Missing atoms of the whole cell",
            "Volume of the cell times the density of the perfect crystal, less the number of "
            "atoms. Isolated vacancies and looser packing count too; it varies with the volume, "
            "and is negative where the packing is denser.",
        ),
        (
            "Hole closed",
            f"The largest hole lacks fewer than {closed.missing_below:g} atoms for at least "
            f"{closed.for_ps:g} ps.",
        ),
        (
            "Void volume",
            f"What a sphere of {voids.PROBE_RADIUS} Å radius can sweep between atoms of "
            f"{voids.ATOM_RADIUS} Å radius. It depends on both radii.",
        ),
        (
            "Local order",
            "Bond-orientational order averaged after Lechner and Dellago (2008) over the "
            f"{local_order.NEIGHBORS} nearest neighbors: q6 below {local_order.CRYSTALLINE_Q6} is "
            "disordered; in the rest the signs of w6 and w4 tell bcc, fcc and hcp.",
        ),
        (
            "Near, far",
            f"Up to {near:g} Å from the surface of the initial hole, and beyond {2 * near:g} Å of "
            "it; measured from the place of the hole in the crystal, which moves with all atoms.",
        ),
        (
            "Mobility",
            f"Mean-square displacement over {lag_ps:g} ps in coordinates that move "
            "with the cell, drift removed. Diffusion: a sixth of the slope between one and three "
            "times that lag; it averages over a process that is not stationary.",
        ),
    ]


def limits(outcomes: Sequence[Outcome]) -> list[str]:
    """What the results do not say."""
    longest = max(float(outcome.series.time_ps[-1]) for outcome in outcomes)
    return [
        f"One run for each pressure, of at most {longest:.0f} ps: closing times scatter from run "
        "to run. Compare several seeds before a time is quoted.",
        *limits_of_the_cell(),
    ]


def limits_of_the_cell() -> list[str]:
    """What a hole in a periodic crystal does not say."""
    return [
        "A periodic crystal has no surface, grain boundary or dislocation that could take up "
        "vacancies. A hole that closes leaves its atoms' worth of space as vacancies or loose "
        "packing in the cell, unless the cell loses a whole lattice plane; see the missing atoms "
        "of the whole cell.",
        "The hole sees its own periodic images through their elastic fields; sizes and times "
        "depend on the cell.",
        "The potential is as good as its training data; see its card. Electrolyte, impurities and "
        "electric fields are not simulated.",
    ]


def _most_disorder(outcome: Outcome) -> str:
    return _text(100 * _largest(outcome.series.columns["disordered_near"]), 1)


def _largest(values: np.ndarray) -> float:
    """The largest number of those that are known; nan if there is none."""
    known = values[~np.isnan(values)]
    return float(known.max()) if len(known) else math.nan


def _text(value: float, digits: int) -> str:
    if math.isnan(value):
        return DASH
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


def movie(title: str, outcome: Outcome, out: Path) -> Movie:
    """A run in three dimensions, coloured by local order.

    Args:
        title: Its heading.
        outcome: The run.
        out: Folder of the study.
    """
    density = 1 / outcome.crystal.volume_per_atom
    shift = 0.5 - outcome.hole.centre  # the hole into the middle of the picture

    def look(frame: TrajectoryFrame, index: int) -> MovieFrame:
        positions = frame.positions + shift @ frame.cell
        grid = PeriodicGrid.with_spacing(frame.cell, HOLLOW_SPACING)
        low = grid.smeared_density(positions, voids.SMEARING) < voids.HOLE_DENSITY * density
        missing = outcome.series.columns["missing_atoms"][index]
        return MovieFrame(
            time_ps=frame.time_fs * 1e-3,
            positions=positions,
            cell=frame.cell,
            classes=[outcome.series.orders[index]],
            points=grid.cartesian(np.argwhere(low)),
            note=f"{figure(missing, '.1f')} atoms missing",
        )

    analysed = len(outcome.series.orders)
    return make_movie(out / outcome.name, title, [ORDER_CLASSES], look, analysed, "hole")
