"""Energies and forces of the moment model on a CPU, with a backward pass written by hand.

As many atoms of one element as a register has lanes form a group: their neighbors within the cutoff
are gathered, element by element, into one buffer of pairs; moments are summed in registers; the
readout goes forth and back; and the derivatives are pulled back to the pairs and added to the
forces. A few groups, a bundle, go through the net together, so that each weight is loaded once for
all of them. All of it stays in the caches of a core. Formulas: `limlff.models.moment`.
"""

from __future__ import annotations

import numpy as np

from limlff.kernels.descriptor import form_invariants, mix_channels, sum_moments
from limlff.kernels.layout import BUNDLE, Net, lay_out
from limlff.kernels.neighborhoods import add_repulsion, find_close_pairs, gather
from limlff.kernels.pull_back import pull_back_invariants, pull_back_pairs
from limlff.kernels.readout import apply_net
from limlff.simd.lanes import (
    kernel_function,
    offset,
    part_of_caller,
)
from limlff.simd.quads import QUAD


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
def pull_back(buffers, used, net, cutoff, sums):
    """From the derivatives by the invariants of a group to forces and virial; and its energies."""
    sizes = net.sizes
    pull_back_invariants(buffers, net)
    moments = sizes.elements * sizes.padded_radial
    mix_channels(buffers.moments, buffers.channels, net, moments, sizes.channels, np.int64(1))
    pull_back_pairs(buffers, used, sizes, cutoff, sums.forces, sums.virial)
    for lane in range(used):
        sums.energies[buffers.atoms[lane]] = buffers.energies[lane]


@part_of_caller
def evaluate_bundle(used, element, net, atoms, cutoff_and_tables, scratch, sums):
    """Energies, forces and virial of the first `used` of the chosen atoms, all of one element."""
    sizes, lanes, chosen = net.sizes, scratch.lanes, scratch.chosen
    cutoff, tables = cutoff_and_tables[0], offset(cutoff_and_tables, 1)
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
        pull_back(buffers, own, net, cutoff, sums)
        add_repulsion(buffers, element, sizes.elements, tables, sums)


@part_of_caller
def evaluate(first, last, atoms, net, cutoff_and_tables, scratch, sums):
    """Energies of the atoms visited from `first` to `last`, and what they add to forces and virial.

    Args:
        first: First of the visits.
        last: Behind the last of them.
        atoms: Elements, positions and neighbors.
        net: Weights of the first element; those of the others follow.
        cutoff_and_tables: Cutoff (Å); strengths, lengths and reaches of the repulsion of pairs of
            elements (eV Å, Å, Å).
        scratch: Scratch space.
        sums: Energies, which are set, forces and virial, which are added to.
    """
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
                evaluate_bundle(used, element, own, atoms, cutoff_and_tables, scratch, sums)
                used = 0
