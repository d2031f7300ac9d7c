"""What any potential must satisfy: `check_potential(potential)`.

Every check compares the potential with something else: derivatives with central differences of the
energy, a structure with its turned or enlarged self, one precision with the other. It returns the
largest deviation found and the limit that it has to stay below.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import jax.numpy as jnp
import numpy as np
from ase import Atoms
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from limlff.neighbors.host import Capacity, build_neighbors
from limlff.potential import Potential
from limlff.precision import own_precision
from limlff.prediction import Prediction
from limlff.testing.examples import SKIN, Bench, bond_length, geometry

_STEP = 2e-4  # Å or strain; larger ones feel the third derivative where neighbors cross the cutoff
_STENCIL = {-2: 1 / 12, -1: -2 / 3, 1: 2 / 3, 2: -1 / 12}


@dataclass(frozen=True)
class Check:
    """Outcome of one check.

    Attributes:
        name: What was checked.
        measured: Largest deviation found.
        limit: What it may be at most.
        unit: Unit of both.
    """

    name: str
    measured: float
    limit: float
    unit: str

    @property
    def passed(self) -> bool:
        """Whether the deviation is a number within the limit."""
        return bool(self.measured <= self.limit)

    def __str__(self) -> str:
        verdict = "ok" if self.passed else "FAILED"
        return f"{self.name}: {self.measured:.1e} {self.unit} (limit {self.limit:.0e}) {verdict}"


@own_precision()
def check_potential(potential: Potential, seed: int = 0) -> list[Check]:
    """Run all checks on structures of the potential's elements.

    Args:
        potential: Any potential, trained or not.
        seed: Of the random displacements, rotations and permutations.

    Returns:
        The outcome of every check; `print(*checks, sep="\\n")` shows them.

    Raises:
        AssertionError: If a check fails, with all failed checks and their numbers.
    """
    bench = Bench(potential, seed)
    checks = [check(bench) for check in ALL_CHECKS]
    failed = [str(check) for check in checks if not check.passed]
    if failed:
        raise AssertionError("the potential fails:\n" + "\n".join(failed))
    return checks


def check_forces(bench: Bench) -> Check:
    """Forces against central differences of the energy, in every kind of cell."""
    worst = 0.0
    for atoms in bench.structures.values():
        numeric = np.zeros((len(atoms), 3))
        for index in np.ndindex(numeric.shape):
            shift = np.zeros_like(numeric)
            shift[index] = 1.0
            numeric[index] = -_energy_slope(bench, atoms, shift, np.zeros((3, 3)))
        worst = max(worst, _relative(bench.predict(atoms).forces, numeric))
    return Check("forces against differences of the energy", worst, 1e-6, "of the largest")


def check_virial(bench: Bench) -> Check:
    """Virial against central differences of the energy by all nine deformations."""
    worst = 0.0
    for atoms in bench.structures.values():
        numeric = np.zeros((3, 3))
        for index in np.ndindex(3, 3):
            strain = np.zeros((3, 3))
            strain[index] = 1.0
            numeric[index] = -_energy_slope(bench, atoms, np.zeros((len(atoms), 3)), strain)
        worst = max(worst, _relative(bench.predict(atoms).virial, numeric))
    return Check("virial against differences of the energy", worst, 1e-6, "of the largest")


def check_rotation(bench: Bench) -> Check:
    """A rotated structure has the same energies, rotated forces and a rotated virial."""
    turn = Rotation.random(random_state=1).as_matrix()
    return Check("rotation", _turned_deviation(bench, turn), 1e-9, "of the largest")


def check_reflection(bench: Bench) -> Check:
    """The same of its mirror image; a cell may be left-handed."""
    mirror = Rotation.random(random_state=2).as_matrix() @ np.diag([1.0, 1.0, -1.0])
    return Check("reflection", _turned_deviation(bench, mirror), 1e-9, "of the largest")


def check_translation(bench: Bench) -> Check:
    """Moving all atoms, also out of the cell, changes nothing."""
    worst = 0.0
    for atoms in bench.structures.values():
        moved = atoms.copy()
        moved.translate([3.3, -7.1, 11.9])
        worst = max(worst, _deviation(bench.predict(moved), bench.predict(atoms)))
    return Check("translation", worst, 1e-9, "of the largest")


def check_permutation(bench: Bench) -> Check:
    """Energies and forces follow their atoms when these are listed in another order."""
    worst = 0.0
    for atoms in bench.structures.values():
        order = np.roll(np.arange(len(atoms))[::-1], 2)
        reference = bench.predict(atoms)
        expected = reference._replace(
            energies=reference.energies[order], forces=reference.forces[order]
        )
        worst = max(worst, _deviation(bench.predict(atoms[order]), expected))
    return Check("permutation", worst, 1e-9, "of the largest")


def check_cutoff(bench: Bench) -> Check:
    """Energy, force and its slope fall to zero where a neighbor leaves, and stay there.

    They are compared at 0.001 Å and around 0.01 Å before the cutoff: a smooth one falls by 10 or
    more, one with a jump does not fall.
    """
    worst = 0.0
    for leaving in bench.potential.elements:
        before = np.max([_felt(bench, leaving, gap) for gap in (0.5e-2, 1e-2, 2e-2)], axis=0)
        scale = np.maximum(before, 1e-9)  # what cannot be told from zero by rounding
        worst = max(worst, float(np.max(_felt(bench, leaving, 1e-3) / scale)))
        if np.any(_felt(bench, leaving, -0.1) > 1e-9):
            worst = np.inf
    return Check("energy, force and slope at the cutoff", worst, 0.2, "of those 0.01 Å before")


def check_extensivity(bench: Bench) -> Check:
    """Two far-apart systems have the sum of their energies, a doubled cell has twice its own."""
    cluster, cell = bench.structures["cluster"], bench.structures["sheared cell"]
    other = cluster.copy()
    other.rotate(40, "x")
    other.translate([4 * bench.potential.cutoff + 20.0, 0, 0])
    apart = bench.predict(cluster + other).energy
    doubled = bench.predict(cell.repeat((2, 1, 1))).energy
    deviations = [
        (apart - bench.predict(cluster).energy - bench.predict(other).energy) / len(cluster),
        (doubled - 2 * bench.predict(cell).energy) / len(cell),
    ]
    return Check("extensivity", float(np.max(np.abs(deviations))), 1e-9, "eV/atom")


def check_padding(bench: Bench) -> Check:
    """Padded atoms, neighbors and ghosts change nothing."""
    atoms = bench.structures["bulk"]
    columns, neighbors = bench.neighbors(atoms).lists.shape
    ghosts = len(bench.neighbors(atoms).ghost_owner)
    wide, _ = build_neighbors(
        *geometry(atoms),
        bench.potential.cutoff + SKIN,
        Capacity(neighbors + 7, ghosts + 30),
        columns + 5,
    )
    worst = _deviation(bench.predict(atoms), bench.predict(atoms, "float64", wide))
    return Check("padding", worst, 1e-11, "of the largest")


def check_neighbor_order(bench: Bench) -> Check:
    """The order in which the neighbors of an atom are listed does not matter."""
    generator = np.random.default_rng(3)
    worst = 0.0
    for atoms in bench.structures.values():
        neighbors = bench.neighbors(atoms)
        shuffled = jnp.asarray(generator.permuted(np.asarray(neighbors.lists), axis=1))
        other = bench.predict(atoms, "float64", replace(neighbors, lists=shuffled))
        worst = max(worst, _deviation(other, bench.predict(atoms)))
    return Check("order of neighbors", worst, 1e-11, "of the largest")


def check_balance(bench: Bench) -> Check:
    """Forces add up to zero, and without a cell their torques do too."""
    worst = 0.0
    for atoms in bench.structures.values():
        forces = np.asarray(bench.predict(atoms).forces)
        worst = max(worst, float(np.abs(forces.sum(axis=0)).max()))
        if not atoms.pbc.any():
            torque = np.cross(atoms.positions, forces).sum(axis=0)
            worst = max(worst, float(np.abs(torque).max()))
    return Check("net force and torque", worst, 1e-9, "eV/Å and eV")


def check_precision(bench: Bench) -> Check:
    """float32 arithmetic gives the energies per atom, forces and virial of float64."""
    worst = 0.0
    for atoms in bench.structures.values():
        worst = max(worst, _deviation(bench.predict(atoms, "float32"), bench.predict(atoms)))
    return Check("float32 against float64", worst, 5e-4, "of the largest")


ALL_CHECKS: tuple[Callable[[Bench], Check], ...] = (
    check_forces,
    check_virial,
    check_rotation,
    check_reflection,
    check_translation,
    check_permutation,
    check_cutoff,
    check_extensivity,
    check_padding,
    check_neighbor_order,
    check_balance,
    check_precision,
)


def _energy_slope(
    bench: Bench, atoms: Atoms, shift: Float[np.ndarray, "atoms 3"], strain: np.ndarray
) -> float:
    """dE/dh by central differences of fourth order, for r -> (1 + h strain) (r + h shift)."""
    neighbors = bench.neighbors(atoms)
    slope = np.zeros(len(atoms))
    for multiple, weight in _STENCIL.items():
        step = multiple * _STEP
        deformation = np.eye(3) + step * strain.T
        moved = atoms.copy()
        moved.set_cell(atoms.cell.array @ deformation)
        moved.set_positions((atoms.positions + step * shift) @ deformation)
        # differences per atom, because the sum of all energies would lose digits to its size
        slope += weight * np.asarray(bench.predict(moved, "float64", neighbors).energies)
    return float(slope.sum() / _STEP)


def _turned_deviation(bench: Bench, turn: Float[np.ndarray, "3 3"]) -> float:
    worst = 0.0
    for atoms in bench.structures.values():
        turned = atoms.copy()
        turned.set_cell(atoms.cell.array @ turn.T)
        turned.set_positions(atoms.positions @ turn.T)
        reference = bench.predict(atoms)
        expected = reference._replace(
            forces=reference.forces @ turn.T, virial=turn @ reference.virial @ turn.T
        )
        worst = max(worst, _deviation(bench.predict(turned), expected))
    return worst


def _felt(bench: Bench, leaving: str, gap: float) -> Float[np.ndarray, " 3"]:
    """|energy|, |force| and |slope| of an atom `gap` before the cutoff of one with a neighbor."""
    first = bench.potential.elements[0]
    near = 1.1 * bond_length(first, first)

    def with_leaving_at(distance: float) -> tuple[float, float]:
        both = Atoms(
            [first, first, leaving], [[0, 0, 0], [0, -0.9 * near, -near], [0, 0, distance]]
        )
        prediction = bench.predict(both)
        alone = bench.predict(both[:2]).energies.sum() + bench.predict(both[2:]).energies.sum()
        return float(prediction.energies.sum() - alone), float(prediction.forces[2, 2])

    distance, step = bench.potential.cutoff - gap, abs(gap) / 4
    energy, force = with_leaving_at(distance)
    forces = [with_leaving_at(distance + sign * step)[1] for sign in (-1, 1)]
    return np.abs([energy, force, (forces[1] - forces[0]) / (2 * step)])


def _relative(measured: object, expected: np.ndarray) -> float:
    """Largest deviation relative to the largest element; absolute where all are below 1e-3."""
    scale = max(float(np.abs(expected).max()), 1e-3)
    return float(np.abs(np.asarray(measured) - expected).max()) / scale


def _deviation(measured: Prediction, expected: Prediction) -> float:
    """Largest relative deviation among energies, forces and virial."""
    parts = ("energies", "forces", "virial")
    return max(
        _relative(getattr(measured, part), np.asarray(getattr(expected, part))) for part in parts
    )
