"""A potential trained here runs in DeePMD-kit, with the same energies, forces and virial.

DeePMD-kit may live in an environment of its own: its program `dp` must be on the path.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from predictions import predict_in_one_shape
from training_frames import crystals, write_frames

from limlff.cli.main import main
from limlff.potential_file import load_potential

STEP = 1e-3  # Å, and strain
RECIPE = """
elements: [Cu, Ni]
model: {architecture: deepmd, cutoff: 4.0, smooth_from: 1.0, sel: [40, 40], embedding: [4, 8],
        axis: 2, fitting: [8, 8]}
data: [{name: emt, files: [train.extxyz]}]
validation: {fraction: 0}
optimizer: {learning_rate: 2.0e-2, average_decay: 0.9}
epochs: 150
batch_atoms: 24
shapes: 1
dtype: float64
"""


@pytest.fixture(scope="module")
def python_of_deepmd_kit():
    program = shutil.which("dp")
    if program is None or not (Path(program).parent / "python").exists():
        pytest.skip("DeePMD-kit's program `dp` is not on the path")
    return Path(program).parent / "python"


@pytest.fixture(scope="module")
def trained(python_of_deepmd_kit, tmp_path_factory):
    """A potential after a short training, and the same exported."""
    folder = tmp_path_factory.mktemp("deepmd")
    write_frames(folder / "train.extxyz", crystals(12, seed=1, nickel=True))
    (folder / "recipe.yaml").write_text(RECIPE)
    out = folder / "out"
    assert main(["train", str(folder / "recipe.yaml"), "--out", str(out), "--quiet"]) == 0
    assert main(["export", str(out / "potential.limlff"), str(folder / "graph.dp")]) == 0
    return load_potential(out / "potential.limlff"), folder / "graph.dp"


def evaluate(python, model, structures, folder):
    """Energies of structures with the same atoms (eV), in total and per atom, by DeePMD-kit."""
    np.savez(
        folder / "in.npz",
        symbols=np.array(list(structures[0].symbols)),
        positions=np.array([atoms.positions for atoms in structures]),
        cells=np.array([atoms.cell.array.ravel() for atoms in structures]),
    )
    script = Path(__file__).parent / "deepmd/evaluate.py"
    command = [python, script, model, folder / "in.npz", folder / "out.npz"]
    subprocess.run(command, check=True, capture_output=True)
    results = np.load(folder / "out.npz")
    return results["energies"], results["energies_per_atom"]


def moved(atoms, index, axis, step):
    copy = atoms.copy()
    copy.positions[index, axis] += step
    return copy


def strained(atoms, row, column, step):
    copy, strain = atoms.copy(), np.eye(3)
    strain[row, column] += step
    copy.set_cell(copy.cell.array @ strain, scale_atoms=True)
    return copy


def slopes(energies):
    """Derivatives from energies at -2, -1, 1 and 2 steps, good to the fourth order."""
    first, second, third, fourth = np.asarray(energies).reshape(-1, 4).T
    return (first - 8 * second + 8 * third - fourth) / (12 * STEP)


def test_exported_training_gives_the_same_numbers(python_of_deepmd_kit, trained, tmp_path):
    """Energies to rounding; forces and virial to the error of differences of DeePMD-kit's."""
    potential, model = trained
    frame = crystals(5, seed=3, nickel=True)[4]
    atoms = Atoms(frame.numbers, frame.positions, cell=frame.cell, pbc=True)
    atoms.positions += np.random.default_rng(0).normal(0, 0.2, atoms.positions.shape)
    [ours] = predict_in_one_shape(potential, [atoms])
    steps = [n * STEP for n in (-2, -1, 1, 2)]
    pairs = [(i, j) for i in range(3) for j in range(3)]
    structures = [moved(atoms, i, j, step) for i, j in pairs for step in steps]
    structures += [strained(atoms, i, j, step) for i, j in pairs for step in steps]
    totals, per_atom = evaluate(python_of_deepmd_kit, model, [atoms, *structures], tmp_path)
    assert np.abs(ours.forces[:3]).max() > 0.1
    assert abs(ours.energy - totals[0]) < 1e-10
    assert np.abs(ours.energies - per_atom[0]).max() < 1e-11
    derivatives = slopes(totals[1:]).reshape(2, 3, 3)
    assert np.abs(ours.forces[:3] + derivatives[0]).max() < 1e-7
    assert np.abs(ours.virial + derivatives[1]).max() < 1e-6
