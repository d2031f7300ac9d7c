"""Surface similarity: how much a layer looks like a plane of lithium or of copper.

For an atom with its K nearest neighbors in the layer at z_1 ... z_K and a net (see
`limlff.analysis.reference_nets`) with K neighbors at t_1 ... t_K, both by rising angle and as
complex numbers, and the neighbors h_1 ... h_K above the atom, the misfit m is what is left after
the best rotation and the best of the K ways to pair them in this order, over the net's spacing d =
1/sqrt(density):

    m^2 = min over phi, s of sum_j (|z_j - e^(i phi) t_(j+s)|^2 + h_j^2 / 2) / (K d^2)
        = (sum |z|^2 + sum |t|^2 - 2 max_s |sum_j z_j conj(t_(j+s))| + sum h^2 / 2) / (K d^2)

and the similarity of the atom is S = exp(-(m/0.25)^2), from 0 to 1; 1 for the perfect net. That of
a layer is the mean over its atoms, without those at edges of islands (`PlaneNeighbors.inside`).

Heights are in it, since two or three planes seen as one can look like another net from above: three
of Li(111) are a triangular net like Li(110); by half, since atoms of a surface vibrate most along
z.

S does not change by translation and rotation in the plane, by reflection (the nets have mirror
lines), and by the order of atoms. It is not free of scale, since Li(110) and Cu(111), Li(100) and
Cu(100) differ by little else: lengths count in Å, but a strain of 5 % costs 0.06 at most, as
against 0.2 to 0.5 by thermal motion. So the density enters by the lengths alone, and has no term of
its own.

A layer is classed as the net with the largest S, if that is at least `LEAST`; random hard disks and
slices of molten lithium stay below it, see `docs/plating.md`. An atom is classed likewise by means
over itself and its six nearest neighbors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from limlff.analysis.film import NO_LAYER, Film
from limlff.analysis.plane_neighbors import PlaneNeighbors, find_plane_neighbors
from limlff.analysis.reference_nets import COPPER_NETS, LITHIUM_NETS, Net, reference_nets

WIDTH = 0.25
"""Misfit, in spacings of the net, at which the similarity has fallen to 1/e."""

LEAST = 0.35
"""Smallest similarity of a layer, or of an atom with its neighbors, that is like a net at all:
three standard deviations above the mean of the hard disks that come nearest to one, 0.26(3)."""

NONE = "none"
"""Class of a layer that is like no net."""

_AROUND = 6  # neighbors over which the scores of an atom are averaged


@dataclass(frozen=True)
class Similarity:
    """Similarity of atoms to nets.

    Attributes:
        nets: Names of the nets.
        scores: Similarity of each atom to each net, 0 to 1.
        angles: Rotation of the net in the best fit (radians), known but for its symmetry.
        neighbors: Neighbors in the layers.
    """

    nets: tuple[str, ...]
    scores: Float[np.ndarray, "atoms nets"]
    angles: Float[np.ndarray, "atoms nets"]
    neighbors: PlaneNeighbors

    def classes(self) -> Int[np.ndarray, " atoms"]:
        """Index of the net that each atom and its neighbors are most like; -1 if of none."""
        return classes_of(self.averaged())

    def averaged(self) -> Float[np.ndarray, "atoms nets"]:
        """Means of the scores over an atom and its six nearest neighbors in the layer."""
        around = self.neighbors.indices[:, :_AROUND]
        sums = self.scores + np.where((around >= 0)[..., None], self.scores[around], 0).sum(axis=1)
        return sums / (1 + (around >= 0).sum(axis=1))[:, None]


@dataclass(frozen=True)
class LayerSimilarity:
    """Similarity of a layer.

    Attributes:
        layer: Its number.
        scores: Mean over its atoms by the name of the net; empty if all of them are at edges.
        best: Name of the net it is most like, or "none".
        inside: Part of its atoms that are not at edges, and count.
        like: Part of its atoms of the class of each net.
    """

    layer: int
    scores: dict[str, float]
    best: str
    inside: float
    like: dict[str, float]


def compare_with_nets(
    positions: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"],
    layers: Int[np.ndarray, " atoms"],
    nets: Sequence[str] = LITHIUM_NETS,
) -> Similarity:
    """Similarity of every atom, with its neighbors in its layer, to plane nets.

    Args:
        positions: Positions, inside the cell or not (Å); periodic along the first two cell vectors.
        cell: Cell vectors as rows (Å), the first two in the plane of x and y.
        layers: A number for each atom; equal for those of one layer.
        nets: Names of the nets to compare with.
    """
    neighbors = find_plane_neighbors(positions, cell, layers)
    fits = [fit_net(neighbors, reference_nets()[name]) for name in nets]
    misfits = np.stack([misfit for misfit, _ in fits], axis=1)
    angles = np.stack([angle for _, angle in fits], axis=1)
    return Similarity(tuple(nets), np.exp(-((misfits / WIDTH) ** 2)), angles, neighbors)


def fit_net(
    neighbors: PlaneNeighbors, net: Net
) -> tuple[Float[np.ndarray, " atoms"], Float[np.ndarray, " atoms"]]:
    """Misfit of every atom to a net (in spacings), and the net's rotation (radians)."""
    count = len(net.neighbors)
    found = neighbors.vectors[:, :count]
    found = np.take_along_axis(found, np.argsort(np.angle(found), axis=1), axis=1)
    shift = np.arange(count)
    ways = np.conj(net.neighbors)[(shift[:, None] + shift) % count]
    overlaps = found @ ways
    best = np.argmax(np.abs(overlaps), axis=1)
    overlap = overlaps[np.arange(len(found)), best]
    squares = np.sum(np.abs(found) ** 2, axis=1) + np.sum(np.abs(net.neighbors) ** 2)
    squares += 0.5 * np.sum(neighbors.steps[:, :count] ** 2, axis=1)
    left = np.maximum(squares - 2 * np.abs(overlap), 0) / count
    return np.sqrt(left) / net.spacing, np.angle(overlap)


