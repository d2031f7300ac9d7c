"""Order within layers: psi_4 and psi_6 of each atom, and grains of one orientation.

    psi_n = (1/n) sum_j exp(i n angle_j)     over the n nearest neighbors j in the layer

|psi_n| is 1 if their directions are n-fold; the phase over n is the direction of one of them, known
up to 2 pi / n. Of a perfect Li(110), whose six neighbors are 54.7 and 70.5 degrees apart, |psi_6|
is 0.90.

A grain is a set of atoms of one layer that are connected through neighbors whose nets are turned
against each other by less than `GRAIN_ANGLE`. The angle is that of the net that the atom is most
like (`limlff.analysis.similarity`), which tells the three orientations of Li(110) that a hexagonal
surface has, though psi_6 is the same for them. Of an atom and its six neighbors the median is
taken, which keeps boundaries sharp: the angle with the smallest sum of distances, weighted by the
scores, to the others as exp(i n angle).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float, Int
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from limlff.analysis.plane_neighbors import PlaneNeighbors
from limlff.analysis.reference_nets import reference_nets
from limlff.analysis.similarity import Similarity

GRAIN_ANGLE = 10.0
"""Difference of angles (degrees) from which on neighbors are in different grains."""

_AROUND = 6


@dataclass(frozen=True)
class Grains:
    """Regions of one orientation.

    Attributes:
        grain: Number of the grain of each atom, from 0; -1 for atoms that are like no net.
        net: Index of the net of each atom's class; -1 for none.
        angle: Angle of one of the net's directions with x (degrees), from 0 to below 360 over the
            net's symmetry; not a number for atoms that are like no net.
    """

    grain: Int[np.ndarray, " atoms"]
    net: Int[np.ndarray, " atoms"]
    angle: Float[np.ndarray, " atoms"]

    def sizes(self) -> list[int]:
        """Atoms of each grain, the largest first."""
        return sorted(np.bincount(self.grain[self.grain >= 0]).tolist(), reverse=True)


def plane_order(neighbors: PlaneNeighbors, fold: int) -> Complex[np.ndarray, " atoms"]:
    """psi_n of each atom, from its n nearest neighbors in the layer.

    Args:
        neighbors: Neighbors in the layers.
        fold: n, at most 8; atoms with fewer neighbors have the sum over those there are, over n.
    """
    there = neighbors.indices[:, :fold] >= 0
    turns = np.exp(1j * fold * np.angle(neighbors.vectors[:, :fold]))
    return np.asarray(np.where(there, turns, 0).sum(axis=1) / fold)


def find_grains(similarity: Similarity, tolerance: float = GRAIN_ANGLE) -> Grains:
    """Grains of all layers.

    Args:
        similarity: Similarity of the atoms to nets.
        tolerance: Difference of angles between grains (degrees).
    """
    classes = similarity.classes()
    fold = np.array([reference_nets()[net].symmetry for net in similarity.nets])[classes]
    chosen = np.maximum(classes, 0)
    around = similarity.neighbors.indices[:, :_AROUND]
    turned = _median_direction(similarity, around, chosen, fold)
    angle = np.where(classes >= 0, np.angle(turned) / fold, np.nan)
    grain = _connect(classes, angle, fold, around, np.radians(tolerance))
    return Grains(grain, classes, np.degrees(angle % (2 * np.pi / fold)))


def _median_direction(
    similarity: Similarity, around: np.ndarray, net: np.ndarray, fold: np.ndarray
) -> np.ndarray:
    """exp(i n angle) of the atom's own net: the median over the atom and its neighbors."""
    members = np.column_stack([np.arange(len(net)), around])
    weights = np.where(members >= 0, similarity.scores[members, net[:, None]], 0)
    turned = np.exp(1j * fold[:, None] * similarity.angles[members, net[:, None]])
    differences = np.abs(turned[:, :, None] - turned[:, None, :])
    cost = np.where(members >= 0, np.einsum("aij,aj->ai", differences, weights), np.inf)
    return np.asarray(np.take_along_axis(turned, np.argmin(cost, axis=1)[:, None], axis=1)[:, 0])


def _connect(
    classes: np.ndarray, angle: np.ndarray, fold: np.ndarray, around: np.ndarray, limit: float
) -> np.ndarray:
    first = np.repeat(np.arange(len(classes)), around.shape[1])
    second = around.ravel()
    same = (second >= 0) & (classes[first] >= 0) & (classes[first] == classes[second])
    first, second = first[same], second[same]
    # half the period is added and taken away, so that angles near 0 and near the period are close
    period = 2 * np.pi / fold[first]
    turn = (angle[first] - angle[second] + period / 2) % period - period / 2
    near = np.abs(turn) < limit
    shape = (len(classes), len(classes))
    graph = coo_matrix((np.ones(near.sum()), (first[near], second[near])), shape=shape)
    labels = connected_components(graph, directed=False)[1]
    grain = np.full(len(classes), -1)
    members = classes >= 0
    grain[members] = np.unique(labels[members], return_inverse=True)[1].reshape(-1)
    return grain
