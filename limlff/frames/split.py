"""Random split into training and held-out frames, with the same share of every group."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from limlff.errors import InputError
from limlff.frames.frame import Frame


def split_frames(
    frames: Sequence[Frame], fraction: float, seed: int
) -> tuple[list[Frame], list[Frame]]:
    """Split frames at random into a part to train on and a held-out part.

    Each group gives its share, rounded so that the whole is right (largest remainders first);
    groups too small to give a whole frame are taken together as one. The order is kept.

    Args:
        frames: The frames.
        fraction: Share that is held out, in [0, 1).
        seed: Seed; the same frames and seed give the same split.

    Returns:
        The frames to train on and those held out.

    Raises:
        InputError: If the fraction is not in [0, 1).
    """
    if not 0 <= fraction < 1:
        raise InputError(f"held-out fraction is {fraction}; it must be at least 0 and below 1")
    members = _strata(frames, fraction)
    quota = _quotas(np.array([len(indices) for indices in members], int), fraction)
    generator = np.random.default_rng(seed)
    held_out: set[int] = set()
    for indices, count in zip(members, quota, strict=True):
        held_out.update(generator.permutation(indices)[:count].tolist())
    kept = [frame for index, frame in enumerate(frames) if index not in held_out]
    return kept, [frames[index] for index in sorted(held_out)]


def _strata(frames: Sequence[Frame], fraction: float) -> list[list[int]]:
    """Indices of the frames of each group, by name; the groups too small for a share come last."""
    members: dict[str, list[int]] = {}
    for index, frame in enumerate(frames):
        members.setdefault(frame.group, []).append(index)
    small = [name for name, indices in members.items() if len(indices) * fraction < 1]
    pooled = sorted(index for name in small for index in members[name])
    large = [members[name] for name in sorted(members) if name not in small]
    return [*large, pooled] if pooled else large


def _quotas(sizes: np.ndarray, fraction: float) -> np.ndarray:
    """How many of each group are held out."""
    shares = sizes * fraction
    quota = np.floor(shares).astype(int)
    missing = round(float(shares.sum())) - int(quota.sum())
    quota[np.argsort(quota - shares, kind="stable")[: max(0, missing)]] += 1
    return quota
