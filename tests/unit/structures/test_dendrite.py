"""Dendrites whose volume, orientation and distance are known."""

from __future__ import annotations

import numpy as np
import pytest

from limlff.config import load_config, parse_config
from limlff.errors import InputError
from limlff.structures.dendrite import shortest_distance
from limlff.structures.dendrite_settings import Dendrites, build_dendrites
from limlff.structures.grain import bcc_slab, lattice_sites, orientation
from limlff.structures.shapes import HemisphereShape, MushroomShape, NeedleShape

A = 3.438
SITE = A**3 / 2  # volume of an atom (Å^3)
SHELLS = A * np.array([np.sqrt(3) / 2, 1, np.sqrt(2)])


def ball(radius):
    return {"kind": "hemisphere", "radius_angstrom": radius}


def dendrites(**settings):
    return build_dendrites(parse_config(settings, Dendrites, "dendrites.yaml"))


def distances(atoms):
    return np.unique(atoms.get_all_distances(mic=True).round(4))[1:]


@pytest.mark.parametrize("facet", ["100", "110", "111"])
def test_slabs_are_pieces_of_the_crystal(facet):
    """Shells of the perfect crystal, planes of one spacing, the density of the bulk."""
    slab = bcc_slab("Li", facet, (4, 4), 12, A, vacuum=30.0, fixed_layers=2)
    assert distances(slab)[:3] == pytest.approx(SHELLS, abs=1e-3)
    planes = np.unique(slab.positions[:, 2].round(4))
    assert len(planes) == 12 and np.ptp(np.diff(planes)) < 1e-3
    area = slab.cell[0, 0] * slab.cell[1, 1]
    assert area * (planes[1] - planes[0]) * 12 / len(slab) == pytest.approx(SITE, rel=1e-4)
    held = slab.positions[slab.constraints[0].index, 2]
    assert set(held.round(4)) == set(planes[:2])
    assert (
        slab.get_tags().max() == 12 and slab.positions[slab.get_tags() == 1, 2].min() > planes[-2]
    )


def test_sites_of_a_turned_lattice_have_its_density_and_shells():
    rotation = orientation("110", 23.0, (1.0, 2.0, 3.0))
    box = np.array([40.0, 50.0, 60.0])
    sites = lattice_sites(A, rotation, np.array([7.0, 8.0, 9.0]), np.zeros(3), box)
    assert len(sites) * SITE == pytest.approx(np.prod(box), rel=0.01)
    from scipy.spatial.distance import cdist

    middle = sites[np.argmin(np.linalg.norm(sites - box / 2, axis=1))]
    near = np.unique(cdist([middle], sites).round(3))
    assert near[1:4] == pytest.approx(SHELLS, abs=2e-3)


@pytest.mark.parametrize(
    "shape", [HemisphereShape(11.0), NeedleShape(7.0, 25.0), MushroomShape(5.0, 9.0, 12.0)]
)
def test_volumes_of_shapes_are_those_of_their_points(shape):
    rng = np.random.default_rng(0)
    width, height = shape.width + 2, shape.height + 2
    points = rng.uniform([-width, -width, -1], [width, width, height], (200_000, 3))
    held = shape.holds(points)
    box = 4 * width**2 * (height + 1)
    assert held.mean() * box == pytest.approx(shape.volume, rel=0.02)
    assert points[held, 2].min() >= 0
    assert points[held, 2].max() == pytest.approx(shape.height, abs=0.3)
    assert np.hypot(*points[held, :2].T).max() == pytest.approx(shape.width, abs=0.1)


@pytest.mark.parametrize("angle", [0.0, 20.0])
@pytest.mark.parametrize(
    "shape",
    [
        ball(15),
        {"kind": "needle", "radius_angstrom": 9, "height_angstrom": 30},
        {"kind": "mushroom", "stem_radius_angstrom": 8, "stem_height_angstrom": 12,
         "cap_radius_angstrom": 14},
    ],
)  # fmt: skip
def test_a_dendrite_has_the_atoms_of_its_volume_and_none_too_near(shape, angle):
    slab = {"size": [11, 11], "layers": 4}
    atoms = dendrites(shape=shape, slab=slab, arrangement="single",
                      grains=[{"angle_degrees": angle, "axis": [1, 1, 0]}])  # fmt: skip
    own = atoms[atoms.arrays["grain"] == 1]
    volume = parse_config({"shape": shape}, Dendrites, "x").shape.shape().volume
    # a turned grain loses what comes too near to the slab, less than a plane of its foot
    assert len(own) * SITE == pytest.approx(volume, rel=0.04 if angle == 0 else 0.12)
    shortest = distances(atoms)[0]
    assert shortest == pytest.approx(SHELLS[0], abs=1e-3) if angle == 0 else shortest >= 2.4


@pytest.mark.parametrize("facet", ["100", "110", "111"])
def test_dendrites_of_the_slabs_orientation_go_on_with_its_lattice(facet):
    size = {"100": [9, 9], "110": [9, 7], "111": [7, 4]}[facet]
    atoms = dendrites(
        slab={"facet": facet, "size": size, "layers": 8},
        shape=ball(10),
        grains=[{"facet": facet}],
    )
    assert set(atoms.arrays["grain"]) == {0, 1, 2}
    lower = atoms[np.isin(atoms.arrays["grain"], [0, 1])]
    assert distances(lower)[:2] == pytest.approx(SHELLS[:2], abs=1e-3)


