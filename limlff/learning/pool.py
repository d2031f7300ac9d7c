"""Choosing from frames that are there already: what a loop would have chosen of them."""

from __future__ import annotations

from collections.abc import Sequence

from limlff.errors import InputError
from limlff.frames.frame import Frame
from limlff.learning.features import describe
from limlff.learning.selection import (
    Candidate,
    Method,
    SelectSettings,
    select_new,
    select_random,
)
from limlff.potential import Potential

_SAME = 1e-3
"""Distance up to which surroundings are the same but for rounding."""


def select_from_pool(
    potential: Potential,
    known: Sequence[Frame],
    pool: Sequence[Frame],
    count: int,
    method: Method = "farthest_point",
    seed: int = 0,
) -> list[int]:
    """Choose frames of a pool as a campaign chooses what it labels.

    Labels are not looked at. Kinds, the groups of the frames, take turns; frames of one group are
    chosen without regard to kind. Nothing is too near to what is known to be chosen: the frames of
    the pool come in the order in which they are new, so that fewer choices are the first of more.

    Args:
        potential: The potential by whose features frames are compared; for random choices any.
        known: Frames that it was trained on, and others that need not be chosen again.
        pool: Frames to choose from.
        count: How many.
        method: As `select.method` of a campaign.
        seed: Of random choices.

    Returns:
        Indices into the pool in the order chosen; fewer than asked for if the others are the same
        as frames that are known or chosen.

    Raises:
        InputError: If the count is not from 1 to the number of frames in the pool, or the potential
            has no features or does not know an element.
    """
    if not 1 <= count <= len(pool):
        raise InputError(
            f"{count} frames cannot be chosen of {len(pool)}; ask for 1 to as many as there are"
        )
    settings = SelectSettings(frames=count, method=method, min_distance=_SAME)
    kinds = [frame.group for frame in pool]
    if method == "random":
        return select_random(kinds, settings, seed)
    described = describe(potential, pool)
    candidates = [Candidate(*each) for each in zip(kinds, described, strict=True)]
    choices = select_new(candidates, describe(potential, known), settings)
    return [choice.index for choice in choices]
