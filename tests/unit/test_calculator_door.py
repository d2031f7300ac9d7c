"""What comes through the door of the ASE calculator: kinds of arrays, copies, threads, forks."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.constraints import FixAtoms
from reference_models import embedded_pairs

from limlff.atom_arrays import arrays_of
from limlff.calculator import Calculator
from limlff.errors import InputError


@pytest.fixture(scope="module")
def lithium() -> Calculator:
    return Calculator(embedded_pairs(("Li",)))


@pytest.fixture
def crystal() -> Atoms:
    atoms = bulk("Li", cubic=True, a=3.4).repeat(2)
    atoms.rattle(0.1, seed=1)
    atoms.positions = np.float32(atoms.positions)  # so that single precision holds them exactly
    return atoms


def _all_results(calculator: Calculator, atoms: Atoms) -> list[np.ndarray]:
    return [np.asarray(calculator.get_property(n, atoms)) for n in ("energies", "forces", "stress")]


KINDS = {
    "float32": np.float32,
    "longdouble": np.longdouble,
    "big endian": lambda positions: positions.astype(">f8"),
    "transposed": lambda positions: np.asfortranarray(positions),
    "strided": lambda positions: np.repeat(positions, 2, axis=0)[::2],
    "reversed": lambda positions: positions[::-1].copy()[::-1],
    "list": lambda positions: positions.tolist(),
    "unmasked": np.ma.masked_array,
}


@pytest.mark.parametrize("kind", KINDS)
def test_positions_of_any_kind_give_the_numbers_of_float64(lithium, crystal, kind):
    expected = _all_results(lithium, crystal.copy())
    crystal.arrays["positions"] = KINDS[kind](crystal.positions)
    fresh = Calculator(lithium.potential)
    for found, right in zip(_all_results(fresh, crystal), expected, strict=True):
        assert found.dtype == np.float64
        assert np.array_equal(found, right)


def test_read_only_arrays_and_a_single_precision_cell_give_the_numbers_of_float64(lithium, crystal):
    crystal.set_cell(np.float32(crystal.cell.array))
    expected = _all_results(lithium, crystal.copy())
    crystal.arrays["positions"].setflags(write=False)
    crystal.cell.array = np.float32(crystal.cell.array)
    fresh = Calculator(lithium.potential)
    for found, right in zip(_all_results(fresh, crystal), expected, strict=True):
        assert np.array_equal(found, right)


def test_whole_numbers_are_positions_too(lithium):
    cubic = Atoms("Li2", [[0, 0, 0], [3, 0, 0]])
    expected = lithium.get_potential_energy(cubic)
    cubic.arrays["positions"] = np.array([[0, 0, 0], [3, 0, 0]])
    assert Calculator(lithium.potential).get_potential_energy(cubic) == expected


def _masked(positions):
    return np.ma.masked_array(positions, np.arange(positions.size).reshape(positions.shape) == 4)


@pytest.mark.parametrize(
    ("positions", "message"),
    [
        (_masked, "masked"),
        (lambda positions: positions + 1j, "complex128"),
        (lambda positions: positions.astype(str), "real numbers"),
        (lambda positions: positions[:, :2], r"shape \(16, 3\)"),
        (lambda positions: [[0.0]] * 15 + [[0.0, 1.0]], "no array"),
        (lambda positions: positions + 1e7, r"limit is 1e\+06"),
        (lambda positions: positions * np.nan, "finite"),
    ],
)
def test_positions_that_are_none_are_refused(crystal, positions, message):
    crystal.arrays["positions"] = positions(crystal.positions)
    with pytest.raises(InputError, match=message):
        arrays_of(crystal)


@pytest.mark.parametrize("number", [-3, -116, 119, 200])
def test_numbers_that_are_no_elements_are_refused(lithium, crystal, number):
    """-116 would be lithium, counted from the end of the list of elements."""
    crystal.arrays["numbers"][5] = number
    with pytest.raises(InputError, match=f"atom 5 has the atomic number {number}"):
        lithium.get_potential_energy(crystal)


def test_ghost_atoms_are_refused_as_unknown(lithium):
    with pytest.raises(InputError, match="holds X"):
        lithium.get_potential_energy(Atoms("LiX", [[0, 0, 0], [0, 0, 3]]))


def test_a_cell_that_is_not_finite_is_refused(lithium, crystal):
    crystal.cell.array[1, 1] = np.nan
    with pytest.raises(InputError, match=r"cell is .*nan.*finite"):
        lithium.get_potential_energy(crystal)


def test_no_atoms_and_no_structure_are_refused(lithium):
    with pytest.raises(InputError, match="no atoms"):
        lithium.get_potential_energy(Atoms())
    with pytest.raises(InputError, match="energy is asked of None"):
        Calculator(lithium.potential).get_potential_energy()
    with pytest.raises(InputError, match="energy is asked of 'Li'"):
        lithium.get_potential_energy("Li")


@pytest.mark.parametrize("skin", [0, 1, np.float32(0.5), np.int64(1), np.float64(0.3)])
def test_a_skin_of_any_kind_of_number_gives_the_same_forces(lithium, crystal, skin):
    expected = lithium.get_forces(crystal)
    found = Calculator(lithium.potential, skin=skin).get_forces(crystal)
    assert np.abs(found - expected).max() < 1e-12
    assert np.abs(expected).max() > 1e-2


@pytest.mark.parametrize("skin", [np.nan, np.inf, -0.1, 5.1, 1e300, "0.5", None, True, 1j])
def test_a_skin_that_is_no_length_is_refused(lithium, skin):
    with pytest.raises(InputError, match=r"skin is .*from 0 to 5 Å"):
        Calculator(lithium.potential, skin=skin)


@pytest.mark.parametrize("potential", [None, 5, b"li", ["li"]])
def test_what_names_no_potential_is_refused(potential):
    with pytest.raises(InputError, match=r"the potential is .*give a name"):
        Calculator(potential)


def test_a_structure_that_is_refused_leaves_no_results_of_the_one_before(lithium, crystal):
    """Computed directly, as some optimisers do; the energy of the sound crystal is not kept."""
    lithium.get_potential_energy(crystal)
    touching = Atoms("Li2", [[0, 0, 0], [0, 0, 0.1]])
    with pytest.raises(InputError, match="apart"):
        lithium.calculate(touching)
    with pytest.raises(InputError, match="apart"):
        lithium.get_potential_energy(touching)


def test_results_are_arrays_of_their_own(lithium, crystal):
    first = Calculator(lithium.potential)
    first.calculate(crystal)
    forces, kept = first.results["forces"], first.results["forces"].copy()
    crystal.positions[0] += 0.05
    first.calculate(crystal)
    assert np.array_equal(forces, kept)
    assert not np.array_equal(first.results["forces"], kept)
    first.results["forces"] *= 2.0  # some tools scale what they find
    assert np.array_equal(lithium.get_forces(crystal) * 2.0, first.results["forces"])


def test_constraints_change_forces_alone(lithium, crystal):
    crystal.calc = Calculator(lithium.potential)
    energy, free = crystal.get_potential_energy(), crystal.get_forces()
    crystal.set_constraint(FixAtoms([0, 3]))
    assert crystal.get_potential_energy() == energy
    assert not crystal.get_forces()[[0, 3]].any()
    assert np.array_equal(crystal.get_forces(apply_constraint=False), free)


def test_magnetic_moments_and_charges_change_nothing(lithium, crystal):
    expected = _all_results(lithium, crystal)
    crystal.set_initial_magnetic_moments(np.ones(16))
    crystal.set_initial_charges(np.ones(16))
    for found, right in zip(_all_results(lithium, crystal), expected, strict=True):
        assert np.array_equal(found, right)


@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, copy.copy, lambda c: pickle.loads(pickle.dumps(c))]
)
def test_copies_compute_the_same_and_are_independent(lithium, crystal, duplicate):
    original = Calculator(lithium.potential, skin=0.4)
    expected = original.get_forces(crystal)
    twin = duplicate(original)
    other = crystal.copy()
    other.rattle(0.05, seed=4)
    assert np.array_equal(twin.get_forces(crystal), expected)
    assert not np.array_equal(twin.get_forces(other), expected)
    assert np.array_equal(original.get_forces(crystal), expected)
    assert twin._skin == 0.4


@pytest.mark.parametrize("shared", [True, False])
def test_threads_get_the_numbers_of_one_thread(lithium, crystal, shared):
    """Each with a calculator of its own, or all with the same."""
    structures = []
    for seed in range(4):
        structures.append(crystal.copy())
        structures[-1].rattle(0.05, seed=seed)
    expected = [lithium.get_forces(atoms) for atoms in structures]
    common, errors = Calculator(lithium.potential), []

    def work(first: int) -> None:
        calculator = common if shared else Calculator(lithium.potential)
        for step in range(first, first + 40):
            found = calculator.get_forces(structures[step % 4])
            errors.append(np.abs(found - expected[step % 4]).max())

    threads = [threading.Thread(target=work, args=[first]) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(errors) == 160
    assert max(errors) < 1e-12


FORK = """
    import multiprocessing
    from ase.build import bulk
    from limlff import Calculator
    from limlff.errors import InputError

    atoms = bulk("Li", "bcc", a=3.44, cubic=True)
    calculator = Calculator("li")

    def compute(fresh):
        atoms.rattle(0.01, seed=1)
        try:
            return (Calculator("li") if fresh else calculator).get_potential_energy(atoms)
        except InputError as error:
            return str(error)

    if __name__ == "__main__":
        calculator.get_potential_energy(atoms)
        with multiprocessing.get_context("fork").Pool(1) as pool:
            for fresh in (False, True):
                print(pool.apply_async(compute, [fresh]).get(60))
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            print(pool.apply_async(compute, [False]).get(120))
"""


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="there is no fork")
def test_a_process_forked_after_a_calculation_is_refused_and_a_spawned_one_computes(tmp_path):
    script = tmp_path / "forks.py"
    script.write_text(textwrap.dedent(FORK))
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    first, second, spawned = done.stdout.splitlines()
    for line in (first, second):
        assert "was forked" in line
        assert "get_context('spawn') or 'forkserver'" in line
    assert -4 < float(spawned) < -3.7  # eV, two atoms of lithium
