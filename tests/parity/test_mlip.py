"""Moment tensor potentials of MLIP-2: published errors, and files without loss."""

from __future__ import annotations

import json

import jax
import numpy as np
import pytest

from limlff.cli.main import main
from limlff.exchange.mtp import import_mtp
from limlff.models.mtp_contractions import contraction_table
from limlff.models.mtp_schedule import schedule_of
from limlff.potential_file import load_potential


@pytest.mark.parametrize(
    ("element", "energy_error", "force_error"),
    [("Li", 0.487, 0.0101), pytest.param("Cu", 0.411, 0.0069, marks=pytest.mark.slow)],
)
def test_errors_are_the_published_ones(shared, tmp_path, element, energy_error, force_error):
    """Y. Zuo et al., J. Phys. Chem. A 124, 731 (2020), on their test frames, raw energies."""
    potential, errors = str(tmp_path / "p.limlff"), str(tmp_path / "errors.json")
    assert main(["import", str(shared / f"reference/mtp/{element}.mtp"), potential]) == 0
    frames = str(shared / f"data/mlearn-{element}/test.extxyz")
    assert main(["evaluate", potential, frames, "--json", errors]) == 0
    found = json.loads((tmp_path / "errors.json").read_text())
    assert round(found["energy_mae_mev_per_atom"], 3) == energy_error
    assert round(found["force_mae_ev_per_angstrom"], 4) == force_error


@pytest.mark.parametrize("element", ["Li", "Cu"])
def test_export_and_import_keep_every_bit(shared, tmp_path, element):
    first, file, second = tmp_path / "1.limlff", tmp_path / f"{element}.mtp", tmp_path / "2.limlff"
    assert main(["import", str(shared / f"reference/mtp/{element}.mtp"), str(first)]) == 0
    assert main(["export", str(first), str(file)]) == 0
    assert main(["import", str(file), str(second)]) == 0
    assert first.read_bytes() == second.read_bytes()


def test_own_scalars_span_the_same_space_as_those_of_the_file(shared):
    """Any sum of MLIP-2's scalars of level 16 is one of ours, and the other way round."""
    theirs = import_mtp(shared / "reference/mtp/Li.mtp").model.table
    ours = contraction_table(16)
    assert sorted(theirs.basic) == sorted(ours.basic)
    components = dict(zip(ours.basic, _random_moments(ours.basic), strict=True))
    values = [
        np.asarray(
            jax.jit(schedule_of(table).scalars_of)(np.array([components[c] for c in table.basic]))
        )
        for table in (theirs, ours)
    ]
    scaled = [v / np.abs(v).max(axis=1, keepdims=True) for v in values]
    ranks = [np.linalg.matrix_rank(v, tol=1e-8) for v in (*scaled, np.concatenate(scaled))]
    assert ranks == [92, 92, 92]


def _random_moments(basic):
    """Components of moments of four random neighbors for 300 atoms."""
    generator = np.random.default_rng(3)
    points, weights = generator.normal(size=(3, 4, 300)), generator.normal(size=(4, 4, 300))
    return [
        np.sum(weights[mu] * points[0] ** a * points[1] ** b * points[2] ** c, axis=0)
        for mu, a, b, c in basic
    ]


def test_two_elements_go_through_a_file(tmp_path):
    from limlff.exchange.mtp import export_mtp
    from limlff.models.mtp import MomentTensorPotential
    from limlff.potential import Potential

    model = MomentTensorPotential(("Li", "Cu"), level=6, radial=4)
    parameters = jax.device_get(model.initialize(jax.random.key(1)))
    parameters["statistics"]["scale"] = np.full(5, 0.5)
    file = tmp_path / "alloy.mtp"
    export_mtp(Potential(model, parameters, np.array([-1.5, -3.25])), file)
    read = import_mtp(file, ["Li", "Cu"])
    assert np.array_equal(read.parameters["radial"], parameters["radial"])
    assert np.array_equal(read.parameters["species"], [-1.5, -3.25])
    assert np.array_equal(read.parameters["coefficients"], parameters["coefficients"] * 0.5)
    assert read.model.table == model.table


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("RBChebyshev", "RBShapeev", "RBShapeev"),
        ("moment_coeffs", "other", "no moment_coeffs"),
        ("species_count = 1", "species_count = 2", "--elements"),
        ("species_coeffs = {", "species_coeffs = {1.0, ", "2 coefficients"),
        ("MTP\n", "potential\n", "does not begin with MTP"),
        ("alpha_moments_count", "count", "damaged"),
    ],
)
def test_file_that_cannot_be_used_is_refused(shared, tmp_path, capsys, old, new, message):
    file = tmp_path / "Li.mtp"
    text = (shared / "reference/mtp/Li.mtp").read_text()
    file.write_text(text.replace(old, new, 1))
    assert main(["import", str(file), str(tmp_path / "p.limlff")]) == 2
    assert message in capsys.readouterr().err


def test_element_must_be_known_by_name_or_argument(shared, tmp_path, capsys):
    file, out = tmp_path / "fitted.mtp", str(tmp_path / "p.limlff")
    file.write_bytes((shared / "reference/mtp/Li.mtp").read_bytes())
    assert main(["import", str(file), out]) == 2
    assert "'fitted' is no chemical symbol" in capsys.readouterr().err
    assert main(["import", str(file), out, "--elements", "Li"]) == 0
    assert load_potential(out).elements == ("Li",)
