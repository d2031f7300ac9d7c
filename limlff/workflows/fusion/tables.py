"""Tables of the fusion study: key numbers, runs one by one, local current density."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from limlff.numbers_as_text import DASH, figure
from limlff.report.page import Table
from limlff.workflows.fusion.cases import Case
from limlff.workflows.fusion.outcome import Outcome
from limlff.workflows.statistics import in_words

Cell = Callable[[Case], str]


def key_numbers(cases: Sequence[Case]) -> Table:
    """A column for each misorientation."""
    cells = {**_rows_of_events(), **_rows_of_the_end(), **_rows_of_the_run()}
    rows = [[name, *(cell(case) for case in cases)] for name, cell in cells.items()]
    rows = [row for row in rows if any(cell.strip(DASH) for cell in row[1:])]
    return Table(["", *(case.label for case in cases)], rows)


def _rows_of_events() -> dict[str, Cell]:
    return {
        "Runs to the end": lambda case: (
            f"{case.count(lambda run: run.ended == 'all of it done')} of {len(case.outcomes)}"
        ),
        "Touched at (ps)": _of(".1f", lambda run: run.happened.touched_ps),
        "Merged at (ps)": _of(".0f", lambda run: run.happened.merged_ps),
        "Cavity closed in at (ps)": _of(".0f", lambda run: run.happened.cavity_ps),
        "Its missing atoms, at most": _of(".0f", lambda run: run.happened.most_missing),
        "Cavity gone at (ps)": _of(".0f", lambda run: run.happened.gone_ps),
    }


def _rows_of_the_end() -> dict[str, Cell]:
    def last(column: str, digits: str, scale: float = 1.0) -> Cell:
        return lambda case: in_words(case.last(column), digits, scale)

    return {
        "Radius of the neck, last tenth (Å)": last("neck_radius_angstrom", ".1f"),
        "Area of contact, last tenth (Å²)": last("contact_area_angstrom2", ".0f"),
        "Missing atoms closed in, last tenth": last("enclosed_missing", ".1f"),
        "Misorientation, last tenth (°)": last("misorientation_degrees", ".1f"),
        "Grain boundary, last tenth (Å²)": last("boundary_area_angstrom2", ".0f"),
        "Atoms in it that are not bcc": last("boundary_atoms", ".0f"),
        "Atoms inside the solid in bcc order, last tenth (%)": last("bcc", ".1f", 100),
    }


def _rows_of_the_run() -> dict[str, Cell]:
    return {
        "Atoms at the start": _of(".0f", lambda run: run.atoms),
        "Atoms that came": _of(".0f", _arrived),
        "Unevenness of the local current": _of(".2f", lambda run: run.unevenness),
        "Lattice constant at this temperature (Å)": _of(
            ".4f", lambda run: run.crystal.lattice_constant
        ),
        "Strain of the slab in its plane (%)": _of(".2f", lambda run: run.strain_percent),
        "Temperature (K)": _of(".0f", lambda run: run.temperature_k),
        "Highest extrapolation grade": lambda case: figure(case.highest_grade, ".2f"),
        "Longest time with over 1 % of atoms above 1 (ps)": lambda case: figure(
            case.longest_outside_ps, ".1f"
        ),
        "Wall time of a step of an atom (µs)": _of(
            ".2f", lambda run: run.timing["microseconds_per_atom_step"]
        ),
        "Analysis, part of the run (%)": _of(".1f", lambda run: 100 * run.timing["analysis_share"]),
    }


def _of(digits: str, value: Callable[[Outcome], float | None]) -> Cell:
    return lambda case: in_words(case.spread(value), digits)


def _arrived(run: Outcome) -> float:
    """Atoms that came; not a number if none was to."""
    if run.run.growth is None:
        return np.nan
    return float(run.series.columns["atoms"][-1] - run.atoms)


def runs_table(cases: Sequence[Case]) -> Table:
    """What happened in each run."""
    rows = [
        [
            run.name,
            *(
                figure(time, ".0f")
                for time in (
                    run.happened.touched_ps,
                    run.happened.merged_ps,
                    run.happened.cavity_ps,
                    run.happened.gone_ps,
                )
            ),
            figure(run.happened.most_missing, ".0f"),
            figure(run.series.columns["enclosed_missing"][-1], ".0f"),
            figure(run.series.columns["neck_radius_angstrom"][-1], ".1f"),
            figure(run.series.time_ps[-1], ".0f"),
            run.ended,
        ]
        for case in cases
        for run in case.outcomes
    ]
    columns = ["run", "touched (ps)", "merged (ps)", "cavity (ps)", "gone (ps)", "most missing",
               "missing at the end", "neck at the end (Å)", "length (ps)", "ended"]  # fmt: skip
    return Table(columns, rows, "Run by run")


def current_table(cases: Sequence[Case]) -> Table | None:
    """Local current density of each part of the growth; None if nothing came."""
    rows = [
        [
            run.name,
            f"{window.begin_ps:.0f} to {window.end_ps:.0f}",
            str(int(window.current.counts.sum())),
            figure(float(window.current.density.mean()), ".2e"),
            figure(float(window.current.density.min()), ".2e"),
            figure(float(window.current.density.max()), ".2e"),
            figure(window.current.relative_variance, ".2f"),
            figure(window.current.shot_noise, ".2f"),
            figure(window.current.unevenness, ".2f"),
        ]
        for case in cases
        for run in case.outcomes
        for window in run.windows
    ]
    columns = ["run", "time (ps)", "landed", "mean (mA/cm²)", "lowest", "highest",
               "relative variance", "shot noise", "unevenness"]  # fmt: skip
    return Table(columns, rows, "Local current density on tiles") if rows else None
