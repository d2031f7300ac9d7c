"""Pressure: what it is, and that the barostat holds it, in a crystal through the whole runner."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.units import GPa
from block_averages import blocked_error
from md_models import COPPER, copper, run_copper, settings
from predictions import predict_in_one_shape

from limlff.md.output.thermo import read_thermo
from limlff.md.runner import run_md


def strained(atoms: Atoms, strain: np.ndarray) -> Atoms:
    """The atoms in a homogeneously strained cell."""
    deformation = np.eye(3) + strain
    cell, positions = atoms.cell.array @ deformation, atoms.positions @ deformation
    return Atoms(atoms.symbols, positions=positions, cell=cell, pbc=atoms.pbc)


def test_pressure_is_the_derivative_of_the_energy_plus_the_kinetic_part(tmp_path):
    """All six components in a sheared cell, against central differences."""
    atoms = copper()
    shear = np.array([[0, 0.1, 0], [0, 0, 0.2], [0.1, 0, -0.2]])
    atoms.set_cell(atoms.cell.array + shear, scale_atoms=True)
    final = run_copper(tmp_path, atoms, steps=20, temperature_k=600.0).atoms
    row = {name: values[-1] for name, values in read_thermo(tmp_path / "thermo.csv").items()}
    momenta, masses = final.get_momenta(), final.get_masses()
    kinetic = np.einsum("ia,ib->ab", momenta / masses[:, None], momenta)
    volume = final.get_volume()
    assert row["volume_angstrom3"] == pytest.approx(volume, rel=1e-12)
    components = {
        "xx": (0, 0),
        "yy": (1, 1),
        "zz": (2, 2),
        "yz": (1, 2),
        "xz": (0, 2),
        "xy": (0, 1),
    }
    pairs = []
    for i, j in components.values():
        strain = np.zeros((3, 3))
        strain[i, j] += 0.5e-4
        strain[j, i] += 0.5e-4
        pairs += [strained(final, strain), strained(final, -strain)]
    energies = [float(prediction.energy) for prediction in predict_in_one_shape(COPPER, pairs)]
    slopes = -np.diff(energies)[::2] / 2e-4
    for slope, (name, (i, j)) in zip(slopes, components.items(), strict=True):
        pressure = (kinetic[i, j] - slope) / volume / GPa
        assert row[f"pressure_{name}_gpa"] == pytest.approx(pressure, abs=1e-5)


def mean_pressures(tmp_path, steps, stiffness=1.0, kelvin=300.0, **coupling):
    """Run at constant pressure: columns of pressures after 3 ps, and the last cell's strain.

    The mean pressure of a run of length t has the standard error sqrt(2 kT tau / (kappa V t)), so
    tau is short here. A cell that goes on deforming shifts it by (net strain) 3 tau / (kappa t)
    too. With a stiffness of 1 the crystal has B = 26 GPa, but C' = 1.6 GPa only, and yields to
    stresses that differ among the axes; those need a stiffer and colder one.
    """
    atoms = copper()
    embedding = {**COPPER.parameters["embedding"]}
    embedding["strength"] = stiffness * embedding["strength"]
    repulsion = stiffness * COPPER.parameters["repulsion"]
    potential = replace(COPPER, parameters={"repulsion": repulsion, "embedding": embedding})
    config = settings(
        steps=steps,
        timestep_fs=3.0 / np.sqrt(stiffness),
        temperature_k=kelvin,
        ensemble={
            "kind": "npt",
            "tau_fs": 25.0 / np.sqrt(stiffness),
            "compressibility_per_gpa": 0.015 / stiffness,
            **coupling,
        },
        output={"thermo_every": 8, "trajectory_every": 100_000},
    )
    result = run_md(config, tmp_path, atoms, potential, progress=False)
    table = read_thermo(result.thermo)
    columns = {axis: table[f"pressure_{axis}_gpa"][125:] for axis in ("xx", "yy", "zz")}
    columns["mean"] = np.mean(list(columns.values()), axis=0)
    return columns, result.atoms.cell.lengths() / atoms.cell.lengths()


def test_pressure_averages_to_its_target(tmp_path):
    """Within four standard errors; the kinetic part alone is 0.32 GPa."""
    columns, stretch = mean_pressures(tmp_path, 6000, pressure_gpa=1.0)
    error = blocked_error(columns["mean"])
    assert error < 0.06
    assert abs(columns["mean"].mean() - 1.0) < 4 * error
    np.testing.assert_allclose(stretch, stretch[0], rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("crystal", "coupling", "targets"),
    [
        (
            {"stiffness": 6.0, "kelvin": 50.0},
            {"coupling": "axes", "pressure_gpa": {"x": 0.1, "y": 0.5, "z": 0.9}},
            {"xx": 0.1, "yy": 0.5, "zz": 0.9},
        ),
        ({}, {"coupling": "uniaxial", "axis": "y", "pressure_gpa": 0.5}, {"yy": 0.5}),
    ],
    ids=["axes", "uniaxial"],
)
def test_pressures_of_single_axes_average_to_their_targets(tmp_path, crystal, coupling, targets):
    """Within four standard errors, each at most a fifth of what lies between the axes."""
    columns, stretch = mean_pressures(tmp_path, 20_000, **crystal, **coupling)
    for name, target in targets.items():
        error = blocked_error(columns[name])
        assert error < 0.08
        assert abs(columns[name].mean() - target) < 4 * error
    assert np.abs(stretch - 1.0).max() < 0.1  # still the crystal that it was
    if coupling["coupling"] == "uniaxial":
        assert stretch[0] == stretch[2] == 1.0
        assert stretch[1] != 1.0


def test_effective_energy_drifts_less_with_shorter_steps(tmp_path):
    """Largest change within 480 fs, at 8, 4 and 2 fs; the energy of the atoms changes by eV."""
    changes = []
    for timestep_fs in (8.0, 4.0, 2.0):
        every = int(8.0 / timestep_fs)
        result = run_copper(
            tmp_path / str(timestep_fs),
            steps=60 * every,
            timestep_fs=timestep_fs,
            ensemble={"kind": "npt", "coupling": "axes", "pressure_gpa": 3.0, "tau_fs": 200.0},
            output={"thermo_every": every, "trajectory_every": 10_000},
        )
        table = read_thermo(result.thermo)
        changes.append(np.abs(table["conserved_ev"] - table["conserved_ev"][0]).max())
        assert np.ptp(table["potential_ev"] + table["kinetic_ev"]) > 10 * changes[-1]
    assert changes[0] / changes[1] > 1.7
    assert changes[1] / changes[2] > 1.7


def test_pressure_ramp_squeezes_the_crystal(tmp_path):
    """From 0 to 5 GPa; at the end the pressure is near 5 GPa and the volume has shrunk."""
    result = run_copper(
        tmp_path,
        steps=2000,
        timestep_fs=3.0,
        ensemble={
            "kind": "npt",
            "pressure_gpa": [0.0, 5.0],
            "tau_fs": 200.0,
            "compressibility_per_gpa": 0.015,
        },
        output={"thermo_every": 4, "trajectory_every": 10_000},
    )
    table = read_thermo(result.thermo)
    mean = (table["pressure_xx_gpa"] + table["pressure_yy_gpa"] + table["pressure_zz_gpa"]) / 3
    assert mean[100:200].mean() == pytest.approx(1.5, abs=0.5)
    assert mean[-50:].mean() == pytest.approx(4.75, abs=0.5)
    assert table["volume_angstrom3"][-50:].mean() < 0.98 * table["volume_angstrom3"][:50].mean()
