import numpy as np
import pytest
from scipy.spatial.distance import cdist

from limlff.errors import InputError
from limlff.structures.film import bcc_film, find_match, pseudomorphic_film
from limlff.structures.slab import cut_vacancies, fcc_slab

A, LI = 3.63, 3.44
PLANES = {  # primitive vectors of one plane
    "100": LI * np.eye(2),
    "110": LI * np.array([[1, 0], [0.5, np.sqrt(0.5)]]),
    "111": LI * np.sqrt(2) * np.array([[1, 0], [0.5, np.sqrt(0.75)]]),
}


def copper(facet, size=(8, 8), layers=4):
    return fcc_slab("Cu", facet, size, layers, A, 15.0, 1)


def film_of(atoms):
    return atoms[atoms.get_tags() == 0]


def vectors_from(atoms, first, others):
    """Shortest vectors from an atom to others, over periodic images along x and y."""
    shifts = [i * atoms.cell[0] + j * atoms.cell[1] for i in (-1, 0, 1) for j in (-1, 0, 1)]
    vectors = atoms.positions[others] - atoms.positions[first] + np.array(shifts)[:, None]
    vectors = vectors.reshape(-1, 3)
    return vectors[np.argsort(np.linalg.norm(vectors, axis=1))]


def measured_strains(film, orientation):
    """Principal strains (%), from the metric of two neighbor vectors in the lowest plane.

    The two are those that are at an angle of 90°, 109.5° or 120° in the perfect plane.
    """
    plane = np.flatnonzero(np.isclose(film.positions[:, 2], film.positions[:, 2].min()))
    vectors = vectors_from(film, plane[0], plane)[1:7, :2]  # without the atom itself
    first = vectors[0]
    turned = vectors @ first / np.linalg.norm(first) / np.linalg.norm(vectors, axis=1)
    wanted = {"100": 0.0, "110": -1 / 3, "111": -0.5}[orientation]
    length = {"100": 1.0, "110": np.sqrt(0.75), "111": np.sqrt(2)}[orientation] * LI
    second = vectors[
        np.argmin(np.abs(turned - wanted) + np.abs(np.linalg.norm(vectors, axis=1) / length - 1))
    ]
    here = np.array([[a @ b for a in (first, second)] for b in (first, second)])
    perfect = length**2 * np.array([[1, wanted], [wanted, 1]])
    return np.sort(100 * (np.sqrt(np.linalg.eigvals(np.linalg.solve(perfect, here)).real) - 1))


@pytest.mark.parametrize(
    ("facet", "size", "orientation", "density"),
    [
        ("100", (8, 8), "100", 0.084),
        ("100", (8, 8), "110", 0.119),
        ("110", (8, 8), "110", 0.119),
        ("111", (9, 8), "110", 0.119),
        ("111", (8, 8), "100", 0.084),
        ("111", (13, 14), "111", 0.049),
    ],
)
def test_films_have_the_density_and_the_strain_that_they_say(facet, size, orientation, density):
    slab = copper(facet, size)
    atoms, match = bcc_film(slab, "Li", orientation, 2, LI)
    film = film_of(atoms)
    area = np.linalg.norm(np.cross(slab.cell[0], slab.cell[1]))
    stretch = np.prod(1 + match.strain_percent / 100)
    assert len(film) / 2 / area * stretch == pytest.approx(density, abs=6e-4)
    np.testing.assert_allclose(measured_strains(film, orientation), match.strain_percent, atol=1e-6)
    np.testing.assert_array_equal(atoms.info["film_strain_percent"], match.strain_percent)
    assert np.abs(match.strain_percent).max() < 3


def least_strain_by_turning(plane, cell):
    """The least strain that is found by turning the plane in steps of 0.05° (%)."""
    found = []
    for angle in np.radians(np.arange(0, 180, 0.05)):
        c, s = np.cos(angle), np.sin(angle)
        turned = plane @ np.array([[c, s], [-s, c]])
        cells = np.round(cell @ np.linalg.inv(turned))
        if np.linalg.det(cells) > 0.5:
            stretches = np.linalg.svd(np.linalg.solve(cells @ turned, cell), compute_uv=False)
            found.append(100 * np.abs(stretches - 1).max())
    return min(found)


@pytest.mark.parametrize("orientation", PLANES)
@pytest.mark.parametrize(("facet", "size"), [("100", (5, 7)), ("110", (3, 5)), ("111", (8, 8))])
def test_no_rotation_gives_less_strain(facet, size, orientation):
    cell = copper(facet, size).cell.array[:2, :2]
    match = find_match(PLANES[orientation], cell)
    assert match.largest_percent == pytest.approx(
        least_strain_by_turning(PLANES[orientation], cell), abs=1e-6
    )


