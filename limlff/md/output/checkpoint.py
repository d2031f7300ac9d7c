"""Checkpoints: the complete state of a run, from which it goes on bit for bit.

The positions and the cell for which the neighbor list was built are part of it, so that a resumed
run has the same list, and adds up forces in the same order, as one that was never interrupted. A
checkpoint is written under a temporary name, synced and renamed; the last two are kept. The file is
HDF5 behind a block of 512 bytes that holds the sha256 of the rest: a file of which a single bit is
wrong is not used.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import h5py
import jax
import numpy as np
from jaxtyping import Float, Int

from limlff.atomic_file import create_empty
from limlff.errors import InputError, shown
from limlff.hdf5_heaps import check_global_heaps
from limlff.md.output.checkpoint_layout import FORMAT, READABLE, read_arrays
from limlff.md.output.single_writer import UNREADABLE
from limlff.md.system.state import MDState
from limlff.neighbors.host import Capacity
from limlff.paths import open_regular_file
from limlff.potential import Potential
from limlff.stored_settings import json_with_current_names

_KEPT = 2
_SEAL_BYTES = 512  # the smallest block that HDF5 leaves free in front
_MOST_BYTES = 8 << 30  # 60 million atoms
PART = ".part"
"""Ends the name of a checkpoint that is not whole yet."""


class DamagedCheckpoint(Exception):
    """A checkpoint that is not what was written."""


@dataclass(frozen=True)
class Checkpoint:
    """What a run needs to go on.

    Attributes:
        state: The state.
        numbers: Atomic numbers of the atoms, which come first among padded ones.
        masses: Their masses (amu).
        mobile: 1 for atoms that move, 0 for frozen ones.
        coupled: 1 for atoms that friction acts on, if it does not act on all.
        periodic: Periodicity along each cell vector.
        list_positions: Positions for which the neighbor list was built (Å).
        list_cell: Cell for which it was built (Å).
        capacity: Sizes of the neighbor matrix.
        written: Frames of the trajectory and their checksum, and bytes of the files that are cut
            at bytes; empty until it is written.
        event_counts: How often each event has happened.
        above_since: Since which step each atom is too uncertain, -1 if it is not.
        assessed_since: Step of the first assessment of the uncertainty, -1 before.
        highest_values: Highest grade, highest force spread (eV/Å), infinite for unknown elements.
        highest_places: Of each the step, the atom and its atomic number.
        conserved: Conserved quantity (eV); nan before the first forces.
        config: The configuration as JSON.
        potential: Digest of the potential.
    """

    state: MDState
    numbers: Int[np.ndarray, " real"]
    masses: Float[np.ndarray, " real"]
    mobile: Float[np.ndarray, " real"]
    coupled: Float[np.ndarray, " real"]
    periodic: np.ndarray
    list_positions: Float[np.ndarray, "atoms 3"]
    list_cell: Float[np.ndarray, "3 3"]
    capacity: Capacity
    written: dict[str, int]
    event_counts: Int[np.ndarray, " events"]
    above_since: Int[np.ndarray, " real"]
    assessed_since: Int[np.ndarray, ""]
    highest_values: Float[np.ndarray, "2"]
    highest_places: Int[np.ndarray, "2 3"]
    conserved: float
    config: str
    potential: str

    @property
    def step(self) -> int:
        """Step of the state."""
        return int(self.state.step)

    @property
    def size_bytes(self) -> int:
        """Memory that its arrays hold."""
        arrays = [*jax.tree.leaves(self.state), *(getattr(self, name) for name in _ARRAYS)]
        return sum(np.asarray(array).nbytes for array in arrays)

    def copied(self) -> Checkpoint:
        """The same, sharing no memory with the run, which may go on meanwhile."""
        arrays: dict[str, Any] = {name: np.array(getattr(self, name)) for name in _ARRAYS}
        return replace(self, state=jax.tree.map(np.array, self.state), **arrays)


_ARRAYS = (
    "numbers",
    "masses",
    "mobile",
    "coupled",
    "periodic",
    "list_positions",
    "list_cell",
    "event_counts",
    "above_since",
    "assessed_since",
    "highest_values",
    "highest_places",
)


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint and remove all but the last two.

    Args:
        folder: Folder of the checkpoints; made if missing, but not the folder around it.
        checkpoint: What to write.

    Returns:
        The file.

    Raises:
        OSError: If it cannot be written; the checkpoints that are there stay.
    """
    folder.mkdir(exist_ok=True)
    path = checkpoint_file(folder, checkpoint.step)
    temporary = path.with_suffix(PART)
    create_empty(temporary)
    try:
        temporary.write_bytes(_sealed(_content(checkpoint)))
        _sync(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync(folder)
    files = checkpoint_files(folder)
    older = files[: files.index(path)]
    for old in older[: len(older) - (_KEPT - 1)]:
        old.unlink()
    return path


def checkpoint_file(folder: Path, step: int) -> Path:
    """The checkpoint of a step."""
    return folder / f"step_{step:012d}.h5"


def checkpoint_files(folder: Path) -> list[Path]:
    """Checkpoints of a folder, the newest last."""
    found = {step_of_name(path): path for path in folder.glob("step_*.h5")}
    return [path for step, path in sorted((s, p) for s, p in found.items() if s is not None)]


def step_of_name(path: Path) -> int | None:
    """The step that the name of a checkpoint tells; None if it is no such name."""
    named = re.fullmatch(r"step_(\d{12,18})", path.stem)
    return int(named[1]) if named else None


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        DamagedCheckpoint: If it is not what was written.
        InputError: If another version wrote it.
    """
    content = _bytes_of(path)
    seal, rest = content[:_SEAL_BYTES], content[_SEAL_BYTES:]
    if seal.rstrip(b"\0") != _seal(rest):
        raise DamagedCheckpoint(f"{path}: is damaged, its sha256 is not the one written with it")
    try:
        check_global_heaps(content)
        with h5py.File(io.BytesIO(content), "r") as file:
            version = int(file.attrs["format"])
            checkpoint = _read(file, len(content), version) if version in READABLE else None
    except UNREADABLE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DamagedCheckpoint(f"{path}: is no checkpoint: {shown(reason, 200)}") from error
    if checkpoint is None:
        raise InputError(
            f"{path}: has checkpoint format {version}, but this version reads "
            f"{' and '.join(map(str, READABLE))}; resume with the version that wrote it"
        )
    if step_of_name(path) not in (None, checkpoint.step):
        raise DamagedCheckpoint(
            f"{path}: is that of step {checkpoint.step} by its content; give it its name back"
        )
    return checkpoint


def _bytes_of(path: Path) -> bytes:
    try:
        with open(open_regular_file(path), "rb") as file:
            if os.fstat(file.fileno()).st_size > _MOST_BYTES:
                raise DamagedCheckpoint(
                    f"{path}: is no file of at most {_MOST_BYTES >> 30} GB, so it is no checkpoint"
                )
            return file.read()
    except MemoryError as error:
        raise DamagedCheckpoint(f"{path}: does not fit into memory") from error
    except OSError as error:
        raise DamagedCheckpoint(f"{path}: cannot be read: {error.strerror}") from error


def _content(checkpoint: Checkpoint) -> bytes:
    """The checkpoint as HDF5, with a block in front that is left for the seal."""
    memory = io.BytesIO()
    with h5py.File(memory, "w", userblock_size=_SEAL_BYTES) as file:
        file.attrs["format"] = FORMAT
        for name in ("config", "potential", "conserved"):
            file.attrs[name] = getattr(checkpoint, name)
        file.attrs["capacity/slots"] = checkpoint.capacity.neighbors
        file.attrs["capacity/ghosts"] = checkpoint.capacity.ghosts
        for name, value in checkpoint.written.items():
            file.attrs[f"written/{name}"] = value
        for field in fields(MDState):
            file[f"state/{field.name}"] = np.asarray(getattr(checkpoint.state, field.name))
        for name in _ARRAYS:
            file[name] = getattr(checkpoint, name)
    return memory.getvalue()


def _sealed(content: bytes) -> bytes:
    rest = content[_SEAL_BYTES:]
    return _seal(rest).ljust(_SEAL_BYTES, b"\0") + rest


def _seal(rest: bytes) -> bytes:
    return (
        b"limlff checkpoint, sha256 of what follows: " + hashlib.sha256(rest).hexdigest().encode()
    )


def _read(file: h5py.File, most_bytes: int, version: int) -> Checkpoint:
    def group(prefix: str) -> dict[str, int]:
        names = (name for name in file.attrs if name.startswith(prefix))
        return {name.removeprefix(prefix): int(file.attrs[name]) for name in names}

    arrays: dict[str, Any] = read_arrays(file, most_bytes, version)
    return Checkpoint(
        state=MDState(**{field.name: arrays[f"state/{field.name}"] for field in fields(MDState)}),
        capacity=Capacity(
            neighbors=int(file.attrs["capacity/slots"]), ghosts=int(file.attrs["capacity/ghosts"])
        ),
        written=group("written/"),
        conserved=float(file.attrs["conserved"]),
        config=json_with_current_names(str(file.attrs["config"])),
        potential=str(file.attrs["potential"]),
        **{name: arrays[name] for name in _ARRAYS},
    )


def forces_digest(potential: Potential) -> str:
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
