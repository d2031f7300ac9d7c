"""The one entry to all readers: frames of any file or folder that is understood."""

from __future__ import annotations

from pathlib import Path

from limlff.errors import InputError
from limlff.frames.ase_files import read_ase
from limlff.frames.deepmd import is_deepmd, read_deepmd
from limlff.frames.extxyz import read_extxyz
from limlff.frames.frame import Frame
from limlff.frames.mlearn import is_mlearn, read_mlearn
from limlff.frames.source import FrameSource
from limlff.frames.store import is_store, read_store

_COMPRESSED = {".gz", ".xz", ".bz2"}


def read_frames(path: Path | str) -> list[Frame]:
    """Read all frames of a file or folder; labels that it does not hold are None.

    Args:
        path: Extended XYZ (also .gz, .xz, .bz2), a DeePMD-kit folder or a folder of such, an mlearn
            JSON, a store written by `write_store`, or anything that ASE reads. The kind is found
            from name and content.

    Returns:
        The frames; their origin names the file and the frame's number, counted from 0.

    Raises:
        InputError: If the file is missing or cannot be understood.
    """
    return list(read_source(Path(path)).frames)


def read_source(path: Path) -> FrameSource:
    """Like `read_frames`, with the keys under which labels were found and remarks."""
    if not path.exists():
        raise InputError(f"{path}: there is no such file; check the name")
    try:
        if path.is_dir():
            return _read_folder(path)
        return _read_file(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def _read_folder(path: Path) -> FrameSource:
    if is_deepmd(path):
        return read_deepmd(path)
    raise InputError(f"{path}: is a folder without type.raw in it; give a file or a DeePMD folder")


def _read_file(path: Path) -> FrameSource:
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in _COMPRESSED]
    if suffixes and suffixes[-1] in (".xyz", ".extxyz"):
        return read_extxyz(path)
    if is_store(path):
        return _read_store(path)
    return read_mlearn(path) if is_mlearn(path) else read_ase(path)


def _read_store(path: Path) -> FrameSource:
    source = FrameSource(str(path), read_store(path))
    for frame in source.frames:
        source.count_keys(
            energy=None if frame.energy is None else "energy",
            forces=None if frame.forces is None else "forces",
            stress=None if frame.stress is None else "stress",
        )
    return source
