"""What has been published of dendrites that fuse, and what the runs say of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from limlff.numbers_as_text import counted, figure
from limlff.workflows.claims import Claim, verdict_of
from limlff.workflows.fusion.cases import Case
from limlff.workflows.fusion.outcome import Outcome
from limlff.workflows.statistics import in_words

JIAO = "Adv. Sci. 9, 2105574 (2022)"
"""Molecular dynamics of growing dendrites with a potential of the DeePMD kind."""

MOSTLY, HARDLY = 2 / 3, 1 / 3
"""Shares of runs from which on a claim holds, and below which it does not."""

FLUID, ALIKE = 1.5, 1.1
"""Ratio of displacements and of disorder, near the neck over far from it, from which on lithium is
more fluid and less ordered there, and below which it is not."""


def judge(cases: Sequence[Case]) -> list[Claim]:
    """All claims, on the runs that came far enough to say something.

    A run that was cut short says that something happened, but not that it did not.

    Args:
        cases: All runs by misorientation.
    """
    return [_merging(cases), _forming(cases), _vanishing(cases), _amorphous(cases)]


def _merging(cases: Sequence[Case]) -> Claim:
    return _by_share(
        "Dendrites that touch merge into one.",
        cases,
        lambda run: run.happened.touched_ps is not None,
        lambda run: run.happened.merged_ps is not None,
        lambda case: (
            f"touched after {in_words(case.spread(lambda run: run.happened.touched_ps), '.0f')} "
            f"ps, merged after {in_words(case.spread(lambda run: run.happened.merged_ps), '.0f')} "
            "ps; neck at the end "
            f"{in_words(case.last('neck_radius_angstrom'), '.1f')} Å"
        ),
    )


def _forming(cases: Sequence[Case]) -> Claim:
    return _by_share(
        "A cavity forms between them.",
        cases,
        lambda run: run.happened.touched_ps is not None,
        lambda run: run.happened.cavity_ps is not None,
        lambda case: (
            "largest cavity of a run "
            f"{in_words(case.spread(lambda run: run.happened.most_missing), '.0f')} missing atoms"
        ),
    )


def _vanishing(cases: Sequence[Case]) -> Claim:
    return _by_share(
        "The cavity vanishes.",
        cases,
        lambda run: run.happened.cavity_ps is not None,
        lambda run: run.happened.gone_ps is not None,
        lambda case: (
            f"gone after {in_words(case.spread(lambda run: run.happened.gone_ps), '.0f')} ps; "
            f"{in_words(case.last('enclosed_missing'), '.0f')} missing atoms at the end"
        ),
    )


def _by_share(
    text: str,
    cases: Sequence[Case],
    asked: Callable[[Outcome], bool],
    holds: Callable[[Outcome], bool],
    numbers: Callable[[Case], str],
) -> Claim:
    """A claim on the share of the runs for which it holds, of those in which it could."""
    heard, lines = [], []
    for case in cases:
        able = [run for run in case.outcomes if asked(run)]
        said = [run for run in able if holds(run) or run.ended == "all of it done"]
        heard += [float(holds(run)) for run in said]
        if able:
            lines.append(
                f"{case.label}: {sum(map(holds, said))} of {counted(len(said), 'run')} that came "
                f"to tell; {numbers(case)}"
            )
    share = sum(heard) / len(heard) if heard else math.nan
    evidence = "; ".join(lines) or "no run came so far"
    return Claim(text, JIAO, verdict_of(share, MOSTLY, HARDLY), evidence)


def _amorphous(cases: Sequence[Case]) -> Claim:
    """Displacements and disorder inside the solid near the neck, against far from it."""
    ratios, lines = [], []
    for case in cases:
        moves = case.spread(lambda run: _ratio(run, "msd"))
        disorder = case.spread(lambda run: _ratio(run, "disordered"))
        if math.isfinite(moves.mean) and math.isfinite(disorder.mean):
            ratios.append(min(moves.mean, disorder.mean))
            lines.append(
                f"{case.label}: atoms inside the solid near the neck move "
                f"{in_words(moves, '.1f')} times as far in the square as those far from it, and "
                f"are in disorder {in_words(disorder, '.1f')} times as often"
            )
    least = min(ratios) if ratios else math.nan
    return Claim(
        "Lithium where they join is less ordered and more fluid than elsewhere.",
        JIAO,
        verdict_of(least, FLUID, ALIKE),
        "; ".join(lines) or "no run has atoms inside the solid near a neck",
    )


def _ratio(run: Outcome, quantity: str) -> float:
    """Mean near the neck over that far from it, of the frames that have both."""
    near, far = (run.series.columns[f"{quantity}_{group}"] for group in ("near", "far"))
    known = (near == near) & (far == far)
    if not known.any() or not far[known].mean() > 0:
        return math.nan
    return float(near[known].mean() / far[known].mean())


def sentence(case: Case) -> str:
    """What became of the dendrites of a case."""
    runs = len(case.outcomes)
    merged = case.count(lambda run: run.happened.merged_ps is not None)
    formed = case.count(lambda run: run.happened.cavity_ps is not None)
    gone = case.count(lambda run: run.happened.gone_ps is not None)
    words = f"{case.label.capitalize()}, {counted(runs, 'run')}: {merged} merged"
    when = case.spread(lambda run: run.happened.merged_ps)
    words += f" (after {in_words(when, '.0f')} ps)" if merged else ""
    if not formed:
        words += "; no cavity was closed in between the dendrites"
    else:
        most = case.spread(lambda run: run.happened.most_missing)
        words += (
            f"; in {formed} a cavity was closed in, of {in_words(most, '.0f')} missing atoms at "
            f"most, and in {gone} it was gone at the end"
        )
    angle = case.last("misorientation_degrees")
    boundary = case.last("boundary_area_angstrom2")
    if math.isfinite(angle.mean):
        words += (
            f". At the end they are {in_words(angle, '.0f')}° apart in orientation, with "
            f"{figure(boundary.mean, '.0f')} Å² of grain boundary between them"
        )
    return words + "."
