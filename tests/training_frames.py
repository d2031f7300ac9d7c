"""Frames labelled by a teacher, ASE's effective medium theory, for tests of training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.build import bulk, fcc111
from ase.calculators.emt import EMT
from ase.cluster import Octahedron
from ase.io import write

from limlff.frames.frame import Frame


def label(atoms: Atoms, group: str = "", origin: str = "") -> Frame:
    """A frame with energy, forces and, in a cell, stress of the effective medium theory."""
    atoms = atoms.copy()
    atoms.calc = EMT()
    in_cell = abs(np.linalg.det(atoms.cell.array)) > 0
    return Frame(
        numbers=atoms.numbers,
        positions=atoms.positions,
        cell=atoms.cell.array,
        periodic=atoms.pbc,
        energy=float(atoms.get_potential_energy()),
        forces=atoms.get_forces(),
        stress=atoms.get_stress(voigt=False) if in_cell else None,
        group=group,
        origin=origin,
    )


def crystals(count: int, seed: int, nickel: bool = False) -> list[Frame]:
    """Distorted fcc cells of four copper atoms, strained by up to 2 %, nickel on some sites."""
    generator = np.random.default_rng(seed)
    frames = []
    for index in range(count):
        atoms = bulk("Cu", "fcc", a=3.57 if nickel else 3.6, cubic=True)
        if nickel:
            atoms.numbers[generator.random(4) < 0.5] = 28
        strain = generator.uniform(-0.02, 0.02, (3, 3))
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
        atoms.positions += generator.normal(0, 0.08, (4, 3))
        frames.append(label(atoms, "even" if index % 2 == 0 else "odd", f"crystal {index}"))
    return frames


def many_kinds() -> list[Frame]:
    """A 1-atom cell, a sheared cell, a slab, a cluster and a lone atom, all off equilibrium."""
    generator = np.random.default_rng(7)
    primitive = bulk("Cu", "fcc", a=3.7)
    sheared = bulk("Cu", "fcc", a=3.7, cubic=True)
    sheared.numbers[1] = 28
    sheared.set_cell(sheared.cell.array @ [[1, 0.15, 0], [0, 1, -0.1], [0, 0, 1]], scale_atoms=True)
    slab = fcc111("Cu", (1, 1, 3), vacuum=6.0, a=3.7)
    slab.numbers[2] = 28
    slab.pbc = (True, True, False)
    cluster = Octahedron("Cu", 2, latticeconstant=3.7)
    cluster.cell = np.zeros((3, 3))
    cluster.pbc = False
    atom = Atoms("Cu", positions=[[1.0, 2.0, 3.0]])
    for atoms in (sheared, slab, cluster):
        atoms.positions += generator.normal(0, 0.1, atoms.positions.shape)
    names = ("one atom in a cell", "sheared cell", "slab", "cluster", "lone atom")
    structures = (primitive, sheared, slab, cluster, atom)
    return [label(a, n, n) for a, n in zip(structures, names, strict=True)]


def with_zero(frames: list[Frame], shift: dict[int, float]) -> list[Frame]:
    """The same frames with energies shifted by so much per atom of each atomic number (eV)."""
    return [
        replace(frame, energy=frame.energy + sum(shift.get(int(z), 0.0) for z in frame.numbers))
        for frame in frames
        if frame.energy is not None
    ]


SHIFT = {29: 0.25, 28: -0.4}
"""Energy per atom by which the second set of `write_recipe` lies higher (eV)."""

RECIPE = """
elements: [Cu, Ni]
model: {architecture: moment, cutoff: 4.5, radial: 4, max_degree: 1, channels: 2, hidden: [4]}
data:
  - name: own
    files: [own.extxyz]
  - name: shifted
    files: [shifted.extxyz]
    groups:
      odd: {stress: 0.5}
validation: {fraction: 0.0, files: {own: [held-back.extxyz]}, every_epochs: 20}
loss: {energy: {start: 0.1, end: 1.0}, force: 1.0, stress: 1.0}
optimizer: {learning_rate: 2.0e-2, final_learning_rate: 1.0e-4, average_decay: 0.9}
epochs: 120
batch_atoms: 32
shapes: 1
seed: 1
"""


def write_recipe(folder: Path) -> Path:
    """A recipe with its files: copper and nickel in two sets, the same frames with two zeros."""
    frames = crystals(16, seed=1, nickel=True)
    write_frames(folder / "own.extxyz", frames)
    write_frames(folder / "shifted.extxyz", with_zero(frames, SHIFT))
    write_frames(folder / "held-back.extxyz", crystals(8, seed=2, nickel=True))
    path = folder / "recipe.yaml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


def write_frames(path: Path, frames: list[Frame]) -> Path:
    """Frames as extended XYZ."""
    write(path, [frame.to_atoms() for frame in frames], format="extxyz")
    return path
