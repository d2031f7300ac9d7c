"""Runs that differ by their seed only, and means and spreads over them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from limlff.md.arrival_rate import ArrivalRate
from limlff.structures.settings import Slab
from limlff.workflows.deposition.config import slab_name
from limlff.workflows.deposition.outcome import Outcome
from limlff.workflows.deposition.rest import Rest, RestLayer
from limlff.workflows.grades import longest_outside_ps
from limlff.workflows.statistics import Spread

POINTS = 200
"""Amounts at which curves of several runs are averaged."""


@dataclass(frozen=True)
class LayerFinding:
    """One layer of a case, over its runs.

    Attributes:
        number: Its number, from 1 at the interface.
        layers: The layer in each run that has it.
    """

    number: int
    layers: list[RestLayer]

    def spread(self, value: Callable[[RestLayer], float]) -> Spread:
        """Mean and spread of a number over the runs."""
        return Spread.of([value(layer) for layer in self.layers])

    def score(self, net: str) -> Spread:
        """Similarity to a net."""
        return self.spread(lambda layer: layer.scores.get(net, math.nan))

    @property
    def best(self) -> Counter[str]:
        """How many runs have it most like each net."""
        return Counter(layer.best for layer in self.layers)


@dataclass(frozen=True)
class Curve:
    """Mean and spread of a quantity over runs, against the amount of film.

    Attributes:
        layers: Amounts (layers).
        mean: Means.
        deviation: Standard deviations; zero for a single run.
    """

    layers: Float[np.ndarray, " amounts"]
    mean: Float[np.ndarray, " amounts"]
    deviation: Float[np.ndarray, " amounts"]


@dataclass(frozen=True)
class Case:
    """Runs of one slab and rate.

    Attributes:
        slab: The slab.
        rate: The rate.
        outcomes: Results of the runs.
        is_only_size: Whether all slabs of its facet and feature have its size.
    """

    slab: Slab
    rate: ArrivalRate
    outcomes: list[Outcome]
    is_only_size: bool = True

    @property
    def facet(self) -> str:
        """The surface, such as Cu(110), with its feature, and its size where sizes differ."""
        _, size, *feature = slab_name(self.slab).split("-", 2)
        parts = [f"{self.slab.element}({self.slab.facet})", *(f.replace("-", " ") for f in feature)]
        return ", ".join(parts if self.is_only_size else [*parts, size])

    @property
    def label(self) -> str:
        """Surface and rate, for headings and legends."""
        return f"{self.facet}, {self.rate.current_density_ma_per_cm2:.3g} mA/cm²"

    @property
    def sites(self) -> int:
        """Atoms of a plane of the slab."""
        return math.prod(self.slab.size)

    @cached_property
    def rests(self) -> list[Rest]:
        """Films after plating, of the runs that came so far."""
        return [each.rest for each in self.outcomes if each.rest is not None]

    def per_site(self, value: Callable[[Rest], float]) -> Spread:
        """A number of atoms after plating, per atom of a plane of the slab."""
        return Spread.of([value(rest) / self.sites for rest in self.rests])

    @cached_property
    def layers(self) -> list[LayerFinding]:
        """Its layers, from the interface up."""
        numbers = sorted({layer.number for rest in self.rests for layer in rest.layers})
        return [
            LayerFinding(
                number, [layer for rest in self.rests for layer in rest.layers
                         if layer.number == number]
            )
            for number in numbers
        ]  # fmt: skip

    @property
    def longest_outside_ps(self) -> float:
        """Longest time without a break with more than 1 % of the atoms of a run outside (ps).

        Not a number if grades are not known.
        """
        return max(longest_outside_ps(series) for run in self.outcomes for series in run.graded)

    @property
    def highest_grade(self) -> float:
        """Highest grade of an atom in any frame; not a number if grades are not known."""
        return max(float(np.max(series.columns["highest_grade"]))
                   for run in self.outcomes for series in run.graded)  # fmt: skip

    def curve(self, column: str, stage: str = "plating") -> Curve | None:
        """A quantity against the amount of film, over the runs; None if no run has it.

        Args:
            column: Name of the quantity in the series.
            stage: "plating" or "stripping".
        """
        parts = []
        for run in self.outcomes:
            series = run.plating if stage == "plating" else run.stripping
            if series is not None and len(series.time_ps) > 1 and column in series.columns:
                amounts = series.columns["atoms"] / run.run.per_layer
                order = np.argsort(amounts, kind="stable")
                parts.append((amounts[order], series.columns[column][order]))
        if not parts:
            return None
        low = max(amounts[0] for amounts, _ in parts)
        high = min(amounts[-1] for amounts, _ in parts)
        grid = np.linspace(low, max(low, high), POINTS)
        values = np.array([np.interp(grid, amounts, values) for amounts, values in parts])
        deviation = values.std(axis=0, ddof=1) if len(values) > 1 else np.zeros(POINTS)
        return Curve(grid, values.mean(axis=0), deviation)


def gather(outcomes: Sequence[Outcome]) -> list[Case]:
    """Runs by slab and rate, slabs first, in the order of the settings."""
    found: dict[tuple[str, float], list[Outcome]] = {}
    for outcome in outcomes:
        key = slab_name(outcome.run.slab), outcome.run.rate.atoms_per_ns
        found.setdefault(key, []).append(outcome)
    slabs = {slab_name(outcome.run.slab): outcome.run.slab for outcome in outcomes}
    names = list(slabs)
    ordered = sorted(found.items(), key=lambda item: names.index(item[0][0]))
    kinds = [_without_size(slab) for slab in slabs.values()]
    return [
        Case(
            slab := runs[0].run.slab,
            runs[0].run.rate,
            runs,
            is_only_size=kinds.count(_without_size(slab)) == 1,
        )
        for _, runs in ordered
    ]


def _without_size(slab: Slab) -> str:
    return slab_name(slab.model_copy(update={"size": (1, 1)}))


def slowest(cases: Sequence[Case]) -> list[Case]:
    """Of each slab the case with the lowest rate, in the order of the slabs."""
    best: dict[str, Case] = {}
    for case in cases:
        name = slab_name(case.slab)
        rate = case.rate.current_density_ma_per_cm2
        if name not in best or rate < best[name].rate.current_density_ma_per_cm2:
            best[name] = case
    return list(best.values())
