"""Properties of a metal at 0 K by a potential, beside published ones.

    python benchmarks/properties.py [POTENTIAL] [--element Li] [--json OUT]

Lattice constant and bulk modulus from the energy-volume curve (third-order Birch-Murnaghan, volumes
within 4 %), elastic constants from stresses at strains of +-0.5 %, energy of the other cubic
structure at its own volume, vacancy at the volume of the perfect crystal with relaxed atoms, its
jump to a nearest neighbor by a climbing elastic band, and relaxed slabs thicker than 20 Å.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.build import bulk, surface
from ase.calculators.calculator import BaseCalculator
from ase.data import atomic_numbers, reference_states
from ase.eos import EquationOfState
from ase.mep import NEB
from ase.optimize import FIRE

from limlff.calculator import Calculator
from limlff.environment import describe_environment
from limlff.potential_file import potential_digest
from limlff.units import GIGAPASCAL, JOULE_PER_SQUARE_METER

MILLER = ((1, 0, 0), (1, 1, 0), (1, 1, 1))

# PBE: from the DFT frames that the Li potentials are trained on (VASP, PBE).
# MTP: Y. Zuo et al., J. Phys. Chem. A 124, 731 (2020). Experiment: see the same, and 298 K for a0.
REFERENCES: dict[str, dict[str, dict[str, float | tuple[float, float]]]] = {
    "Li": {
        "PBE": {
            "lattice_constant_angstrom": 3.438,
            "c11_gpa": (16.0, 16.5),
            "c12_gpa": (14.2, 14.3),
            "c44_gpa": 9.4,
            "surface_100_j_per_m2": 0.459,
            "surface_110_j_per_m2": 0.492,
            "surface_111_j_per_m2": 0.543,
        },
        "MTP": {
            "lattice_constant_angstrom": 3.446,
            "c11_gpa": 14.4,
            "c12_gpa": 12.7,
            "c44_gpa": 11.0,
            "other_cubic_minus_ground_mev_per_atom": -0.38,
            "vacancy_formation_ev": 0.51,
            "vacancy_migration_ev": 0.069,
            "surface_100_j_per_m2": 0.475,
            "surface_110_j_per_m2": 0.472,
            "surface_111_j_per_m2": 0.540,
        },
        "experiment": {
            "lattice_constant_angstrom": 3.510,
            "c11_gpa": 17.3,
            "c12_gpa": 13.1,
            "c44_gpa": 8.4,
            "vacancy_formation_ev": 0.34,
        },
    },
    "Cu": {
        "MTP": {
            "lattice_constant_angstrom": 3.635,
            "c11_gpa": 177.0,
            "c12_gpa": 120.0,
            "c44_gpa": 81.0,
            "vacancy_formation_ev": 1.10,
            "surface_100_j_per_m2": 1.488,
            "surface_110_j_per_m2": 1.593,
            "surface_111_j_per_m2": 1.310,
        },
    },
}

TITLES = {
    "lattice_constant_angstrom": "lattice constant (Å)",
    "energy_ev_per_atom": "energy (eV/atom)",
    "bulk_modulus_gpa": "bulk modulus, energy-volume curve (GPa)",
    "bulk_modulus_elastic_gpa": "bulk modulus, (C11 + 2 C12) / 3 (GPa)",
    "c11_gpa": "C11 (GPa)",
    "c12_gpa": "C12 (GPa)",
    "c44_gpa": "C44 (GPa)",
    "other_cubic_minus_ground_mev_per_atom": "E(fcc) - E(bcc), or the reverse if fcc (meV/atom)",
    "vacancy_formation_ev": "vacancy formation (eV)",
    "vacancy_migration_ev": "vacancy migration (eV)",
    "surface_100_j_per_m2": "surface (100) (J/m²)",
    "surface_110_j_per_m2": "surface (110) (J/m²)",
    "surface_111_j_per_m2": "surface (111) (J/m²)",
}


def main() -> None:
    """Compute, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("potential", nargs="?", default="li", help="name or path (default: li)")
    parser.add_argument("--element", help="default: the first of the potential")
    parser.add_argument("--json", type=Path, metavar="OUT")
    arguments = parser.parse_args()
    calculator = Calculator(arguments.potential)
    element = arguments.element or calculator.potential.elements[0]
    begin = time.perf_counter()
    found = properties(calculator, element)
    references = REFERENCES.get(element, {})
    print(table(found, references, str(arguments.potential)))
    if arguments.json:
        record = {
            "benchmark": "properties",
            **describe_environment(),
            "seconds": round(time.perf_counter() - begin, 1),
            "potential": str(arguments.potential),
            "digest": potential_digest(calculator.potential),
            "element": element,
            "properties": found,
            "references": references,
        }
        arguments.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def properties(calculator: BaseCalculator, element: str) -> dict[str, float]:
    """All properties, by the names of `TITLES`."""
    ground = reference_states[atomic_numbers[element]]["symmetry"]
    other = {"bcc": "fcc", "fcc": "bcc"}[ground]
    lattice_constant, energy, bulk_modulus = equilibrium(calculator, element, ground)
    crystal = bulk(element, ground, a=lattice_constant, cubic=True)
    c11, c12, c44 = elastic_constants(calculator, crystal)
    formation, migration = vacancy(calculator, crystal, energy)
    found = {
        "lattice_constant_angstrom": lattice_constant,
        "energy_ev_per_atom": energy,
        "bulk_modulus_gpa": bulk_modulus / GIGAPASCAL,
        "bulk_modulus_elastic_gpa": (c11 + 2 * c12) / 3 / GIGAPASCAL,
        "c11_gpa": c11 / GIGAPASCAL,
        "c12_gpa": c12 / GIGAPASCAL,
        "c44_gpa": c44 / GIGAPASCAL,
        "other_cubic_minus_ground_mev_per_atom": 1e3
        * (equilibrium(calculator, element, other)[1] - energy),
        "vacancy_formation_ev": formation,
        "vacancy_migration_ev": migration,
    }
    for miller in MILLER:
        name = "surface_{}{}{}_j_per_m2".format(*miller)
        found[name] = surface_energy(calculator, crystal, energy, miller) / JOULE_PER_SQUARE_METER
    return {name: float(value) for name, value in found.items()}


