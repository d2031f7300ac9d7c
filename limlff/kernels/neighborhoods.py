"""Neighbors of a few atoms, one atom in each lane: gathered, repelled, and given their forces."""

from __future__ import annotations

from math import exp, sqrt

import numpy as np

from limlff.kernels.lanes import behind, kernel_function
from limlff.models.repulsion import SCREENING_AMPLITUDES, SCREENING_DECAYS


@kernel_function
def gather(buffers, atoms, sizes, cutoff, reach):
    """Vectors to the neighbors within the cutoff of the atoms in the lanes, element by element.

    The neighbors of an element begin at the same slot in all lanes; empty slots hold vectors beyond
    the cutoff, where all functions vanish. Returns how many pairs are closer than `reach`; these
    are noted in `close`: place among the vectors, element, and vector.
    """
    vectors, lanes, positions = buffers.vectors, buffers.lanes, atoms.positions
    limit, close_limit = cutoff * cutoff, reach * reach
    close = 0
    buffers.ends[0] = 0
    for element in range(sizes.elements):
        begin = buffers.ends[element]
        end = begin
        for lane in range(lanes):
            i = buffers.atoms[lane]
            x, y, z = positions[3 * i], positions[3 * i + 1], positions[3 * i + 2]
            list_of_i = behind(atoms.neighbors, i * atoms.slots)
            n = begin
            for k in range(atoms.slots):
                j = list_of_i[k]
                if j == i:
                    continue
                near = behind(positions, 3 * np.int64(j))
                dx, dy, dz = near[0] - x, near[1] - y, near[2] - z
                squared = dx * dx + dy * dy + dz * dz
                wanted = squared < limit
                if sizes.elements > 1:
                    wanted &= atoms.species[j] == element
                place = 3 * n * lanes + lane
                vectors[place] = dx
                vectors[place + lanes] = dy
                vectors[place + 2 * lanes] = dz
                buffers.neighbors[n * lanes + lane] = j
                n += wanted
                if wanted and squared < close_limit:
                    note = behind(buffers.close, 5 * close)
                    note[0], note[1], note[2], note[3], note[4] = place, element, dx, dy, dz
                    close += 1
            buffers.counts[element * lanes + lane] = n
            end = max(end, n)
        for lane in range(lanes):
            for n in range(buffers.counts[element * lanes + lane], end):
                place = 3 * n * lanes + lane
                vectors[place] = 2.0 * cutoff
                vectors[place + lanes] = 0.0
                vectors[place + 2 * lanes] = 0.0
        buffers.ends[element + 1] = end
    return close


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
def add_repulsion(buffers, used, close, element, elements, tables, energies, virial):
    """Half the repulsion of the close pairs, added to derivatives, energies and virial.

    Args:
        buffers: Scratch space; its vectors hold the derivatives by the vectors by now.
        used: Lanes that count.
        close: Number of close pairs.
        element: Element of the atoms in the lanes.
        elements: Number of elements.
        tables: Strengths, lengths and reaches of pairs of elements, one after the other.
        energies: Energies of all atoms (eV).
        virial: xx, yy, zz, yz, xz, xy (eV).
    """
    lanes, square = buffers.lanes, elements * elements
    for k in range(close):
        note = behind(buffers.close, 5 * k)
        place, pair = int(note[0]), element * elements + int(note[1])
        x, y, z = np.float64(note[2]), np.float64(note[3]), np.float64(note[4])
        distance = sqrt(x * x + y * y + z * z)
        reach = tables[2 * square + pair]
        if distance >= reach or place % lanes >= used:
            continue
        energy, derivative = repulsion(distance, tables[pair], tables[square + pair], reach)
        energies[buffers.atoms[place % lanes]] += 0.5 * energy
        factor = 0.5 * derivative / distance
        buffers.vectors[place] += factor * x
        buffers.vectors[place + lanes] += factor * y
        buffers.vectors[place + 2 * lanes] += factor * z
        virial[0] -= factor * x * x
        virial[1] -= factor * y * y
        virial[2] -= factor * z * z
        virial[3] -= factor * y * z
        virial[4] -= factor * x * z
        virial[5] -= factor * x * y


@kernel_function
def scatter(buffers, used, elements, energies, forces, virial):
    """Add energies, forces and virial of the first lanes to those of all atoms."""
    vectors, totals, lanes = buffers.vectors, buffers.totals, buffers.lanes
    for lane in range(used):
        i = buffers.atoms[lane]
        energies[i] += totals[6 * lanes + lane]
        for k in range(6):
            virial[k] -= totals[k * lanes + lane]
        fx, fy, fz = 0.0, 0.0, 0.0
        for element in range(elements):
            for n in range(buffers.ends[element], buffers.counts[element * lanes + lane]):
                place = 3 * n * lanes + lane
                on_neighbor = behind(forces, 3 * np.int64(buffers.neighbors[n * lanes + lane]))
                gx = np.float64(vectors[place])
                gy = np.float64(vectors[place + lanes])
                gz = np.float64(vectors[place + 2 * lanes])
                on_neighbor[0] -= gx
                on_neighbor[1] -= gy
                on_neighbor[2] -= gz
                fx, fy, fz = fx + gx, fy + gy, fz + gz
        forces[3 * i] += fx
        forces[3 * i + 1] += fy
        forces[3 * i + 2] += fz
