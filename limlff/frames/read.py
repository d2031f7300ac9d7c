"""Frames of any file or folder in a known format: the one entry to all readers."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from limlff.errors import InputError, shown
from limlff.frames.ase_files import read_ase
from limlff.frames.deepmd import is_deepmd, read_deepmd
from limlff.frames.extxyz import read_extxyz
from limlff.frames.frame import Frame
from limlff.frames.limits import check_geometry
from limlff.frames.mlearn import is_mlearn, read_mlearn
from limlff.frames.opening import COMPRESSED, require_place
from limlff.frames.source import FrameSource
from limlff.frames.store import is_store, read_store
from limlff.paths import user_path


def read_frames(path: Path | str) -> list[Frame]:
    """Read all frames of a file or folder; labels that it does not hold are None.

    Args:
        path: Extended XYZ (also .gz, .xz, .bz2), a DeePMD-kit folder or a folder of such, an mlearn
            JSON, a store written by `write_store`, or anything that ASE reads. The kind is found
            from name and content.

    Returns:
        The frames, one at least; their origin names the file and the frame's number, counted
        from 0. What should be known of them `read_source` tells.

    Raises:
        InputError: If the file is missing, cannot be understood, or gives no frames.
    """
    return list(read_source(user_path(path)).frames)


def read_source(path: Path) -> FrameSource:
    """Like `read_frames`, with the keys under which labels were found and remarks."""
    require_place(path)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # of numpy, before the one line that is to come
            source = _read_folder(path) if path.is_dir() else _read_file(path)
            for frame in source.frames:
                check_geometry(frame)
    except InputError:
        raise
    except OSError as error:
        raise InputError(
            f"{shown(path)}: cannot be read: {shown(str(error.strerror or error))}"
        ) from error
    except Exception as error:  # numpy, zlib, lzma, h5py and json raise many kinds on damage
        kind = type(error).__name__  # of zlib only `error`
        reason = ": ".join(part for part in (kind * (kind != "error"), shown(str(error))) if part)
        raise InputError(
            f"{shown(path)}: is damaged or not of the kind that its name says: {reason}; write it "
            "again"
        ) from error
    if not source.frames:
        raise InputError(f"{shown(path)}: {_why_empty(source)}; give a file with at least one")
    return source


def _why_empty(source: FrameSource) -> str:
    if not source.left_out:
        return "has no frames"
    return f"none of its {source.left_out} frames can be used; {'; '.join(source.sentences())}"


def _read_folder(path: Path) -> FrameSource:
    if is_deepmd(path):
        return read_deepmd(path)
    raise InputError(
        f"{shown(path)}: is a folder without type.raw in it; give a file or a DeePMD folder"
    )


def _read_file(path: Path) -> FrameSource:
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in COMPRESSED]
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
