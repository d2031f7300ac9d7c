"""Thermo table: one row of energies, temperature, pressure and volume per output step, as CSV."""

from __future__ import annotations

import io
import os
from contextlib import suppress
from pathlib import Path

import numpy as np
from jaxtyping import Float

from limlff.errors import InputError
from limlff.md.state import AtomTable, MDState, kinetic_tensor, temperature
from limlff.units import GIGAPASCAL

COLUMNS = (
    "step",
    "time_fs",
    "potential_ev",
    "kinetic_ev",
    "temperature_k",
    "pressure_xx_gpa",
    "pressure_yy_gpa",
    "pressure_zz_gpa",
    "pressure_yz_gpa",
    "pressure_xz_gpa",
    "pressure_xy_gpa",
    "volume_angstrom3",
    "conserved_ev",
    "atoms",
)


def thermo_row(
    state: MDState,
    atoms: AtomTable,
    count: int,
    timestep_fs: float,
    conserved: float,
    has_volume: bool,
) -> dict[str, float]:
    """Values of one row.

    Args:
        state: The state.
        atoms: The atoms.
        count: How many there are.
        timestep_fs: Time step (fs).
        conserved: Conserved quantity (eV).
        has_volume: Whether the system is periodic in all directions; without, volume and pressure
            have no meaning and are not a number.

    Returns:
        A value for each of `COLUMNS`; pressures are positive in compression, and hold the kinetic
        part.
    """
    moving = np.asarray(kinetic_tensor(state, atoms))
    kinetic = 0.5 * float(np.trace(moving))
    volume = float(abs(np.linalg.det(state.cell))) if has_volume else float("nan")
    pressure = (moving + np.asarray(state.virial)) / (volume * GIGAPASCAL)
    pressure = 0.5 * (pressure + pressure.T)
    step = int(state.step)
    values = (
        step,
        step * timestep_fs,
        float(state.energy),
        kinetic,
        temperature(kinetic, float(atoms.degrees_of_freedom)),
        *(float(pressure[i, j]) for i, j in ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))),
        volume,
        conserved,
        count,
    )
    return dict(zip(COLUMNS, values, strict=True))


class ThermoWriter:
    """Appends rows to a thermo table.

    Args:
        path: The file.
        keep_bytes: Length to which an existing table is cut first; None starts a new one.
    """

    def __init__(self, path: Path, keep_bytes: int | None = None) -> None:
        self._file: io.BufferedRandom | io.BufferedWriter
        if keep_bytes is None:
            self._file = path.open("wb")
            self._file.write((",".join(COLUMNS) + "\n").encode())
        else:
            self._file = path.open("r+b")
            self._file.truncate(keep_bytes)
            self._file.seek(keep_bytes)

    def write(self, row: dict[str, float]) -> None:
        """Append a row; floats are written so that they are read back exactly."""
        values = [
            str(int(row[name])) if name in ("step", "atoms") else repr(float(row[name]))
            for name in COLUMNS
        ]
        self._file.write((",".join(values) + "\n").encode())

    def flush(self) -> int:
        """Hand everything to the operating system; returns the length of the table (bytes)."""
        self._file.flush()
        return self._file.tell()

    def sync(self) -> None:
        """Wait until everything is on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file; every row in it was flushed before."""
        with suppress(OSError):  # a full disk has been reported by then
            self._file.close()


def read_thermo(path: Path) -> dict[str, Float[np.ndarray, " rows"]]:
    """Columns of a thermo table by name; units are in the names.

    Raises:
        InputError: If the file is missing or is no thermo table.
    """
    try:
        with Path(path).open(encoding="utf-8") as file:
            names = file.readline().strip().split(",")
            values = np.loadtxt(file, delimiter=",", ndmin=2)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{path}: is no thermo table: {error}") from error
    if names[0] != "step":
        raise InputError(
            f"{path}: is no thermo table: its first column is '{names[0]}', not 'step'"
        )
    values = values.reshape(-1, len(names))
    return {name: values[:, column] for column, name in enumerate(names)}
