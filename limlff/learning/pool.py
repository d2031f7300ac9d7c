"""Frames to label out of many, by the settings of a campaign or in one call from a script."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from limlff.errors import InputError
from limlff.frames.frame import Frame
from limlff.learning.d_optimal import select_d_optimal
from limlff.learning.features import Described, describe
from limlff.learning.selection import (
    Candidate,
    Choice,
    Method,
    SelectSettings,
    select_farthest,
    select_random,
)
from limlff.learning.soap import SoapSettings, fit_soap
from limlff.potential import Potential

_SAME = 1e-3
"""Distance up to which surroundings are the same but for rounding."""


def select_frames(
    potential: Potential,
    known: Sequence[Frame],
    frames: Sequence[Frame],
    settings: SelectSettings,
    seed: int,
) -> list[Choice]:
    """Choose frames; kinds, the groups of the frames, take turns.

    Args:
        potential: The potential by whose features frames are compared.
        known: Frames that it was trained on, and what is waiting for a label.
        frames: Frames to choose from.
        settings: How many, and how they are chosen.
        seed: Of random choices.

    Returns:
        The choices in their order; fewer than asked for, if no more are new.

    Raises:
        InputError: If the features that are asked for cannot be had, or an element is not known.
    """
    kinds = [frame.group for frame in frames]
    if settings.method == "random":
        return select_random(kinds, settings, seed)
    find = _describer(potential, known, settings)
    candidates = [Candidate(*each) for each in zip(kinds, find(frames), strict=True)]
    select = select_d_optimal if settings.method == "d_optimal" else select_farthest
    return select(candidates, find(known), settings)


def select_from_pool(
    potential: Potential,
    known: Sequence[Frame],
    pool: Sequence[Frame],
    count: int,
    method: Method = "farthest_point",
    seed: int = 0,
    soap: SoapSettings | None = None,
) -> list[int]:
    """Choose frames of a pool as a campaign chooses what it labels, however little they are new.

    Labels are not looked at. Kinds, the groups of the frames, take turns; frames of one group are
    chosen without regard to kind. The first of many choices are the choices of few.

    Args:
        potential: The potential by whose features frames are compared; for random choices and by
            SOAP only its elements and its cutoff count.
        known: Frames that it was trained on, and others that need not be chosen again.
        pool: Frames to choose from.
        count: How many.
        method: As `select.method` of a campaign.
        seed: Of random choices.
        soap: Settings of SOAP, to compare by that.

    Returns:
        Indices into the pool in the order chosen. By farthest points they are fewer than asked for
        if the others are the same as frames that are known or chosen.

    Raises:
        InputError: If the count is not from 1 to the number of frames in the pool, the potential
            has no features, an element is not known, or DScribe is not installed.
    """
    if not 1 <= count <= len(pool):
        raise InputError(
            f"{count} frames cannot be chosen of {len(pool)}; ask for 1 to as many as there are"
        )
    settings = SelectSettings(
        frames=count,
        method=method,
        features="model" if soap is None else "soap",
        soap=soap or SoapSettings(),
        min_distance=_SAME,
        min_leverage=0.0,
    )
    return [choice.index for choice in select_frames(potential, known, pool, settings, seed)]


def _describer(
    potential: Potential, known: Sequence[Frame], settings: SelectSettings
) -> Callable[[Sequence[Frame]], list[Described]]:
    """What finds the surroundings of frames."""
    if settings.features == "model":
        return partial(describe, potential)
    return fit_soap(settings.soap, potential, known).describe
