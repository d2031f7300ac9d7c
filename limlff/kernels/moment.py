"""Energies and forces of the moment model on a CPU, with a backward pass written by hand.

As many atoms of one element as a register has lanes are treated together: their neighbors within
the cutoff are gathered, element by element, into one buffer of pairs; moments are summed in
registers; the readout goes forth and back; and the derivatives are pulled back to the pairs and
added to the forces. All of it stays in the caches of a core. Formulas: `limlff.models.moment`.
"""

from __future__ import annotations

import numpy as np

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
from limlff.kernels.lanes import (
    behind,
    kernel_function,
    load,
    multiply_add,
    part_of_caller,
    splat,
    store,
    zero_like,
)
from limlff.kernels.layout import Net
from limlff.kernels.neighborhoods import add_repulsion, gather, scatter
from limlff.kernels.pair_terms import add_moments, fill_slot, harmonic_gradient, pull_back_slot
from limlff.kernels.readout import add_product, apply_net, clear_rows

SLOTS_AT_A_TIME = 16  # their radial functions and harmonics fit the first cache of a core


@kernel_function
def sum_moments(buffers, sizes, cutoff):
    """Fill the pair buffer and sum the moments, some slots at a time that fit the first cache."""
    stride, pitch = sizes.slot_rows, sizes.elements * sizes.padded_radial
    clear_rows(buffers.moments, np.int64(0), sizes.padded_harmonics * pitch)
    for element in range(sizes.elements):
        last = buffers.ends[element + 1]
        for begin in range(buffers.ends[element], last, SLOTS_AT_A_TIME):
            end = min(begin + SLOTS_AT_A_TIME, last)
            for n in range(begin, end):
                fill_slot(buffers.pairs, n * stride, buffers.vectors, 3 * n, cutoff, sizes)
            add_moments(
                buffers.moments,
                element * sizes.padded_radial,
                pitch,
                buffers.pairs,
                begin * stride,
                end * stride,
                stride,
                sizes.padded_radial,
                sizes.padded_harmonics,
            )


@kernel_function
def mix_channels(out, inputs, net, outputs, count, transposed):
    """Mix moments into channels, or derivatives by channels into those by moments."""
    for degree in range(net.sizes.degree + 1):
        place = net.segments[2 * degree + transposed]
        for m in range(degree * degree, (degree + 1) * (degree + 1)):
            clear_rows(out, m * outputs, outputs)
            add_product(out, m * outputs, net.weights, place, inputs, m * count, outputs, count)


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
        store(invariants, i, load(invariants, i) - splat(net.weights, means + i))


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
def pull_back_pairs(buffers, sizes, cutoff):
    """Derivatives by the vectors, in place of the vectors; the virial in `totals`."""
    stride, pitch = sizes.slot_rows, sizes.elements * sizes.padded_radial
    vectors = buffers.vectors
    factor = 2.0 / (cutoff * cutoff)
    xx = zero_like(vectors)
    yy, zz, yz, xz, xy = xx, xx, xx, xx, xx
    for element in range(sizes.elements):
        for n in range(buffers.ends[element], buffers.ends[element + 1]):
            slot = n * stride
            by_s = pull_back_slot(
                buffers.moments,
                element * sizes.padded_radial,
                pitch,
                buffers.pairs,
                slot,
                sizes.padded_radial,
                sizes.padded_harmonics,
                buffers.harmonic_weights,
            )
            row = slot + 2 * sizes.padded_radial + sizes.padded_harmonics
            gx, gy, gz = harmonic_gradient(
                buffers.harmonic_weights, buffers.pairs, row, sizes.degree
            )
            ux, uy, uz = (
                load(buffers.pairs, row),
                load(buffers.pairs, row + 1),
                load(buffers.pairs, row + 2),
            )
            inverse = load(buffers.pairs, row + 3)
            along = multiply_add(gx, ux, multiply_add(gy, uy, gz * uz))
            x, y, z = load(vectors, 3 * n), load(vectors, 3 * n + 1), load(vectors, 3 * n + 2)
            radial = by_s * factor
            gx = multiply_add(gx - along * ux, inverse, radial * x)
            gy = multiply_add(gy - along * uy, inverse, radial * y)
            gz = multiply_add(gz - along * uz, inverse, radial * z)
            xx, yy, zz = multiply_add(gx, x, xx), multiply_add(gy, y, yy), multiply_add(gz, z, zz)
            yz, xz, xy = multiply_add(gy, z, yz), multiply_add(gx, z, xz), multiply_add(gx, y, xy)
            store(vectors, 3 * n, gx)
            store(vectors, 3 * n + 1, gy)
            store(vectors, 3 * n + 2, gz)
    store(buffers.totals, 0, xx)
    store(buffers.totals, 1, yy)
    store(buffers.totals, 2, zz)
    store(buffers.totals, 3, yz)
    store(buffers.totals, 4, xz)
    store(buffers.totals, 5, xy)


@kernel_function
def evaluate_lanes(buffers, used, element, net, atoms, cutoff, tables, energies, forces, virial):
    """Energies, forces and virial of the atoms in the lanes, of which `used` count."""
    sizes = net.sizes
    reach = 0.0
    for pair in range(sizes.elements * sizes.elements):
        reach = max(reach, tables[2 * sizes.elements * sizes.elements + pair])
    close = gather(buffers, atoms, sizes, cutoff, reach)
    sum_moments(buffers, sizes, cutoff)
    moments = sizes.elements * sizes.padded_radial
    mix_channels(buffers.channels, buffers.moments, net, sizes.channels, moments, np.int64(0))
    form_invariants(buffers, net)
    store(buffers.totals, 6, apply_net(buffers, net))
    pull_back_invariants(buffers, net)
    mix_channels(buffers.moments, buffers.channels, net, moments, sizes.channels, np.int64(1))
    pull_back_pairs(buffers, sizes, cutoff)
    add_repulsion(buffers, used, close, element, sizes.elements, tables, energies, virial)
    scatter(buffers, used, sizes.elements, energies, forces, virial)


@part_of_caller
def evaluate(first, last, atoms, net, cutoff_and_tables, buffers, energies, forces, virial):
    """Energies of the atoms visited from `first` to `last`, and what they add to forces and virial.

    Args:
        first: First of the visits.
        last: Behind the last of them.
        atoms: Species (-1 in empty atom slots), positions and neighbors.
        net: Weights of the first element; those of the others follow.
        cutoff_and_tables: Cutoff (Å); strengths, lengths and reaches of the repulsion of pairs of
            elements (eV Å, Å, Å).
        buffers: Scratch space.
        energies: Energies of all atoms (eV); added to, as are
        forces: forces on atoms and ghosts (eV/Å) and
        virial: xx, yy, zz, yz, xz, xy (eV).
    """
    lanes = buffers.lanes
    cutoff, tables = cutoff_and_tables[0], behind(cutoff_and_tables, 1)
    for element in range(net.sizes.elements):
        weights = behind(net.weights, element * net.sizes.weights)
        own = Net(weights, net.segments, net.widths, net.sizes)
        used = 0
        for visit in range(first, last):
            i = atoms.visits[visit]
            if atoms.species[i] == element:
                buffers.atoms[used] = i
                used += 1
            if used == lanes or (used > 0 and visit == last - 1):
                for lane in range(used, lanes):
                    buffers.atoms[lane] = buffers.atoms[0]
                evaluate_lanes(
                    buffers, used, element, own, atoms, cutoff, tables, energies, forces, virial
                )
                used = 0
