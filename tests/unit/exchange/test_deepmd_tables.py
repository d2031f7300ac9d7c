"""Tables of embedding nets: their error, its order, and smoothness at the nodes."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ase.build import bulk
from predictions import predict_in_one_shape

from limlff.errors import InputError
from limlff.exchange.deepmd import import_deepmd
from limlff.exchange.deepmd_tables import tabulate
from limlff.models.registry import build_model, model_to_settings

MODEL = Path(__file__).resolve().parents[2] / "parity/deepmd/pairs.dp"


@pytest.fixture(scope="module")
def potential():
    return import_deepmd(MODEL)


def test_error_falls_with_the_sixth_power_of_the_spacing(potential):
    errors = [tabulate(potential, spacing)[1] for spacing in (0.4, 0.2)]
    assert 32 < errors[0] / errors[1] < 128  # 2^6 = 64


def test_energies_and_forces_are_those_of_the_nets(potential):
    atoms = bulk("Cu", a=3.9, cubic=True)
    atoms.rattle(0.15, seed=1)
    atoms.symbols[0] = "Li"
    tabulated, error = tabulate(potential, 0.02)
    [exact] = predict_in_one_shape(potential, [atoms])
    [ours] = predict_in_one_shape(tabulated, [atoms])
    assert error < 1e-9
    assert np.abs(ours.energies - exact.energies).max() < 1e-8
    assert np.abs(ours.forces - exact.forces).max() < 1e-7


def test_curve_is_smooth_at_nodes_and_goes_on_straight_beyond_them(potential):
    """Value, slope and bend on both sides of a node; slope beyond the last one."""
    tabulated, _ = tabulate(potential, 0.5, shortest=2.0)
    model, name = tabulated.model, "Li-Cu"
    table = tabulated.parameters["embedding"][name]
    nodes = float(table["first"]) + 0.5 * np.array([1, 3, len(table["coefficients"]) - 1])

    def curve(s):
        return jnp.sum(model._embed(tabulated.parameters, name, s.reshape(1, 1)))

    for node in nodes[:2]:
        for function in (curve, jax.grad(curve), jax.grad(jax.grad(curve))):
            left, right = (float(function(jnp.asarray(node + side))) for side in (-1e-9, 1e-9))
            assert abs(left - right) < 1e-6
    slopes = [float(jax.grad(curve)(jnp.asarray(nodes[2] + gap))) for gap in (0.0, 1.0, 50.0)]
    assert np.ptp(slopes) < 1e-12


def test_settings_go_through_a_file_but_are_not_trained(potential):
    tabulated, _ = tabulate(potential, 0.5)
    again = build_model(model_to_settings(tabulated.model))
    assert again == tabulated.model
    with pytest.raises(InputError, match="cannot be trained"):
        again.initialize(jax.random.key(0))
    with pytest.raises(InputError, match="no embedding nets"):
        tabulate(tabulated)
