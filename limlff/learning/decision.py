"""Whether a campaign is over: its goal is reached, or its budget is spent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from limlff.learning.campaign import Budget, Goal
from limlff.learning.tasks import Cost
from limlff.numbers_as_text import counted


@dataclass(frozen=True)
class Standing:
    """Where a campaign stands in an iteration, before anything is labelled.

    Attributes:
        iteration: Number of the iteration.
        frames: Frames that are labelled.
        cost: Of all that was done.
        errors: On the test frames, as `limlff.evaluate` has them; empty without test frames.
        uncertain_share: Share of explored frames with an uncertain atom; None if not explored yet.
    """

    iteration: int
    frames: int
    cost: Cost
    errors: dict[str, Any]
    uncertain_share: float | None


def reached_goal(goal: Goal, standing: Standing) -> str | None:
    """That the potential is good enough, in words; None if it is not, or nothing is asked for."""
    limits = {
        "force_mae_ev_per_angstrom": goal.force_mae_ev_per_angstrom,
        "energy_mae_mev_per_atom": goal.energy_mae_mev_per_atom,
    }
    found = {name: standing.errors.get(name) for name in limits}
    limits["uncertain_share"] = goal.uncertain_share
    found["uncertain_share"] = standing.uncertain_share
    asked = {name: limit for name, limit in limits.items() if limit is not None}
    met = []
    for name, limit in asked.items():
        value = found[name]
        if value is None or value > limit:
            return None
        met.append(f"{name} is {value:.3g}, at most {limit:g} was asked for")
    return f"the goal is reached: {'; '.join(met)}" if met else None


def spent_budget(budget: Budget, standing: Standing) -> str | None:
    """That nothing more may be labelled, in words; None if it may."""
    spent: dict[str, tuple[float, float | None]] = {
        "iterations": (standing.iteration - 1, budget.iterations),
        "frames": (standing.frames, budget.frames),
        "core_hours": (standing.cost.core_seconds / 3600, budget.core_hours),
        "wall_hours": (standing.cost.wall_seconds / 3600, budget.wall_hours),
    }
    for name, (value, limit) in spent.items():
        if limit is not None and value >= limit:
            return f"the budget is spent: budget.{name} is {limit:g}, {value:.4g} are used"
    return None


def nothing_to_label(uncertain: int, cuts: int, max_atoms: int, iteration: int) -> str:
    """Why there is nothing to label after an exploration, in words.

    Args:
        uncertain: Frames with an uncertain atom.
        cuts: Structures that might have been labelled, of which none is new.
        max_atoms: Most atoms of a structure.
        iteration: Number of the iteration.
    """
    if uncertain and not cuts:
        return (
            f"{uncertain} frames of iteration {iteration} are uncertain, but no cell of at most "
            f"labeller.max_atoms = {max_atoms} atoms can be cut out of them; explore smaller "
            "cells, or raise it"
        )
    return f"nothing new was found among {counted(cuts, 'structure')} of iteration {iteration}"
