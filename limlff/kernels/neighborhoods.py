"""Neighbors of a few atoms, one atom in each lane: gathered, and repelled."""

from __future__ import annotations

from math import exp, sqrt

import numpy as np

from limlff.models.repulsion import SCREENING_AMPLITUDES, SCREENING_DECAYS
from limlff.simd.lanes import is_not_beyond, kernel_function, load, offset
from limlff.simd.quads import QUAD, store_vector


@kernel_function
def gather(buffers, used, atoms, sizes, cutoff):
    """Vectors to the neighbors within the cutoff of the atoms in the lanes, element by element.

    The neighbors of an element begin at the same pair in all lanes, and their number is made even;
    padded pairs hold vectors beyond the cutoff, where all functions vanish, and the atom itself as
    neighbor. So do all pairs of the lanes behind the first `used`.
    """
    buffers.ends[0] = 0
    for element in range(sizes.elements):
        begin = buffers.ends[element]
        end = begin
        for lane in range(buffers.lanes):
            n = begin
            if lane < used:
                n = _gather_lane(buffers, lane, element, begin, atoms, sizes.elements, cutoff)
            buffers.counts[lane] = n
            end = max(end, n)
        end += end % 2
        for lane in range(buffers.lanes):
            for n in range(buffers.counts[lane], end):
                place = lane * buffers.room + n
                buffers.neighbors[place] = buffers.atoms[lane]
                buffers.vectors[QUAD * place] = 2.0 * cutoff
                buffers.vectors[QUAD * place + 1] = 0.0
                buffers.vectors[QUAD * place + 2] = 0.0
        buffers.ends[element + 1] = end


@kernel_function
def _gather_lane(buffers, lane, element, begin, atoms, elements, cutoff):
    """Neighbors of one element of one atom, from pair `begin` on; where they end.

    Every candidate is written, and counted if it is near: branches that depend on distances would
    be guessed wrongly too often. One whose distance is no number is counted too, so that a broken
    position shows in energies and forces.
    """
    i = buffers.atoms[lane]
    here, candidates = load(atoms.extended, i), offset(atoms.lists, i * atoms.neighbors)
    vectors = offset(buffers.vectors, QUAD * lane * buffers.room)
    neighbors = offset(buffers.neighbors, lane * buffers.room)
    limit = cutoff * cutoff
    n = begin
    for k in range(atoms.neighbors):
        j = np.int64(candidates[k])
        if j == i:
            continue
        squared = store_vector(vectors, QUAD * n, load(atoms.extended, j) - here)
        neighbors[n] = j
        wanted = is_not_beyond(squared, limit)
        if elements > 1:
            wanted &= np.int64(atoms.extended[QUAD * j + 3] == element)
        n += wanted
    return n


@kernel_function
def find_close_pairs(buffers, used, elements, reach):
    """Note lane, pair and element of the pairs closer than `reach`, if there are any."""
    limit, close, nearest = reach * reach, np.int64(0), 2.0 * reach * reach
    for lane in range(used):
        nearest = min(nearest, buffers.totals[lane])
    if nearest < limit:
        for element in range(elements):
            for lane in range(used):
                for n in range(buffers.ends[element], buffers.ends[element + 1]):
                    vector = offset(buffers.vectors, QUAD * (lane * buffers.room + n))
                    squared = vector[0] * vector[0] + vector[1] * vector[1] + vector[2] * vector[2]
                    if squared < limit:
                        note = offset(buffers.close, 1 + 3 * close)
                        note[0], note[1], note[2] = lane, n, element
                        close += 1
    buffers.close[0] = close


@kernel_function
def repulsion(distance, strength, length, reach):
    """Repulsion of a pair and its derivative by the distance (`limlff.models.repulsion`)."""
    x, screening, slope = distance / length, 0.0, 0.0
    for amplitude, decay in zip(SCREENING_AMPLITUDES, SCREENING_DECAYS):  # noqa: B905 - numba knows no `strict`
        part = amplitude * exp(-decay * x)
        screening += part
        slope -= decay / length * part
    scaled = (distance / reach) ** 2
    rest = 1.0 - scaled
    bump, bump_slope = rest**3, -6.0 * rest**2 * distance / reach**2
    coulomb = strength / distance
    energy = coulomb * screening * bump
    derivative = coulomb * (slope * bump + screening * bump_slope) - energy / distance
    return energy, derivative


@kernel_function
def add_repulsion(buffers, element, elements, tables, sums):
    """Half the repulsion of the close pairs, added to energies, forces and virial.

    Args:
        buffers: Scratch space.
        element: Element of the atoms in the lanes.
        elements: Number of elements.
        tables: Strengths, lengths and reaches of pairs of elements, one after the other.
        sums: Energies, forces and virial.
    """
    energies, forces, virial = sums
    square = elements * elements
    for k in range(buffers.close[0]):
        note = offset(buffers.close, 1 + 3 * k)
        pair = element * elements + note[2]
        place = note[0] * buffers.room + note[1]
        vector = offset(buffers.vectors, QUAD * place)
        x, y, z = np.float64(vector[0]), np.float64(vector[1]), np.float64(vector[2])
        distance = sqrt(x * x + y * y + z * z)
        reach = tables[2 * square + pair]
        if distance >= reach:
            continue
        energy, derivative = repulsion(distance, tables[pair], tables[square + pair], reach)
        factor = 0.5 * derivative / distance
        fx, fy, fz = factor * x, factor * y, factor * z
        i = buffers.atoms[note[0]]
        energies[i] += 0.5 * energy
        on_atom = offset(forces, QUAD * i)
        on_neighbor = offset(forces, QUAD * buffers.neighbors[place])
        on_atom[0], on_atom[1], on_atom[2] = on_atom[0] + fx, on_atom[1] + fy, on_atom[2] + fz
        on_neighbor[0] -= fx
        on_neighbor[1] -= fy
        on_neighbor[2] -= fz
        virial[0] -= fx * x
        virial[1] -= fy * y
        virial[2] -= fz * z
        virial[3] -= fy * z
        virial[4] -= fx * z
        virial[5] -= fx * y
