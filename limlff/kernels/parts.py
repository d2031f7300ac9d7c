"""What the moment kernel does for a part of the atoms, in each phase of a call.

Each part adds to forces of its own, which are summed in the order of the parts: the result does not
depend on the number of threads, nor on which of them did what.
"""

from __future__ import annotations

import numpy as np

from limlff.kernels.call import HEAD
from limlff.kernels.layout import BUNDLE, Atoms, Sums
from limlff.kernels.moment import evaluate
from limlff.simd.foreign import float64_at
from limlff.simd.lanes import (
    kernel_function,
    load,
    offset,
    part_of_caller,
    prefetch,
    store,
    width_of,
)
from limlff.simd.quads import QUAD

_ATOMS_OF_A_BUNDLE = BUNDLE * width_of("float32")
_REACH = 6  # place in the head of a part's memory, behind the virial
_AHEAD = 4  # atoms whose lists are fetched ahead, since they are scattered in memory
_NUMBERS_OF_A_LINE = 16  # of 4 bytes


@kernel_function
def _first_of(part, parts, count):
    """Where a part of so many begins, if all are equal."""
    return part * count // parts


@kernel_function
def _first_visit_of(part, parts, atoms):
    """Where a part of the atoms begins.

    Parts become smaller and smaller, each in proportion to how many follow it: those dealt out last
    decide how long threads wait for each other. They begin where a bundle would.
    """
    if part == parts:
        return atoms
    left = parts - part
    bundle = np.int64(_ATOMS_OF_A_BUNDLE)
    return atoms * (parts * parts - left * left) // (parts * parts) // bundle * bundle


@kernel_function
def extend(arguments, call, memory, part):
    """Positions and elements of a part of the atoms and ghosts, in quads."""
    species, positions, cell = arguments.species, arguments.positions, arguments.cell
    owners, shifts = arguments.owners, arguments.shifts
    total = call.atoms + call.ghosts
    for i in range(_first_of(part, call.parts, total), _first_of(part + 1, call.parts, total)):
        quad = float64_at(memory + 8 * (call.extended + QUAD * i))
        if i < call.atoms:
            own = offset(positions, 3 * i)
            quad[0], quad[1], quad[2], quad[3] = own[0], own[1], own[2], species[i]
        else:
            owner = np.int64(owners[i - call.atoms])
            own, shift = offset(positions, 3 * owner), offset(shifts, 3 * (i - call.atoms))
            for axis in range(3):
                quad[axis] = own[axis] + (
                    shift[0] * cell[axis] + shift[1] * cell[3 + axis] + shift[2] * cell[6 + axis]
                )
            quad[3] = species[owner]


@kernel_function
def clear(memory, first, last):
    """Set numbers to zero."""
    for i in range(first, last):
        memory[i] = 0.0


@kernel_function
def _find_reach(own, atoms, first, last, call):
    """Find the ranges of atoms and ghosts on which a part acts."""
    # whole numbers of 4 bytes and no branches, so that the compiler uses SIMD
    border = np.int32(call.atoms)
    end = np.int32(call.atoms + call.ghosts)
    low, high, low_ghost, high_ghost = border, np.int32(-1), end, np.int32(-1)
    for visit in range(first, last):
        i = atoms.visits[visit]
        low, high = min(low, i), max(high, i)
        soon = np.int64(atoms.visits[min(visit + _AHEAD, last - 1)])
        for k in range(0, atoms.neighbors, _NUMBERS_OF_A_LINE):
            prefetch(offset(atoms.lists, soon * atoms.neighbors + k))
        neighbors = offset(atoms.lists, np.int64(i) * atoms.neighbors)
        for k in range(atoms.neighbors):
            j = neighbors[k]
            is_atom = j < border
            low, high_ghost = min(low, j), max(high_ghost, j)
            high = max(high, j if is_atom else np.int32(-1))
            low_ghost = min(low_ghost, end if is_atom else j)
    reach = offset(own, _REACH)
    reach[0], reach[1], reach[2], reach[3] = low, high, low_ghost, high_ghost


@kernel_function
def _reach_of(own):
    """First atom on which a part acts and where they end, and the same of ghosts."""
    reach = offset(own, _REACH)
    return (
        np.int64(reach[0]),
        np.int64(reach[1]) + 1,
        np.int64(reach[2]),
        np.int64(reach[3]) + 1,
    )


@part_of_caller
def evaluate_part(arguments, energies, call, memory, net, scratch, part):
    """Energies of a part of the atoms; their forces and virial, added up for the part."""
    atoms = Atoms(
        float64_at(memory + 8 * call.extended),
        arguments.lists,
        arguments.visits,
        call.neighbors,
    )
    first = _first_visit_of(part, call.parts, call.atoms)
    last = _first_visit_of(part + 1, call.parts, call.atoms)
    own = float64_at(memory + 8 * (call.sums + part * call.sum_words))
    forces = offset(own, HEAD)
    clear(own, 0, 6)
    _find_reach(own, atoms, first, last, call)
    begin, end, begin_ghost, end_ghost = _reach_of(own)
    clear(forces, QUAD * begin, QUAD * end)
    clear(forces, QUAD * begin_ghost, QUAD * end_ghost)
    for visit in range(first, last):
        energies[atoms.visits[visit]] = 0.0
    evaluate(first, last, atoms, net, arguments.tables, scratch, Sums(energies, forces, own))


@kernel_function
def sum_part(forces_on_atoms, call, memory, part):
    """Forces of all parts on a part of the atoms and ghosts; on ghosts in place of positions."""
    total = call.atoms + call.ghosts
    first, last = _first_of(part, call.parts, total), _first_of(part + 1, call.parts, total)
    on_all = float64_at(memory + 8 * call.extended)
    clear(forces_on_atoms, 3 * min(first, call.atoms), 3 * min(last, call.atoms))
    clear(on_all, QUAD * max(first, call.atoms), QUAD * max(last, call.atoms))
    for other in range(call.parts):
        own = float64_at(memory + 8 * (call.sums + other * call.sum_words))
        forces = offset(own, HEAD)
        begin, end, begin_ghost, end_ghost = _reach_of(own)
        for i in range(max(first, begin), min(last, end)):
            for axis in range(3):
                forces_on_atoms[3 * i + axis] += forces[QUAD * i + axis]
        for i in range(max(first, begin_ghost), min(last, end_ghost)):
            store(on_all, i, load(on_all, i) + load(forces, i))


@kernel_function
def finish(owners, forces, virial, call, memory):
    """Give forces on ghosts to their owners; sum the virial."""
    for ghost in range(call.ghosts):
        on_ghost = float64_at(memory + 8 * (call.extended + QUAD * (call.atoms + ghost)))
        on_owner = offset(forces, 3 * np.int64(owners[ghost]))
        for axis in range(3):
            on_owner[axis] += on_ghost[axis]
    clear(virial, 0, 6)
    for part in range(call.parts):
        own = float64_at(memory + 8 * (call.sums + part * call.sum_words))
        for k in range(6):
            virial[k] += own[k]
