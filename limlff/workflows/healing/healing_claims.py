"""What has been published of healing holes in lithium, and what the runs say of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from limlff.analysis.survival import are_different
from limlff.numbers_as_text import counted, figure
from limlff.workflows.claims import Claim, Verdict, verdict_of
from limlff.workflows.healing.cases import Case
from limlff.workflows.healing.outcome import Outcome
from limlff.workflows.statistics import Spread, in_words

LAI = "J. Energy Chem. 79, 489 (2023)"
"""Molecular dynamics at 300 K with a potential of the DeePMD kind."""
JIAO = "Adv. Sci. 9, 2105574 (2022)"

MOSTLY, HARDLY = 2 / 3, 1 / 3
"""Parts of the runs from which on something is said of most of them, and up to which of few."""

SURE = 0.05
"""Probability of chance up to which two sets of closing times are different."""

FARTHER = 2.0
"""Standard errors from which on a ratio of displacements is above one."""


def judge(cases: Sequence[Case]) -> list[Claim]:
    """All claims on spherical, cubic and cylindrical holes.

    Args:
        cases: All runs by hole and pressure.
    """
    return [_speeds(cases), _persists(cases), _rim_moves(cases), _rim_is_amorphous(cases)]


def _by_hole(cases: Sequence[Case]) -> list[list[Case]]:
    """Cases of one hole each, by pressure; the holes by size."""
    holes: dict[tuple[int, str], list[Case]] = {}
    for case in cases:
        holes.setdefault((case.missing_atoms, case.shape), []).append(case)
    return [sorted(holes[key], key=lambda case: case.pressure_gpa) for key in sorted(holes)]


def _is_without_pressure(case: Case) -> bool:
    return abs(case.pressure_gpa) < 1e-9


def _speeds(cases: Sequence[Case]) -> Claim:
    """Of holes that mostly close by themselves: whether the highest pressure makes them faster."""
    verdicts: list[float] = []
    lines = []
    for own in _by_hole(cases):
        first, last = own[0], own[-1]
        if first is last or not _is_without_pressure(first) or not first.share_open <= HARDLY:
            continue
        chance = are_different(first.times, last.times)
        is_shorter = last.median.value < first.median.value
        verdicts.append(1.0 if is_shorter and chance <= SURE else 0.5 if is_shorter else 0.0)
        lines.append(
            f"{first.missing_atoms} atoms, {first.shape}: median "
            f"{figure(first.median.value, '.1f')}"
            f" ps without pressure, {figure(last.median.value, '.1f')} ps under "
            f"{last.pressure_gpa:g} GPa (by chance with a probability of {chance:.2g})"
        )
    return Claim(
        "Pressure speeds the closing of small holes.",
        LAI,
        verdict_of(float(np.mean(verdicts)) if verdicts else math.nan, MOSTLY, HARDLY),
        "; ".join(lines) or "no hole closed in most runs without pressure, or at one pressure only",
    )


def _persists(cases: Sequence[Case]) -> Claim:
    """Of the largest hole of each shape: open at the end without pressure, closed under it."""
    largest = {own[0].shape: own for own in _by_hole(cases)}
    opens, closes, lines = [], [], []
    for own in largest.values():
        first, last = own[0], own[-1]
        if first is last or not _is_without_pressure(first):
            continue
        opens.append(first.share_open)
        closes.append(1 - last.share_open)
        lines.append(
            f"{first.missing_atoms} atoms, {first.shape}: open at the end in "
            f"{100 * first.share_open:.0f} % of {counted(first.times.count, 'run')} without "
            "pressure "
            f"(watched for up to {max(o.watched_ps for o in first.outcomes):.0f} ps), closed in "
            f"{100 * (1 - last.share_open):.0f} % of {counted(last.times.count, 'run')} under "
            f"{last.pressure_gpa:g} GPa (runs that came to their end)"
        )
    persists = verdict_of(float(np.mean(opens)) if opens else math.nan, MOSTLY, HARDLY)
    closed = verdict_of(float(np.mean(closes)) if closes else math.nan, MOSTLY, HARDLY)
    text = "; ".join(lines) or "no hole was watched with pressure and without"
    return Claim(
        "Large holes stay open without pressure and close under it.",
        LAI,
        _worse(persists, closed),
        f"{text}; of the largest hole simulated, within the time simulated",
    )


def _worse(first: Verdict, second: Verdict) -> Verdict:
    order: tuple[Verdict, ...] = ("not tested", "disagrees", "agrees in part", "agrees")
    return min(first, second, key=order.index)


def _rim_moves(cases: Sequence[Case]) -> Claim:
    """How far atoms in disorder at the rim go, in comparison with bcc atoms."""
    runs = [outcome for case in cases for outcome in case.outcomes]
    ratios = ratio_of_displacements(runs, "bcc")
    beside = ratio_of_displacements(runs, "bcc_rim")
    value = math.nan
    if ratios.count > 1:
        # from 0, where nothing is known, to 1 at two standard errors above a ratio of one
        error = ratios.deviation / math.sqrt(ratios.count)
        value = (ratios.mean - 1) / max(FARTHER * error, 1e-12)
    return Claim(
        "Disordered atoms at the rim of a hole move farther than bcc atoms.",
        f"{LAI}; {JIAO}",
        verdict_of(value, 1.0, 0.0),
        _displacements_in_words(runs, ratios, beside),
    )


def ratio_of_displacements(runs: Sequence[Outcome], group: str) -> Spread:
    """Mean-square displacement of disordered atoms at the rim by that of a group, run by run."""
    return Spread.of([run.rim_msd("disordered_rim") / run.rim_msd(group) for run in runs])


def _displacements_in_words(runs: Sequence[Outcome], ratios: Spread, beside: Spread) -> str:
    if not ratios.count:
        return "no run was long enough for a displacement"
    lag = runs[0].run.lag_ps
    parts = [
        f"{name} {in_words(Spread.of([run.rim_msd(group) for run in runs]), '.2f')} Å²"
        for group, name in (
            ("disordered_rim", "disordered atoms at the rim"),
            ("bcc_rim", "bcc atoms at the rim"),
            ("bcc", "all bcc atoms"),
        )
    ]
    return (
        f"mean-square displacement over {lag:g} ps while the hole is open, mean and standard "
        f"deviation over {counted(ratios.count, 'run')}: {', '.join(parts)}; run by run "
        f"{in_words(ratios, '.1f')} times that of all bcc atoms and {in_words(beside, '.1f')} "
        "times "
        "that of bcc atoms at the rim"
    )


def _rim_is_amorphous(cases: Sequence[Case]) -> Claim:
    """Whether the rim is in disorder while a hole closes, and in order again afterwards."""
    closed = [o for case in cases for o in case.outcomes if o.closed_at_ps is not None]
    values, peaks, ends, before = [], [], [], []
    for outcome in closed:
        near = outcome.series.columns["disordered_near"]
        known = near[np.isfinite(near)]
        if len(known):
            peaks.append(float(known.max()))
            ends.append(float(known[-max(1, len(known) // 10) :].mean()))
            before.append(float(known[0]))
            values.append(1.0 if peaks[-1] > 2 * max(before[-1], ends[-1]) else 0.0)
    evidence = "no hole closed"
    if values:
        evidence = (
            f"disordered part of the atoms near the hole in {counted(len(values), 'run')} that "
            f"closed: {in_words(Spread.of(before), '.0f', 100)} % when it is cut, "
            f"{in_words(Spread.of(peaks), '.0f', 100)} % at the most, "
            f"{in_words(Spread.of(ends), '.0f', 100)} % at the end; in "
            f"{100 * float(np.mean(values)):.0f} % of them the most is more than twice both others"
        )
    return Claim(
        "The rim of a hole turns amorphous, closes the hole, and becomes crystal again.",
        JIAO,
        verdict_of(float(np.mean(values)) if values else math.nan, MOSTLY, HARDLY),
        evidence,
    )
