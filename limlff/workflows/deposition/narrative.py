"""What the page of the deposition study says: result, numbers, claims, definitions and limits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from limlff.numbers_as_text import counted, figure
from limlff.report.page import Report
from limlff.workflows.claims import claims_table
from limlff.workflows.deposition import figures, pictures, tables
from limlff.workflows.deposition.cases import Case, gather, slowest
from limlff.workflows.deposition.claims import best_of, counts_in_words, judge
from limlff.workflows.deposition.config import DepositionConfig
from limlff.workflows.deposition.glossary import definitions, limits
from limlff.workflows.deposition.outcome import Outcome
from limlff.workflows.grades import trust


def build_report(settings: DepositionConfig, outcomes: Sequence[Outcome], out: Path) -> Report:
    """Everything the page says."""
    cases = gather(outcomes)
    surfaces = slowest(cases)
    from_above = pictures.draw_layers(surfaces, out)
    drawn = [
        pictures.draw_cross_sections(surfaces, out),
        *([from_above] if from_above else []),
        figures.plot_similarity(cases, out),
        figures.plot_coverage(surfaces, out),
        figures.plot_exchange(cases, out),
        figures.plot_profiles(surfaces, out),
        figures.plot_roughness(cases, out),
        figures.plot_mobility(cases, out, settings.dynamics.lag_ps),
        figures.plot_grades(cases, out),
    ]
    if any(run.stripping for run in outcomes):
        drawn += [figures.plot_stripping(cases, out), pictures.draw_what_stays(surfaces, out)]
    return Report(
        title=f"{settings.film} plated on {', '.join(case.facet for case in surfaces)}",
        simulated=simulated(settings, cases),
        numbers=tables.key_numbers(cases),
        figures=drawn,
        tables=[
            claims_table(judge(cases)),
            tables.layers_table(cases),
            tables.order_table(cases),
            tables.exchange_table(cases),
        ],
        movies=pictures.make_movies(surfaces, out),
        definitions=definitions(settings),
        limits=limits(settings, cases),
    )


def summary(outcomes: Sequence[Outcome]) -> str:
    """How far the potential is to be trusted, and what was found on each surface."""
    cases = gather(outcomes)
    return " ".join([_trust(cases), *(_found(case) for case in cases)])


def _trust(cases: Sequence[Case]) -> str:
    """How far the potential can be trusted."""
    return trust(
        max(case.highest_grade for case in cases), max(case.longest_outside_ps for case in cases)
    )


def _found(case: Case) -> str:
    """What was found on a surface at a rate."""
    if not case.rests:
        return f"{case.label}: time was up before a film was measured; resume the study."
    best = best_of(case)
    layers = counts_in_words(best) if best else "none is full"
    below = case.per_site(lambda rest: rest.film_below)
    above = case.per_site(lambda rest: rest.substrate_above)
    return (
        f"{case.label}, {counted(len(case.rests), 'run')}: of the full layers {layers}; "
        f"per 100 sites of a plane {figure(below.mean, '.1f', 100)} {_film(case)} in sites of "
        f"{case.slab.element} and {figure(above.mean, '.1f', 100)} {case.slab.element} above it."
    )


def _film(case: Case) -> str:
    return case.outcomes[0].run.film


def simulated(settings: DepositionConfig, cases: Sequence[Case]) -> str:
    """What was done, in sentences."""
    dynamics, arrival = settings.dynamics, settings.arrival
    slabs = ", ".join(
        f"{case.facet} ({case.slab.size[0]} x {case.slab.size[1]} atoms, {case.slab.layers} "
        f"layers, {case.slab.fixed_layers} of them held)"
        for case in slowest(cases)
    )
    rates = " ".join(f"{case.facet}: {case.rate}" for case in cases if case.facet == cases[0].facet)
    times = {"poisson": "at random times", "fixed": "at equal times"}[arrival.times]
    stripping = settings.stripping
    taken = ""
    if stripping is not None:
        which = "with the fewest neighbors" if stripping.choice == "least_bound" else "highest up"
        taken = (
            f" Then {100 * stripping.share:.0f} % of the atoms were taken away, each time the one "
            f"{which}."
        )
    return (
        f"Slabs of {slabs} were held at {settings.temperature_k:g} K by friction on "
        f"{dynamics.friction_layers} layers above the held ones; the atoms above follow Newton's "
        f"equations. {settings.film} atoms came one by one from above, {times}, with thermal "
        f"velocities ({arrival.lateral.kind} over the surface), up to {settings.layers:g} layers "
        f"of Li(110); {counted(settings.repeats, 'run')} of each surface and rate. {rates} Then "
        f"it was left alone for {dynamics.settle_ps:g} ps, and measured over the "
        f"{dynamics.rest_ps:g} ps after that.{taken} Time "
        f"step {dynamics.timestep_fs:g} fs; model arithmetic in {dynamics.dtype}. A reflecting lid "
        "keeps atoms in the cell."
    )
