"""The ASE calculator: results, reuse of neighbors and of compiled code, and what it refuses."""

from __future__ import annotations

from dataclasses import dataclass, replace

import jax
import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bcc100, bulk
from ase.eos import EquationOfState
from ase.filters import FrechetCellFilter
from ase.md.verlet import VelocityVerlet
from ase.optimize import FIRE
from reference_models import EmbeddedPairs, embedded_pairs

from limlff.calculator import Calculator
from limlff.errors import InputError
from limlff.models.moment import MomentModel
from limlff.neighbors.kept import SkinNeighbors, rounded_size
from limlff.neighbors.skin import list_is_complete
from limlff.potential import Potential
from limlff.prediction import formula_predictor_for, predictor
from limlff.prediction.program import FormulaProgram, KernelProgram

TRACES: list[tuple[int, ...]] = []


@dataclass(frozen=True)
class CountingModel(EmbeddedPairs):
    """Notes every compilation: a model is called in Python only while it is traced."""

    def energies(self, parameters, around):
        TRACES.append(around.vectors.shape)
        return super().energies(parameters, around)


@pytest.fixture
def lithium() -> Calculator:
    return Calculator(embedded_pairs(("Li",)))


@pytest.fixture
def crystal() -> Atoms:
    atoms = bulk("Li", cubic=True, a=3.4).repeat(3)
    atoms.rattle(0.1, seed=1)
    return atoms


def test_results_have_the_shapes_and_the_sums_that_ase_expects(lithium, crystal):
    crystal.calc = lithium
    assert crystal.get_potential_energies().shape == (54,)
    assert crystal.get_potential_energies().sum() == pytest.approx(crystal.get_potential_energy())
    assert crystal.get_potential_energy(force_consistent=True) == crystal.get_potential_energy()
    assert crystal.get_forces().shape == (54, 3)
    assert crystal.get_stress().shape == (6,)


def test_forces_and_stress_agree_with_the_finite_differences_of_ase(lithium, crystal):
    small = crystal[:5]
    small.set_cell(np.diag([5.0, 6.0, 7.0]) + 0.3)
    small.calc = lithium
    from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress

    numeric_forces = calculate_numerical_forces(small, eps=1e-4)
    numeric_stress = calculate_numerical_stress(small, eps=1e-5)
    small.calc = lithium
    assert np.abs(small.get_forces() - numeric_forces).max() < 1e-6
    assert np.abs(small.get_stress() - numeric_stress).max() < 1e-8


def test_stress_is_positive_in_tension(lithium):
    atoms = bulk("Li", cubic=True, a=3.4)
    atoms.calc = lithium
    FIRE(FrechetCellFilter(atoms), logfile=None).run(fmax=1e-4)
    atoms.set_cell(atoms.cell * 1.02, scale_atoms=True)
    assert atoms.get_stress()[:3].min() > 1e-4


def test_a_cluster_has_no_stress(lithium):
    atoms = Atoms("Li2", [[0, 0, 0], [0, 0, 2.9]], calculator=lithium)
    atoms.get_forces()
    with pytest.raises(NotImplementedError):
        atoms.get_stress()


def test_list_with_skin_gives_the_forces_of_a_fresh_list(crystal):
    """A random walk with a changing cell, thousands of Å of total path, across many rebuilds."""
    potential = embedded_pairs(("Li",))
    kept = Calculator(potential, skin=0.6)
    generator = np.random.default_rng(3)
    for step in range(60):
        crystal.positions += generator.normal(0, 0.02, (54, 3))
        crystal.set_cell(
            crystal.cell.array @ (np.eye(3) + generator.normal(0, 2e-3, (3, 3))), scale_atoms=True
        )
        expected = Calculator(potential, skin=0.0).get_forces(crystal)
        assert np.abs(kept.get_forces(crystal) - expected).max() < 1e-11, step


def test_a_compressed_cell_makes_the_list_stale():
    """Nothing moves relative to the cell, yet pairs come within the cutoff."""
    cell, positions = np.eye(3) * 10.0, np.zeros((4, 3))
    assert list_is_complete(positions, 0.99 * cell, positions, cell, 5.0, 0.5)
    assert not list_is_complete(positions, 0.9 * cell, positions, cell, 5.0, 0.5)


