"""LAMMPS on one rank and on two against limlff's calculator, dynamics, and plain integrators."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from lammps_runs import (
    BAR,
    PICOSECOND,
    cluster,
    crystal,
    moment,
    on_ranks,
    sheared,
    slab,
    tiny,
    write_data,
)
from rank_cases import Case

from limlff.calculator import Calculator
from limlff.exchange.deepmd import import_deepmd
from limlff.md.config import MDConfig
from limlff.md.runner import run_md
from limlff.models.mtp import MomentTensorPotential
from limlff.potential import Potential
from limlff.potential_file import save_potential
from limlff.units import BOLTZMANN

STRUCTURES = {"sheared": sheared(), "slab": slab(), "cluster": cluster(), "tiny": tiny()}
VOIGT = [0, 1, 2, 5, 4, 3]
"""ASE's order of the components of a stress in that of LAMMPS."""
DEEPMD = Path(__file__).parents[1] / "parity" / "deepmd" / "pairs.dp"
STRAIN = 1e-5
NVE = ["timestep 0.002", "fix 1 all nve", "run 100"]
PERIOD_PS, TARGET_BAR, BULK_MODULUS_BAR = 0.1, 2e4, 1e5


def mtp() -> Potential:
    """A moment tensor potential that is not trained."""
    import jax

    model = MomentTensorPotential(("Li", "Cu"), cutoff=4.0, shortest=1.5, radial=4, level=6)
    parameters = jax.tree.map(np.asarray, model.initialize(jax.random.key(2)))
    return Potential(model, parameters, np.zeros(2))


POTENTIALS = {"moment": moment, "mtp": mtp, "deepmd": lambda: import_deepmd(DEEPMD)}


def moving() -> Atoms:
    """A crystal with velocities of about 600 K, and no momentum, which limlff would take away."""
    atoms = crystal((4, 3, 3), 5)
    momenta = np.random.default_rng(1).normal(size=(len(atoms), 3))
    momenta *= np.sqrt(atoms.get_masses() * 600 * BOLTZMANN)[:, None]
    atoms.set_momenta(momenta - momenta.mean(axis=0))
    return atoms


def all_cases(folder: Path) -> dict[str, Case]:
    """Cases that share their processes, and files for them."""
    files = {}
    for name, make in POTENTIALS.items():
        files[name] = folder / f"{name}.limlff"
        save_potential(make(), files[name])
    elements = {name: list(make().elements) for name, make in POTENTIALS.items()}

    def case(name: str, atoms: Atoms, commands: list[str], kind: str = "moment", **more) -> Case:
        known = tuple(elements[kind])
        before = write_data(folder / f"{name}.data", atoms, known)
        return Case(str(files[kind]), list(known), before, commands, **more)

    cases = {
        name: case(name, atoms, [], stresses=name == "sheared")
        for name, atoms in STRUCTURES.items()
    }
    cases["nve"] = case("nve", moving(), NVE)
    barostat = f"fix 2 all press/berendsen iso {TARGET_BAR} {TARGET_BAR} {PERIOD_PS}"
    cases["npt"] = case(
        "npt", moving(), [*NVE[:2], f"{barostat} modulus {BULK_MODULUS_BAR}", "run 100"]
    )
    cases["mtk"] = case("mtk", moving(), ["fix 1 all npt temp 600 600 0.1 aniso 0 0 0.5", "run 50"])
    cases["balance"] = case(
        "balance", moving(), [*NVE[:2], "fix 2 all balance 10 1.0 shift xyz 5 1.0", "run 100"]
    )
    for sign in (-1, 1):
        scale = 1 + sign * STRAIN
        change = f"change_box all x scale {scale!r} y scale {scale!r} z scale {scale!r} remap"
        cases[f"volume{sign:+d}"] = case(f"volume{sign:+d}", crystal((4, 3, 3), 6), [change])
    cases["growing"] = case(
        "growing",
        slab(),
        [*NVE[:2], "region top block 0 10 0 10 20 22 units box",
         "fix 2 all deposit 30 1 5 7 region top near 1.5 vz -5 -5 units box", "run 20"],
        runs=("run 180",),
    )  # fmt: skip
    cases["volume"] = case("volume", crystal((4, 3, 3), 6), [])
    for kind in ("mtp", "deepmd"):
        cases[kind] = case(kind, tiny(), [], kind)
    return cases


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """All cases on one rank and on two."""
    found = {}
    for ranks in (1, 2):
        folder = tmp_path_factory.mktemp(f"ranks-{ranks}")
        found[ranks] = on_ranks(folder, all_cases(folder), ranks)
    return found


@pytest.fixture(params=[1, 2])
def results(request, both):
    return both[request.param]


def check_against_calculator(found, atoms: Atoms, potential: Potential) -> None:
    atoms = atoms.copy()
    atoms.calc = Calculator(potential)
    assert abs(found["thermo"][0] - atoms.get_potential_energy()) < 1e-9 * len(atoms)
    np.testing.assert_allclose(found["f"], atoms.get_forces(), rtol=0, atol=1e-10)
    energies = atoms.get_potential_energies()
    np.testing.assert_allclose(found["c_energies"][:, 0], energies, rtol=0, atol=1e-9)
    if any(atoms.pbc):
        stress = -BAR * atoms.get_stress()[VOIGT]
        np.testing.assert_allclose(found["thermo"][1:7], stress, rtol=1e-9, atol=1e-5)


