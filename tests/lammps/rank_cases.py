"""Cases in LAMMPS, run by `mpiexec -n N python rank_cases.py FOLDER`, each in the same processes.

The folder holds data files and `cases.json`; results are left there as `results-N.npz`.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from limlff.compile_cache import keep_jax_programs

keep_jax_programs()

from limlff.lammps.session import LammpsSession  # noqa: E402
from limlff.lammps.settings import LammpsSettings  # noqa: E402
from limlff.prediction import predictor as prediction  # noqa: E402

MEASURES = [
    "compute energies all pe/atom",
    "compute stresses all stress/atom NULL virial",
    "thermo_style custom step pe press pxx pyy pzz pxy pxz pyz lx etotal",
]
THERMO = ("pe", "pxx", "pyy", "pzz", "pxy", "pxz", "pyz", "lx", "etotal", "press")


@dataclass
class Case:
    """What is done in one instance of LAMMPS.

    Attributes:
        potential: File of the potential.
        elements: Of the atom types.
        before: Commands up to the pair style.
        commands: Commands behind it; a `run 0` follows.
        stresses: Whether virials of single atoms are measured.
        runs: Commands that follow still, for what must not be compiled again.
    """

    potential: str
    elements: list[str]
    before: list[str]
    commands: list[str]
    stresses: bool = False
    runs: tuple[str, ...] = ()


def run_case(case: Case) -> dict[str, np.ndarray]:
    """Commands of one case, and what LAMMPS has then."""
    every = 1 if case.stresses else None
    settings = LammpsSettings(potential=case.potential, dtype="float64", atom_stress_every=every)
    with LammpsSession(settings, arguments=["-screen", "none", "-log", "none"]) as session:
        for line in ["units metal", *case.before]:
            session.command(line)
        session.couple(case.elements)
        for line in [*MEASURES, *case.commands]:
            session.command(line)
        programs = prediction._predict._cache_size()
        for line in [*case.runs, "run 0 post no"]:
            session.command(line)
        lammps = session.lammps
        count = int(lammps.get_natoms())
        shapes = {"x": 3, "v": 3, "f": 3, "c_energies": 1, "c_stresses": 6}
        found = {
            name: np.array(lammps.gather(name, 1, width)).reshape(count, width)
            for name, width in shapes.items()
        }
        found["thermo"] = np.array([lammps.get_thermo(name) for name in THERMO])
        found["compiled"] = np.array(prediction._predict._cache_size() - programs)
        return found


def main(folder: Path) -> None:
    """All cases of a folder."""
    from mpi4py import MPI

    cases = json.loads((folder / "cases.json").read_text())
    found = {
        f"{name}/{what}": array
        for name, case in cases.items()
        for what, array in run_case(Case(**case)).items()
    }
    if MPI.COMM_WORLD.rank == 0:
        np.savez(folder / f"results-{MPI.COMM_WORLD.size}.npz", **found)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
