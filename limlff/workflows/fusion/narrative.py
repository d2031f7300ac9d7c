"""What the page of the fusion study says: result, numbers, claims, definitions and limits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from limlff.numbers_as_text import counted
from limlff.report.page import Report
from limlff.workflows.claims import claims_table
from limlff.workflows.fusion import figures, pictures, tables
from limlff.workflows.fusion.cases import Case, gather
from limlff.workflows.fusion.claims import judge, sentence
from limlff.workflows.fusion.config import Approach, FusionConfig
from limlff.workflows.fusion.glossary import definitions, limits
from limlff.workflows.fusion.outcome import Outcome
from limlff.workflows.grades import trust

_ARRANGED = {
    "facing": "facing each other with their tips",
    "side_by_side": "side by side",
    "bed": "in a bed",
}


def build_report(settings: FusionConfig, outcomes: Sequence[Outcome], out: Path) -> Report:
    """Everything the page says."""
    cases = gather(outcomes)
    radius, criteria = outcomes[0].run.radius, settings.criteria
    drawn = [
        *pictures.draw_cross_sections(cases, out),
        figures.plot_neck(cases, out, criteria, radius),
        figures.plot_cavity(cases, out, criteria),
        figures.plot_boundary(cases, out),
        figures.plot_order(cases, out, criteria),
        figures.plot_mobility(cases, out, settings.dynamics.lag_ps),
        figures.plot_grades(cases, out),
    ]
    current = tables.current_table(cases)
    if current is not None:
        drawn.append(figures.plot_current(cases, out))
    kind = settings.dendrites.shape.kind
    return Report(
        title=f"Fusion of {kind} dendrites of {settings.dendrites.element}, "
        f"{_ARRANGED[settings.dendrites.arrangement]}",
        simulated=simulated(settings, outcomes),
        numbers=tables.key_numbers(cases),
        figures=drawn,
        tables=[
            claims_table(judge(cases)),
            tables.runs_table(cases),
            *([current] if current else []),
        ],
        movies=pictures.make_movies(cases, out),
        definitions=definitions(settings),
        limits=limits(settings, cases),
    )


def summary(outcomes: Sequence[Outcome]) -> str:
    """How far the potential is to be trusted, and what became of the dendrites."""
    cases = gather(outcomes)
    return " ".join([_trust(cases), *map(sentence, cases)])


def _trust(cases: Sequence[Case]) -> str:
    return trust(
        max(case.highest_grade for case in cases), max(case.longest_outside_ps for case in cases)
    )


def simulated(settings: FusionConfig, outcomes: Sequence[Outcome]) -> str:
    """What was done, in sentences."""
    dendrites, dynamics, first = settings.dendrites, settings.dynamics, outcomes[0]
    if dendrites.substrate is None:
        slab = f"a slab of {dendrites.element}({dendrites.slab.facet})"
    else:
        slab = f"a slab of {dendrites.substrate.element}({dendrites.substrate.facet})"
    return (
        f"Dendrites of {dendrites.element}, each a {dendrites.shape.kind} of "
        f"{first.run.radius:g} Å radius, {_ARRANGED[dendrites.arrangement]} on {slab}: "
        f"{first.atoms} atoms at {settings.temperature_k:g} K. The first goes on with the lattice "
        "of the slab, the second is turned as the runs are named; "
        f"{counted(settings.repeats, 'run')} of each misorientation. They relaxed for "
        f"{dynamics.relax_ps:g} ps under friction. {_driven(settings, outcomes)} Missing atoms are "
        "counted against the density of a perfect crystal at the same temperature. Time step "
        f"{dynamics.timestep_fs:g} fs; model arithmetic in {dynamics.dtype}."
    )


def _driven(settings: FusionConfig, outcomes: Sequence[Outcome]) -> str:
    """What brought the dendrites together."""
    drive, dynamics = settings.drive, settings.dynamics
    if isinstance(drive, Approach):
        pull = (
            f"under {drive.pressure_mpa:g} MPa" if drive.pressure_mpa
            else "without any pressure: surfaces alone pull"
        )  # fmt: skip
        return (
            f"The tips were {dynamics.apart_angstrom:g} Å apart then, beyond each other's reach; "
            f"the vacuum between them was shortened to {settings.dendrites.gap_angstrom:g} Å. "
            f"From there on, for {drive.duration_ps:g} ps, the cell changed its length along z "
            f"alone, {pull}; across it the slab keeps its size."
        )
    rate = outcomes[0].run.rate
    return (
        f"Then {drive.atoms} atoms came one by one from above ({drive.lateral.kind} over the "
        f"surface), with thermal velocities. {rate} The deepest planes of the slab are held, those "
        "above have friction, all other atoms follow Newton's equations. After that nothing came "
        f"for {drive.rest_ps:g} ps. A reflecting lid keeps atoms in the cell."
    )
