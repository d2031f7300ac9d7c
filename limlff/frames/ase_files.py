"""Anything that ASE reads with labels: VASP OUTCAR and vasprun.xml, .traj, databases and others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from limlff.errors import InputError
from limlff.frames.frame import Frame
from limlff.frames.labels import full_stress
from limlff.frames.source import STRESS_WITHOUT_PERIODICITY, FrameSource, has_stress_meaning


def read_ase(path: Path) -> FrameSource:
    """Read all images of a file that ASE understands, its format found by ASE.

    The energy is `free_energy` where the format has one, since the forces are its derivative.
    Forces are taken as they were computed, also of atoms that a constraint holds.

    Raises:
        InputError: If ASE does not know the format or fails to read it.
    """
    from ase.io import iread  # slow to import

    source = FrameSource(str(path))
    frames: list[Frame] = []
    try:
        for index, atoms in enumerate(iread(str(path), index=":")):
            frames.append(_make_frame(atoms, f"{path.name}, frame {index}", source))
    except InputError:
        raise
    except Exception as error:  # ASE's parsers raise whatever meets them in a damaged file
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{path}: ASE cannot read it after {len(frames)} frames: {reason}; "
            "check that the calculation has ended"
        ) from error
    source.frames = frames
    return source


def _make_frame(atoms: Atoms, origin: str, source: FrameSource) -> Frame:
    results: Mapping[str, Any] = {} if atoms.calc is None else atoms.calc.results
    energy_key = next((key for key in ("free_energy", "energy") if _has(results, key)), None)
    has_forces = _has(results, "forces")
    periodic = np.array(atoms.pbc, bool)
    stress = None
    if _has(results, "stress") and has_stress_meaning(periodic):
        stress = full_stress(results["stress"], origin)
    elif _has(results, "stress"):
        source.remark(STRESS_WITHOUT_PERIODICITY)
    source.count_keys(
        energy=energy_key,
        forces="forces" if has_forces else None,
        stress=None if stress is None else "stress",
    )
    return Frame(
        numbers=np.array(atoms.numbers, int),
        positions=np.array(atoms.positions, float),
        cell=np.array(atoms.cell, float),
        periodic=periodic,
        energy=None if energy_key is None else float(results[energy_key]),
        forces=np.array(results["forces"], float) if has_forces else None,
        stress=stress,
        group=str(atoms.info.get("config_type", "")),
        origin=origin,
    )


def _has(results: Mapping[str, Any], key: str) -> bool:
    return results.get(key) is not None
