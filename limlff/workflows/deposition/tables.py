"""Tables of the deposition study: key numbers, claims with verdicts, layers, exchange."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from limlff.analysis.reference_nets import LITHIUM_NETS
from limlff.numbers_as_text import DASH, figure
from limlff.report.page import Table
from limlff.workflows.deposition.cases import Case, Spread
from limlff.workflows.deposition.claims import best_of, in_words, judge
from limlff.workflows.deposition.rest import Rest, RestLayer


def key_numbers(cases: Sequence[Case]) -> Table:
    """A column for each surface and rate."""

    def row(name: str, value: Callable[[Case], str]) -> list[str]:
        return [name, *(value(case) for case in cases)]

    def rest(digits: str, value: Callable[[Rest], float], scale: float = 1.0) -> Callable[..., str]:
        return lambda case: in_words(Spread.of([value(r) for r in case.rests]), digits, scale)

    def per_site(value: Callable[[Rest], float]) -> Callable[[Case], str]:
        return lambda case: in_words(case.per_site(value), ".1f", 100)

    def timing(name: str, scale: float, digits: str) -> Callable[[Case], str]:
        return lambda case: in_words(
            Spread.of([run.timing[name] for run in case.outcomes]), digits, scale
        )

    rows = [
        row("Runs plated to the end", lambda c: f"{len(c.rests)} of {len(c.outcomes)}"),
        row("Rate (atoms/ns)", lambda c: f"{c.rate.atoms_per_ns:.4g}"),
        row("Temperature while plating (K)", _temperature),
        row("Full layers most like", _best),
        row("Li in sites of the top plane and below (%)", per_site(lambda r: r.film_below)),
        row("Cu above its top plane (%)", per_site(lambda r: r.substrate_above)),
        row("Roughness of the top plane of Cu (Å)", rest(".2f", lambda r: r.interface_roughness)),
        row("Film in bcc order (%)",
            rest(".0f", lambda r: r.local_order.get("bcc", math.nan), 100)),
        *(
            row(f"bcc atoms with {plane} within 10° of z (%)",
                rest(".0f", lambda r, p=plane: r.texture.get(p, math.nan), 100))  # type: ignore[misc]
            for plane in ("(100)", "(110)", "(111)")
        ),
        row("Highest extrapolation grade", lambda c: figure(c.highest_grade, ".2f")),
        row("Longest time with over 1 % of atoms above 1 (ps)",
            lambda c: figure(c.longest_outside_ps, ".1f")),
        row("First layer opens when so many layers are left", _opens),
        row("Wall time of each plated atom (s)", timing("seconds_per_plated_atom", 1.0, ".2f")),
        row("Analysis, part of it (%)", timing("analysis_share", 100, ".1f")),
    ]  # fmt: skip
    rows = [cells for cells in rows if any(cell.strip(DASH) for cell in cells[1:])]
    return Table(["", *(case.label for case in cases)], rows)


def _temperature(case: Case) -> str:
    return in_words(Spread.of([run.temperature_k for run in case.outcomes]), ".0f")


def _best(case: Case) -> str:
    return _counts(best_of(case)) or DASH


def _counts(best: Counter[str]) -> str:
    """Names with their numbers, the most frequent first."""
    return ", ".join(f"{net} {count}" for net, count in best.most_common())


def _opens(case: Case) -> str:
    """Amount left when the first layer's coverage has fallen below 95 % for good."""
    amounts = []
    for run in case.outcomes:
        if run.stripping is not None:
            closed = np.flatnonzero(run.stripping.columns["coverage_1"] >= 0.95)
            if len(closed) and closed[-1] < len(run.stripping.time_ps) - 1:  # else it never opened
                left = run.stripping.columns["atoms"] / run.run.per_layer
                amounts.append(float(left[closed[-1]]))
    return in_words(Spread.of(amounts), ".2f")


def claims_table(cases: Sequence[Case]) -> Table:
    """Published claims with a verdict each."""
    rows = [[c.text, c.source, c.verdict, c.evidence] for c in judge(cases)]
    return Table(["claim", "by", "these runs", "evidence"], rows, "Claims and verdicts", True)


def layers_table(cases: Sequence[Case]) -> Table:
    """Each layer of each surface and rate, over the runs."""
    rows = [
        [
            case.label,
            str(layer.number),
            in_words(layer.spread(lambda each: each.density), ".3f"),
            in_words(layer.spread(lambda each: each.coverage), ".2f"),
            *(in_words(layer.score(net), ".2f") for net in LITHIUM_NETS),
            in_words(layer.spread(_of_copper), ".2f"),
            _counts(layer.best),
        ]
        for case in cases
        for layer in case.layers
    ]
    columns = ["surface", "layer", "atoms/Å²", "coverage", *LITHIUM_NETS, "Cu", "most like (runs)"]
    return Table(columns, rows, "Layers after plating")


def _of_copper(layer: RestLayer) -> float:
    """Similarity to the facet below, as of a pseudomorphic layer."""
    return next((value for net, value in layer.scores.items() if net.startswith("Cu")), math.nan)


def exchange_table(cases: Sequence[Case]) -> Table:
    """Exchanged atoms of each run after plating."""
    rows = [
        [
            run.name,
            figure(run.rest.film_below, ".1f"),
            figure(run.rest.substrate_above, ".1f"),
            figure(run.rest.interface_roughness, ".2f"),
            run.ended,
        ]
        for case in cases
        for run in case.outcomes
        if run.rest is not None
    ]
    columns = ["run", "Li in Cu sites", "Cu above its plane", "roughness of the plane (Å)", "ended"]
    return Table(columns, rows, "Exchange, run by run")
