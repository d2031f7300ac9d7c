"""Checkpoints: the complete state of a run, from which it goes on bit for bit.

The positions and the cell for which the neighbor list was built are part of it, so that a resumed
run has the same list, and adds up forces in the same order, as one that was never interrupted. A
checkpoint is written under a temporary name, synced and renamed; the last two are kept.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import h5py
import jax
import numpy as np
from jaxtyping import Float, Int

from limlff.errors import InputError
from limlff.md.state import MDState
from limlff.neighbors.host import Capacity
from limlff.potential import Potential

_FORMAT = 1
_KEPT = 2


@dataclass(frozen=True)
class Checkpoint:
    """What a run needs to go on.

    Attributes:
        state: The state.
        numbers: Atomic numbers of the atoms, which fill the first slots.
        masses: Their masses (amu).
        mobile: 1 for atoms that move, 0 for frozen ones.
        periodic: Periodicity along each cell vector.
        list_positions: Positions for which the neighbor list was built (Å).
        list_cell: Cell for which it was built (Å).
        capacity: Sizes of the neighbor matrix.
        written: Frames of the trajectory, and bytes of the files that are cut at bytes.
        config: The configuration as JSON.
        potential: Digest of the potential.
    """

    state: MDState
    numbers: Int[np.ndarray, " atoms"]
    masses: Float[np.ndarray, " atoms"]
    mobile: Float[np.ndarray, " atoms"]
    periodic: np.ndarray
    list_positions: Float[np.ndarray, "slots 3"]
    list_cell: Float[np.ndarray, "3 3"]
    capacity: Capacity
    written: dict[str, int]
    config: str
    potential: str


_ARRAYS = ("numbers", "masses", "mobile", "periodic", "list_positions", "list_cell")


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint and remove all but the last two.

    Args:
        folder: Folder of the checkpoints; made if missing.
        checkpoint: What to write.

    Returns:
        The file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"step_{int(checkpoint.state.step):012d}.h5"
    temporary = path.with_suffix(".part")
    with h5py.File(temporary, "w") as file:
        file.attrs["format"] = _FORMAT
        file.attrs["config"] = checkpoint.config
        file.attrs["potential"] = checkpoint.potential
        for name, value in {**asdict(checkpoint.capacity), **checkpoint.written}.items():
            file.attrs[name] = value
        for field in fields(MDState):
            file[f"state/{field.name}"] = np.asarray(getattr(checkpoint.state, field.name))
        for name in _ARRAYS:
            file[name] = getattr(checkpoint, name)
    _sync(temporary)
    os.replace(temporary, path)
    _sync(folder)
    for old in sorted(folder.glob("step_*.h5"))[:-_KEPT]:
        old.unlink()
    return path


def read_checkpoint(folder: Path) -> Checkpoint:
    """The newest checkpoint of a folder that is whole.

    Raises:
        InputError: If there is none.
    """
    for path in sorted(folder.glob("step_*.h5"), reverse=True):
        try:
            return _read(path)
        except (OSError, KeyError):
            continue  # damaged; the one before it is kept for this case
    raise InputError(f"{folder}: holds no readable checkpoint; start the run anew without --resume")


def _read(path: Path) -> Checkpoint:
    with h5py.File(path, "r") as file:
        if file.attrs["format"] != _FORMAT:
            raise InputError(
                f"{path}: has checkpoint format {file.attrs['format']}, but this version reads "
                f"{_FORMAT}; resume with the version that wrote it"
            )
        state = MDState(
            **{field.name: file[f"state/{field.name}"][()] for field in fields(MDState)}
        )
        attributes = dict(file.attrs)
        known = {"format", "config", "potential", "slots", "ghosts"}
        return Checkpoint(
            state=state,
            capacity=Capacity(int(attributes["slots"]), int(attributes["ghosts"])),
            written={name: int(attributes[name]) for name in attributes if name not in known},
            config=attributes["config"],
            potential=attributes["potential"],
            **{name: file[name][()] for name in _ARRAYS},
        )


def potential_digest(potential: Potential) -> str:
    """A fingerprint of everything that decides the forces."""
    digest = hashlib.sha256(repr(potential.model).encode())
    digest.update(np.asarray(potential.baseline, np.float64).tobytes())
    for path, leaf in jax.tree_util.tree_leaves_with_path(potential.parameters):
        digest.update(jax.tree_util.keystr(path).encode())
        digest.update(np.ascontiguousarray(leaf).tobytes())
    return digest.hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
