"""Cells cut out of large configurations: the core is kept, nothing touches, they are small."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bcc110, bulk
from ase.geometry import get_distances

from limlff.md.output.cutout import VACUUM, cut_out

CORE = 5.0


def crystal() -> Atoms:
    atoms = bulk("Li", "bcc", a=3.44, cubic=True).repeat(8)
    atoms.rattle(0.1, seed=0)
    return atoms


def liquid() -> Atoms:
    """Disordered, sheared, and with atoms that have left the cell."""
    atoms = bulk("Cu", "fcc", a=3.7, cubic=True).repeat(6)
    atoms.rattle(0.25, seed=1)
    atoms.set_cell(atoms.cell.array @ [[1, 0.3, 0], [0, 1, -0.2], [0, 0, 1]], scale_atoms=True)
    atoms.positions += np.random.default_rng(2).integers(-1, 2, (len(atoms), 3)) @ atoms.cell.array
    return atoms


def slab() -> Atoms:
    atoms = bcc110("Li", (6, 6, 10), a=3.44, vacuum=12.0)
    atoms.pbc = (True, True, False)
    atoms.rattle(0.1, seed=3)
    return atoms


def periodic_slab() -> Atoms:
    atoms = slab()
    atoms.pbc = True
    return atoms


def environment(atoms: Atoms, centre: int, radius: float) -> list[tuple[float, ...]]:
    """Rounded vectors to everything within a radius, from ASE's own images of the cell."""
    found = set()
    n = [4 if periodic else 0 for periodic in atoms.pbc]
    for i in range(-n[0], n[0] + 1):
        for j in range(-n[1], n[1] + 1):
            for k in range(-n[2], n[2] + 1):
                vectors = atoms.positions - atoms.positions[centre] + [i, j, k] @ atoms.cell
                near = np.linalg.norm(vectors, axis=1) < radius
                found |= {tuple(np.round(v, 5) + 0.0) for v in vectors[near]}
    return sorted(found)


CASES = [(crystal, 511), (liquid, 100), (slab, -1), (slab, 180), (periodic_slab, -1)]


@pytest.mark.parametrize(("build", "centre"), CASES)
def test_core_is_preserved_and_nothing_comes_too_close(build, centre):
    atoms = build()
    centre %= len(atoms)
    small = cut_out(atoms, centre, CORE)
    radius = small.info["core_radius"]
    assert len(small) <= 100
    assert small.numbers[0] == atoms.numbers[centre]
    assert 3.5 < radius <= CORE
    # all within the core radius is there and nothing else, images across the new cell included
    assert environment(small, 0, radius - 1e-4) == environment(atoms, centre, radius - 1e-4)
    assert small.arrays["core"].sum() == len(environment(small, 0, radius - 1e-4))
    inside = atoms.get_all_distances(mic=True)
    np.fill_diagonal(inside, np.inf)
    _, across = get_distances(small.positions, cell=small.cell, pbc=small.pbc)
    np.fill_diagonal(across, np.inf)
    assert across.min() >= min(inside.min(), 0.85 * np.median(inside.min(axis=1))) - 1e-9


@pytest.mark.parametrize(("build", "deviation"), [(crystal, 0.06), (liquid, 0.1)])
def test_bulk_gives_a_periodic_cell_of_the_same_density(build, deviation):
    atoms = build()
    small = cut_out(atoms, 7, CORE)
    assert small.pbc.all()
    density = len(atoms) / atoms.get_volume()
    assert len(small) / small.get_volume() == pytest.approx(density, rel=deviation)


@pytest.mark.parametrize(("build", "atom", "side"), [(slab, -1, 1), (periodic_slab, 0, -1)])
def test_surface_gives_a_slab_with_vacuum_on_its_side(build, atom, side):
    """The atom at the top or bottom has no neighbor beyond it, as before."""
    atoms = build()
    small = cut_out(atoms, atom % len(atoms), CORE)
    assert small.pbc.tolist() == [True, True, False]
    heights = side * (small.positions[:, 2] - small.positions[0, 2])
    assert heights.max() < 0.5
    assert np.ptp(small.positions[:, 2]) + 2 * VACUUM <= small.cell[2, 2] + 0.01
    assert small.positions[:, 2].min() > 0 and small.positions[:, 2].max() < small.cell[2, 2]


def test_two_atoms_that_touch_stay_together():
    """What is wrong with a configuration must be in its cut-out."""
    atoms = crystal()
    atoms.positions[300] = atoms.positions[301] + [0.0, 0.0, 0.9]
    small = cut_out(atoms, 300, CORE)
    assert np.linalg.norm(small.positions[1] - small.positions[0]) == pytest.approx(0.9)


def test_small_configuration_is_returned_whole_with_the_atom_in_its_middle():
    atoms = bulk("Li", "bcc", a=3.44, cubic=True).repeat(3)
    small = cut_out(atoms, 11, CORE)
    assert len(small) == 54
    np.testing.assert_allclose(small.get_scaled_positions()[11], 0.5, atol=1e-9)
    assert environment(small, 11, 4.9) == environment(atoms, 11, 4.9)
