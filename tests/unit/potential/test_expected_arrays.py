"""The arrays that the settings of a model ask for are those that it has."""

from __future__ import annotations

import zipfile

import jax
import numpy as np
import pytest
from archives import MODEL, npy, refused, write

from limlff.errors import InputError
from limlff.exchange.deepmd_tables import tabulate
from limlff.models.arrays import expected_shapes, flatten_parameters
from limlff.models.deepmd import DeepPotSE
from limlff.models.mace import MaceModel
from limlff.models.moment import MomentModel
from limlff.models.mtp import MomentTensorPotential
from limlff.potential import Potential
from limlff.potential_file import load_potential, potential_digest, save_potential

MODELS = {
    "moment": MODEL,
    "two elements, no net": MomentModel(("Li", "Cu"), radial=2, channels=1, hidden=()),
    "mtp": MomentTensorPotential(("Li", "Cu"), level=6),
    "deepmd": DeepPotSE(("Li", "Cu"), sel=(9, 9), embedding=(4, 8), axis=2, fitting=(6, 6)),
}


@pytest.mark.parametrize("name", MODELS)
def test_expected_arrays_are_those_of_the_first_parameters(name, tmp_path):
    model = MODELS[name]
    parameters = model.initialize(jax.random.key(3))
    shapes = {path: array.shape for path, array in flatten_parameters(parameters).items()}
    assert expected_shapes(model) == shapes
    number = len(model.elements)
    saved = Potential(model, parameters, np.zeros(number))
    save_potential(saved, tmp_path / "own.limlff")
    assert potential_digest(load_potential(tmp_path / "own.limlff")) == potential_digest(saved)


def test_shapes_of_a_large_model_need_no_memory():
    with pytest.raises(InputError, match="parameters, the most are"):
        expected_shapes(DeepPotSE(("Li",), sel=(9,), embedding=(4096,) * 9, fitting=(4096,) * 9))
    shapes = expected_shapes(MaceModel(("Li",), channels=8, correlation=1, max_degree=1))
    assert shapes["layers/0/message/1"] == (8, 8)


def test_tables_have_any_number_of_nodes_but_no_spacing_of_zero(tmp_path):
    model = MODELS["deepmd"]
    potential, _ = tabulate(
        Potential(model, model.initialize(jax.random.key(0)), np.zeros(2)), spacing=0.5
    )
    path = tmp_path / "table.limlff"
    save_potential(potential, path)
    assert potential_digest(load_potential(path)) == potential_digest(potential)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    member = "parameters/embedding/Li-Cu/spacing.npy"
    assert "0 or below" in refused(write(path, {**members, member: npy(np.array(0.0))}))
