"""What has been published of lithium on copper, and what the runs say of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from limlff.analysis.similarity import NONE
from limlff.numbers_as_text import counted
from limlff.workflows.claims import Claim, Verdict, verdict_of
from limlff.workflows.deposition.cases import Case
from limlff.workflows.deposition.rest import Rest, RestLayer
from limlff.workflows.statistics import Spread, in_words

LAI = "Small 19, 2205416 (2023)"
"""Molecular dynamics of plating with a potential of the DeePMD kind."""
JPCC = "J. Phys. Chem. C (2023), doi 10.1021/acs.jpcc.3c03096"
LEED = "low-energy electron diffraction at room temperature"
CHEM_PHYS = "Chem. Phys. (2009), experiment"

RESEMBLES = {"100": "Li(110)", "110": "Li(100)", "111": "Li(110)"}
"""Plane of lithium that layers on each facet of copper resemble, after the first of these."""
PREFERS = {"100": "Li(100)", "110": "Li(100)"}
"""The same after the second."""

MOSTLY, HARDLY = 2 / 3, 1 / 3
"""Shares of layers from which on a claim holds, and below which it does not."""

FLAT, EXCHANGED = 0.02, 0.05
"""Exchanged atoms per site below which an interface is unalloyed, and from which on it is not; in
a cell of 64 sites one atom is 0.016."""

ORDERED, DISORDERED = 0.9, 0.75
"""Order of the top plane, as part of that of the plane below it, from which on it is ordered, and
below which it is not; bare facets at 300 K have 0.97 to 0.98."""


def judge(cases: Sequence[Case]) -> list[Claim]:
    """All claims on lithium on the flat facets of copper that were simulated.

    With steps, islands or missing rows copper stands above the top plane from the start.

    Args:
        cases: All runs by slab and rate.
    """
    flat = [case for case in cases if _is_flat_copper(case)]
    facets = list(dict.fromkeys(case.slab.facet for case in flat))
    claims = []
    for facet in facets:
        own = [case for case in flat if case.slab.facet == facet]
        own.sort(key=lambda case: case.rate.current_density_ma_per_cm2)
        claims.append(_likeness(own, RESEMBLES[facet], LAI))
        if facet in PREFERS:
            claims.append(_likeness(own, PREFERS[facet], JPCC))
        claims.append(_alloying(own) if facet == "110" else _flatness(own))
        if facet == "100":
            claims.append(_reconstruction(own))
        if facet == "110":
            claims.append(_substitution(own))
    if flat:
        claims.append(_first_layers(flat))
    return claims


def _is_flat_copper(case: Case) -> bool:
    slab = case.slab
    has_feature = slab.step or slab.island or slab.missing_rows or slab.vacancies
    return slab.element == "Cu" and case.outcomes[0].run.film == "Li" and not has_feature


def full_layers(rest: Rest) -> list[RestLayer]:
    """Layers that cover the surface and lie under another one that does so by half."""
    covered = {layer.number: layer.coverage for layer in rest.layers}
    return [
        layer
        for layer in rest.layers
        if layer.is_full and covered.get(layer.number + 1, 0.0) >= 0.5
    ]


def best_of(case: Case) -> Counter[str]:
    """How many full layers of a case are most like each net."""
    return Counter(layer.best for rest in case.rests for layer in full_layers(rest))


def _deciding(cases: Sequence[Case]) -> Case | None:
    """The slowest of those with a run that came to its end; they are sorted by rate."""
    return next((case for case in cases if case.rests), None)


def _likeness(cases: Sequence[Case], net: str, source: str) -> Claim:
    """Whether full layers are most like a net, at the lowest rate: mean of the runs' shares."""
    deciding = next((case for case in cases if best_of(case)), None)
    share = math.nan
    # of layers that are mostly like nothing nothing is said
    if deciding and _share(deciding, NONE).mean <= 0.5:
        share = _share(deciding, net).mean
    lines = [
        f"{_at(case)}, {counted(len(case.rests), 'run')}: {in_words(_share(case, net), '.0f', 100)}"
        f" % of the full layers of a run; of {counted(own.total(), 'full layer')} "
        + counts_in_words(own)
        for case in cases
        if (own := best_of(case))
    ]
    return Claim(
        f"Layers on {cases[0].facet} resemble {net}.",
        source,
        verdict_of(share, MOSTLY, HARDLY),
        "; ".join(lines) or "no layer was full",
    )


def _share(case: Case, net: str) -> Spread:
    """Part of the full layers of each run that are most like a net."""
    films = [layers for rest in case.rests if (layers := full_layers(rest))]
    return Spread.of([float(np.mean([each.best == net for each in film])) for film in films])


def _at(case: Case) -> str:
    return f"{case.rate.current_density_ma_per_cm2:.2g} mA/cm²"


