"""Duplicate frames, perhaps with different labels.

Two frames have the same structure if they have the same cell and the same atoms at the same places,
up to whole cell vectors, a shift of all atoms and their order. Candidates are found by structure
factors, which none of these changes in size, and then compared atom by atom. (In cells that are not
fully periodic, a duplicate that differs in order and by cell vectors at once is not found.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.spatial import KDTree

from limlff.frames.distances import fractional_positions
from limlff.frames.frame import Frame

SAME_PLACE = 1e-3
"""Displacement up to which two atoms are at the same place (Å)."""
_SAME_ENERGY = 1e-4  # eV per atom
_SAME_FORCE = 5e-3  # eV/Å
_WAVES = np.array([(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, 0, 1), (0, 1, 1), (2, 1, 1)])


def find_duplicates(frames: Sequence[Frame]) -> list[tuple[int, int]]:
    """Pairs of frames with the same structure.

    Returns:
        Pairs (earlier, later) of indices; of several equal frames each later one appears once, with
        the first.
    """
    kinds: dict[tuple[bytes, bytes], list[int]] = {}
    for index, frame in enumerate(frames):
        kind = (np.sort(frame.numbers).tobytes(), np.asarray(frame.periodic).tobytes())
        kinds.setdefault(kind, []).append(index)
    found: dict[int, int] = {}
    for members in kinds.values():
        if len(members) < 2:
            continue
        tree = KDTree([_fingerprint(frames[index]) for index in members])
        for first, second in sorted(tree.query_pairs(10 * SAME_PLACE)):
            earlier, later = members[first], members[second]
            if later not in found and match_atoms(frames[earlier], frames[later]) is not None:
                found[later] = found.get(earlier, earlier)
    return sorted((earlier, later) for later, earlier in found.items())


def _fingerprint(frame: Frame) -> np.ndarray:
    """Cell vectors (Å) and sizes of structure factors per root of the number of atoms."""
    phases = 2 * np.pi * fractional_positions(frame) @ _WAVES.T
    weights = np.asarray(frame.numbers, float) / np.max(frame.numbers)
    factors = np.abs(weights @ np.exp(1j * phases)) / len(frame) ** 0.5
    if not np.any(frame.periodic):
        factors = np.sort(np.linalg.norm(frame.positions - frame.positions.mean(axis=0), axis=1))
    return np.concatenate([frame.cell.ravel(), factors])


def match_atoms(first: Frame, second: Frame) -> np.ndarray | None:
    """Which atom of `second` is at the place of each atom of `first`.

    Returns:
        Indices of atoms, shape (atoms,), or None if the structures differ.
    """
    if len(first) != len(second) or np.abs(first.cell - second.cell).max() > SAME_PLACE:
        return None
    same_order = np.array_equal(first.numbers, second.numbers)
    if same_order and _largest_move(second.positions - first.positions, first) <= SAME_PLACE:
        return np.arange(len(first))
    # an atom of the rarest element must be one of the second's: each gives a shift to try
    rarest = _rarest_element(first.numbers)
    places, box = _places(second)
    tree = KDTree(places, boxsize=box)
    start = first.positions[first.numbers == rarest][0]
    for candidate in second.positions[second.numbers == rarest]:
        shifted = replace(first, positions=first.positions + (candidate - start))
        order = tree.query(_places(shifted)[0])[1]
        is_same = np.array_equal(first.numbers, second.numbers[order])
        if is_same and len(set(order.tolist())) == len(order):
            moves = second.positions[order] - first.positions
            if _largest_move(moves, first) <= SAME_PLACE:
                return np.asarray(order)
    return None


def _rarest_element(numbers: np.ndarray) -> int:
    elements, counts = np.unique(numbers, return_counts=True)
    return int(elements[np.argmin(counts)])


def _places(frame: Frame) -> tuple[np.ndarray, float | None]:
    """Coordinates in which nearest atoms are searched, and the length after which they repeat."""
    if np.all(frame.periodic):
        wrapped = fractional_positions(frame) % 1.0
        return np.where(wrapped >= 1.0, 0.0, wrapped), 1.0  # -1e-17 % 1 is 1
    return frame.positions, None


def _largest_move(vectors: np.ndarray, frame: Frame) -> float:
    vectors = _nearest_image(vectors, frame)
    vectors = _nearest_image(vectors - vectors.mean(axis=0), frame)
    return float(np.linalg.norm(vectors, axis=-1).max())


def _nearest_image(vectors: np.ndarray, frame: Frame) -> np.ndarray:
    """Vectors less whole cell vectors; right for the short ones, which alone matter here."""
    fractional = vectors @ np.linalg.pinv(frame.cell)
    return vectors - np.where(frame.periodic, np.round(fractional), 0.0) @ frame.cell


def have_different_labels(first: Frame, second: Frame) -> bool:
    """Whether two frames of the same structure disagree by more than 0.1 meV/atom or 5 meV/Å.

    A label that only one of them has is no disagreement.
    """
    energies = [frame.energy for frame in (first, second) if frame.energy is not None]
    if np.ptp(energies or [0.0]) > _SAME_ENERGY * len(first):
        return True
    order = match_atoms(first, second)
    if order is None or first.forces is None or second.forces is None:
        return False
    return bool(np.abs(first.forces - second.forces[order]).max() > _SAME_FORCE)
