"""Checkpoints of a training: one npz file with a JSON header, no pickle.

A checkpoint is written to a temporary name, synced and renamed, so that a file with its final name
is whole; the last two are kept in case the disk fails nevertheless.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import jax
import numpy as np

from limlff.atomic_file import replaced_when_whole
from limlff.errors import InputError, shown
from limlff.npy import array_from_bytes
from limlff.strict_json import parse_json
from limlff.zip_members import DAMAGED, open_members

logger = logging.getLogger(__name__)

FORMAT_VERSION = 1
_KEPT = 2
_HEADER = "header"
_LARGEST_HEADER = 2**30
"""Bytes; the history of 100,000 epochs has a tenth of them."""


def save_checkpoint(folder: Path, step: int, arrays: Any, header: dict[str, Any]) -> Path:
    """Write a checkpoint and remove all but the last two.

    Args:
        folder: Folder of the training.
        step: Steps made, for the name.
        arrays: A pytree of arrays.
        header: What else is to be kept; values that JSON can hold.

    Returns:
        The file.
    """
    target = folder / f"checkpoint-{step:09d}.npz"
    text = json.dumps({"version": FORMAT_VERSION, **header})
    with replaced_when_whole(target) as temporary:
        np.savez(temporary, allow_pickle=False, **{_HEADER: np.array(text), **_by_path(arrays)})
    for old in find_checkpoints(folder)[_KEPT:]:
        old.unlink(missing_ok=True)
    return target


def find_checkpoints(folder: Path) -> list[Path]:
    """The checkpoints in a folder, the latest first."""
    return sorted(folder.glob("checkpoint-*.npz"), reverse=True)


def load_checkpoint(folder: Path, like: Any) -> tuple[Any, dict[str, Any]]:
    """Read the latest checkpoint that is whole.

    Args:
        folder: Folder of the training.
        like: A pytree of arrays of the same structure, shapes and dtypes.

    Returns:
        The pytree (NumPy arrays), and the header.

    Raises:
        InputError: If there is no checkpoint, none is whole, or it does not fit `like`.
    """
    files = find_checkpoints(folder)
    if not files:
        raise InputError(f"{folder}: holds no checkpoint; start without --resume")
    most = sum(array.nbytes for array in _by_path(like).values()) + _LARGEST_HEADER
    for path in files:
        try:
            arrays, header = _read(path, most)
        except (OSError, InputError, *DAMAGED) as error:
            reason = shown(" ".join(str(error).split()), 200)
            logger.warning("%s is damaged (%s); trying the one before", path, reason)
            continue
        if header.pop("version") > FORMAT_VERSION:
            raise InputError(f"{path}: was written by a newer limlff; install that one")
        return _like(arrays, like, path), header
    raise InputError(f"{folder}: its checkpoints are damaged; start without --resume")


def _read(path: Path, most: int) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and header of a checkpoint whose members have at most so many bytes."""
    with open_members(path) as members:
        arrays = {
            name.removesuffix(".npy"): array_from_bytes(members.read(name, most))
            for name in members.names
        }
    header = parse_json(str(arrays.pop(_HEADER)).encode())
    if not isinstance(header, dict) or type(header.get("version")) is not int:
        raise ValueError("its header has no version")
    return arrays, header


def _by_path(arrays: Any) -> dict[str, np.ndarray]:
    leaves = jax.tree_util.tree_flatten_with_path(arrays)[0]
    return {jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in leaves}


def _like(arrays: dict[str, np.ndarray], like: Any, path: Path) -> Any:
    expected = _by_path(like)
    for name in sorted({*expected, *arrays}):
        sizes = [
            f"{found[name].dtype}{list(found[name].shape)}" if name in found else "missing"
            for found in (arrays, expected)
        ]
        if sizes[0] != sizes[1]:
            raise InputError(
                f"{path}: array {name} is {sizes[0]}, but the recipe asks for {sizes[1]}; "
                "resume with the recipe that the training was started with"
            )
    return jax.tree.unflatten(jax.tree.structure(like), [arrays[name] for name in expected])
