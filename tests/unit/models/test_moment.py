"""The moment model against a plain NumPy reference of its formula, and its limits."""

from __future__ import annotations

from itertools import product

import jax
import numpy as np
import pytest
from ase.data import atomic_numbers, covalent_radii
from neighborhoods import neighborhoods_without_owners

from limlff import precision as precision
from limlff.errors import InputError
from limlff.models.angular import coupling_terms, cubic_couplings, spherical_harmonics
from limlff.models.invariants import invariants_of
from limlff.models.moment import MomentModel
from limlff.models.registry import build_model, model_to_settings
from limlff.models.repulsion import zbl_energies

MODEL = MomentModel(
    elements=("Li", "Cu"), cutoff=4.5, radial=5, max_degree=4, channels=3, hidden=(6, 4)
)


def neighborhood(seed: int = 0, atoms: int = 4, slots: int = 7) -> tuple[np.ndarray, ...]:
    """Random neighborhoods of both elements, some slots empty."""
    generator = np.random.default_rng(seed)
    species = generator.integers(0, 2, atoms)
    neighbor_species = generator.integers(0, 2, (slots, atoms))
    directions = generator.normal(size=(3, slots, atoms))
    directions /= np.linalg.norm(directions, axis=0)
    vectors = directions * generator.uniform(1.2, 5.0, (slots, atoms))
    mask = generator.random((slots, atoms)) > 0.2
    vectors = np.where(mask, vectors, np.array([9.0, 0, 0])[:, None, None])
    return species, np.where(mask, neighbor_species, -1), vectors, mask


def parameters_away_from_their_start(model: MomentModel) -> dict:
    """Random values everywhere, so that no term is zero by chance of the initial state."""
    generator = np.random.default_rng(5)
    start = model.initialize(jax.random.key(0))
    return jax.tree.map(
        lambda leaf: np.asarray(leaf) + 0.3 * generator.normal(size=leaf.shape), start
    )


def reference_energy(model, parameters, element, neighbor_species, vectors, mask) -> float:
    """The formula of the module, atom by atom and neighbor by neighbor."""
    size = (model.max_degree + 1) ** 2
    moments = np.zeros((len(model.elements), model.radial, size))
    for slot in np.flatnonzero(mask):
        distance = np.linalg.norm(vectors[:, slot])
        if distance >= model.cutoff:
            continue
        s = (distance / model.cutoff) ** 2
        chebyshev = np.polynomial.chebyshev.chebvander(2 * s - 1, model.radial - 1)
        harmonics = np.asarray(spherical_harmonics(model.max_degree, vectors[:, slot] / distance))
        moments[neighbor_species[slot]] += np.outer(chebyshev * (1 - s) ** 3, harmonics)
    flat = moments.reshape(-1, size)
    channels = [
        parameters["mixing"][element, l]
        @ parameters["statistics"]["whitening"][element, l]
        @ flat[:, l * l : (l + 1) ** 2]
        for l in range(model.max_degree + 1)
    ]
    blocks = [channels[0][:, 0]]
    blocks += [np.sum(channels[l] ** 2, axis=1) for l in range(1, model.max_degree + 1)]
    for l1, l2, l3 in cubic_couplings(model.max_degree):
        blocks.append(
            sum(
                c * channels[l1][:, i] * channels[l2][:, j] * channels[l3][:, k]
                for i, j, k, c in coupling_terms(l1, l2, l3)
            )
        )
    statistics = parameters["statistics"]
    normal = (np.concatenate(blocks) - statistics["mean"][element]) * statistics["scale"][element]
    values = normal
    for index in range(len(model.hidden) + 1):
        layer = parameters["net"][f"layer{index}"]
        values = layer["weights"][element] @ values + layer["bias"][element]
        if index < len(model.hidden):
            values = np.tanh(values)
    return float(values[0] + parameters["linear"][element] @ normal)


def test_energies_equal_a_plain_loop_over_atoms_and_neighbors():
    species, neighbor_species, vectors, mask = neighborhood()
    model = MomentModel(**{**model_settings(), "repulsion": False})
    parameters = parameters_away_from_their_start(model)
    around = neighborhoods_without_owners(species, neighbor_species, vectors, mask)
    ours = model.energies(parameters, around)
    expected = [
        reference_energy(
            model, parameters, species[i], neighbor_species[:, i], vectors[:, :, i], mask[:, i]
        )
        for i in range(len(species))
    ]
    np.testing.assert_allclose(ours, expected, rtol=1e-12)


