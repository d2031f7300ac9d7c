"""Energies and forces of the moment model on a CPU, with a backward pass written by hand.

As many atoms of one element as a register has lanes form a group: their neighbors within the cutoff
are gathered, element by element, into one buffer of pairs; moments are summed in registers; the
readout goes forth and back; and the derivatives are pulled back to the pairs and added to the
forces. A few groups, a bundle, go through the net together, so that each weight is loaded once for
all of them. All of it stays in the caches of a core. Formulas: `limlff.models.moment`.
"""

from __future__ import annotations

import numpy as np

from limlff.kernels.contractions import (
    add_moments,
    pull_back_to_harmonics,
    pull_back_to_radial,
)
from limlff.kernels.invariants import (
    backward_1,
    backward_2,
    backward_3,
    backward_4,
    forward_1,
    forward_2,
    forward_3,
    forward_4,
)
from limlff.kernels.layout import BUNDLE, PAIRS_AT_A_TIME, Net, lay_out
from limlff.kernels.neighborhoods import add_repulsion, find_close_pairs, gather
from limlff.kernels.pair_terms import fill_pairs, pull_back_vectors
from limlff.kernels.radial import pull_back_distances
from limlff.kernels.readout import apply_net, clear_rows
from limlff.simd.lanes import (
    broadcast,
    kernel_function,
    load,
    load_broadcast,
    multiply_add,
    offset,
    part_of_caller,
    smaller,
    store,
    zero_like,
)
from limlff.simd.products import add_products
from limlff.simd.quads import QUAD, add_forces, transposed


@kernel_function
def sum_moments(buffers, sizes, cutoff):
    """Fill the pair buffer and sum the moments, some pairs at a time that fit the first cache.

    Leaves the smallest squared distance of each lane in the first row of `totals`.
    """
    stride, pitch = sizes.pair_rows, sizes.elements * sizes.padded_radial
    clear_rows(buffers.moments, np.int64(0), sizes.padded_harmonics * pitch)
    nearest = broadcast(4.0 * cutoff * cutoff, zero_like(buffers.pairs))
    for element in range(sizes.elements):
        last, row = buffers.ends[element + 1], element * sizes.padded_radial
        for begin in range(buffers.ends[element], last, PAIRS_AT_A_TIME):
            end = min(begin + PAIRS_AT_A_TIME, last)
            found = fill_pairs(buffers, begin, end, row, cutoff, sizes)
            nearest = smaller(found, nearest)
            add_moments(
                buffers.moments, row, pitch, buffers.pairs, begin * stride, end * stride, sizes
            )
    store(buffers.totals, 0, nearest)


@kernel_function
def mix_channels(out, inputs, net, outputs, count, transposed):
    """Mix moments into channels, or derivatives by channels into those by moments."""
    for degree in range(net.sizes.degree + 1):
        place = net.segments[2 * degree + transposed]
        first, rows = degree * degree, 2 * degree + 1
        for m in range(first, first + rows):
            clear_rows(out, m * outputs, outputs)
        add_products(
            out,
            first * outputs,
            outputs,
            net.weights,
            place,
            inputs,
            first * count,
            count,
            outputs,
            count,
            rows,
        )


@kernel_function
def form_invariants(buffers, net):
    """Invariants of the channels, less their means."""
    width, degree = net.sizes.channels, net.sizes.degree
    channels, invariants, slopes = buffers.channels, buffers.invariants, buffers.cubic_slopes
    for c in range(width):
        if degree == 1:
            forward_1(channels, invariants, slopes, c, width)
        elif degree == 2:
            forward_2(channels, invariants, slopes, c, width)
        elif degree == 3:
            forward_3(channels, invariants, slopes, c, width)
        else:
            forward_4(channels, invariants, slopes, c, width)
    means = net.segments[2 * (degree + 1)]
    for i in range(net.sizes.invariants):
        store(invariants, i, load(invariants, i) - load_broadcast(net.weights, means + i))


