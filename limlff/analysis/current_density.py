"""Local current density: how unevenly atoms arrive over a surface.

Jiao et al., Adv. Sci. 9, 2105574 (2022), propose the local current density and its variance as what
dendrites follow. The formula here is this project's own. The surface is divided into tiles of equal
area A. If N_k atoms, of one electron each, have landed on tile k within a time t, its current
density is j_k = e N_k / (A t). With mean m and variance s^2 of the N_k over the tiles,
the relative variance of the local current density is s^2 / m^2. Atoms that arrive independently
and evenly have s^2 = m, so that 1 / m of it is shot noise of the few that were counted; what is
beyond it, (s^2 - m) / m^2, is how uneven the current is: 0 in the mean if it is even, 1 if the
current density varies between tiles by as much as its mean. An atom lands where it first has three
neighbors within 4.5 Å.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from limlff.errors import InputError
from limlff.neighbors.pairs import find_pairs
from limlff.units import MILLIAMPERE_PER_SQUARE_CENTIMETER

REACH, FEWEST = 4.5, 3
"""Distance (Å) within which an atom that has landed has so many neighbors."""


@dataclass(frozen=True)
class LocalCurrent:
    """Current density over the tiles of a surface.

    Attributes:
        counts: Atoms that landed on each tile.
        density: Current density of each (mA/cm^2).
        relative_variance: Their variance over their squared mean.
        shot_noise: What independent arrivals have of it in the mean.
    """

    counts: Int[np.ndarray, "a b"]
    density: Float[np.ndarray, "a b"]
    relative_variance: float
    shot_noise: float

    @property
    def unevenness(self) -> float:
        """Relative variance beyond shot noise; not a number if nothing landed."""
        return self.relative_variance - self.shot_noise


def local_current(
    places: Float[np.ndarray, "landed 2"],
    cell: Float[np.ndarray, "3 3"],
    tiles: tuple[int, int],
    time_ps: float,
) -> LocalCurrent:
    """Current density on tiles of equal area.

    Args:
        places: Where atoms landed, in fractions of the first two cell vectors.
        cell: Cell vectors as rows (Å).
        tiles: Tiles along each of these, at least two together.
        time_ps: Time in which they landed (ps).

    Raises:
        InputError: If there are not two tiles, or no time passed.
    """
    if min(tiles) < 1 or tiles[0] * tiles[1] < 2 or time_ps <= 0:
        raise InputError(
            f"tiles are {list(tiles)} over {time_ps:g} ps; give at least 2 and a time above 0"
        )
    index = np.floor(np.mod(places, 1.0) * tiles).astype(int) % tiles
    counts = np.zeros(tiles, int)
    np.add.at(counts, tuple(index.T), 1)
    area = float(np.linalg.norm(np.cross(cell[0], cell[1]))) / (tiles[0] * tiles[1])
    mean, variance = counts.mean(), counts.var(ddof=1)
    return LocalCurrent(
        counts=counts,
        density=counts / (area * 1e-3 * time_ps * MILLIAMPERE_PER_SQUARE_CENTIMETER),
        relative_variance=float(variance / mean**2) if mean else np.nan,
        shot_noise=float(1 / mean) if mean else np.nan,
    )


def has_landed(
    positions: Float[np.ndarray, "atoms 3"], cell: Float[np.ndarray, "3 3"]
) -> Bool[np.ndarray, " atoms"]:
    """Atoms that are part of the solid: not those in flight.

    Args:
        positions: Positions in a periodic cell (Å).
        cell: Cell vectors as rows (Å).
    """
    pairs = find_pairs(positions, cell, np.ones(3, bool), REACH)
    return np.bincount(pairs.centres, minlength=len(positions)) >= FEWEST
