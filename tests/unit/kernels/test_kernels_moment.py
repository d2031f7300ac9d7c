"""The compiled kernel against the model's formulas, differentiated by jax."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from limlff.kernels import kernel_for
from limlff.kernels.custom_call import evaluate_on_cpu
from limlff.kernels.packing import pack
from limlff.models.moment import MomentModel
from limlff.neighbors.host import Capacity, build_neighbors
from limlff.potential import Potential
from limlff.prediction import formula_predictor_for, predictor_for
from limlff.prediction.program import KernelProgram

SHAPES = {
    "as shipped": MomentModel(("Li",), cutoff=5.0, radial=10, channels=16, hidden=(32, 32)),
    "odd sizes, two elements": MomentModel(
        ("Cu", "Li"), cutoff=4.5, radial=5, max_degree=2, channels=3, hidden=(7,)
    ),
    "all degrees, silu": MomentModel(
        ("Li",),
        cutoff=4.0,
        radial=8,
        max_degree=4,
        channels=5,
        hidden=(10, 6, 9),
        activation="silu",
    ),
    "linear, no repulsion": MomentModel(
        ("Li",), cutoff=4.0, radial=3, max_degree=1, channels=4, hidden=(), repulsion=False
    ),
}


def _potential(model: MomentModel) -> Potential:
    parameters = model.initialize(jax.random.PRNGKey(3))
    generator = np.random.default_rng(0)
    linear = generator.normal(scale=0.1, size=parameters["linear"].shape)
    mean = generator.normal(size=linear.shape)
    parameters = {**parameters, "linear": linear}
    parameters["statistics"] = {**parameters["statistics"], "mean": mean}
    return Potential(model, parameters, np.zeros(len(model.elements)))


def _atoms(elements: tuple[str, ...]) -> Atoms:
    """A sheared crystal with disorder, and with one pair within reach of the repulsion."""
    atoms = bulk("Li", "bcc", a=3.4, cubic=True).repeat((2, 2, 3))
    atoms.symbols[::3] = elements[0]
    atoms.set_cell(atoms.cell.array @ [[1, 0.1, 0], [0, 1, 0.2], [0, 0, 1]], scale_atoms=True)
    atoms.rattle(0.2, seed=1)
    atoms.positions[1] = atoms.positions[0] + [0.9, 0.8, 0.7]
    return atoms


def _evaluate(potential: Potential, atoms: Atoms, chosen, dtype: str, **sizes):
    matrix, _ = build_neighbors(
        atoms.positions, atoms.cell.array, atoms.pbc, potential.cutoff + 0.4, **sizes
    )
    slots = len(matrix.lists)
    species, positions = np.full(slots, -1, np.int32), np.zeros((slots, 3))
    species[: len(atoms)] = potential.species_of(atoms.get_chemical_symbols())
    positions[: len(atoms)] = atoms.positions
    found = chosen(potential, dtype).predict(species, positions, atoms.cell.array, matrix)
    return [np.asarray(result) for result in found[1:]]


@pytest.mark.parametrize("model", SHAPES.values(), ids=SHAPES)
def test_kernel_gives_what_the_formulas_and_their_derivative_give(model):
    potential, atoms = _potential(model), _atoms(model.elements)
    expected = _evaluate(potential, atoms, formula_predictor_for, "float64")
    for dtype, tolerance in (("float64", 2e-13), ("float32", 2e-5)):
        found = _evaluate(potential, atoms, predictor_for, dtype)
        for result, reference in zip(found, expected, strict=True):
            scale = np.abs(reference).max()
            np.testing.assert_allclose(result, reference, rtol=0, atol=tolerance * scale)


@pytest.mark.parametrize("name", ["odd sizes, two elements", "linear, no repulsion"])
def test_of_a_net_with_several_outputs_the_first_is_the_energy(name):
    """The formulas take the first one, whatever follows; so does the kernel."""
    potential, atoms = _potential(SHAPES[name]), _atoms(SHAPES[name].elements)
    parameters, last = potential.parameters, f"layer{len(potential.model.hidden)}"
    more = {
        key: np.concatenate([array, np.full_like(array, 0.3)], axis=1)
        for key, array in parameters["net"][last].items()
    }
    wide = {**parameters, "net": {**parameters["net"], last: more}}
    found = _evaluate(replace(potential, parameters=wide), atoms, predictor_for, "float64")
    expected = _evaluate(potential, atoms, formula_predictor_for, "float64")
    for result, reference in zip(found, expected, strict=True):
        np.testing.assert_allclose(result, reference, rtol=0, atol=2e-13 * np.abs(reference).max())


@pytest.fixture(scope="module")
def many() -> tuple[Potential, Atoms]:
    """Enough atoms for several parts."""
    atoms = bulk("Li", "bcc", a=3.4, cubic=True).repeat((6, 6, 5))
    atoms.rattle(0.2, seed=2)
    return _potential(SHAPES["as shipped"]), atoms


def test_number_of_threads_changes_no_bit(many, monkeypatch):
    results = []
    for threads in ("1", "2", "3"):
        monkeypatch.setenv("LIMLFF_THREADS", threads)
        results.append(_evaluate(*many, predictor_for, "float32"))
    for other in results[1:]:
        for result, reference in zip(other, results[0], strict=True):
            np.testing.assert_array_equal(result, reference)


def test_sizes_of_the_neighbor_lists_change_no_bit(many):
    potential, atoms = many
    reference = _evaluate(potential, atoms, predictor_for, "float32", capacity=Capacity(1, 1))
    found = _evaluate(potential, atoms, predictor_for, "float32", capacity=Capacity(131, 4000))
    for result, expected in zip(found, reference, strict=True):
        np.testing.assert_array_equal(result, expected)


def test_empty_atom_slots_have_no_energy_and_no_force(many):
    potential, atoms = many
    energies, forces, _ = _evaluate(potential, atoms, predictor_for, "float64", padded_atoms=400)
    assert not energies[len(atoms) :].any() and not forces[len(atoms) :].any()
    assert energies[: len(atoms)].all()


def test_order_in_which_atoms_are_visited_does_not_matter(many):
    potential, atoms = many
    reference = _evaluate(potential, atoms, predictor_for, "float64")
    shuffled = np.random.default_rng(5).permutation(len(atoms))
    found = _evaluate(potential, atoms[shuffled], predictor_for, "float64")
    np.testing.assert_allclose(found[0], reference[0][shuffled], rtol=1e-12)
    np.testing.assert_allclose(found[1], reference[1][shuffled], rtol=0, atol=1e-12)


def test_kernel_is_not_used_where_parameters_are_differentiated():
    """Its weights are numbers; the formula has derivatives by them, in a program of the caller."""
    potential, atoms = _potential(SHAPES["linear, no repulsion"]), _atoms(("Li",))
    assert kernel_for(potential.model) is not None
    assert isinstance(predictor_for(potential).program, KernelProgram)
    matrix, _ = build_neighbors(atoms.positions, atoms.cell.array, atoms.pbc, potential.cutoff)
    geometry = (np.zeros(len(atoms), np.int32), atoms.positions, atoms.cell.array, matrix)
    seen = []

    def energy(parameters, chosen):
        predictor = chosen(replace(potential, parameters=parameters))
        seen.append(isinstance(predictor.program, KernelProgram))
        return predictor.predict(*geometry).energy

    slope = jax.grad(energy)(potential.parameters, formula_predictor_for)["linear"]
    assert seen == [False]
    there = jax.tree.map(np.asarray, potential.parameters)
    more = {**there, "linear": there["linear"] + 1.0}
    rise = energy(more, predictor_for) - energy(there, predictor_for)
    assert float(rise) == pytest.approx(float(slope.sum()), rel=1e-9)
    with pytest.raises(jax.errors.TracerArrayConversionError):
        jax.grad(energy)(potential.parameters, predictor_for)
    assert kernel_for(replace(potential, model=None).model) is None


def test_types_of_what_the_kernel_is_given_change_nothing():
    """A cutoff and weights in whole numbers, a species in int64, positions in float32."""
    whole = replace(SHAPES["linear, no repulsion"], cutoff=4)
    potential, atoms = _potential(whole), _atoms(("Li",))
    atoms.positions = atoms.positions.astype(np.float32).astype(float)
    matrix, _ = build_neighbors(atoms.positions, atoms.cell.array, atoms.pbc, 4.0)
    species = np.zeros(len(atoms), np.int32)
    exact = (species, atoms.positions, atoms.cell.array, matrix)
    expected = predictor_for(_potential(SHAPES["linear, no repulsion"])).predict(*exact)
    single = atoms.cell.array.astype(np.float32)
    assert np.abs(single - atoms.cell.array).max() < 1e-6
    wide = replace(
        matrix,
        **{
            name: np.asarray(getattr(matrix, name)).astype(np.int64)
            for name in ("lists", "ghost_owner", "visits")
        },
    )
    wide = replace(wide, ghost_shift=wide.ghost_shift.astype(np.int32))
    other = (species.astype(np.int64), atoms.positions.astype(np.float32), atoms.cell.array, wide)
    predictor = predictor_for(potential)
    for predict in (predictor.predict, jax.jit(predictor.predict)):
        for found, wanted in zip(predict(*other), expected, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)
    found = predictor.predict(species, atoms.positions, single, matrix).energy
    exact = predictor.predict(species, atoms.positions, single.astype(float), matrix).energy
    assert found == exact


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ("odd sizes, two elements", "float64"),
        ("odd sizes, two elements", "float32"),
        ("all degrees, silu", "float64"),
    ],
)
def test_a_weight_that_is_no_number_shows_in_energies_and_forces(shape, dtype):
    """In each array of the parameters, as in the formulas."""
    potential = _potential(SHAPES[shape])
    atoms = _atoms(potential.elements)
    matrix, _ = build_neighbors(atoms.positions, atoms.cell.array, atoms.pbc, potential.cutoff)
    species = jnp.asarray(potential.species_of(atoms.get_chemical_symbols()))
    arguments = (species, atoms.positions, atoms.cell.array, matrix)
    parameters = jax.tree.map(np.asarray, potential.parameters)
    packed = pack(potential.model, parameters, dtype)

    @jax.jit
    def by_kernel(weights):  # an argument, so that all are one program
        return evaluate_on_cpu(replace(packed, weights=weights), *arguments)

    @jax.jit
    def by_formula(parameters):
        other = replace(potential, parameters=parameters)
        return formula_predictor_for(other, dtype).predict(*arguments)

    for path, leaf in jax.tree_util.tree_leaves_with_path(parameters):

        def spoilt(at, values, path=path):
            values = np.array(values, float)
            if at == path:
                values.ravel()[-1] = np.nan
            return values

        assert leaf.size
        broken = jax.tree_util.tree_map_with_path(spoilt, parameters)
        energies, forces, virial = by_kernel(pack(potential.model, broken, dtype).weights)
        expected = np.isnan(by_formula(broken).energies)
        assert expected.any(), path
        np.testing.assert_array_equal(np.isnan(energies), expected, err_msg=str(path))
        if "mean" not in str(path) and "bias" not in str(path):
            assert np.isnan(forces).any() and np.isnan(virial).any(), path


def test_a_position_that_is_no_number_shows_in_the_energies_of_its_neighbors():
    potential, atoms = _potential(SHAPES["linear, no repulsion"]), _atoms(("Li",))
    matrix, _ = build_neighbors(atoms.positions, atoms.cell.array, atoms.pbc, potential.cutoff)
    positions = atoms.positions.copy()
    positions[5, 1] = np.nan
    arguments = (np.zeros(len(atoms), np.int32), positions, atoms.cell.array, matrix)
    expected = formula_predictor_for(potential).predict(*arguments)
    energies, forces = np.isnan(expected.energies), np.isnan(expected.forces)
    assert 1 < energies.sum() < len(atoms)
    for dtype in ("float64", "float32"):
        found = predictor_for(potential, dtype).predict(*arguments)
        np.testing.assert_array_equal(np.isnan(found.energies), energies)
        assert np.isnan(np.asarray(found.forces)[forces]).all()


def test_buffers_of_other_types_are_an_error_and_no_crash():
    """As when float64 was switched off between the writing of a program and its call."""
    potential, atoms = _potential(SHAPES["as shipped"]), _atoms(("Li",))
    _evaluate(potential, atoms, predictor_for, "float64")  # makes the kernel known to XLA
    results = [jax.ShapeDtypeStruct((3,), "float32")] * 4
    program = jax.jit(jax.ffi.ffi_call("limlff_moment_float64", results))
    with pytest.raises(jax.errors.JaxRuntimeError, match="not of the type"):
        jax.block_until_ready(program(*[np.ones(3, np.float32)] * 12))
    with pytest.raises(jax.errors.JaxRuntimeError, match="not of the type"):
        jax.block_until_ready(program(np.ones(3)))