def classes_of(scores: Float[np.ndarray, "items nets"]) -> Int[np.ndarray, " items"]:
    """Index of the net with the largest score in each row; -1 if that is less than `LEAST`."""
    return np.where(scores.max(axis=1) >= LEAST, scores.argmax(axis=1), -1)


def similarity_of_layers(
    similarity: Similarity, layers: Int[np.ndarray, " atoms"]
) -> list[LayerSimilarity]:
    """Means over layers, from the lowest up; atoms without a layer are left out."""
    classes, inside = similarity.classes(), similarity.neighbors.inside
    found = []
    for layer in np.unique(layers[layers != NO_LAYER]):
        members = layers == layer
        counted = members & inside
        scores = similarity.scores[counted].mean(axis=0) if counted.any() else np.zeros(0)
        best = int(classes_of(scores[None])[0]) if counted.any() else -1
        found.append(
            LayerSimilarity(
                int(layer),
                dict(zip(similarity.nets, map(float, scores), strict=False)),
                similarity.nets[best] if best >= 0 else NONE,
                float(inside[members].mean()),
                {
                    net: float(np.mean(classes[members] == n))
                    for n, net in enumerate(similarity.nets)
                },
            )
        )
    return found


def find_facet(film: Film) -> str | None:
    """The copper net that the planes of the substrate are most like; None if like none."""
    below = film.of(film.substrate) & (film.layers <= 0) & (film.layers != NO_LAYER)
    if not below.any():
        return None
    similarity = compare_with_nets(
        film.atoms.positions[below], film.atoms.cell.array, film.layers[below], COPPER_NETS
    )
    best = int(classes_of(similarity.scores.mean(axis=0)[None])[0])
    return COPPER_NETS[best] if best >= 0 else None


def compare_film(film: Film) -> Similarity:
    """Similarity of a film and its substrate to lithium's planes, and to the facet of copper."""
    facet = find_facet(film)
    nets = [*LITHIUM_NETS, *([facet] if facet else [])]
    return compare_with_nets(film.atoms.positions, film.atoms.cell.array, film.layers, nets)