@pytest.mark.parametrize("gap", [2.8, 6.0])
def test_facing_tips_are_a_gap_apart_and_the_slab_is_whole_across_the_boundary(gap):
    atoms = dendrites(
        slab={"size": [9, 9], "layers": 5}, shape=ball(9), gap_angstrom=gap,
        grains=[{}, {"angle_degrees": 30}],
    )  # fmt: skip
    assert shortest_distance(atoms, 1, 2) == pytest.approx(gap, abs=1e-6)
    slab = atoms[atoms.arrays["grain"] == 0]
    assert distances(slab)[:3] == pytest.approx(SHELLS, abs=1e-3)
    tips = [atoms.positions[atoms.arrays["grain"] == n, 2] for n in (1, 2)]
    assert tips[0].max() < tips[1].min() + 1 and tips[0].min() > 0
    feet = atoms.info["feet"]
    height = feet[1, 2] - feet[0, 2]
    assert height == pytest.approx(18 + gap, abs=3)  # tips of atoms lie below those of bodies


def test_two_slabs_with_facing_tips_have_an_empty_height_behind():
    one = dendrites(slab={"size": [8, 8], "layers": 4}, shape=ball(8))
    two = dendrites(
        slab={"size": [8, 8], "layers": 4},
        shape=ball(8),
        behind_angstrom=15,
    )
    assert two.cell[2, 2] - one.cell[2, 2] == pytest.approx(15)
    assert shortest_distance(two, 1, 2) == pytest.approx(shortest_distance(one, 1, 2))
    heights = two.positions[:, 2]
    assert heights.min() == pytest.approx(7.5, abs=2) and two.cell[2, 2] - heights.max() > 7


def test_bodies_side_by_side_have_their_gap_and_a_bed_its_chessboard():
    pair = dendrites(
        slab={"size": [15, 8], "layers": 3, "fixed_layers": 1}, shape=ball(10),
        arrangement="side_by_side", gap_angstrom=4, grains=[{}, {"angle_degrees": 45}],
    )  # fmt: skip
    assert np.diff(pair.info["feet"][:, 0]) == pytest.approx(24)
    assert 4 <= shortest_distance(pair, 1, 2) < 9
    assert len(pair.constraints[0].index) == 15 * 8
    bed = dendrites(slab={"size": [14, 14], "layers": 3}, shape=ball(9),
                    arrangement="bed", bed=[2, 2], grains=[{}, {"facet": "110"}])  # fmt: skip
    counts = np.bincount(bed.arrays["grain"])
    assert len(counts) == 5 and counts[1] == counts[4] and counts[2] == counts[3] != counts[1]


def test_on_copper_lithium_keeps_its_distance():
    atoms = dendrites(
        substrate={"facet": 111, "size": [12, 12], "layers": 3, "fixed_layers": 1},
        shape=ball(9), arrangement="single", grains=[{"facet": "110"}],
    )  # fmt: skip
    assert set(atoms.get_chemical_symbols()) == {"Cu", "Li"}
    lithium = atoms.positions[atoms.numbers == 3, 2]
    copper = atoms.positions[atoms.numbers == 29, 2]
    assert lithium.min() - copper.max() == pytest.approx(2.07, abs=1e-3)
    cell = atoms.cell.lengths()[2]
    assert cell - np.ptp(atoms.positions[:, 2]) > 25


def test_yaml_names_facets_without_quotes_and_says_what_does_not_fit(tmp_path):
    file = tmp_path / "dendrites.yaml"
    file.write_text(
        "slab: {facet: 110, size: [7, 5], layers: 4}\narrangement: single\n"
        "shape: {kind: hemisphere, radius_angstrom: 7}\ngrains: [{facet: 110}]\n"
    )
    assert len(build_dendrites(load_config(file, Dendrites))) > 7 * 5 * 2 * 4
    for settings, said in [
        ({"shape": ball(40)}, "would meet its image"),
        ({"slab": {"fixed_layers": 1}}, "facing tips approach"),
        ({"shape": {"kind": "needle", "radius_angstrom": 9, "height_angstrom": 5}}, "hemisphere"),
        ({"grains": [{"axis": [0, 0, 0]}]}, "give a direction"),
        (
            {"shape": ball(0.1), "arrangement": "single"},
            "has no atom",
        ),
    ]:
        with pytest.raises(InputError, match=said):
            dendrites(**settings)


def test_contact_of_large_bodies_is_that_of_all_their_pairs():
    """Two heaps of 4,000 atoms; the lift compared with every pair, and a reach of many shells."""
    from ase import Atoms

    from limlff.structures.contact import drop_to_contact

    rng = np.random.default_rng(1)
    low, high = rng.uniform(0, [60, 60, 40], (2, 4000, 3))
    lift = drop_to_contact(
        Atoms("Li4000", low, cell=[60, 60, 300], pbc=True), Atoms("Li4000", high), 10.0
    )
    lateral = low[:, None, :2] - high[None, :, :2]
    lateral -= 60 * np.round(lateral / 60)
    square = np.sum(lateral**2, axis=2)
    rise = low[:, None, 2] - high[None, :, 2] + np.sqrt(np.maximum(100 - square, 0))
    assert lift == pytest.approx(rise[square < 100].max())
