"""Thermo table: one row of energies, temperature, pressure and volume per output step, as CSV."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
from jaxtyping import Float

from limlff.errors import InputError, shown
from limlff.md.output.appended_file import AppendedFile
from limlff.md.system.state import AtomTable, MDState, kinetic_tensor, temperature
from limlff.paths import user_path
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

_HEADER = (",".join(COLUMNS) + "\n").encode()


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


class ThermoWriter(AppendedFile):
    """Appends rows to a thermo table.

    Args:
        path: The file.
        keep_bytes: Length to which an existing table is cut first; None starts a new one.
    """

    def __init__(self, path: Path, keep_bytes: int | None = None) -> None:
        super().__init__(path, keep_bytes)
        if keep_bytes is None:
            self._file.write(_HEADER)

    def write(self, row: dict[str, float]) -> None:
        """Append a row; floats are written so that they are read back exactly."""
        values = [
            str(int(row[name])) if name in ("step", "atoms") else repr(float(row[name]))
            for name in COLUMNS
        ]
        self._file.write((",".join(values) + "\n").encode())


def read_thermo(path: Path | str) -> dict[str, Float[np.ndarray, " rows"]]:
    """Columns of a thermo table by name; units are in the names.

    Raises:
        InputError: If the file is missing or is no thermo table.
    """
    names, rows, garbled = read_rows(user_path(path))
    if garbled:
        line, text = next(iter(garbled.items()))
        raise InputError(
            f"{path}: is no thermo table: line {line} is {shown(text)!r}, which is no row of "
            f"{len(names)} numbers; correct or remove it"
        )
    return {name: rows[:, column] for column, name in enumerate(names)}


def read_rows(
    path: Path, most_bytes: int = -1
) -> tuple[list[str], Float[np.ndarray, "rows columns"], dict[int, str]]:
    """Names of the columns, the rows that can be read, and lines that cannot by their number.

    Args:
        path: The file.
        most_bytes: How much of it to read; a negative number for all of it.

    Raises:
        InputError: If the file cannot be read or has another head.
    """
    try:
        with path.open("rb") as file:
            head, *lines = file.read(most_bytes).decode(errors="replace").splitlines() or [""]
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    names = head.strip().split(",")
    if names[0] != "step":
        raise InputError(
            f"{path}: is no thermo table: its first column is '{shown(names[0])}', not 'step'"
        )
    with suppress(ValueError):  # all at once, if nothing is wrong
        if lines:
            rows = np.loadtxt(lines, delimiter=",", ndmin=2, comments=None)
            if rows.shape[1:] == (len(names),):
                return names, rows, {}
    whole, garbled = [], {}
    for number, line in enumerate(lines, start=2):
        row = _numbers_of(line)
        if len(row) == len(names):
            whole.append(row)
        elif line.strip():
            garbled[number] = line
    return names, np.array(whole).reshape(-1, len(names)), garbled


def _numbers_of(line: str) -> list[float]:
    try:
        return [float(word) for word in line.split(",")]
    except ValueError:
        return []