@kernel_function
def pull_back_invariants(buffers, net):
    """Derivatives by the channels, in their place, from those by the invariants."""
    width, degree = net.sizes.channels, net.sizes.degree
    channels, gradient, slopes = buffers.channels, buffers.invariants, buffers.cubic_slopes
    for c in range(width):
        if degree == 1:
            backward_1(channels, gradient, slopes, c, width)
        elif degree == 2:
            backward_2(channels, gradient, slopes, c, width)
        elif degree == 3:
            backward_3(channels, gradient, slopes, c, width)
        else:
            backward_4(channels, gradient, slopes, c, width)


@kernel_function
def pull_back_pairs(buffers, used, sizes, cutoff, forces, virial):
    """Forces on the first `used` atoms and all their neighbors, and the virial."""
    stride, pitch, lanes = sizes.pair_rows, sizes.elements * sizes.padded_radial, buffers.lanes
    for k in range(QUAD * lanes):
        buffers.own_forces[k] = 0.0
    clear_rows(buffers.totals, np.int64(0), np.int64(6))
    for element in range(sizes.elements):
        last, row = buffers.ends[element + 1], element * sizes.padded_radial
        for begin in range(buffers.ends[element], last, PAIRS_AT_A_TIME):
            end = min(begin + PAIRS_AT_A_TIME, last)
            rows = begin * stride, end * stride
            pull_back_to_harmonics(
                buffers.moments, row, pitch, buffers.pairs, *rows, sizes, buffers.harmonic_weights
            )
            pull_back_to_radial(
                buffers.moments, row, pitch, buffers.pairs, *rows, sizes, buffers.radial_weights
            )
            pull_back_distances(buffers, begin, end, sizes)
            pull_back_vectors(buffers, begin, end, cutoff, sizes)
            _add_forces_of_pairs(buffers, begin, end, forces, sizes)
    for lane in range(used):
        for k in range(6):
            virial[k] -= buffers.totals[k * lanes + lane]
        on_atom = offset(forces, QUAD * buffers.atoms[lane])
        for axis in range(3):
            on_atom[axis] += buffers.own_forces[QUAD * lane + axis]


@kernel_function
def _add_forces_of_pairs(buffers, first, last, forces, sizes):
    """Add derivatives by the vectors of some pairs to forces and virial."""
    pairs, totals, own, room = buffers.pairs, buffers.totals, buffers.own_forces, buffers.room
    xx, yy, zz = load(totals, 0), load(totals, 1), load(totals, 2)
    yz, xz, xy = load(totals, 3), load(totals, 4), load(totals, 5)
    for pair in range(first, last):
        row = pair * sizes.pair_rows
        unit = row + sizes.padded_radial
        rest = unit + sizes.padded_harmonics - 1
        distance = load(pairs, rest + 2)
        dy, dz = load(pairs, unit) * distance, load(pairs, unit + 1) * distance
        dx = load(pairs, unit + 2) * distance
        x, y, z = load(pairs, row), load(pairs, row + 1), load(pairs, rest)
        xx, yy, zz = multiply_add(x, dx, xx), multiply_add(y, dy, yy), multiply_add(z, dz, zz)
        yz, xz, xy = multiply_add(y, dz, yz), multiply_add(x, dz, xz), multiply_add(x, dy, xy)
        p, q, r, s = transposed(x, y, z, zero_like(pairs))
        neighbors = offset(buffers.neighbors, pair)
        add_forces(p, np.int64(0), forces, own, neighbors, room)
        add_forces(q, np.int64(1), forces, own, neighbors, room)
        add_forces(r, np.int64(2), forces, own, neighbors, room)
        add_forces(s, np.int64(3), forces, own, neighbors, room)
    store(totals, 0, xx)
    store(totals, 1, yy)
    store(totals, 2, zz)
    store(totals, 3, yz)
    store(totals, 4, xz)
    store(totals, 5, xy)