def test_list_is_kept_while_atoms_move_less_than_half_the_skin(crystal):
    neighbors = SkinNeighbors(cutoff=4.5, skin=0.5)
    first = neighbors.update(crystal)
    crystal.positions[0, 0] += 0.2
    assert neighbors.update(crystal) is first
    crystal.positions[0, 0] += 0.1
    assert neighbors.update(crystal) is not first


def test_nothing_compiles_again_while_the_number_of_atoms_stays_in_its_bucket(crystal):
    model = CountingModel(("Li",))
    calculator = Calculator(Potential(model, model.initialize(None), np.zeros(1)))
    atoms = crystal.copy()
    assert rounded_size(54) == rounded_size(50)
    calculator.get_forces(atoms)
    compiled = len(TRACES)
    for _ in range(4):
        del atoms[7]
        calculator.get_forces(atoms)
    assert len(TRACES) == compiled
    calculator.get_forces(crystal.repeat((2, 1, 1)))
    assert len(TRACES) == compiled + 1


@pytest.mark.parametrize("count", [1, 8, 9, 54, 100, 1000, 12345])
def test_atom_slots_waste_little_and_are_few(count):
    assert count <= rounded_size(count) <= max(8, 1.15 * count + 8)
    sizes = {rounded_size(n) for n in range(1025, 2049)}
    assert len(sizes) == 8


def test_removing_an_atom_leaves_the_energy_of_the_rest(lithium, crystal):
    """The padded slot of the atom that is gone has no energy and no force."""
    far = crystal.copy()
    far.pbc = False
    far.append("Li")
    far.positions[-1] = [200, 0, 0]
    with_far = lithium.get_potential_energy(far)
    lone = lithium.get_potential_energy(Atoms("Li"))
    del far[-1]
    assert with_far == pytest.approx(lithium.get_potential_energy(far) + lone, abs=1e-10)


def test_relaxing_the_cell_finds_the_minimum_of_the_energy_volume_curve(lithium):
    atoms = bulk("Li", cubic=True, a=3.3)
    atoms.calc = lithium
    relaxed = FrechetCellFilter(atoms, hydrostatic_strain=True)
    assert FIRE(relaxed, logfile=None).run(fmax=1e-5, steps=500)
    volume = atoms.get_volume()
    volumes = np.linspace(0.96, 1.04, 9) * volume
    energies = []
    for size in volumes:
        atoms.set_cell(np.eye(3) * np.cbrt(size), scale_atoms=True)
        energies.append(atoms.get_potential_energy())
    fitted, _, bulk_modulus = EquationOfState(volumes, energies, "birchmurnaghan").fit()
    assert volume == pytest.approx(fitted, rel=1e-3)
    assert bulk_modulus > 0


def test_velocity_verlet_of_ase_conserves_energy(lithium, crystal):
    crystal.calc = lithium
    FIRE(crystal, logfile=None).run(fmax=0.05, steps=100)
    crystal.set_velocities(np.random.default_rng(0).normal(0, 0.004, (54, 3)))
    dynamics = VelocityVerlet(crystal, 1 * units.fs)
    totals = []
    dynamics.attach(lambda: totals.append(crystal.get_total_energy()))
    dynamics.run(50)
    assert np.ptp(totals) / 54 < 2e-4  # eV/atom; the kinetic energy is ten times that


def test_float32_is_near_float64(lithium, crystal):
    single = Calculator(lithium.potential, dtype="float32")
    difference = single.get_forces(crystal) - lithium.get_forces(crystal)
    assert 0 < np.abs(difference).max() < 1e-4


def test_slab_stress_is_that_of_the_whole_cell(lithium):
    """The force per length, stress times the height of the cell, does not depend on the vacuum."""
    lines = []
    for vacuum in (8.0, 16.0):
        slab = bcc100("Li", (2, 2, 5), a=3.4, vacuum=vacuum)
        lines.append(lithium.get_stress(slab)[:2] * slab.cell[2, 2])
    assert np.abs(lines[0]).min() > 1e-3
    assert np.allclose(lines[0], lines[1], rtol=1e-9)


def test_unknown_element_is_refused_by_name(lithium):
    with pytest.raises(InputError, match=r"Cu.*knows only Li"):
        lithium.get_potential_energy(Atoms("LiCu", [[0, 0, 0], [0, 0, 3]]))


def test_touching_atoms_are_refused_by_name_and_distance(lithium, crystal):
    crystal.positions[7] = crystal.positions[40] + [0.1, 0.2, 0.2]
    with pytest.raises(InputError, match=r"Li (7|40) and Li (7|40) are 0\.30 Å apart.*0\.5 Å"):
        lithium.get_potential_energy(crystal)


