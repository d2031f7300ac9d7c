"""DeepPot-SE against a plain NumPy reference of its descriptor and nets, and general checks."""

from __future__ import annotations

from dataclasses import replace

import jax
import numpy as np
import pytest
from neighborhoods import neighborhoods_without_owners

from limlff.models.deepmd import DeepPotSE
from limlff.potential import Potential
from limlff.testing import check_potential

MODEL = DeepPotSE(
    ("Li", "Cu"),
    sel=(20, 24),
    cutoff=4.5,
    smooth_from=1.0,
    embedding=(3, 6),
    axis=2,
    fitting=(5, 5),
    embedding_timestep=True,
)


@pytest.fixture(scope="module")
def neighborhoods():
    """Five atoms with up to seven neighbors each at random places, some beyond the cutoff."""
    generator = np.random.default_rng(4)
    vectors = generator.normal(0, 2.2, (3, 7, 5))
    vectors *= np.maximum(1, 1.2 / np.linalg.norm(vectors, axis=0))
    mask = generator.random((7, 5)) < 0.8
    vectors = np.where(mask, vectors, np.array([9.0, 0, 0])[:, None, None])
    neighbors = np.where(mask, generator.integers(0, 2, (7, 5)), -1)
    return generator.integers(0, 2, 5), neighbors, vectors, mask


@pytest.fixture(scope="module")
def parameters(neighborhoods):
    random = MODEL.initialize(jax.random.key(1))
    return jax.device_get(MODEL.adapt(random, neighborhoods_without_owners(*neighborhoods)))


def reference_row(vector):
    r = np.linalg.norm(vector)
    if r >= MODEL.cutoff:
        return np.zeros(4)
    u = max(0, (r - MODEL.smooth_from) / (MODEL.cutoff - MODEL.smooth_from))
    s = (1 - 10 * u**3 + 15 * u**4 - 6 * u**5) / r
    return np.array([s, *(s * vector / r)])


def reference_layer(layer, x):
    y = np.tanh(x @ layer["weights"] + layer["bias"])
    inputs, outputs = layer["weights"].shape
    y = y * layer.get("timestep", 1.0)
    return y + x if outputs == inputs else y + np.tile(x, 2) if outputs == 2 * inputs else y


def reference_energy(parameters, centre, neighbors, vectors):
    """The sum over all slots of `sel`, empty ones included, one at a time."""
    statistics, total = parameters["statistics"], np.zeros((4, MODEL.embedding[-1]))
    average = np.array([statistics["average"][centre], 0, 0, 0])
    deviation = statistics["deviation"][centre][[0, 1, 1, 1]]
    for element, slots in enumerate(MODEL.sel):
        layers = parameters["embedding"][f"{MODEL.elements[centre]}-{MODEL.elements[element]}"]
        rows = [reference_row(v) for v, z in zip(vectors.T, neighbors, strict=True) if z == element]
        for row in rows + [np.zeros(4)] * (slots - len(rows)):
            row = (row - average) / deviation
            g = row[:1]
            for name in sorted(layers):
                g = reference_layer(layers[name], g)
            total += np.outer(row, g) / sum(MODEL.sel)
    x = (total.T @ total[:, : MODEL.axis]).ravel()
    net = parameters["fitting"][MODEL.elements[centre]]
    for name in sorted(net["hidden"]):
        x = reference_layer(net["hidden"][name], x)
    return (x @ net["output"]["weights"] + net["output"]["bias"])[0] + parameters["bias"][centre]


def test_energies_are_those_of_the_numpy_reference(parameters, neighborhoods):
    species, neighbors, vectors, _ = neighborhoods
    expected = [
        reference_energy(parameters, species[i], neighbors[:, i], vectors[:, :, i])
        for i in range(len(species))
    ]
    energies = np.asarray(MODEL.energies(parameters, neighborhoods_without_owners(*neighborhoods)))
    assert np.ptp(expected) > 1e-3
    assert np.abs(energies - expected).max() < 1e-12


def test_adapted_rows_have_no_mean_and_unit_deviation(parameters, neighborhoods):
    """Over all slots of `sel` of the atoms of each element, as DeePMD-kit takes them."""
    species, _, vectors, _ = neighborhoods
    for element in range(2):
        atoms = np.flatnonzero(species == element)
        rows = np.array([reference_row(v) for i in atoms for v in vectors[:, :, i].T])
        empty = np.zeros((len(atoms) * (sum(MODEL.sel) - vectors.shape[1]), 4))
        scaled = np.concatenate([rows, empty])
        scaled[:, 0] -= parameters["statistics"]["average"][element]
        scaled /= parameters["statistics"]["deviation"][element][[0, 1, 1, 1]]
        assert abs(scaled[:, 0].mean()) < 1e-12
        assert scaled[:, 0].std() == pytest.approx(1)
        assert np.mean(scaled[:, 1:] ** 2) == pytest.approx(1)


def test_general_checks_pass(parameters):
    """With so many slots that nothing has to be left out, a branch of its own to compile."""
    roomy = replace(MODEL, sel=(90, 90))
    check_potential(Potential(roomy, parameters, np.array([-1.9, -3.7])))


def test_only_the_nearest_neighbors_count_where_there_are_too_many(parameters, neighborhoods):
    species, neighbors, vectors, mask = neighborhoods
    crowded = replace(MODEL, sel=(2, 3))
    expected = []
    for i in range(len(species)):
        order = np.argsort(np.linalg.norm(vectors[:, :, i], axis=0))
        inside = [k for k in order if np.linalg.norm(vectors[:, k, i]) < MODEL.cutoff][:5]
        kept = [
            k
            for element, most in enumerate(crowded.sel)
            for k in [k for k in inside if neighbors[k, i] == element][:most]
        ]
        gone = np.setdiff1d(np.arange(len(order)), kept)
        far = vectors.copy()
        far[:, gone, i] = np.array([9.0, 0, 0])[:, None]
        hidden = neighbors.copy()
        hidden[gone, i] = -1
        fewer = neighborhoods_without_owners(species, hidden, far, mask)
        roomy = crowded.energies(parameters, fewer)
        expected.append(float(roomy[i]))
    around = neighborhoods_without_owners(*neighborhoods)
    energies = np.asarray(crowded.energies(parameters, around))
    everything = MODEL.energies(parameters, around)
    assert np.abs(energies - np.asarray(everything)).max() > 1e-6
    assert np.abs(energies - expected).max() < 1e-12
