"""Exchange counted by hand, and profiles that hold every atom."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bcc110
from surfaces import COPPER, LITHIUM, copper_slab, shaken

from limlff.analysis.film import find_film
from limlff.analysis.interdiffusion import count_exchange, density_profile, mean_profile
from limlff.errors import InputError

HOLLOW = {"100": 1.93, "110": 1.44, "111": 2.07}
"""Height of lithium above the plane of copper with neighbors at 2.65 Å, and by DFT on (111) (Å)."""


def exchanged(facet: str, seed: int = 0) -> Atoms:
    """Lithium on a facet; three Li in the top plane, one in the second, three Cu above."""
    slab = copper_slab(facet, (6, 6, 5))
    z = slab.positions[:, 2]
    spacing = np.diff(np.unique(z.round(3)))[0]
    top = np.flatnonzero(z > z.max() - 0.1)
    second = np.flatnonzero(np.abs(z - z.max() + spacing) < 0.1)
    above = slab.positions[top[:20]] + [0.5, 0.5, HOLLOW[facet]]
    slab += Atoms("Li20", above)
    slab.symbols[top[[5, 9, 17]]] = "Li"
    slab.positions[top[[5, 9, 17]], 2] += 0.3  # lithium is larger
    slab.symbols[second[7]] = "Li"
    slab += Atoms("Cu3", slab.positions[top[[25, 28, 33]]] + [0.0, 0.0, spacing])
    return shaken(slab, 0.08, seed)


@pytest.mark.parametrize("facet", ["100", "110", "111"])
def test_exchanged_atoms_are_those_put_in(facet):
    for seed in range(4):
        found = count_exchange(find_film(exchanged(facet, seed)))
        assert found.film_below == 4
        assert found.film_in_top_plane == 3
        assert found.substrate_above == 3
        assert found.film == 24


@pytest.mark.parametrize("facet", ["100", "110", "111"])
def test_nothing_is_exchanged_where_lithium_lies_on_copper(facet):
    slab = copper_slab(facet, (6, 6, 5))
    top = np.flatnonzero(slab.positions[:, 2] > slab.positions[:, 2].max() - 0.1)
    slab += Atoms(f"Li{len(top)}", slab.positions[top] + [0.5, 0.5, HOLLOW[facet]])
    found = count_exchange(find_film(shaken(slab, 0.1)))
    assert (found.film_below, found.substrate_above) == (0, 0)


def test_profile_holds_all_atoms_and_has_its_origin_in_the_interface_plane():
    film = find_film(exchanged("111"))
    profile = density_profile(film)
    for element, count in [("Cu", 180 - 4 + 3), ("Li", 24)]:
        total = profile.densities[element].sum() * 0.25 * film.area
        assert total == pytest.approx(count)
    spacing = COPPER / np.sqrt(3)
    for plane in range(1, 5):
        near = np.abs(profile.heights + plane * spacing) < 0.6
        assert profile.densities["Cu"][near].sum() * 0.25 * film.area == pytest.approx(36, abs=1)
    assert profile.densities["Li"][profile.heights < -0.7].sum() * 0.25 * film.area == 1


def test_mean_profile_of_frames_of_different_height():
    thin, thick = copper_slab("111"), copper_slab("111")
    thick += Atoms("Li9", [[2 * i, 3, thick.positions[:, 2].max() + 2.1 + i] for i in range(9)])
    first, second = (density_profile(find_film(atoms)) for atoms in (thin, thick))
    mean = mean_profile([first, second])
    area = find_film(thin).area
    assert mean.densities["Li"].sum() * 0.25 * area == pytest.approx(4.5)
    assert mean.densities["Cu"].sum() * 0.25 * area == pytest.approx(144)


def test_film_without_substrate_has_no_interface():
    film = find_film(bcc110("Li", (4, 4, 3), a=LITHIUM, vacuum=8, orthogonal=True))
    with pytest.raises(InputError, match="no atoms of Cu"):
        count_exchange(film)
    with pytest.raises(InputError, match="no atoms of Cu"):
        density_profile(film)
    with pytest.raises(InputError, match="bin width is 0"):
        density_profile(find_film(copper_slab()), 0)