@kernel_function
def describe(buffers, used, atoms, net, cutoff, reach):
    """From the neighbors of a group to its invariants; pairs closer than `reach` are noted."""
    sizes = net.sizes
    gather(buffers, used, atoms, sizes, cutoff)
    sum_moments(buffers, sizes, cutoff)
    find_close_pairs(buffers, used, sizes.elements, reach)
    moments = sizes.elements * sizes.padded_radial
    mix_channels(buffers.channels, buffers.moments, net, sizes.channels, moments, np.int64(0))
    form_invariants(buffers, net)


@kernel_function
def pull_back(buffers, used, net, cutoff, energies, forces, virial):
    """From the derivatives by the invariants of a group to forces and virial; and its energies."""
    sizes = net.sizes
    pull_back_invariants(buffers, net)
    moments = sizes.elements * sizes.padded_radial
    mix_channels(buffers.moments, buffers.channels, net, moments, sizes.channels, np.int64(1))
    pull_back_pairs(buffers, used, sizes, cutoff, forces, virial)
    for lane in range(used):
        energies[buffers.atoms[lane]] = buffers.energies[lane]


@part_of_caller
def evaluate_bundle(
    chosen, used, element, net, atoms, cutoff, tables, scratch, energies, forces, virial
):
    """Energies, forces and virial of the first `used` of the chosen atoms, all of one element."""
    sizes, lanes = net.sizes, scratch.lanes
    reach = 0.0
    for pair in range(sizes.elements * sizes.elements):
        reach = max(reach, tables[2 * sizes.elements * sizes.elements + pair])
    groups = (used + lanes - 1) // lanes
    for group in range(groups):
        buffers = lay_out(scratch, sizes, group)
        first = group * lanes
        for lane in range(lanes):
            buffers.atoms[lane] = chosen[first + lane if first + lane < used else first]
        describe(buffers, min(lanes, used - first), atoms, net, cutoff, reach)
    apply_net(lay_out(scratch, sizes, np.int64(0)), net, groups)
    for group in range(groups):
        buffers = lay_out(scratch, sizes, group)
        own = min(lanes, used - group * lanes)
        pull_back(buffers, own, net, cutoff, energies, forces, virial)
        add_repulsion(buffers, element, sizes.elements, tables, energies, forces, virial)


@part_of_caller
def evaluate(first, last, atoms, net, cutoff_and_tables, scratch, energies, forces, virial):
    """Energies of the atoms visited from `first` to `last`, and what they add to forces and virial.

    Args:
        first: First of the visits.
        last: Behind the last of them.
        atoms: Elements, positions and neighbors.
        net: Weights of the first element; those of the others follow.
        cutoff_and_tables: Cutoff (Å); strengths, lengths and reaches of the repulsion of pairs of
            elements (eV Å, Å, Å).
        scratch: Scratch space.
        energies: Energies of all atoms (eV); set.
        forces: Forces on atoms and ghosts, in quads (eV/Å); added to, as is
        virial: xx, yy, zz, yz, xz, xy (eV).
    """
    cutoff, tables = cutoff_and_tables[0], offset(cutoff_and_tables, 1)
    for element in range(net.sizes.elements):
        weights = offset(net.weights, element * net.sizes.weights)
        own = Net(weights, net.segments, net.widths, net.sizes)
        used = 0
        for visit in range(first, last):
            i = np.int64(atoms.visits[visit])
            if atoms.extended[QUAD * i + 3] == element:
                scratch.chosen[used] = i
                used += 1
            if used == BUNDLE * scratch.lanes or (used > 0 and visit == last - 1):
                evaluate_bundle(
                    scratch.chosen,
                    used,
                    element,
                    own,
                    atoms,
                    cutoff,
                    tables,
                    scratch,
                    energies,
                    forces,
                    virial,
                )
                used = 0
