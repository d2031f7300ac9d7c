"""Calculators that go wrong, each in its way; imported by the worker of a calculation."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT


class Crashing(Calculator):
    implemented_properties = ("energy", "forces")

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        print("about to fall", flush=True)
        os.kill(os.getpid(), signal.SIGSEGV)


class Hanging(Calculator):
    """Starts a process as DFT codes do, and never ends."""

    implemented_properties = ("energy", "forces")

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        own = {"start_new_session": True} if self.parameters.get("apart") else {"process_group": 0}
        child = subprocess.Popen(["sleep", "1000"], **own)
        Path("pids").write_text(f"{os.getpid()} {child.pid}")
        time.sleep(1000)


class Hungry(Calculator):
    implemented_properties = ("energy", "forces")

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        np.ones(10**9)


class ConvergenceError(Exception):
    pass


class Unconverged(EMT):
    """Converges if charges are mixed with care."""

    def __init__(self, mixing: float = 0.5, **settings: Any) -> None:
        super().__init__(**settings)
        self.mixing = mixing

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        if self.mixing > 0.1:
            raise ConvergenceError("no density after 120 steps")
        super().calculate(atoms, properties, system_changes)

    def get_number_of_iterations(self) -> int:
        return 37


class NotANumber(EMT):
    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.results["forces"] = np.full_like(self.results["forces"], np.nan)


class WithoutEnergy(EMT):
    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.results["energy"] = float("nan")


class OddForces(EMT):
    """Forces of a shape, or of a kind, that they cannot have."""

    def __init__(self, rows: list | str | float) -> None:
        super().__init__()
        self.rows = rows

    def get_property(self, name, atoms=None, allow_calculation=True):
        found = super().get_property(name, atoms, allow_calculation)
        return self.rows if name == "forces" else found


class Saying(EMT):
    """Says by a value or a method whether it has converged."""

    def __init__(self, word: str) -> None:
        super().__init__()
        said = {"numpy": np.False_, "array": np.array([True, False]), "method": lambda: False}
        self.converged = {**said, "yes": np.True_, "none": None, "other": lambda step: step}[word]


class Moving(EMT):
    """Changes the structure that it was given."""

    def __init__(self, by: float, what: str = "positions") -> None:
        super().__init__()
        self.by, self.what = by, what

    def get_forces(self, atoms=None):
        forces = super().get_forces(atoms)
        if self.what == "cell":
            atoms.set_cell(atoms.cell * (1 + self.by))
        else:
            atoms.positions[0, 2] += self.by
        return forces


class Elsewhere(EMT):
    """Works in a folder of its own and does not come back."""

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        os.makedirs("scratch", exist_ok=True)
        os.chdir("scratch")


class Smeared(EMT):
    """A free energy below the energy, as of smeared electrons."""

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.results["free_energy"] = self.results["energy"] - 0.25


class Counted(EMT):
    """Notes the end of each calculation in the file that COUNTED names."""

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        with open(os.environ["COUNTED"], "a") as file:
            file.write(f"{self.results['energy']!r}\n")
