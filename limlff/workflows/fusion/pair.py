"""The two dendrites that are watched: who they are, where they stand, and what is between them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from ase import Atoms
from jaxtyping import Bool, Float, Int

from limlff.md.output.trajectory import TrajectoryFrame
from limlff.structures.contact import drop_to_contact
from limlff.structures.dendrite import GRAIN
from limlff.workflows.fusion.plan import FusionRun

ARRIVED = -1
"""Member of no grain of the start: an atom that came later."""

FOOT = 4.0
"""Height above the dividing surface of the slab (Å) from which on atoms count as of dendrites: what
is below is the boundary that a turned dendrite has with its slab."""


ABOVE = 2.0
"""The same for the neck between dendrites side by side (Å): the slab's own surface, as it is
smeared, is below."""


@dataclass(frozen=True)
class Watched:
    """The part of a frame between the feet of both dendrites.

    Attributes:
        axis: Axis along which the neck is looked for: z of facing tips, x of others.
        between: Where along it (Å).
        above: Height from which on the solid counts (Å); None for facing tips.
        zone: Atoms there that are not of the slab.
        members: Grain of each atom at the start, or `ARRIVED`.
    """

    axis: int
    between: tuple[float, float]
    above: float | None
    zone: Bool[np.ndarray, " atoms"]
    members: Int[np.ndarray, " atoms"]


@dataclass(frozen=True)
class Pair:
    """Two dendrites at the start.

    Attributes:
        is_facing: Whether their tips face each other; else they stand side by side.
        members: Grain of each atom: 0 for the slab, then a number for each dendrite.
        is_upper: Of facing tips, the atoms that hang with the second one.
        feet: Where the axis of each of the two meets the dividing surface (Å).
        positions: Positions at the start (Å).
        rows: Rows of dendrites that a section between the two cuts.
    """

    is_facing: bool
    members: Int[np.ndarray, " atoms"]
    is_upper: Bool[np.ndarray, " atoms"]
    feet: Float[np.ndarray, "2 3"]
    positions: Float[np.ndarray, "atoms 3"]
    rows: int = 1

    def watched(self, frame: TrajectoryFrame) -> Watched:
        """Where to look in a frame.

        Facing tips come nearer as the cell shortens; their feet move with the slab.
        """
        members = np.full(len(frame.positions), ARRIVED)
        members[: len(self.members)] = self.members
        z = frame.positions[:, 2]
        if not self.is_facing:
            foot = float(self.feet[0, 2])
            x = (float(self.feet[0, 0]), float(self.feet[1, 0]))
            return Watched(0, x, foot + ABOVE, z > foot + FOOT, members)
        slab = self.members == 0
        low, high = (
            float(self.feet[number, 2] + np.mean((z - self.positions[:, 2])[slab & side]))
            for number, side in enumerate((~self.is_upper, self.is_upper))
        )
        zone = (z > low + FOOT) & (z < high - FOOT)
        return Watched(2, (low, high), None, zone, members)


def pair_of(run: FusionRun, start: Atoms) -> Pair:
    """The first two dendrites of a structure as it was built."""
    is_upper = np.zeros(len(start), bool)
    if run.is_facing:
        is_upper = start.positions[:, 2] > start.info["feet"][:, 2].mean()
        is_upper[start.arrays[GRAIN] == 1] = False
        is_upper[start.arrays[GRAIN] == 2] = True
    rows = run.dendrites.bed[1] if run.dendrites.arrangement == "bed" else 1
    return Pair(
        run.is_facing, start.arrays[GRAIN], is_upper, start.info["feet"][:2], start.positions, rows
    )


def set_down(relaxed: Atoms, pair: Pair, gap: float) -> tuple[Atoms, Pair]:
    """Facing tips that have relaxed out of reach, brought to a distance by shortening the vacuum.

    Nothing is strained: the upper body moves as a whole, and the top of the cell with it. Momenta
    stay as they are.

    Args:
        relaxed: The atoms, unwrapped.
        pair: The pair as it was built.
        gap: Shortest distance between atoms of both bodies (Å).

    Returns:
        The atoms and the pair, whose start they are.
    """
    atoms = relaxed.copy()
    lower, upper = relaxed[~pair.is_upper], relaxed[pair.is_upper]
    lift = drop_to_contact(lower, upper, gap)
    # tips as wide as a dendrite are always above each other
    assert lift is not None, "no atom of one tip is above one of the other"
    atoms.positions[pair.is_upper, 2] += lift
    atoms.cell[2, 2] += lift
    shifted = pair.feet + np.array([[0, 0, 0], [0, 0, lift]])
    slab = pair.members == 0
    moved = (relaxed.positions - pair.positions)[:, 2]
    shifted[:, 2] += [moved[slab & side].mean() for side in (~pair.is_upper, pair.is_upper)]
    return atoms, replace(pair, feet=shifted, positions=atoms.positions.copy())


def started(relaxed: Atoms, pair: Pair) -> Pair:
    """The pair side by side after it has relaxed."""
    return replace(pair, positions=relaxed.positions.copy())
