"""Tables of a sweep over holes and pressures, and the same for the JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from limlff.analysis.survival import Median
from limlff.numbers_as_text import figure
from limlff.report.page import Table
from limlff.workflows.healing.cases import Case
from limlff.workflows.healing.extrapolation import end_radius_of, material_of
from limlff.workflows.healing.healing_claims import ratio_of_displacements
from limlff.workflows.healing.inertia import collapse_time
from limlff.workflows.healing.rate_law import Material
from limlff.workflows.series import last_mean
from limlff.workflows.statistics import Spread, in_words


def closing_table(cases: Sequence[Case], surface_energy: float) -> Table:
    """When the holes of each case closed."""
    material = material_of([run for case in cases for run in case.outcomes], surface_energy)
    inertia = [_collapse(case, material) for case in cases]
    rows = [
        [
            case.label,
            f"{case.radius:.1f}",
            f"{case.laplace_gpa(surface_energy):.2f}",
            f"{fastest:.2f}",
            f"{len(case.times.events)} of {case.times.count}",
            median_in_words(case.median),
            _limits(case.median),
            figure(case.weibull.shape if case.weibull else None, ".1f"),
            in_words(Spread.of([_end(o, "missing_atoms") for o in case.outcomes]), ".0f"),
        ]
        for case, fastest in zip(cases, inertia, strict=True)
    ]
    columns = ["hole", "R (Å)", "2γ/R (GPa)", "inertia alone (ps)", "closed",
               "median closing time (ps)", "95 % limits", "Weibull shape",
               "missing at the end"]  # fmt: skip
    return Table(columns, rows)


def _collapse(case: Case, material: Material) -> float:
    """Time in which the hole would collapse in a fluid without viscosity (ps)."""
    end = end_radius_of([case])
    radius, end, pressure = np.array([[case.radius], [end], [case.pressure_gpa]])
    found = collapse_time(radius, end, pressure, material.surface_energy, material.density)
    return float(found[0])


def median_in_words(median: Median) -> str:
    """A median, or that it lies beyond what was seen."""
    return f"{median.value:.1f}" if math.isfinite(median.value) else f"> {median.low:.0f}"


def _limits(median: Median) -> str:
    high = f"{median.high:.1f}" if math.isfinite(median.high) else "∞"
    return f"{median.low:.1f} to {high}"


def rim_table(cases: Sequence[Case]) -> Table:
    """Order and mobility about the holes of each case."""
    rows = []
    for case in cases:
        runs = case.outcomes
        msd = {
            group: Spread.of([run.rim_msd(group) for run in runs])
            for group in ("disordered_rim", "bcc_rim", "bcc")
        }
        rows.append(
            [
                case.label,
                in_words(Spread.of([_most(run, "disordered_near") for run in runs]), ".0f", 100),
                *(in_words(each, ".2f") for each in msd.values()),
                in_words(ratio_of_displacements(runs, "bcc"), ".1f"),
                *(
                    in_words(Spread.of([part[kind] for part in map(phases, runs)]), ".0f", 100)
                    for kind in ("bcc", "close-packed", "disordered")
                ),
            ]
        )
    columns = ["hole", "disorder near it, most (%)", "disordered rim (Å²)", "bcc rim (Å²)",
               "all bcc (Å²)", "rim / bcc", "bcc at the end (%)", "fcc, hcp (%)",
               "disordered (%)"]  # fmt: skip
    return Table(columns, rows, "Order, mean-square displacements, and what is left")


def phases(outcome: Any) -> dict[str, float]:
    """Parts of all atoms in each order over the last tenth of a run."""
    bcc, disordered = _end(outcome, "bcc_all"), _end(outcome, "disordered_all")
    return {"bcc": bcc, "close-packed": 1 - bcc - disordered, "disordered": disordered}


def _end(outcome: Any, column: str) -> float:
    return last_mean(outcome.series.columns[column])


def _most(outcome: Any, column: str) -> float:
    values = outcome.series.columns[column]
    known = values[np.isfinite(values)]
    return float(known.max()) if len(known) else math.nan


def cases_as_json(cases: Sequence[Case], surface_energy: float) -> list[dict[str, Any]]:
    """Closing times of each case, for the JSON."""
    return [
        {
            "missing_atoms": case.missing_atoms,
            "shape": case.shape,
            "pressure_gpa": case.pressure_gpa,
            "radius_angstrom": case.radius,
            "laplace_pressure_gpa": case.laplace_gpa(surface_energy),
            "closed_at_ps": case.times.events,
            "open_until_ps": case.times.censored,
            "median_ps": case.median.value,
            "median_limits_ps": [case.median.low, case.median.high],
            "weibull": case.weibull,
            "displacements_angstrom2": {
                group: Spread.of([run.rim_msd(group) for run in case.outcomes])
                for group in ("disordered_rim", "bcc_rim", "bcc")
            },
            "phases_at_the_end": [phases(run) for run in case.outcomes],
        }
        for case in cases
    ]
