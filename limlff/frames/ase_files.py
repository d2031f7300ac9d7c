"""Anything that ASE reads with labels: VASP OUTCAR and vasprun.xml, .traj, databases and others."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from limlff.errors import InputError, shown
from limlff.frames.convergence import (
    Steps,
    read_steps,
    reasons_per_frame,
    unconverged_reason,
)
from limlff.frames.core import CORE, read_core
from limlff.frames.frame import Frame
from limlff.frames.key_remarks import remark_on_convergence
from limlff.frames.labels import full_stress
from limlff.frames.opening import frame_of, plain_file
from limlff.frames.source import STRESS_WITHOUT_PERIODICITY, FrameSource, has_stress_meaning
from limlff.real_arrays import real_array

CUT_OFF = "the file ends within this step"
"""Why the last step of a killed calculation is not taken."""
_MOST_READS_AT_END = 1000
_OWN_WORDS = (ValueError, OSError, RuntimeError, ImportError)
"""Errors whose text is meant for the user; that of others describes the inside of a parser."""


def read_ase(path: Path) -> FrameSource:
    """Read all images of a file that ASE understands, its format found by ASE.

    The energy is `free_energy` where the format has one, since the forces are its derivative.
    Forces are taken as they were computed, also of atoms that a constraint holds. Steps whose
    electrons did not converge, and a last step that was cut off, are left out.

    Raises:
        InputError: If ASE does not know the format or fails to read it, or no step is left.
    """
    source = FrameSource(str(path))
    with plain_file(path) as plain:
        kind = find_format(plain, path)
        images = read_images(plain, kind, path, source)
        steps = read_steps(plain, kind)
    reasons = _reasons(images, steps, path)
    kept = []
    for index, (atoms, reason) in enumerate(zip(images, reasons, strict=True)):
        origin = frame_of(path, index)
        if reason is None:
            kept.append(_make_frame(atoms, origin, source))
            remark_on_convergence(_keys_of(atoms), origin, source)
        else:
            source.leave_out(origin, reason)
    if steps is not None and steps.is_cut:
        source.remark(f"the file ends within step {len(images)}, which is left out")
    source.frames = kept
    return source


def find_format(plain: Path, path: Path) -> str:
    """The format of a file, by the name that ASE has for it.

    Args:
        plain: The file, not compressed.
        path: Its name for messages.

    Raises:
        InputError: If ASE does not know it.
    """
    from ase.io.formats import UnknownFileTypeError, filetype, get_ioformat  # slow to import

    try:
        kind = str(filetype(str(plain)))
        get_ioformat(kind)  # where nothing else is known it is what follows the last dot
        return kind
    except UnknownFileTypeError:
        raise InputError(
            f"{shown(path)}: is of no kind that is known; give extended XYZ, a store (.h5), a "
            "DeePMD folder, mlearn JSON, or the output of a DFT code under its usual name"
        ) from None


def read_images(plain: Path, kind: str, path: Path, source: FrameSource) -> list[Atoms]:
    """All images of a file, and what ASE warns of as remarks.

    Args:
        plain: The file, not compressed.
        kind: Its format, by the name that ASE has for it.
        path: Its name for messages.
        source: Takes the remarks.

    Raises:
        InputError: If ASE fails to read it.
    """
    # a killed calculation of FHI-aims is judged step by step, not as a whole
    options = {"non_convergence_ok": True} if kind == "aims-output" else {}
    images: list[Atoms] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            for atoms in _iterate(plain, kind, options):
                images.append(atoms)
        except InputError:
            raise
        except Exception as error:  # ASE's parsers raise whatever meets them in a damaged file
            raise InputError(
                f"{shown(path)}: {_reason(error, kind)} (after {len(images)} frames); check that "
                "the calculation has ended and the name tells its kind"
            ) from error
    for warning in caught:
        if issubclass(warning.category, UserWarning):
            source.remark(f"ASE: {shown(str(warning.message), 160)}")
    return images


class _EndingText(io.TextIOWrapper):
    """A text file that can be read at its end only so often.

    A parser that reads as many lines as a number in the file says never comes to an end otherwise.
    """

    reads_at_end = 0

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        """One line; see `io.TextIOBase`."""
        line = super().readline(size)
        if not line:
            self.reads_at_end += 1
            if self.reads_at_end > _MOST_READS_AT_END:
                raise OSError("the file ends before all that it announces")
        return line


def _iterate(plain: Path, kind: str, options: dict[str, bool]) -> Iterator[Atoms]:
    from ase.io import iread  # slow to import
    from ase.io.formats import get_ioformat

    wanted = get_ioformat(kind)
    if wanted.acceptsfd and not wanted.isbinary:
        with open(plain, "rb") as raw, _EndingText(raw, "utf-8", "replace") as file:
            yield from iread(file, ":", format=kind, **options)
    else:  # a sign @ in a name is part of it
        yield from iread(str(plain), ":", format=kind, do_not_split_by_at_sign=True, **options)


def _reason(error: Exception, kind: str) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, ImportError):
        return f"cannot be read, {kind} needs another package: {shown(text)}"
    if isinstance(error, _OWN_WORDS) and text and "NoneType" not in text:
        return f"cannot be read as {kind}: {shown(text)}"
    return f"is damaged, cut off or no {kind} file"


def _reasons(images: list[Atoms], steps: Steps | None, path: Path) -> list[str | None]:
    """Per image why it is not to be used."""
    reasons: list[str | None] = [None] * len(images)
    if steps is not None:
        reasons = reasons_per_frame(steps, len(images), str(path))
        labelled = [atoms.calc is not None and bool(atoms.calc.results) for atoms in images]
        if len(images) > 1 and any(labelled) and not labelled[-1]:
            reasons[-1] = reasons[-1] or CUT_OFF
    return [
        reason or unconverged_reason(atoms.info)
        for reason, atoms in zip(reasons, images, strict=True)
    ]


def frame_of_atoms(atoms: Atoms, origin: str, source: FrameSource) -> Frame:
    """A frame of atoms and the labels that their calculator holds; nothing is computed.

    Args:
        atoms: Atoms, by custom with a `SinglePointCalculator`.
        origin: What messages call them.
        source: Takes the remarks.

    Raises:
        InputError: If the results are of other positions, of another cell or other elements.
    """
    changes = [] if atoms.calc is None else atoms.calc.check_state(atoms)
    if changes:
        raise InputError(
            f"{origin}: the results of their calculator are of other {', '.join(changes)}; compute "
            "them anew"
        )
    return _make_frame(atoms, origin, source)


def _make_frame(atoms: Atoms, origin: str, source: FrameSource) -> Frame:
    results: Mapping[str, Any] = {} if atoms.calc is None else atoms.calc.results
    energy_key = next((key for key in ("free_energy", "energy") if _has(results, key)), None)
    has_forces = _has(results, "forces")
    periodic = np.array(atoms.pbc, bool)
    stress = None
    if _has(results, "stress") and has_stress_meaning(periodic):
        values = np.ravel(results["stress"])
        stress = full_stress(real_array(values, (None,), "stress", origin), origin)
    elif _has(results, "stress"):
        source.remark(STRESS_WITHOUT_PERIODICITY, origin, of_labels=True)
    source.count_keys(
        energy=energy_key,
        forces="forces" if has_forces else None,
        stress=None if stress is None else "stress",
    )
    energy = None if energy_key is None else real_array(results[energy_key], (), "energy", origin)
    shape = (len(atoms), 3)
    return Frame(
        numbers=np.array(atoms.numbers, int),
        positions=np.array(atoms.positions, float),
        cell=np.array(atoms.cell, float),
        periodic=periodic,
        energy=None if energy is None else float(energy),
        forces=real_array(results["forces"], shape, "forces", origin) if has_forces else None,
        stress=stress,
        core=read_core(atoms.arrays.get(CORE), origin, source),
        group=str(atoms.info.get("config_type", "")),
        origin=origin,
    )


def _keys_of(atoms: Atoms) -> dict[str, Any]:
    """Keys of an image, with those of a database's row."""
    of_row = atoms.info.get("key_value_pairs")
    return {**atoms.info, **(of_row if isinstance(of_row, dict) else {})}


def _has(results: Mapping[str, Any], key: str) -> bool:
    return results.get(key) is not None
