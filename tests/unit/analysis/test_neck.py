"""Necks of bodies whose narrowest section is known."""

from __future__ import annotations

import numpy as np
import pytest

from limlff.analysis.neck import find_neck
from limlff.errors import InputError
from limlff.structures.dendrite_settings import Dendrites, build_dendrites
from limlff.structures.lattice import bcc_supercell

A = 3.47
DENSITY = 2 / A**3


def two_spheres(radius, apart, axis):
    crystal = bcc_supercell("Li", A, tuple(20 if k == axis else 12 for k in range(3)))
    middle = crystal.cell.lengths() / 2 + 0.3
    shift = np.eye(3)[axis] * apart / 2
    inside = [np.linalg.norm(crystal.positions - middle - s, axis=1) < radius
              for s in (shift, -shift)]  # fmt: skip
    return crystal[inside[0] | inside[1]], middle[axis]


@pytest.mark.parametrize("axis", [0, 2])
@pytest.mark.parametrize("apart", [18.0, 24.0])
def test_neck_of_two_spheres_is_the_circle_in_which_they_meet(axis, apart):
    radius = 15.0
    atoms, middle = two_spheres(radius, apart, axis)
    between = (middle - apart / 2, middle + apart / 2)
    neck = find_neck(atoms.positions, atoms.cell.array, DENSITY, axis, between)
    exact = np.sqrt(radius**2 - apart**2 / 4)
    assert exact < neck.radius() < exact + 1  # the sharp groove is filled
    assert neck.place == pytest.approx(middle, abs=1.5)


def test_spheres_apart_have_none():
    atoms, middle = two_spheres(12.0, 30.0, 0)
    neck = find_neck(atoms.positions, atoms.cell.array, DENSITY, 0, (middle - 15, middle + 15))
    assert neck.area == 0 and neck.place == pytest.approx(middle, abs=1)


def test_neck_of_half_spheres_on_a_slab_is_a_half_disc():
    settings = {
        "lattice_constant": A, "arrangement": "side_by_side", "gap_angstrom": 0.0,
        "slab": {"size": [20, 12], "layers": 4},
        "shape": {"kind": "hemisphere", "radius_angstrom": 16},
    }  # fmt: skip
    atoms = build_dendrites(Dendrites.model_validate(settings))
    middle, foot = atoms.cell[0, 0] / 2, atoms.info["feet"][0, 2]
    closer = atoms.copy()
    closer.positions[atoms.arrays["grain"] == 1] += [4 * A / 2, 0, 0]
    closer.positions[atoms.arrays["grain"] == 2] -= [4 * A / 2, 0, 0]
    seen = find_neck(
        closer.positions, atoms.cell.array, 2 * DENSITY, 0, (middle - 0.5, middle + 0.5), foot
    )
    apart = 32 - 4 * A
    # both bodies fill the lens between them, so that twice the density is one solid there
    assert seen.radius(is_half=True) == pytest.approx(np.sqrt(16**2 - apart**2 / 4), abs=1.0)


def test_what_cannot_be_measured_is_refused():
    atoms, _ = two_spheres(5.0, 4.0, 0)
    with pytest.raises(InputError, match="no section lies between 7 and 6"):
        find_neck(atoms.positions, atoms.cell.array, DENSITY, 0, (7, 6))
    skewed = atoms.cell.array + np.array([[0, 1.0, 0], [0, 0, 0], [0, 0, 0]])
    with pytest.raises(InputError, match="orthogonal"):
        find_neck(atoms.positions, skewed, DENSITY, 0, (0, 5))
