"""Trajectories as extended XYZ, for programs that do not read H5MD.

Virials of atoms, if frames hold them, are nine columns named virials (eV).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ase.data import chemical_symbols
from jaxtyping import Bool

from limlff.md.output.appended_file import AppendedFile
from limlff.md.output.trajectory import TrajectoryFrame

_BLOCK = 512  # atoms formatted by one operation, during which no other thread runs Python


class ExtendedXYZWriter(AppendedFile):
    """Appends frames to an extended XYZ file.

    Args:
        path: The file.
        periodic: Periodicity along each cell vector.
        keep_bytes: Length to which an existing file is cut first; None starts a new one.
    """

    def __init__(
        self, path: Path, periodic: Bool[np.ndarray, "3"], keep_bytes: int | None = None
    ) -> None:
        super().__init__(path, keep_bytes)
        self._periodic = " ".join("T" if axis else "F" for axis in periodic)

    def write(self, frame: TrajectoryFrame) -> None:
        """Append a frame."""
        lattice = " ".join(f"{value:.10g}" for value in frame.cell.ravel())
        numbers = np.unique(frame.numbers).tolist()
        values, columns, form = frame.positions, "species:S:1:pos:R:3", " %.6f" * 3
        if frame.virials is not None:
            values = np.hstack([values, frame.virials.reshape(-1, 9)])
            columns, form = f"{columns}:virials:R:9", form + " %.8g" * 9
        head = (
            f'{len(frame.numbers)}\nLattice="{lattice}" Properties={columns} '
            f'pbc="{self._periodic}" step={frame.step} time_fs={frame.time_fs:.10g}\n'
        )
        self._file.write(head.encode())
        lines = {number: f"{chemical_symbols[number]}{form}\n" for number in numbers}
        for first in range(0, len(frame.numbers), _BLOCK):
            block = slice(first, first + _BLOCK)
            text = "".join([lines[number] for number in frame.numbers[block].tolist()])
            self._file.write((text % tuple(values[block].ravel().tolist())).encode())
