"""Configurations of any file that ASE reads, and of trajectories of limlff."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from limlff.errors import InputError, os_error_in_words, shown
from limlff.numbers_as_text import figure

if TYPE_CHECKING:
    from ase import Atoms

HDF5 = (".h5", ".hdf5")


@dataclass(frozen=True)
class Configuration:
    """One frame of a file.

    Attributes:
        frame: Its number in the file, from 0.
        atoms: The atoms.
        time_fs: Time (fs); None if the file does not say.
    """

    frame: int
    atoms: Atoms
    time_fs: float | None

    @property
    def title(self) -> str:
        """Number, formula and time."""
        title = f"frame {self.frame}, {self.atoms.get_chemical_formula()}"
        if self.time_fs is not None:
            title += f", {figure(self.time_fs / 1000, '.4g')} ps"
        return title


def read_configurations(path: Path, every: int = 1) -> list[Configuration]:
    """Every so many-th frame of a file, counted from its last one, which is always among them.

    Args:
        path: A trajectory of limlff (.h5), or anything that ASE reads.
        every: Frames from one to the next.

    Raises:
        InputError: If the file is missing, cannot be understood, or holds no frame.
    """
    from limlff.frames.opening import require_place

    require_place(path)
    if path.is_dir():
        raise InputError(f"{shown(path)}: is a folder; name a file with configurations")
    try:
        found = _read_h5md(path, every) if path.suffix in HDF5 else _read_by_ase(path, every)
    except OSError as error:
        raise InputError(f"{shown(path)}: {os_error_in_words(error)}") from error
    if not found:
        raise InputError(f"{shown(path)}: has no frames; give a file with at least one")
    return found


def _read_h5md(path: Path, every: int) -> list[Configuration]:
    from ase import Atoms

    from limlff.md.output.trajectory import Trajectory

    trajectory = Trajectory(path)
    found = []
    for index in _chosen(len(trajectory), every):
        frame = trajectory[index]
        atoms = Atoms(frame.numbers, frame.positions, cell=frame.cell, pbc=True)
        found.append(Configuration(index, atoms, frame.time_fs))
    return found


def _read_by_ase(path: Path, every: int) -> list[Configuration]:
    from limlff.frames.ase_files import find_format, read_images
    from limlff.frames.opening import plain_file
    from limlff.frames.source import FrameSource

    with plain_file(path) as plain:
        images = read_images(plain, find_format(plain, path), path, FrameSource(str(path)))
    times = [atoms.info.get("time_fs") for atoms in images]
    return [
        Configuration(index, images[index], float(time) if _is_number(time) else None)
        for index, time in ((index, times[index]) for index in _chosen(len(images), every))
    ]


def _is_number(value: object) -> bool:
    try:
        float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return True


def _chosen(count: int, every: int) -> range:
    return range((count - 1) % every, count, every)
