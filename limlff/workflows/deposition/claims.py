"""What has been published of lithium on copper, and what the runs say of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from limlff.analysis.similarity import NONE
from limlff.numbers_as_text import counted, figure
from limlff.workflows.deposition.cases import Case, Spread
from limlff.workflows.deposition.rest import Rest, RestLayer

Verdict = Literal["agrees", "agrees in part", "disagrees", "not tested"]

LAI = "Small 19, 2205416 (2023)"
"""Molecular dynamics of plating with a potential of the DeePMD kind."""
JPCC = "J. Phys. Chem. C (2023), doi 10.1021/acs.jpcc.3c03096"

RESEMBLES = {"100": "Li(110)", "110": "Li(100)", "111": "Li(110)"}
"""Plane of lithium that layers on each facet of copper resemble, after the first of these."""
PREFERS = {"100": "Li(100)", "110": "Li(100)"}
"""The same after the second."""

MOSTLY, HARDLY = 2 / 3, 1 / 3
"""Shares of layers from which on a claim holds, and below which it does not."""

FLAT, EXCHANGED = 0.01, 0.05
"""Exchanged atoms per site below which an interface is unalloyed, and from which on it is not."""


@dataclass(frozen=True)
class Claim:
    """A claim and what speaks for it and against it.

    Attributes:
        text: The claim.
        source: Who says so.
        verdict: What the runs say.
        evidence: With which numbers.
    """

    text: str
    source: str
    verdict: Verdict
    evidence: str


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
        claims.append(_likeness(own, RESEMBLES[facet], LAI))
        if facet in PREFERS and PREFERS[facet] != RESEMBLES[facet]:
            claims.append(_likeness(own, PREFERS[facet], JPCC))
        claims.append(_alloying(own) if facet == "110" else _flatness(own))
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


def _likeness(cases: Sequence[Case], net: str, source: str) -> Claim:
    """Whether full layers are most like a net."""
    found = [(case, best_of(case)) for case in cases]
    best = sum((each for _, each in found), Counter())
    # of layers that are mostly like nothing nothing is said
    is_known = best and best[NONE] <= 0.5 * best.total()
    share = best[net] / best.total() if is_known else math.nan
    lines = [
        f"{case.rate.current_density_ma_per_cm2:.2g} mA/cm², "
        f"{counted(len(case.rests), 'run')}: of {counted(own.total(), 'full layer')} "
        + counts_in_words(own)
        for case, own in found
        if own
    ]
    return Claim(
        f"Layers on {cases[0].facet} resemble {net}.",
        source,
        _verdict(share, MOSTLY, HARDLY),
        "; ".join(lines) or "no layer was full",
    )


def counts_in_words(best: Counter[str]) -> str:
    """How many layers are like which net, the most frequent first."""
    return ", ".join(
        f"{count} {'like no net' if net == NONE else f'like {net}'}"
        for net, count in best.most_common()
    )


def _flatness(cases: Sequence[Case]) -> Claim:
    largest = max((_exchanged(case) for case in cases if case.rests), default=math.nan)
    return Claim(
        f"The interface with {cases[0].facet} stays flat and unalloyed.",
        LAI,
        _verdict(-largest, -FLAT, -EXCHANGED),
        _exchange_in_words(cases),
    )


def _alloying(cases: Sequence[Case]) -> Claim:
    largest = max((_exchanged(case) for case in cases if case.rests), default=math.nan)
    return Claim(
        f"On {cases[0].facet} copper and lithium exchange, and the interface is disordered.",
        LAI,
        _verdict(largest, EXCHANGED, FLAT),
        _exchange_in_words(cases),
    )


def _exchanged(case: Case) -> float:
    """The larger one of both kinds of exchanged atoms, per site."""
    both = (
        case.per_site(lambda rest: rest.film_below).mean,
        case.per_site(lambda rest: rest.substrate_above).mean,
    )
    return max(both)


def _exchange_in_words(cases: Sequence[Case]) -> str:
    lines = []
    for case in cases:
        if case.rests:
            below = case.per_site(lambda rest: rest.film_below)
            above = case.per_site(lambda rest: rest.substrate_above)
            rough = Spread.of([rest.interface_roughness for rest in case.rests])
            lines.append(
                f"{case.rate.current_density_ma_per_cm2:.2g} mA/cm²: "
                f"per 100 sites of a plane {in_words(below, '.1f', 100)} Li in sites of Cu and "
                f"{in_words(above, '.1f', 100)} Cu above it; its roughness is "
                f"{in_words(rough, '.2f')} Å"
            )
    return "; ".join(lines) or "no run came to its end"


def _first_layers(cases: Sequence[Case]) -> Claim:
    """Whether layers from the third on are what the second is."""
    same = total = 0
    for case in cases:
        for rest in case.rests:
            layers = full_layers(rest)
            second = [layer.best for layer in layers if layer.number == 2 and layer.best != NONE]
            later = [layer.best for layer in layers if layer.number > 2]
            if second and later:
                same += later.count(second[0])
                total += len(later)
    evidence = "no run has a full third layer over a second one that is like a plane"
    if total:
        evidence = (
            f"of {total} full layers from the third on {same} are called as the second layer of "
            "their run is"
        )
    return Claim(
        "The first two layers decide what the film becomes.",
        LAI,
        _verdict(same / total if total else math.nan, MOSTLY, HARDLY),
        evidence,
    )


def _verdict(value: float, holds: float, fails: float) -> Verdict:
    if math.isnan(value):
        return "not tested"
    if value >= holds:
        return "agrees"
    return "disagrees" if value <= fails else "agrees in part"


def in_words(spread: Spread, digits: str, scale: float = 1.0) -> str:
    """Mean and standard deviation, the latter where there are several runs."""
    mean = figure(spread.mean, digits, scale)
    if math.isnan(spread.deviation):
        return mean
    return f"{mean} ± {figure(spread.deviation, digits, scale)}"
