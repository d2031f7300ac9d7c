"""Labels candidates for `li-cu` by GPAW, one after the other; started again it goes on.

    python label.py candidates.extxyz labelled.extxyz [--like PREFIX ...]

Settings are those of the data set gpaw-Li-Cu, so that the frames can be fitted together. What does
not converge is written to `<labelled>.failed.txt` with its reason and is not tried again. Needs
`pip install gpaw gpaw-data`, 26.7 and 1.2. FFTW, if GPAW is built with it, saves a seventh of the
time, `OPENBLAS_CORETYPE=SKYLAKEX` where OpenBLAS does not notice AVX-512 another. One process for
each free core; more beside each other gain nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.io import read, write
from gpaw import GPAW, PW, FermiDirac

SPACING, TOLERANCE = 0.34, 0.3
"""Distance of k-points (1/Å), and the part of a further one that is left out."""
VACUUM_ALONG = 12.0
"""A slab's cell is longer than this along its normal (Å), a bulk cell is not."""
CONVERGENCE = {"energy": 5e-5, "density": 3e-4}
RESIDUALS = CONVERGENCE | {"eigenstates": 4e-8}
SOLVERS: tuple[dict[str, Any], ...] = (
    {"eigensolver": "rmm-diis", "maxiter": 60, "convergence": CONVERGENCE | {"eigenstates": 1e-6}},
    {"eigensolver": "ppcg", "maxiter": 120, "convergence": RESIDUALS},
    {
        "eigensolver": "ppcg",
        "maxiter": 120,
        "convergence": RESIDUALS,
        "mixer": {"beta": 0.02, "nmaxold": 8, "weight": 50},
    },
)
"""Tried in this order. The first takes half the time of the second, GPAW's own, with which
gpaw-Li-Cu and the first frames were made, and forces differ by up to 7e-4 eV/Å: its density is at
1e-6 when the residuals are. Once in ten times it does not converge."""


def k_points(atoms: Atoms, spacing: float = SPACING) -> list[int]:
    """Gamma-centred mesh; one point across a vacuum."""
    reciprocal = 2 * np.pi * np.linalg.norm(np.linalg.inv(atoms.cell.array), axis=0)
    mesh = [max(1, int(np.ceil(length / spacing - TOLERANCE))) for length in reciprocal]
    if is_slab(atoms):
        mesh[2] = 1
    return mesh


def is_slab(atoms: Atoms) -> bool:
    """Whether there is a vacuum along the third cell vector."""
    heights = np.sort((atoms.get_scaled_positions()[:, 2] % 1.0) * atoms.cell.lengths()[2])
    gaps = np.diff(np.append(heights, heights[0] + atoms.cell.lengths()[2]))
    return bool(atoms.cell.lengths()[2] > VACUUM_ALONG and gaps.max() > 6.0)


def calculator(
    mesh: list[int], log: Path, solver: dict[str, Any], cutoff: float = 400.0, spins: bool = False
) -> GPAW:
    """GPAW with the settings of the data set, but for what is given."""
    return GPAW(
        mode=PW(cutoff),
        xc="PBE",
        kpts={"size": mesh, "gamma": True},
        occupations=FermiDirac(0.1),
        spinpol=spins,
        txt=str(log),
        **solver,
    )


def label(atoms: Atoms, log: Path, solver: dict[str, Any], spacing: float = SPACING) -> Atoms:
    """The same atoms with free energy, forces and stress (eV, eV/Å, eV/Å^3)."""
    mesh = k_points(atoms, spacing)
    atoms.calc = calculator(mesh, log, solver)
    begin = time.perf_counter()
    forces, stress = atoms.get_forces(), atoms.get_stress(voigt=False)
    labelled = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    labelled.arrays["forces"] = forces
    labelled.info |= {key: atoms.info[key] for key in atoms.info if key != "kpts"}
    labelled.info |= {
        "kpts": " ".join(map(str, mesh)),
        "energy": atoms.get_potential_energy(force_consistent=True),
        "energy_sigma0": atoms.get_potential_energy(),
        "stress": stress,
        "scf_steps": int(atoms.calc.get_number_of_iterations()),
        "wall_seconds": round(time.perf_counter() - begin),
    }
    return labelled


def key_of(atoms: Atoms) -> str:
    """Digest of what is calculated."""
    content = atoms.numbers.tobytes() + np.round(atoms.positions, 6).tobytes()
    return hashlib.sha256(content + np.round(atoms.cell.array, 6).tobytes()).hexdigest()[:16]


def main() -> None:
    """Label what has no label yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("candidates", type=Path)
    parser.add_argument("labelled", type=Path)
    parser.add_argument(
        "--like", nargs="*", default=[""], help="beginnings of config_type, those first"
    )
    parser.add_argument("--spacing", type=float, default=SPACING, help="of k-points (1/Å)")
    arguments = parser.parse_args()
    known = read(arguments.labelled, ":") if arguments.labelled.is_file() else []
    done = {str(atoms.info["key"]) for atoms in known}
    failed = arguments.labelled.with_suffix(".failed.txt")
    if failed.is_file():
        done |= {line.split()[0] for line in failed.read_text().splitlines()}
    everything = read(arguments.candidates, ":")
    chosen = [a for like in arguments.like for a in everything if kind(a).startswith(like)]
    for atoms in chosen:
        key = key_of(atoms)
        if key in done:
            continue
        done.add(key)
        atoms.info["key"] = key
        log = Path("logs") / f"{key}.txt"
        log.parent.mkdir(exist_ok=True)
        for solver in SOLVERS:
            try:
                labelled = label(atoms, log, solver, arguments.spacing)
                write(arguments.labelled, labelled, append=True, format="extxyz")
                break
            except Exception as error:  # GPAW has many kinds of them; what it was is kept
                reason = f"{type(error).__name__} {str(error).strip()[:100]!r}"
        else:
            with failed.open("a") as file:
                file.write(f"{key} {kind(atoms)} {reason}\n")
        print(time.strftime("%H:%M:%S"), key, kind(atoms), flush=True)


def kind(atoms: Atoms) -> str:
    """What a candidate is, such as cu110_li4_exchange."""
    return str(atoms.info.get("config_type", ""))


if __name__ == "__main__":
    main()
