"""`check_potential` passes what is right and finds what is wrong, each defect by its own check."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from reference_models import EmbeddedPairs, embedded_pairs

from limlff.models.moment import MomentModel
from limlff.named_potential import load
from limlff.potential import Potential
from limlff.testing import ALL_CHECKS, Bench, check_potential, checks, example_structures

SHIPPED = (Path(__file__).parents[2] / "potentials").glob("*/*.limlff")


def test_analytic_potential_passes_all_checks():
    outcome = check_potential(embedded_pairs())
    assert len(outcome) == len(ALL_CHECKS)
    assert all(check.passed for check in outcome)


def test_moment_model_passes_all_checks():
    """Untrained, with two elements, by the kernel where there is one."""
    model = MomentModel(("Li", "Cu"), cutoff=4.5, radial=4, channels=3, max_degree=3, hidden=(6,))
    parameters = model.initialize(jax.random.PRNGKey(3))
    potential = Potential(model, parameters, np.array([-1.9, -3.7]))
    check_potential(potential)


@pytest.mark.parametrize("name", sorted(file.stem for file in SHIPPED))
def test_shipped_potential_passes_all_checks(name):
    check_potential(load(name))


def test_structures_cover_every_kind_of_cell():
    structures = example_structures(embedded_pairs())
    periodic = {tuple(atoms.pbc) for atoms in structures.values()}
    assert periodic == {(True, True, True), (True, True, False), (False, False, False)}
    assert min(len(atoms) for atoms in structures.values()) == 1
    assert any(len(set(atoms.symbols)) == 2 for atoms in structures.values())
    angles = structures["sheared cell"].cell.angles()
    assert np.abs(angles - 90).max() > 25


@dataclass(frozen=True)
class Defective(EmbeddedPairs):
    """The analytic model with one thing wrong."""

    defect: str = ""

    def energies(self, parameters, around):
        energies = super().energies(parameters, around)
        species, vectors, mask = around.species, around.vectors, around.mask
        r = jnp.sqrt(jnp.sum(vectors**2, axis=0))
        near = jnp.where(mask, jnp.maximum(1 - (r / self.cutoff) ** 2, 0) ** 3, 0.0)
        flow = jnp.sum(vectors / r * near, axis=1)
        extra = {
            "": 0.0,
            "energy jumps at the cutoff": 1e-3 * jnp.sum(mask & (r < self.cutoff), axis=0),
            "force jumps at the cutoff": 1e-3 * jnp.sum(jnp.cbrt(near), axis=0),
            "slope jumps at the cutoff": 1e-3 * jnp.sum(jnp.cbrt(near) ** 2, axis=0),
            "knows directions": 1e-3 * flow[2] ** 2,
            "knows left from right": 1e-3 * self._handedness(vectors, r, near),
            "knows all atoms": 1e-3 * jnp.sum(energies) * near.sum(axis=0),
            "averages over slots": 1e-3 * jnp.mean(near, axis=0),
            "knows the order of slots": 1e-3 * near[0] ** 2,
            "loses digits in float32": (1e3 + near.sum(axis=0)) ** 2 - 1e6 - 2e3 * near.sum(axis=0),
            "has wrong forces": 1e-3 * _with_wrong_gradient(jnp.sum(near, axis=0)),
        }[self.defect]
        return jnp.where(species >= 0, energies + extra, 0.0)

    @staticmethod
    def _handedness(vectors, r, near):
        """A triple product of moments: rotations keep it, reflections turn its sign."""
        unit = vectors / r
        moments = [jnp.sum(unit * near * jnp.cos(k * r), axis=1) for k in (0, 1, 2)]
        return jnp.sum(moments[0] * jnp.cross(moments[1], moments[2], axis=0), axis=0)


@jax.custom_jvp
def _with_wrong_gradient(x):
    return x


@_with_wrong_gradient.defjvp
def _(primals, tangents):
    return primals[0], 1.001 * tangents[0]


@pytest.mark.parametrize(
    ("defect", "check"),
    [
        ("energy jumps at the cutoff", checks.check_cutoff),
        ("force jumps at the cutoff", checks.check_cutoff),
        ("slope jumps at the cutoff", checks.check_cutoff),
        ("knows directions", checks.check_rotation),
        ("knows directions", checks.check_balance),
        ("knows left from right", checks.check_reflection),
        ("knows all atoms", checks.check_extensivity),
        ("averages over slots", checks.check_padding),
        ("knows the order of slots", checks.check_neighbor_order),
        ("loses digits in float32", checks.check_precision),
        ("has wrong forces", checks.check_forces),
        ("has wrong forces", checks.check_virial),
    ],
)
def test_defect_is_found_by_its_check(defect, check):
    model = Defective(("Li",), defect=defect)
    potential = Potential(model, model.initialize(jax.random.PRNGKey(0)), np.array([-1.9]))
    outcome = check(Bench(potential))
    assert not outcome.passed, str(outcome)


def test_handedness_alone_does_not_fail_the_rotation():
    model = Defective(("Li",), defect="knows left from right")
    potential = Potential(model, model.initialize(jax.random.PRNGKey(0)), np.array([-1.9]))
    assert checks.check_rotation(Bench(potential)).passed


def test_failure_names_the_check_and_its_numbers():
    model = Defective(("Li",), defect="has wrong forces")
    potential = Potential(model, model.initialize(jax.random.PRNGKey(0)), np.array([-1.9]))
    with pytest.raises(AssertionError, match=r"forces against differences.*limit 1e-06\) FAILED"):
        check_potential(potential)
