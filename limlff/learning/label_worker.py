"""One calculation: reads a job, writes energy, forces and stress.

A program of its own that needs nothing but ASE and NumPy, so that it runs in the Python of the DFT
code, whatever else is installed there:

    python label_worker.py JOB.json RESULT.json

The job holds numbers, positions (Å), cell (Å), periodic, and the calculator: the name that ASE has
for it or "module:Class" under "class", its keyword arguments beside. What goes wrong is written to
the result as "failure" (setup, unconverged, memory, error) with a reason.
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

_UNCONVERGED = re.compile(r"converge|scf.*(fail|not)", re.IGNORECASE)
_LONGEST_REASON = 300


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
    calculator = atoms.calc
    forces = atoms.get_forces()
    plain = float(atoms.get_potential_energy())
    try:
        energy = float(atoms.get_potential_energy(force_consistent=True))
    except PropertyNotImplementedError:
        energy = plain
    try:
        stress = atoms.get_stress(voigt=False).tolist()
    except (PropertyNotImplementedError, NotImplementedError):
        stress = None
    if getattr(calculator, "converged", True) is False:
        raise SCFError("the calculator says that it did not converge")
    return {
        "energy": energy,
        "energy_sigma0": plain,
        "forces": np.asarray(forces).tolist(),
        "stress": stress,
        "scf_steps": _scf_steps(calculator),
    }


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
