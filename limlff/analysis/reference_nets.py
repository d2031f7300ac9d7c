"""Plane nets of atoms that layers are compared with: planes of bcc lithium and of fcc copper.

Each is given by its neighbors around an atom, as many shells as a wide gap follows, so that thermal
motion does not change which atoms they are:

| net | neighbors at (a = 3.438 Å, c = 3.635 Å) | the next | atoms/Å^2 |
|---|---|---|---|
| Li(100) | 4 at a = 3.44, 4 at 4.86 | 6.88 | 0.0846 |
| Li(110) | 4 at sqrt(3)/2 a = 2.98, 2 at 3.44 | 4.86 | 0.1196 |
| Li(111) | 6 at sqrt(2) a = 4.86 | 8.42 | 0.0488 |
| Li(hex) | 6 at 3.11 | 5.38 | 0.1196 |
| Cu(100) | 4 at c/sqrt(2) = 2.57, 4 at 3.64 | 5.14 | 0.1514 |
| Cu(110) | 2 at 2.57, 2 at 3.64, 4 at 4.45 | 5.14 | 0.1070 |
| Cu(111) | 6 at 2.57 | 4.45 | 0.1748 |

Li(hex) is the close-packed plane of fcc and hcp lithium, at the density of Li(110), so that shape
alone tells the two apart: six neighbors at one distance, or two of them 15 % further.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Complex

LITHIUM, COPPER = 3.438, 3.635
"""Lattice constants in PBE (Å)."""

LITHIUM_NETS = ("Li(100)", "Li(110)", "Li(111)", "Li(hex)")
COPPER_NETS = ("Cu(100)", "Cu(110)", "Cu(111)")

_REACH = 4  # cells on each side in which neighbors are looked for


@dataclass(frozen=True)
class Net:
    """The surroundings of an atom of a plane net.

    Attributes:
        name: What it is, such as Li(110).
        neighbors: Vectors to its neighbors (Å), by rising angle.
        density: Atoms per area (1/Å^2).
        symmetry: Rotations that leave it as it is.
    """

    name: str
    neighbors: Complex[np.ndarray, " neighbors"]
    density: float
    symmetry: int

    @property
    def spacing(self) -> float:
        """Square root of the area per atom (Å)."""
        return float(self.density**-0.5)


@lru_cache(maxsize=1)
def reference_nets() -> dict[str, Net]:
    """All nets by name."""
    root = np.sqrt
    a, c = LITHIUM, COPPER
    return {
        "Li(100)": _net("Li(100)", (a, 1j * a), 8, 4),
        "Li(110)": _net("Li(110)", (a, a * (0.5 + 1j / root(2))), 6, 2),
        "Li(111)": _net("Li(111)", _triangular(a * root(2)), 6, 6),
        "Li(hex)": _net("Li(hex)", _triangular(a * root(root(2 / 3))), 6, 6),
        "Cu(100)": _net("Cu(100)", (c / root(2), 1j * c / root(2)), 8, 4),
        "Cu(110)": _net("Cu(110)", (c / root(2), 1j * c), 8, 2),
        "Cu(111)": _net("Cu(111)", _triangular(c / root(2)), 6, 6),
    }


def _triangular(side: float) -> tuple[complex, complex]:
    return side, side * (0.5 + 1j * np.sqrt(0.75))


def _net(name: str, vectors: tuple[complex, complex], count: int, symmetry: int) -> Net:
    steps = np.arange(-_REACH, _REACH + 1)
    points = (steps[:, None] * vectors[0] + steps * vectors[1]).ravel()
    nearest = points[np.argsort(np.abs(points).round(6), kind="stable")][1 : count + 1]
    area = abs((np.conj(vectors[0]) * vectors[1]).imag)
    return Net(name, nearest[np.argsort(np.angle(nearest))], 1 / float(area), symmetry)
