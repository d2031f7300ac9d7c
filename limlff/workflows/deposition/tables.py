"""Tables of the deposition study: key numbers, claims with verdicts, layers, exchange."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from limlff.analysis.reference_nets import LITHIUM_NETS
from limlff.numbers_as_text import DASH, figure
from limlff.report.page import Table
from limlff.workflows.deposition.cases import Case
from limlff.workflows.deposition.claims import best_of
from limlff.workflows.deposition.outcome import Outcome
from limlff.workflows.deposition.rest import Rest, RestLayer
from limlff.workflows.statistics import Spread, in_words

Cell = Callable[[Case], str]


def key_numbers(cases: Sequence[Case]) -> Table:
    """A column for each surface and rate."""
    cells = {**_growth_rows(), **_interface_rows(), **_film_rows(), **_stripping_rows()}
    cells |= {
        "Wall time of each plated atom (s)": _of_runs(
            ".2f", lambda run: run.timing["seconds_per_plated_atom"]
        ),
        "Analysis, part of the run (%)": _of_runs(
            ".1f", lambda run: run.timing["analysis_share"], 100
        ),
    }
    rows = [[name, *(cell(case) for case in cases)] for name, cell in cells.items()]
    rows = [row for row in rows if any(cell.strip(DASH) for cell in row[1:])]
    return Table(["", *(case.label for case in cases)], rows)


def _growth_rows() -> dict[str, Cell]:
    return {
        "Runs plated to the end": lambda c: f"{len(c.rests)} of {len(c.outcomes)}",
        "Rate (atoms/ns)": lambda c: f"{c.rate.atoms_per_ns:.4g}",
        "Plated (layers)": _of_runs(".2f", lambda run: float(run.plated[-1])),
        "Temperature while plating (K)": _of_runs(".0f", lambda run: run.temperature_k),
        "Temperature while measured (K)": _of_runs(".0f", lambda run: run.rest_temperature_k),
        "Highest extrapolation grade": lambda c: figure(c.highest_grade, ".2f"),
        "Longest time with over 1 % of atoms above 1 (ps)": lambda c: figure(
            c.longest_outside_ps, ".1f"
        ),
    }


def _interface_rows() -> dict[str, Cell]:
    return {
        "Li in sites of the top plane and below (%)": _per_site(lambda rest: rest.film_below),
        "Cu above its top plane (%)": _per_site(lambda rest: rest.substrate_above),
        "Roughness of the top plane of Cu (Å)": _of_rests(
            ".2f", lambda rest: rest.interface_roughness
        ),
        "Order of it, as part of that of the plane below": _of_rests(
            ".2f", lambda rest: rest.interface_order
        ),
    }


def _film_rows() -> dict[str, Cell]:
    def texture(plane: str) -> Cell:
        return _of_rests(".0f", lambda rest: rest.texture.get(plane, math.nan), 100)

    return {
        "Full layers most like": lambda c: _counts(best_of(c)) or DASH,
        "Film in bcc order (%)": _of_rests(
            ".0f", lambda rest: rest.local_order.get("bcc", math.nan), 100
        ),
        **{
            f"bcc atoms with {plane} within 10° of z (%)": texture(plane)
            for plane in ("(100)", "(110)", "(111)")
        },
    }


def _stripping_rows() -> dict[str, Cell]:
    def left(digits: str, column: str, scale: Callable[[Outcome], float]) -> Cell:
        return _of_runs(
            digits,
            lambda run: (
                scale(run) * float(run.stripping.columns[column][-1])
                if run.stripping and run.ended == "all stages done"
                else math.nan
            ),
        )

    def percent(run: Outcome) -> float:
        return 100 / math.prod(run.run.slab.size)

    return {
        "First layer opens when so many layers are left": _opens,
        "Left after stripping (layers)": left(".2f", "atoms", lambda run: 1 / run.run.per_layer),
        "Of it in sites of Cu (% of a plane)": left(".1f", "film_below", percent),
        "Cu above its top plane after stripping (%)": left(".1f", "substrate_above", percent),
    }


def _of_rests(digits: str, value: Callable[[Rest], float], scale: float = 1.0) -> Cell:
    return lambda case: in_words(Spread.of([value(r) for r in case.rests]), digits, scale)


def _per_site(value: Callable[[Rest], float]) -> Cell:
    return lambda case: in_words(case.per_site(value), ".1f", 100)


def _of_runs(digits: str, value: Callable[[Outcome], float], scale: float = 1.0) -> Cell:
    return lambda case: in_words(Spread.of([value(r) for r in case.outcomes]), digits, scale)


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


def order_table(cases: Sequence[Case]) -> Table:
    """Order in the plane of each layer, and how far its atoms go, over the runs."""
    rows = [
        [
            case.label,
            str(layer.number),
            in_words(layer.spread(lambda each: each.islands), ".1f"),
            in_words(layer.spread(lambda each: each.roughness), ".2f"),
            in_words(layer.spread(lambda each: each.psi_4), ".2f"),
            in_words(layer.spread(lambda each: each.psi_6), ".2f"),
            in_words(layer.spread(lambda each: each.largest_grain), ".0f", 100),
            in_words(layer.spread(lambda each: each.in_plane), ".2f"),
            in_words(layer.spread(lambda each: each.along_z), ".2f"),
            in_words(layer.spread(lambda each: each.stays), ".0f", 100),
        ]
        for case in cases
        for layer in case.layers
    ]
    columns = ["surface", "layer", "islands", "roughness (Å)", "|ψ4|", "|ψ6|",
               "largest grain (%)", "in-plane (Å²)", "along z (Å²)", "stay (%)"]  # fmt: skip
    return Table(columns, rows, "Order and mobility of the layers")


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
