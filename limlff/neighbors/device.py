"""Neighbor matrices built on the accelerator by jax-md's cell list.

Ghosts are made first and the list is then one in free space over atoms and ghosts, because
jax-md's own periodic lists lose pairs silently in boxes smaller than twice the cutoff, do not see a
shrinking box, and do not take every sheared cell. The order is the same as the host's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from limlff.jax_md_parts import partition, space
from limlff.neighbors.geometry import checked_geometry
from limlff.neighbors.host import Capacity, bucket
from limlff.neighbors.images import image_keys, images_within_reach
from limlff.neighbors.matrix import NeighborMatrix
from limlff.precision import own_precision


@dataclass(frozen=True)
class _Finder:
    """A jax-md list for one box; its sizes are part of compiled code and grow only on overflow.

    Attributes:
        box: Edges of the box that all positions lie in, counted from its corner (Å).
        radius: Largest distance of a pair (Å).
        extended: Number of positions.
        template: A list of the present sizes.
    """

    box: Float[np.ndarray, " 3"]
    radius: float
    extended: int
    template: Any

    def fits(self, box: Float[np.ndarray, " 3"], radius: float, extended: int) -> bool:
        """Whether it can be used for such positions, and is not far too large for them."""
        same = self.radius == radius and self.extended == extended
        return same and bool(np.all(box <= self.box) and np.all(self.box <= 1.5 * box))


class DeviceNeighbors:
    """Builds neighbor matrices; keeps compiled code between calls while sizes allow it."""

    def __init__(self) -> None:
        self._finder: _Finder | None = None

    @own_precision()
    def build(
        self,
        positions: Float[np.ndarray, "atoms 3"],
        cell: Float[np.ndarray, "3 3"],
        periodic: np.ndarray,
        radius: float,
        capacity: Capacity | None = None,
        padded_atoms: int | None = None,
    ) -> tuple[NeighborMatrix, Capacity]:
        """Neighbor matrix of all pairs closer than `radius`.

        Args and result are those of `limlff.neighbors.host.build_neighbors`; the pairs and their
        order are the same, but there are more ghosts, also such that are nobody's neighbor.
        """
        positions, cell, periodic, radius = checked_geometry(positions, cell, periodic, radius)
        columns = padded_atoms or len(positions)
        owners, shifts = images_within_reach(positions, cell, periodic, radius)
        ghosts = 0 if capacity is None else capacity.ghosts
        if len(owners) > ghosts:
            ghosts = bucket(len(owners), 64)
        images = positions[owners] + shifts @ cell
        extended, box = _place(positions, images, columns, ghosts, radius)
        order = _canonical_rank(len(positions), owners, shifts, columns, ghosts)
        rows, needed = self._find(extended, box, radius, order, columns)
        neighbors = 0 if capacity is None else capacity.neighbors
        if needed > neighbors:
            neighbors = bucket(needed)
        ghost_owner = np.zeros(ghosts, np.int32)
        ghost_shift = np.zeros((ghosts, 3))
        ghost_owner[: len(owners)], ghost_shift[: len(owners)] = owners, shifts
        indices = _resize(rows, neighbors)
        return (
            NeighborMatrix(
                indices.T,
                jnp.asarray(ghost_owner),
                jnp.asarray(ghost_shift),
                jnp.arange(columns, dtype=jnp.int32),
            ),
            Capacity(neighbors, ghosts),
        )

    def _find(
        self,
        extended: Float[np.ndarray, "extended 3"],
        box: Float[np.ndarray, " 3"],
        radius: float,
        order: Int[np.ndarray, " extended+1"],
        columns: int,
    ) -> tuple[Int[Array, "found atoms"], int]:
        """Sorted extended indices of the neighbors of each column, and their largest number."""
        finder = self._finder  # another thread may put its own in the place meanwhile
        if finder is None or not finder.fits(box, radius, len(extended)):
            finder = _make_finder(extended, box, radius)
        rows, needed, overflow = _find_rows(finder.template, extended, order, columns)
        if bool(overflow):  # too many atoms in a cell or around an atom: new sizes, then again
            finder = _make_finder(extended, finder.box, radius)
            rows, needed, overflow = _find_rows(finder.template, extended, order, columns)
        self._finder = finder
        if bool(overflow):
            raise RuntimeError(
                "jax-md's neighbor list overflows in sizes taken from these positions"
            )
        return rows, int(needed)


def _make_finder(
    extended: Float[np.ndarray, "extended 3"], box: Float[np.ndarray, " 3"], radius: float
) -> _Finder:
    displacement, _ = space.free()
    # at least three cells along each edge, or jax-md compares all positions with all; the headroom
    # lets a swelling cell keep its compiled code
    box = np.maximum(1.15 * box, 3.1 * radius)
    functions = partition.neighbor_list(
        displacement, box, radius, format=partition.NeighborListFormat.Dense
    )
    template = functions.allocate(jnp.asarray(extended), extra_capacity=4)
    return _Finder(box, radius, len(extended), template)


@partial(jax.jit, static_argnums=3)
def _find_rows(
    template: Any,
    extended: Float[Array, "extended 3"],
    order: Int[Array, " extended+1"],
    columns: int,
) -> tuple[Int[Array, "found atoms"], Int[Array, ""], Array]:
    found = template.update(extended)
    rows = found.idx[:columns]
    ranks = order[rows]  # jax-md fills empty places with the number of positions: the last rank
    rows = jnp.take_along_axis(rows, jnp.argsort(ranks, axis=1), axis=1)
    empty = rows >= len(extended)
    own = jnp.arange(columns, dtype=rows.dtype)[:, None]
    needed = jnp.max(jnp.sum(~empty, axis=1))
    return jnp.where(empty, own, rows).T, needed, found.error.code != 0


def _place(
    positions: Float[np.ndarray, "atoms 3"],
    images: Float[np.ndarray, "images 3"],
    columns: int,
    ghosts: int,
    radius: float,
) -> tuple[Float[np.ndarray, "extended 3"], Float[np.ndarray, " 3"]]:
    """Positions of atoms and ghosts in a box that starts at the origin, and its edges.

    Empty places lie on a grid above the atoms, farther than `radius` from them and from each other.
    Gaps between atoms are closed to a length that no pair can bridge, so that the box does not grow
    with an atom that has flown away.
    """
    occupied = _without_gaps(np.concatenate([positions, images]), radius)
    positions, images = np.split(occupied, [len(positions)])
    corner = occupied.min(axis=0) - 0.5 * radius
    box = occupied.max(axis=0) + 0.5 * radius - corner
    spacing = 1.01 * radius
    across = np.maximum(np.floor(box[:2] / spacing), 1).astype(int)
    empty = columns - len(positions) + ghosts - len(images)
    layer, place = np.divmod(np.arange(empty), across[0] * across[1])
    grid = np.stack([place // across[1], place % across[1], layer], axis=1) * spacing
    grid += [0.25 * spacing, 0.25 * spacing, box[2] + 0.5 * radius]
    box[2] += (1 + (layer[-1] + 1 if empty else 0)) * spacing
    split = columns - len(positions)
    places = [positions - corner, grid[:split], images - corner, grid[split:]]
    return np.concatenate(places), box


def _without_gaps(
    places: Float[np.ndarray, "places 3"], radius: float
) -> Float[np.ndarray, "places 3"]:
    """The places with gaps along x, y and z closed to twice the radius; none is a pair then too."""
    closed = np.array(places)
    for axis in range(3):
        order = np.argsort(places[:, axis])
        excess = np.maximum(np.diff(places[order, axis]) - 2.0 * radius, 0.0)
        closed[order[1:], axis] -= np.cumsum(excess)
    return closed


def _canonical_rank(
    atoms: int,
    owners: Int[np.ndarray, " images"],
    shifts: Int[np.ndarray, "images 3"],
    columns: int,
    ghosts: int,
) -> Int[np.ndarray, " extended+1"]:
    """Place of each extended index in the order by owner and shift; what is empty comes last."""
    rank = np.full(columns + ghosts + 1, np.iinfo(np.int32).max, np.int32)
    real = np.concatenate([np.arange(atoms), columns + np.arange(len(owners))])
    keys = image_keys(
        np.concatenate([np.arange(atoms), owners]), np.concatenate([np.zeros((atoms, 3)), shifts])
    )
    rank[real[np.argsort(keys)]] = np.arange(len(real))
    return rank


def _resize(rows: Int[Array, "found atoms"], neighbors: int) -> Int[Array, "neighbors atoms"]:
    """Rows cut or filled up with each column's own index."""
    columns = rows.shape[1]
    own = jnp.arange(columns, dtype=rows.dtype)[None, :]
    missing = max(0, neighbors - rows.shape[0])
    return jnp.concatenate([rows[:neighbors], jnp.tile(own, (missing, 1))])