def model_settings() -> dict:
    settings = model_to_settings(MODEL)
    del settings["architecture"]
    return settings


def test_empty_atom_slots_have_no_energy():
    species, neighbor_species, vectors, mask = neighborhood()
    species[2] = -1
    around = neighborhoods_without_owners(species, neighbor_species, vectors, mask)
    energies = MODEL.energies(parameters_away_from_their_start(MODEL), around)
    assert energies[2] == 0
    assert abs(energies[1]) > 0


def test_adapted_invariants_and_channels_have_unit_deviation():
    species, neighbor_species, vectors, mask = neighborhood(seed=3, atoms=90, slots=12)
    start = MODEL.initialize(jax.random.key(1))
    around = neighborhoods_without_owners(species, neighbor_species, vectors, mask)
    parameters = MODEL.adapt(start, around)
    moments = np.asarray(MODEL._moments(around))
    for element in range(2):
        statistics = {k: np.asarray(v[element]) for k, v in parameters["statistics"].items()}
        chosen = moments[:, :, species == element]
        for l in range(MODEL.max_degree + 1):
            white = statistics["whitening"][l] @ chosen[l * l : (l + 1) ** 2]
            if l == 0:
                white -= white.mean(axis=2, keepdims=True)
            covariance = np.einsum("mbn,mcn->bc", white, white) / white[:, 0].size
            np.testing.assert_allclose(covariance, np.eye(len(covariance)), atol=1e-8)
        mixing = np.asarray(parameters["mixing"][element]) @ statistics["whitening"]
        raw = np.concatenate(invariants_of(MODEL.max_degree, mixing, chosen))
        normal = (raw - statistics["mean"][:, None]) * statistics["scale"][:, None]
        np.testing.assert_allclose(normal.mean(axis=1), 0, atol=1e-9)
        np.testing.assert_allclose(normal.std(axis=1), 1, rtol=1e-9)


@pytest.mark.parametrize(("first", "second"), list(product(("Li", "Cu"), repeat=2)))
def test_repulsion_is_the_universal_screened_coulomb_potential(first, second):
    """Against the formula in atomic units, inside and at the edge of its reach."""
    elements = ("Li", "Cu")
    reach = sum(covalent_radii[atomic_numbers[e]] for e in (first, second))
    distances = np.array([0.2, 0.7, 1.5, reach, reach + 0.5])
    z1, z2 = atomic_numbers[first], atomic_numbers[second]
    bohr, hartree = 0.529177210903, 27.211386245988
    length = 0.8854 * bohr / (z1**0.23 + z2**0.23)
    x = distances / length
    screening = (
        0.18175 * np.exp(-3.1998 * x)
        + 0.50986 * np.exp(-0.94229 * x)
        + 0.28022 * np.exp(-0.4029 * x)
        + 0.02817 * np.exp(-0.20162 * x)
    )
    cutoff = np.where(distances < reach, (1 - (distances / reach) ** 2) ** 3, 0)
    expected = hartree * bohr * z1 * z2 / distances * screening * cutoff / 2
    species = np.full(len(distances), elements.index(first))
    neighbor_species = np.full((1, len(distances)), elements.index(second))
    ours = zbl_energies(elements, species, neighbor_species, distances[None] ** 2)
    np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-12)


def test_settings_survive_the_way_through_a_file():
    assert build_model(model_to_settings(MODEL)) == MODEL


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"architecture": "momnet", "elements": ["Li"]}, "unknown architecture 'momnet'"),
        ({"elements": ["Li"], "chanels": 4}, "did you mean 'channels'"),
        ({"elements": ["Li"], "cutoff": -1.0}, "cutoff is -1.0"),
        ({"elements": ["Li"], "max_degree": 7}, "max_degree is 7"),
        ({"elements": ["Li"], "activation": "relu"}, "activation is 'relu'"),
    ],
)
def test_unusable_settings_are_named(settings, message):
    with pytest.raises(InputError, match=message):
        build_model(settings)
