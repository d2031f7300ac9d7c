"""One calculation: reads a job, writes energy, forces and stress.

A program of its own that needs nothing but ASE and NumPy, so that it runs in the Python of the DFT
code, whatever else is installed there:

    python label_worker.py JOB.json RESULT.json

The job holds numbers, positions (Å), cell (Å), periodic, and the calculator: the name that ASE has
for it or "module:Class" under "class", its keyword arguments beside. What goes wrong is written to
the result as "failure" (setup, unconverged, memory, error, implausible) with a reason.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    sys.path.pop(0)  # this folder: its modules are not those of the calculation

import importlib
import json
import os
import re
from typing import Any

import ase
import numpy as np
from ase import Atoms
from ase.calculators.calculator import (
    PropertyNotImplementedError,
    SCFError,
    get_calculator_class,
)
from ase.geometry import find_mic

_UNCONVERGED = re.compile(r"converge|scf.*(fail|not)", re.IGNORECASE)
_LONGEST_REASON = 300
_MOVED_ANGSTROM = 1e-6


class Moved(Exception):
    """The labels are of another structure than the one that was asked for."""


def build(settings: dict[str, Any]) -> Any:
    """An object of a class that is named, with arguments that may be such objects themselves."""
    given = dict(settings)
    name = given.pop("class")
    arguments = {
        key: build(value) if isinstance(value, dict) and "class" in value else value
        for key, value in given.items()
    }
    module, _, attribute = name.partition(":")
    if not attribute:
        return get_calculator_class(name)(**arguments)
    return getattr(importlib.import_module(module), attribute)(**arguments)


def labels_of(atoms: Atoms) -> dict[str, Any]:
    """Energy (eV), forces (eV/Å) and stress (eV/Å^3), and how they came about."""
    calculator, wanted = atoms.calc, atoms.copy()
    forces = np.asarray(atoms.get_forces(), float)
    plain = float(atoms.get_potential_energy())
    try:
        energy = float(atoms.get_potential_energy(force_consistent=True))
    except PropertyNotImplementedError:
        energy = plain
    try:
        stress = atoms.get_stress(voigt=False).tolist()
    except (PropertyNotImplementedError, NotImplementedError):
        stress = None
    if _is_unconverged(calculator):
        raise SCFError("the calculator says that it did not converge")
    _check_unmoved(atoms, wanted)
    return {
        "energy": energy,
        "energy_sigma0": plain,
        "forces": forces.tolist(),
        "stress": stress,
        "scf_steps": _scf_steps(calculator),
    }


def _is_unconverged(calculator: Any) -> bool:
    """Whether a calculator says so, by a value or a method; most do not tell."""
    converged = getattr(calculator, "converged", None)
    if callable(converged):
        try:
            converged = converged()
        except TypeError:  # it wants to know something, and so tells of something else
            return False
    return converged is not None and not np.all(converged)


def _check_unmoved(atoms: Atoms, wanted: Atoms) -> None:
    """Refuse what a calculator has moved, but for whole vectors of the cell."""
    if not np.array_equal(atoms.numbers, wanted.numbers):
        raise Moved("the calculator changed which atoms there are")
    if not np.allclose(atoms.cell.array, wanted.cell.array, rtol=0, atol=_MOVED_ANGSTROM):
        raise Moved("the calculator changed the cell; switch its relaxation off")
    _, lengths = find_mic(atoms.positions - wanted.positions, wanted.cell, wanted.pbc)
    if not np.all(lengths <= _MOVED_ANGSTROM):
        raise Moved(
            f"the calculator moved atoms by up to {max(lengths):.2g} Å; switch its relaxation off"
        )


def _scf_steps(calculator: Any) -> int | None:
    """Steps of self-consistency, if the calculator tells."""
    count = getattr(calculator, "get_number_of_iterations", lambda: None)()
    return None if count is None else int(count)


def code_of(calculator: Any) -> str:
    """Package and version of a calculator."""
    name = type(calculator).__module__.partition(".")[0]
    version = getattr(sys.modules.get(name), "__version__", "")
    return f"{name} {version}".strip()


def calculate(job: dict[str, Any]) -> dict[str, Any]:
    """Labels of a job, or what went wrong."""
    atoms = Atoms(job["numbers"], job["positions"], cell=job["cell"], pbc=job["periodic"])
    try:
        calculator = build(job["calculator"])
    except Exception as error:  # each package has its own for what it does not like
        return _failure("setup", error)
    atoms.calc = calculator
    try:
        found = labels_of(atoms)
    except MemoryError as error:
        return _failure("memory", error)
    except Moved as error:
        return {"failure": "implausible", "reason": str(error)}
    except Exception as error:
        text = f"{type(error).__name__} {error}"
        is_scf = isinstance(error, SCFError) or _UNCONVERGED.search(text)
        return _failure("unconverged" if is_scf else "error", error)
    return {**found, "code": code_of(calculator), "ase": ase.__version__}


def _failure(kind: str, error: Exception) -> dict[str, Any]:
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return {"failure": kind, "reason": text[:_LONGEST_REASON]}


def main(job_path: str, result_path: str) -> None:
    """Calculate, and let the first process write the result, whole or not at all."""
    result_path = os.path.abspath(result_path)  # calculators may go to other folders
    with open(job_path, encoding="utf-8") as file:
        job = json.load(file)
    result = calculate(job)
    from ase.parallel import world  # only now it knows how many processes the calculator has

    if world.rank == 0:
        temporary = f"{result_path}.part"
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(result, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, result_path)


if __name__ == "__main__":
    main(*sys.argv[1:3])