@pytest.mark.parametrize("name", list(STRUCTURES))
def test_energies_forces_and_pressure_are_those_of_the_calculator(results, name):
    check_against_calculator(results[name], STRUCTURES[name], moment())


@pytest.mark.parametrize("kind", ["mtp", "deepmd"])
def test_imported_local_potentials_do_as_well(results, kind):
    potential = POTENTIALS[kind]()
    atoms = tiny()
    if len(potential.elements) == 1:
        atoms.symbols[:] = potential.elements[0]
    check_against_calculator(results[kind], atoms, potential)


def test_stresses_of_single_atoms_are_those_of_the_calculator(results):
    atoms = STRUCTURES["sheared"].copy()
    atoms.calc = Calculator(moment())
    virials = -atoms.get_stresses()[:, VOIGT] * atoms.get_volume() * BAR
    np.testing.assert_allclose(-results["sheared"]["c_stresses"], virials, rtol=1e-8, atol=1e-4)


def test_stresses_that_were_not_asked_for_are_no_numbers(results):
    assert np.isnan(results["slab"]["c_stresses"]).all()


def test_atoms_that_arrive_have_no_program_compiled_in_each_step(results):
    """Arrays that grow have room for a tenth more, so that programs are as few as such steps."""
    atoms = len(results["growing"]["x"])
    assert atoms > 54 + 20
    assert results["growing"]["compiled"] <= 1 + np.log(atoms / 54) / np.log(1.1)


def test_pressure_is_the_slope_of_the_energy_by_the_volume(results):
    low, high = (results[f"volume{sign:+d}"]["thermo"][0] for sign in (-1, 1))
    volume = crystal((4, 3, 3), 6).get_volume()
    slope = (high - low) / (volume * ((1 + STRAIN) ** 3 - (1 - STRAIN) ** 3))
    assert results["volume"]["thermo"][9] == pytest.approx(-slope * BAR, rel=1e-6)


def test_a_hundred_steps_at_constant_energy_are_those_of_limlff(results, tmp_path):
    start = moving()
    config = MDConfig.model_validate(
        {
            "steps": 100,
            "timestep_fs": 2.0,
            "dtype": "float64",
            "ensemble": {"kind": "nve"},
            "initial_velocities": "file",
            "output": {"thermo_every": 50, "trajectory_every": 50},
        }
    )
    end = run_md(config, tmp_path / "run", start, moment(), progress=False).atoms
    moved = np.abs(end.positions - start.positions).max()
    assert moved > 0.2
    for name in ("nve", "balance"):
        apart = results[name]["x"] - end.positions
        apart -= np.round(apart @ np.linalg.inv(start.cell.array)) @ start.cell.array
        np.testing.assert_allclose(apart, 0, rtol=0, atol=1e-9)
        velocities = end.get_velocities() * PICOSECOND
        np.testing.assert_allclose(results[name]["v"], velocities, rtol=0, atol=1e-8)


def test_a_hundred_steps_under_a_barostat_are_those_of_a_plain_integrator(results):
    """Velocity Verlet, then Berendsen's scaling of positions and cell, from its formula."""
    atoms = moving()
    atoms.calc = Calculator(moment())
    masses = atoms.get_masses()[:, None]
    step = 0.002 * PICOSECOND
    velocities, forces = atoms.get_velocities(), atoms.get_forces()
    for _ in range(100):
        velocities = velocities + 0.5 * step * forces / masses
        atoms.positions += step * velocities
        forces = atoms.get_forces()
        velocities = velocities + 0.5 * step * forces / masses
        kinetic = np.sum(masses * velocities**2)
        virial = -np.trace(atoms.get_stress(voigt=False)) * atoms.get_volume()
        pressure = BAR * (kinetic + virial) / (3 * atoms.get_volume())
        change = 0.002 / PERIOD_PS * (TARGET_BAR - pressure) / BULK_MODULUS_BAR
        scale = (1 - change) ** (1 / 3)
        atoms.set_cell(atoms.cell.array * scale, scale_atoms=True)
    found = results["npt"]
    assert abs(atoms.cell[0, 0] / moving().cell[0, 0] - 1) > 1e-3
    assert found["thermo"][7] == pytest.approx(atoms.cell[0, 0], abs=1e-9)
    np.testing.assert_allclose(found["v"], velocities * PICOSECOND, rtol=0, atol=1e-8)


def test_the_number_of_ranks_changes_nothing_under_a_barostat_of_lammps(both):
    one, two = (both[ranks]["mtk"] for ranks in (1, 2))
    np.testing.assert_allclose(one["v"], two["v"], rtol=0, atol=1e-8)
    np.testing.assert_allclose(one["thermo"], two["thermo"], rtol=1e-9)
