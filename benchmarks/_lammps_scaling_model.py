"""A model of the time of a step on many ranks, from runs on one; see docs/scaling.md."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.optimize import nnls

DENSITY = 2 / 3.44**3  # atoms per Å^3 in the crystal that is timed
MESSAGE_SECONDS = 2e-6
"""Of one message between ranks on a usual network; not measured here."""
BYTES_PER_SECOND = 1e9
"""From one rank to others on a usual network; not measured here."""
GHOST_BYTES = 48
"""A position to the ghost and a force back."""


@dataclass(frozen=True)
class ScalingModel:
    """Seconds of a step on a rank: a constant, a part for each atom, a part for each ghost.

    Attributes:
        constant: What a step takes whatever there is (s).
        per_atom: For each local atom (s).
        per_ghost: For each ghost (s).
        shell: Thickness of the shell of ghosts, cutoff and skin (Å).
    """

    constant: float
    per_atom: float
    per_ghost: float
    shell: float

    def seconds(self, local: float, ghosts: float) -> float:
        """Of a step without what a network adds."""
        return self.constant + self.per_atom * local + self.per_ghost * ghosts

    def ghosts(self, local: float) -> float:
        """Around a cube of so many atoms, in a crystal without vacuum."""
        edge = (local / DENSITY) ** (1 / 3)
        return DENSITY * ((edge + 2 * self.shell) ** 3 - edge**3)

    def predict(self, atoms: int, ranks: int) -> dict[str, float]:
        """A step on a machine with a core for each rank.

        Args:
            atoms: Of the whole structure, in equal cubes.
            ranks: Number of ranks.
        """
        local = atoms / ranks
        ghosts = self.ghosts(local)
        swaps = 2 * 6 + np.log2(ranks)  # positions, forces, and a sum over all ranks
        network = swaps * MESSAGE_SECONDS + ghosts * GHOST_BYTES / BYTES_PER_SECOND
        step = self.seconds(local, ghosts) + network
        alone = self.seconds(atoms, self.ghosts(atoms))
        return {
            "ghosts_per_atom": ghosts / local,
            "milliseconds_per_step": 1e3 * step,
            "parallel_efficiency": alone / (ranks * step),
        }

    def as_json(self) -> dict[str, Any]:
        """Its numbers and what was assumed."""
        return {
            **asdict(self),
            "assumed_message_seconds": MESSAGE_SECONDS,
            "assumed_bytes_per_second": BYTES_PER_SECOND,
        }


def fit_model(runs: list[tuple[dict[str, Any], float]]) -> ScalingModel:
    """The model of runs on one rank, by least squares of relative errors without negative parts.

    Args:
        runs: Of each what the worker has printed, and the seconds of a step; three sizes at least.
    """
    if len(runs) < 3:
        raise SystemExit("the model has three numbers: give three sizes at least")
    seconds = np.array([each for _, each in runs])
    counts = np.array([[1, row["most_local_atoms"], row["most_ghosts"]] for row, _ in runs], float)
    parts, _ = nnls(counts / seconds[:, None], np.ones(len(runs)))
    row = runs[-1][0]
    edge = (row["most_local_atoms"] / DENSITY) ** (1 / 3)
    widened = ((row["most_local_atoms"] + row["most_ghosts"]) / DENSITY) ** (1 / 3)
    return ScalingModel(*parts.tolist(), shell=0.5 * (widened - edge))
