"""What the rate law of a sweep says of real cells, and what it does not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from ase.data import atomic_masses, atomic_numbers

from limlff.numbers_as_text import DASH
from limlff.report.page import Table
from limlff.workflows.healing.cases import Case, closings
from limlff.workflows.healing.inertia import AMU_PER_CUBIC_ANGSTROM
from limlff.workflows.healing.outcome import Outcome, sphere_radius
from limlff.workflows.healing.rate_law import (
    Closing,
    Fit,
    Material,
    fit_creep_law,
    laplace_pressure,
)

CELL_PRESSURES_MPA = (0.1, 1.0, 10.0)
"""Stack pressures of real cells (MPa)."""

RADII_NM = (2.0, 10.0, 100.0, 1000.0)
"""Radii of holes for which the law is written out (nm)."""

SECONDS_PER_PS = 1e-12
_UNITS = (("years", 3.156e7), ("days", 86400.0), ("h", 3600.0), ("s", 1.0), ("ms", 1e-3),
          ("µs", 1e-6), ("ns", 1e-9), ("ps", 1e-12))  # fmt: skip


def law_of(outcomes: Sequence[Outcome], surface_energy: float) -> Fit | None:
    """The rate law of all runs; None if too few holes closed."""
    return _fitted(tuple(closings(outcomes)), material_of(outcomes, surface_energy))


@lru_cache(maxsize=4)
def _fitted(runs: tuple[Closing, ...], material: Material) -> Fit | None:
    """Numbers, summary and page all ask for it."""
    return fit_creep_law(runs, material)


def material_of(outcomes: Sequence[Outcome], surface_energy: float) -> Material:
    """Surface energy, and the density of the crystals."""
    mass = float(atomic_masses[atomic_numbers[outcomes[0].run.element]])
    volume = float(np.mean([outcome.crystal.volume_per_atom for outcome in outcomes]))
    return Material(surface_energy, AMU_PER_CUBIC_ANGSTROM * mass / volume)


def end_radius_of(cases: Sequence[Case]) -> float:
    """Radius at which a hole counts as closed (Å)."""
    outcome = cases[0].outcomes[0]
    return sphere_radius(outcome.run.closed.missing_below, outcome.crystal.volume_per_atom)


def law_table(fit: Fit, cases: Sequence[Case]) -> Table:
    """Time to close of holes in cells, after the law."""
    end = end_radius_of(cases)
    rows = []
    for radius in RADII_NM:
        tension = 1e3 * float(laplace_pressure(10 * radius, fit.law.material.surface_energy))
        rows.append(
            [f"{radius:g} nm", f"{tension:.3g}"]
            + [
                _between(*fit.log_time(10 * radius, end, 1e-3 * pressure))
                for pressure in (0.0, *CELL_PRESSURES_MPA)
            ]
        )
    heads = ["radius", "2γ/R (MPa)", "no pressure", *(f"{p:g} MPa" for p in CELL_PRESSURES_MPA)]
    return Table(heads, rows, "Time to close in a cell, by the rate law (limits of 95 %)")


def _between(value: float, low: float, high: float) -> str:
    return f"{in_time(value)} ({in_time(low)} to {in_time(high)})"


def in_time(log_ps: float) -> str:
    """A time given by its logarithm (ln of ps), in the unit that suits it."""
    if math.isnan(log_ps):
        return DASH
    if log_ps > 300:
        return "never"
    seconds = SECONDS_PER_PS * math.exp(log_ps)
    for unit, length in _UNITS:
        if seconds >= length:
            return f"{seconds / length:.2g} {unit}"
    return f"{seconds / SECONDS_PER_PS:.2g} ps"


def law_in_words(fit: Fit | None) -> str:
    """The law and how well it fits, in sentences."""
    if fit is None:
        return (
            "No rate law: too few holes closed, or under too few different pressures, to fit one."
        )
    exponent = fit.interval([law.exponent for law in fit.drawn])
    rate = fit.interval([law.log_rate for law in fit.drawn])
    law = fit.law
    return (
        f"Rate law of {fit.runs} runs, {fit.closed} of which closed, at driving pressures "
        f"P + 2γ/R from {fit.pressures[0]:.2f} to {fit.pressures[1]:.2f} GPa: dR/dt = "
        f"-B R (P + 2γ/R)^n with n = {law.exponent:.2f} ({exponent[0]:.2f} to {exponent[1]:.2f}) "
        f"and B = {math.exp(law.log_rate):.3g} ({math.exp(rate[0]):.3g} to {math.exp(rate[1]):.3g})"
        " per ps and GPa^n, besides the time that inertia takes; runs scatter by a factor "
        f"{math.exp(law.scatter):.2f}. "
        + (
            f"{fit.unexpected} of the runs that stayed open should have closed by it, so that it "
            "does not hold for them."
            if fit.unexpected
            else "No run stayed open that should have closed by it."
        )
    )


def law_as_json(fit: Fit | None, cases: Sequence[Case]) -> dict[str, Any] | None:
    """The law, its limits and what it gives in cells, for the JSON."""
    if fit is None:
        return None
    end = end_radius_of(cases)
    times = [
        {
            "radius_nm": radius,
            "pressure_mpa": pressure,
            "log10_seconds": [
                round(value / math.log(10) - 12, 4)
                for value in fit.log_time(10 * radius, end, 1e-3 * pressure)
            ],
        }
        for radius in RADII_NM
        for pressure in (0.0, *CELL_PRESSURES_MPA)
    ]
    return {
        "exponent": fit.law.exponent,
        "exponent_limits": fit.interval([law.exponent for law in fit.drawn]),
        "log_rate_per_ps_gpa_n": fit.law.log_rate,
        "log_rate_limits": fit.interval([law.log_rate for law in fit.drawn]),
        "scatter_of_log_time": fit.law.scatter,
        "runs": fit.runs,
        "closed": fit.closed,
        "open_against_the_law": fit.unexpected,
        "driving_pressures_gpa": fit.pressures,
        "times_in_cells": times,
    }