def equilibrium(
    calculator: BaseCalculator, element: str, structure: str
) -> tuple[float, float, float]:
    """Lattice constant (Å), energy per atom (eV) and bulk modulus (eV/Å^3) of a cubic crystal."""
    state = reference_states[atomic_numbers[element]]
    atoms_of = {"bcc": 2, "fcc": 4}
    volume = state["a"] ** 3 / atoms_of[state["symmetry"]]
    modulus = energy = np.nan
    for width in (0.12, 0.04, 0.04):  # wide first, then around the minimum just found
        volumes = volume * np.linspace(1 - width, 1 + width, 9)
        energies = []
        for size in volumes:
            crystal = bulk(element, structure, a=np.cbrt(size * atoms_of[structure]), cubic=True)
            energies.append(calculator.get_potential_energy(crystal) / len(crystal))
        volume, energy, modulus = EquationOfState(volumes, energies, "birchmurnaghan").fit()
    return float(np.cbrt(volume * atoms_of[structure])), float(energy), float(modulus)


def elastic_constants(calculator: BaseCalculator, crystal: Atoms) -> tuple[float, float, float]:
    """C11, C12, C44 (eV/Å^3); atoms of a cubic crystal with one atom per cell stay in place."""

    def stress_slope(component: tuple[int, int], size: float = 5e-3) -> np.ndarray:
        stresses = []
        for sign in (1, -1):
            strain = np.zeros((3, 3))
            strain[component] += 0.5 * sign * size
            strain[component[::-1]] += 0.5 * sign * size
            strained = crystal.copy()
            strained.set_cell(crystal.cell.array @ (np.eye(3) + strain), scale_atoms=True)
            stresses.append(calculator.get_stress(strained))
        return (stresses[0] - stresses[1]) / (2 * size)

    along = stress_slope((0, 0))
    shear = stress_slope((1, 2))  # half the size in each of the two, so the shear angle is `size`
    return float(along[0]), float(along[1:3].mean()), float(shear[3])


def vacancy(calculator: BaseCalculator, crystal: Atoms, energy: float) -> tuple[float, float]:
    """Formation and migration energy of a vacancy (eV), in a cell of 100 atoms or more."""
    repeats = int(np.ceil(np.cbrt(100 / len(crystal))))
    perfect = crystal.repeat(repeats)
    distances = perfect.get_distances(0, range(1, len(perfect)), mic=True)
    hopping = 1 + int(np.argmin(distances))
    first = perfect.copy()
    del first[0]
    relax(first, calculator)
    last = perfect.copy()
    last.positions[hopping] -= perfect.get_distance(0, hopping, mic=True, vector=True)
    del last[0]
    relax(last, calculator)
    formation = first.get_potential_energy() - len(first) * energy
    return formation, barrier(calculator, first, last) - first.get_potential_energy()


def barrier(calculator: BaseCalculator, first: Atoms, last: Atoms, images: int = 5) -> float:
    """Highest energy on the path of least energy between two minima (eV)."""
    path = [first] + [first.copy() for _ in range(images)] + [last]
    band = NEB(path, climb=True, allow_shared_calculator=True, method="improvedtangent")
    band.interpolate(mic=True)
    for image in path[1:-1]:
        image.calc = calculator
    converge(FIRE(band, logfile=None), 5e-3)
    return max(calculator.get_potential_energy(image) for image in path)


def surface_energy(
    calculator: BaseCalculator, crystal: Atoms, energy: float, miller: tuple[int, int, int]
) -> float:
    """Energy of a relaxed surface per area (eV/Å^2)."""
    layer = surface(crystal, miller, 1, periodic=True)
    slab = surface(crystal, miller, int(np.ceil(20.0 / layer.cell.lengths()[2])) + 1, vacuum=10.0)
    slab.pbc = (True, True, False)
    relax(slab, calculator)
    area = np.linalg.norm(np.cross(slab.cell[0], slab.cell[1]))
    return float((slab.get_potential_energy() - len(slab) * energy) / (2 * area))


def relax(atoms: Atoms, calculator: BaseCalculator) -> None:
    """Move the atoms to the next minimum; the cell stays."""
    atoms.calc = calculator
    converge(FIRE(atoms, logfile=None), 1e-3)


def converge(optimizer: FIRE, largest_force: float, steps: int = 2000) -> None:
    """Run an optimizer to the end, or say that it did not get there."""
    if not optimizer.run(fmax=largest_force, steps=steps):
        raise RuntimeError(f"not below {largest_force} eV/Å after {steps} steps")


def table(
    found: dict[str, float],
    references: dict[str, dict[str, float | tuple[float, float]]],
    name: str,
) -> str:
    """The properties beside the published ones, as Markdown."""

    def text(value: float | tuple[float, float] | None) -> str:
        if value is None:
            return ""
        if isinstance(value, tuple):
            return f"{value[0]:.4g} to {value[1]:.4g}"
        return f"{value:.4g}"

    rows = [["", name, *references], ["---"] * (2 + len(references))]
    for key, title in TITLES.items():
        published = [text(reference.get(key)) for reference in references.values()]
        rows.append([title, text(found[key]), *published])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


if __name__ == "__main__":
    main()
