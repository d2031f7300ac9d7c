"""float64 whatever the user has set in jax, and what the user has set stays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from ase.build import bulk

from limlff.calculator import Calculator
from limlff.errors import InputError
from limlff.md.config import MDConfig
from limlff.md.resume import resume_md
from limlff.md.runner import run_md
from limlff.models.angular import coupling_terms
from limlff.models.mace_coupling import coupling, symmetric_basis
from limlff.neighbors.host import build_neighbors
from limlff.precision import own_precision, require_float64
from limlff.prediction import predictor_for

SETTINGS = {
    "temperature_k": 300,
    "steps": 4,
    "ensemble": {"kind": "nvt_langevin"},
}


def everything(folder: Path) -> dict[str, object]:
    """Results of what users call, as exact numbers."""
    atoms = bulk("Li", "bcc", a=3.44, cubic=True)
    atoms.rattle(0.05, seed=1)
    calculator = Calculator("li")
    atoms.calc = calculator
    results: dict[str, object] = {
        "energy": atoms.get_potential_energy().hex(),
        "stress": [component.hex() for component in atoms.get_stress()],
        "grade": calculator.get_property("extrapolation_grade", atoms)[0].hex(),
    }
    potential = calculator.potential
    matrix, _ = build_neighbors(atoms.positions, atoms.cell.array, atoms.pbc, potential.cutoff)
    species = np.zeros(len(atoms), np.int32)
    predictor = predictor_for(potential)
    found = predictor.predict(species, atoms.positions, atoms.cell.array, matrix)
    results["predict"] = [str(found.forces.dtype), float(found.energy).hex()]
    run_md(MDConfig(**SETTINGS), folder, atoms, potential, progress=False)
    longer = resume_md(folder, potential, progress=False, overrides=["steps=6"])
    results["positions"] = [x.hex() for x in longer.atoms.positions.ravel().tolist()]
    return results


SCRIPT = """
import json, sys
from pathlib import Path
import jax
import limlff.cli.main, limlff.training.train, limlff.training.uncertainty.fit
from test_precision import everything
before = jax.config.jax_enable_x64, jax.config.jax_default_matmul_precision
numbers = everything(Path(sys.argv[1]))
after = jax.config.jax_enable_x64, jax.config.jax_default_matmul_precision
print(json.dumps([before, after, str(jax.numpy.ones(2).dtype), numbers]))
"""


def test_settings_of_jax_stay_the_users_and_change_no_number(tmp_path):
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path]),
    }
    for name in ("JAX_ENABLE_X64", "JAX_DEFAULT_MATMUL_PRECISION"):
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "other")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    before, after, dtype, numbers = json.loads(done.stdout)
    assert before == after == [False, None] and dtype == "float32"
    assert numbers == everything(tmp_path / "here")


def test_precision_is_taken_for_the_call_alone():
    with jax.enable_x64(False):
        with pytest.raises(InputError, match="own_precision"):
            require_float64()
        with own_precision():
            require_float64()
            assert jax.numpy.ones(1).dtype == "float64"
        assert jax.numpy.ones(1).dtype == "float32"


def test_choices_of_random_numbers_and_of_promotion_do_not_reach_a_calculation():
    """A user's own program may be strict, or draw with another generator."""

    def results():
        atoms = bulk("Li", "bcc", a=3.44, cubic=True)
        atoms.calc = Calculator("li")
        with own_precision():
            drawn = jax.random.normal(jax.random.PRNGKey(3), (2,)).tolist()
        return atoms.get_potential_energy(), atoms.get_stresses().tolist(), drawn

    expected = results()
    with (
        jax.numpy_dtype_promotion("strict"),
        jax.numpy_rank_promotion("raise"),
        jax.default_prng_impl("rbg"),
        jax.threefry_partitionable(False),
    ):
        assert results() == expected


def test_a_program_of_the_users_in_single_precision_may_call_a_potential():
    """Its own arrays are float32; the potential works in float64 all the same."""
    atoms = bulk("Li", "bcc", a=3.44, cubic=True)
    potential = Calculator("li").potential
    matrix, _ = build_neighbors(atoms.positions, atoms.cell.array, atoms.pbc, potential.cutoff)
    species = np.zeros(len(atoms), np.int32)
    cell = atoms.cell.array

    predictor = predictor_for(potential)

    def energy(positions):
        return predictor.predict(species, positions, cell, matrix).energy

    expected = energy(atoms.positions.astype(np.float32))
    with jax.enable_x64(False):
        found = jax.jit(energy)(jax.numpy.asarray(atoms.positions))
    assert float(found) == pytest.approx(float(expected), abs=1e-12)


@pytest.mark.parametrize(
    ("coefficients", "arguments"),
    [(coupling_terms, (2, 3, 3)), (coupling, (1, 2, 3)), (symmetric_basis, (2, 2, 1))],
)
def test_coefficients_that_are_kept_for_all_are_exact_whoever_asks_first(coefficients, arguments):
    expected = coefficients.__wrapped__(*arguments)
    with jax.enable_x64(False):
        np.testing.assert_array_equal(coefficients.__wrapped__(*arguments), expected)