def test_a_film_that_fits_turned_is_found_unstrained():
    """A square lattice on cells of its diagonal: turned by 45°, with no strain."""
    atoms, match = bcc_film(copper("100", (4, 4)), "Li", "100", 3, A)
    np.testing.assert_allclose(match.strain_percent, 0, atol=1e-10)
    assert match.rotation_degrees == pytest.approx(45)
    film = film_of(atoms)
    nearest = [vectors_from(film, i, np.arange(len(film)))[1:9] for i in range(len(film))]
    middle = np.isclose(film.positions[:, 2], np.median(film.positions[:, 2]))
    np.testing.assert_allclose(  # 8 neighbors of bcc, but for the outer planes
        np.linalg.norm(np.array(nearest)[middle], axis=2), np.sqrt(0.75) * A
    )


def test_the_angle_is_that_of_the_row_of_the_film():
    """The [001] row of Li(110) at the angle that is said, in a cell that fits exactly so."""
    angle = np.arctan2(np.sqrt(0.5), 1.5)  # of the vector (1, 1) of the lattice
    cells = np.array([[1, 1], [-3, 2]])
    c, s = np.cos(-angle), np.sin(-angle)
    cell = cells @ PLANES["110"] @ np.array([[c, s], [-s, c]])
    match = find_match(PLANES["110"], cell)
    np.testing.assert_allclose(match.strain_percent, 0, atol=1e-6)
    assert match.rotation_degrees == pytest.approx(-np.degrees(angle), abs=1e-3)


@pytest.mark.parametrize("facet", ["100", "110", "111"])
def test_film_touches_the_slab_and_keeps_its_volume(facet):
    slab = copper(facet, (9, 8))
    atoms, _ = bcc_film(slab, "Li", "110", 3, LI, max_strain_percent=6.0)
    film = film_of(atoms)
    shortest = min(
        cdist(slab.positions, film.positions + i * slab.cell[0] + j * slab.cell[1]).min()
        for i in (-1, 0, 1)
        for j in (-1, 0, 1)
    )
    assert shortest == pytest.approx(2.55)
    planes = np.unique(film.positions[:, 2].round(6))
    area = slab.cell[0, 0] * slab.cell[1, 1]
    assert np.diff(planes) == pytest.approx([LI**3 / 2 * len(film) / 3 / area] * 2)
    assert atoms.cell[2, 2] - np.ptp(atoms.positions[:, 2]) == pytest.approx(15.0)
    np.testing.assert_array_equal(atoms.constraints[0].index, slab.constraints[0].index)
    assert atoms.pbc.all()


@pytest.mark.parametrize(
    ("facet", "height", "neighbors"),
    [("111", 2.075, 3), ("100", 1.791, 4), ("110", 1.267, 1)],
)
def test_pseudomorphic_lithium_sits_in_the_hollows(facet, height, neighbors):
    """As high as balls of 2.55 Å do (2.07 Å on Cu(111) by DFT); on (110) the second plane bears."""
    slab = copper(facet, (4, 4))
    atoms = pseudomorphic_film(slab, "Li", 2, LI)
    film = film_of(atoms)
    first = film.positions[:16]
    assert first[:, 2] - slab.positions[:, 2].max() == pytest.approx([height] * 16, abs=1e-3)
    both = slab + film
    for each in range(len(slab), len(slab) + 16):
        vectors = vectors_from(both, each, np.arange(len(slab)))
        near = np.linalg.norm(vectors, axis=1)
        assert np.sum(near < 2.551) == neighbors
        np.testing.assert_allclose(vectors[:neighbors, :2].sum(axis=0), 0, atol=1e-6)


def test_pseudomorphic_film_does_not_mind_a_cut_top_plane():
    slab = copper("111", (4, 4))
    whole, cut = (pseudomorphic_film(s, "Li", 1, LI) for s in (slab, cut_vacancies(slab, 3, 1)))
    ends = [np.sort(film_of(each).positions[:, :2].round(6), axis=0) for each in (whole, cut)]
    np.testing.assert_allclose(*ends)


def test_a_film_that_does_not_fit_is_refused_with_the_best_and_a_size_that_does():
    with pytest.raises(InputError, match=r"-3\.\d+ %.*limit is 3 %.*such as \[9, 8\]"):
        bcc_film(copper("111", (8, 8)), "Li", "110", 2, LI)
    bcc_film(copper("111", (9, 8)), "Li", "110", 2, LI)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda slab: bcc_film(slab, "Li", "210", 2, LI), "210"),
        (lambda slab: bcc_film(slab, "Li", "110", 0, LI), "0 layers"),
        (lambda slab: bcc_film(slab, "Li", "110", 1, -LI), "-3.44"),
        (lambda slab: pseudomorphic_film(slab, "Li", 1, LI, contact=1.0), "contact is 1.0"),
        (lambda _: pseudomorphic_film(copper("100", layers=1), "Li", 1, LI), "more layers"),
        (lambda slab: find_match(40 * np.eye(2), slab.cell.array[:2, :2]), "enlarge size"),
    ],
)
def test_films_that_cannot_be_are_refused(make, said):
    with pytest.raises(InputError, match=said):
        make(copper("110", (4, 4)))