def counts_in_words(best: Counter[str]) -> str:
    """How many layers are like which net, the most frequent first."""
    return ", ".join(
        f"{count} {'like no net' if net == NONE else f'like {net}'}"
        for net, count in best.most_common()
    )


def _flatness(cases: Sequence[Case]) -> Claim:
    case = _deciding(cases)
    return Claim(
        f"The interface with {cases[0].facet} stays flat and unalloyed.",
        LAI,
        _worse(verdict_of(-_exchanged(case), -FLAT, -EXCHANGED),
              verdict_of(_order(case), ORDERED, DISORDERED)),
        _interface_in_words(cases),
    )  # fmt: skip


def _alloying(cases: Sequence[Case]) -> Claim:
    case = _deciding(cases)
    return Claim(
        f"On {cases[0].facet} copper and lithium exchange, and the interface is disordered.",
        LAI,
        _both(verdict_of(_exchanged(case), EXCHANGED, FLAT),
              verdict_of(-_order(case), -DISORDERED, -ORDERED)),
        _interface_in_words(cases),
    )  # fmt: skip


def _substitution(cases: Sequence[Case]) -> Claim:
    case = _deciding(cases)
    return Claim(
        f"Lithium takes sites of the top plane of {cases[0].facet}.",
        CHEM_PHYS,
        verdict_of(_exchanged(case), EXCHANGED, FLAT),
        _interface_in_words(cases),
    )


def _reconstruction(cases: Sequence[Case]) -> Claim:
    """Rows of copper that are missing stand above the plane as adatoms, or at steps."""
    case = _deciding(cases)
    return Claim(
        f"Lithium reconstructs {cases[0].facet}: rows of its top plane go missing (2 x 1).",
        LEED,
        verdict_of(_exchanged(case), 0.25, FLAT),
        _interface_in_words(cases) + "; experiments have seconds for it, runs nanoseconds",
    )


def _worse(first: Verdict, second: Verdict) -> Verdict:
    """Of two conditions of one claim that fails if one of them does."""
    order: tuple[Verdict, ...] = ("disagrees", "agrees in part", "agrees", "not tested")
    return min(first, second, key=order.index)


def _both(first: Verdict, second: Verdict) -> Verdict:
    """Of two things that a claim says, of which one can be right without the other."""
    known = {first, second} - {"not tested"}
    if len(known) > 1:
        return "agrees in part"
    return known.pop() if known else "not tested"


def _exchanged(case: Case | None) -> float:
    """The larger one of both kinds of exchanged atoms, per site."""
    if case is None:
        return math.nan
    both = (
        case.per_site(lambda rest: rest.film_below).mean,
        case.per_site(lambda rest: rest.substrate_above).mean,
    )
    return max(both)


def _order(case: Case | None) -> float:
    """Order of the top plane of copper, as part of that of the plane below it."""
    return math.nan if case is None else Spread.of([r.interface_order for r in case.rests]).mean


def _interface_in_words(cases: Sequence[Case]) -> str:
    lines = []
    for case in cases:
        if case.rests:
            below = case.per_site(lambda rest: rest.film_below)
            above = case.per_site(lambda rest: rest.substrate_above)
            rough = Spread.of([rest.interface_roughness for rest in case.rests])
            order = Spread.of([rest.interface_order for rest in case.rests])
            lines.append(
                f"{_at(case)}: per 100 sites of a plane {in_words(below, '.1f', 100)} Li in sites "
                f"of Cu and {in_words(above, '.1f', 100)} Cu above it; its order is "
                f"{in_words(order, '.2f')} of that of the plane below, its roughness "
                f"{in_words(rough, '.2f')} Å"
            )
    return "; ".join(lines) or "no run came to its end"


def _first_layers(cases: Sequence[Case]) -> Claim:
    """Whether layers from the third on are what the second is, each run for itself."""
    shares, later_layers = [], 0
    for case in cases:
        for rest in case.rests:
            layers = full_layers(rest)
            second = [layer.best for layer in layers if layer.number == 2 and layer.best != NONE]
            later = [layer.best for layer in layers if layer.number > 2]
            if second and later:
                shares.append(later.count(second[0]) / len(later))
                later_layers += len(later)
    same = Spread.of(shares)
    evidence = "no run has a full third layer over a second one that is like a plane"
    if shares:
        evidence = (
            f"{counted(len(shares), 'run')} of all surfaces and rates, "
            f"{counted(later_layers, 'full layer')} from the third on: "
            f"{in_words(same, '.0f', 100)} % of them are called as the second layer of their run is"
        )
    return Claim(
        "The first two layers decide what the film becomes.",
        LAI,
        verdict_of(same.mean, MOSTLY, HARDLY),
        evidence,
    )