def test_atoms_in_one_place_are_refused(lithium):
    with pytest.raises(InputError, match=r"0\.00 Å apart"):
        lithium.get_potential_energy(Atoms("Li2", np.zeros((2, 3))))


def test_a_cell_that_lets_an_atom_touch_its_image_is_refused(lithium):
    with pytest.raises(InputError, match="its own image"):
        lithium.get_potential_energy(Atoms("Li", cell=[0.4, 5, 5], pbc=True))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_non_finite_positions_are_refused(lithium, crystal, value):
    crystal.positions[3, 1] = value
    with pytest.raises(InputError, match=r"atom 3 \(Li\).*finite"):
        lithium.get_forces(crystal)


def test_periodicity_without_a_cell_vector_is_refused(lithium):
    with pytest.raises(InputError, match="periodic along cell vector 2"):
        lithium.get_potential_energy(Atoms("Li", cell=[5, 5, 0], pbc=True))


def test_flat_cell_is_refused(lithium):
    flat = [[5, 0, 0], [0, 5, 0], [5, 5, 0]]
    with pytest.raises(InputError, match="lie in a plane"):
        lithium.get_potential_energy(Atoms("Li", cell=flat, pbc=True))


@pytest.mark.parametrize(("argument", "value"), [("dtype", "float16"), ("skin", -1.0)])
def test_wrong_arguments_are_refused(argument, value):
    with pytest.raises(InputError, match=argument):
        Calculator(embedded_pairs(("Li",)), **{argument: value})


def test_atoms_that_come_to_touch_while_the_list_is_kept_are_refused(lithium, crystal):
    """Two atoms 0.8 Å apart are allowed; both move by less than half the skin, then are 0.4 Å."""
    crystal.positions[7] = crystal.positions[40] + [0.8, 0.0, 0.0]
    lithium.get_forces(crystal)
    kept = lithium._neighbors.update(crystal)
    crystal.positions[[7, 40], 0] += [-0.2, 0.2]
    assert lithium._neighbors.update(crystal) is kept
    with pytest.raises(InputError, match=r"0\.40 Å apart"):
        lithium.get_forces(crystal)


@pytest.fixture(scope="module")
def moments() -> Potential:
    """A small potential of the default model, all weights away from zero."""
    model = MomentModel(("Li",), cutoff=4.0, radial=4, max_degree=2, channels=3, hidden=(5,))
    parameters = jax.tree.map(np.asarray, model.initialize(jax.random.key(0)))
    linear = np.random.default_rng(0).normal(scale=0.1, size=parameters["linear"].shape)
    return Potential(model, {**parameters, "linear": linear}, np.array([-1.9]))


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="the kernel is for CPUs")
def test_the_compiled_kernel_gives_what_the_formulas_give(moments, crystal, monkeypatch):
    """Energies, forces and stress to rounding, and by the kernel indeed."""
    by_kernel = Calculator(moments)
    assert isinstance(by_kernel._predictor.program, KernelProgram)
    found = {
        name: by_kernel.get_property(name, crystal) for name in ("energies", "forces", "stress")
    }
    monkeypatch.setattr("limlff.calculator.predictor_for", formula_predictor_for)
    by_formulas = Calculator(moments)
    assert isinstance(by_formulas._predictor.program, FormulaProgram)
    for name, result in found.items():
        expected = by_formulas.get_property(name, crystal)
        assert np.abs(result - expected).max() < 1e-11 * np.abs(expected).max(), name


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="the kernel is for CPUs")
def test_programs_with_constant_weights_serve_equal_potentials_and_no_others(moments, crystal):
    expected = Calculator(moments).get_potential_energy(crystal)
    programs = predictor._predict._cache_size()
    copy = replace(moments, parameters=jax.tree.map(np.array, moments.parameters))
    assert Calculator(copy).get_potential_energy(crystal) == expected
    assert predictor._predict._cache_size() == programs
    shifted = replace(moments, baseline=moments.baseline + 0.25)
    lifted = Calculator(shifted).get_potential_energy(crystal)
    assert lifted == pytest.approx(expected + 54 * 0.25, abs=1e-10)
    doubled = replace(
        moments, parameters={**moments.parameters, "linear": 2 * moments.parameters["linear"]}
    )
    assert abs(Calculator(doubled).get_potential_energy(crystal) - expected) > 1e-3
