"""Electronic convergence of the steps of a calculation, read from its output file.

A DFT code that reaches its maximum number of electronic steps continues with the unconverged
result, and the energy and forces of such an ionic step look like any others. Each code reports it
in its own words, which are searched for in the part of the file that belongs to the step.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from limlff.errors import InputError
from limlff.frames.opening import lines_of, open_text

NOT_CONVERGED = "its electronic steps did not converge"
"""Why a frame is not taken."""
_NOT_REPORTED = "the file does not say that its electronic steps converged, as it does of others"
# of the electrons; a bare `converged` may be of the relaxation of atoms
_KEYS = re.compile(
    r"(?i)(dft_)?(scf|electronic(ally)?)_?(is_)?converge[dn]\w*|converged_electronic"
)
_FALSE = {"f", "false", "0", "no"}
_TRUE = {"t", "true", "1", "yes"}
_OTHER_KEYS = re.compile(r"(?i)(?P<negated>un|not?_?|non_?)?(is_)?converge[dn]\w*")


@dataclass(frozen=True)
class Steps:
    """Ionic steps of a file.

    Attributes:
        reasons: For each step why it must not be used; None if it can be.
        is_cut: Whether the file ends within a further step.
    """

    reasons: list[str | None]
    is_cut: bool = False


@dataclass(frozen=True)
class _Words:
    """Words of a code's text output.

    Attributes:
        failure: Says that the electronic steps did not converge.
        success: Says that they did.
        begin: First line of a step, if steps are told apart by it.
        end: Last line of a step, likewise.
        end_in_relaxation: The same in a file that has such lines, instead of `end`.
        result: A line without which the step is no frame for ASE.
    """

    failure: re.Pattern[str]
    success: re.Pattern[str] | None = None
    begin: re.Pattern[str] | None = None
    end: re.Pattern[str] | None = None
    end_in_relaxation: re.Pattern[str] | None = None
    result: re.Pattern[str] | None = None


def _any(*words: str) -> re.Pattern[str]:
    return re.compile("|".join(words), re.IGNORECASE)


_WORDS = {
    "espresso-out": _Words(
        _any("convergence NOT achieved"),
        _any("convergence has been achieved"),
        begin=_any("Program PWSCF", "ATOMIC_POSITIONS"),
        result=re.compile(
            "!    total energy|Forces acting on atoms|total   stress|Magnetic moment per site|"
            "End of self-consistent calculation|End of band structure calculation"
        ),
    ),
    "aims-output": _Words(
        _any(r"self-consistency cycle not converged", r"scf cycle not converged"),
        _any(r"self-consistency cycle converged"),
        end=_any("Begin self-consistency loop: Re-initialization"),
        end_in_relaxation=_any("Geometry optimization: Attempting to predict improved coordinates"),
    ),
    "gpaw-out": _Words(
        _any("did not converge", "not converged"),
        _any(r"\bconverged (after|in)\b"),
        begin=re.compile(r"\s*positions:\s*$", re.IGNORECASE),
    ),
    "castep-castep": _Words(
        _any("max. SCF cycles performed but system has not reached the groundstate"),
        begin=_any("BFGS: (starting|improving) iteration", "Starting MD iteration"),
        result=_any("Final energy", "NB est. 0K energy"),
    ),
    "abinit-out": _Words(_any("was not enough SCF cycles to converge", "scfcv.*did not converge")),
    "orca-output": _Words(
        _any(r"SCF\s+NOT\s+(FULLY\s+)?CONVERGED", "wavefunction not fully converged"),
        end=_any("ORCA TERMINATED NORMALLY", "ORCA GEOMETRY RELAXATION STEP"),
    ),
    "nwchem-out": _Words(_any("calculation failed to converge", "failed to converge in maximum")),
    "gaussian-out": _Words(_any("convergence failure", "convergence criterion not met")),
    "onetep-out": _Words(_any(r"maximum number of NGWF.*exceeded", "NGWF.*not converged")),
    "gamess-us-out": _Words(_any("SCF IS UNCONVERGED", "DENSITY (IS )?NOT CONVERGED")),
    "dacapo-text": _Words(_any("not converged")),
}


def unconverged_reason(info: Mapping[str, Any]) -> str | None:
    """Why a frame whose keys tell of its electronic steps is not to be used, or None."""
    for key, value in info.items():
        if _KEYS.fullmatch(key) and str(value).strip().lower() in _FALSE:
            return f"{NOT_CONVERGED}, as {key} says"
    return None


def find_convergence_key(info: Mapping[str, Any]) -> str | None:
    """A key that says that something did not converge, be it electrons or atoms; None without."""
    for key, value in info.items():
        found = _OTHER_KEYS.fullmatch(key)
        if found and str(value).strip().lower() in (_TRUE if found["negated"] else _FALSE):
            return key
    return None


def read_steps(path: Path, kind: str) -> Steps | None:
    """Read the ionic steps of an output file.

    Args:
        path: The file, not compressed.
        kind: Its format, by the name that ASE has for it.

    Returns:
        The steps; None for a format that does not report convergence.
    """
    readers: dict[str, Callable[[Path], Steps]] = {
        "vasp-xml": _vasprun_steps,
        "vasp-out": _outcar_steps,
        "gpw": _gpw_steps,
        "db": _row_steps,
        "json": _row_steps,
    }
    if kind in readers:
        return readers[kind](path)
    words = _WORDS.get(kind)
    return None if words is None else _text_steps(path, words)


def reasons_per_frame(steps: Steps, frames: int, name: str) -> list[str | None]:
    """For each frame of a file why it must not be used.

    Args:
        steps: The steps of the file.
        frames: Number of frames that were read.
        name: The file, for messages.

    Raises:
        InputError: If a step did not converge and cannot be told which of the frames it is.
    """
    # after the last frame there may be a step without one: a footer, or one that was cut off
    if 0 <= len(steps.reasons) - frames <= 1:
        return steps.reasons[:frames]
    if not any(steps.reasons):
        return [None] * frames
    if frames == 1:
        return [next(filter(None, steps.reasons))]
    raise InputError(
        f"{name}: says of a step that {NOT_CONVERGED}, but not which of its {frames} frames that "
        "is; give the steps as files of their own"
    )


def _lines(path: Path) -> Iterator[str]:
    with open_text(path) as file:
        yield from lines_of(file, path)


def _text_steps(path: Path, words: _Words) -> Steps:
    """Steps of a text output, by the words of its code."""
    if words.end_in_relaxation is not None:
        is_relaxation = any(words.end_in_relaxation.search(line) for line in _lines(path))
        end = words.end_in_relaxation if is_relaxation else words.end
        words = replace(words, end=end, end_in_relaxation=None)
    parts: list[dict[str, bool]] = [{}]
    for line in _lines(path):
        if words.begin is not None and words.begin.search(line):
            parts.append({"begun": True})
        for name in ("failure", "success", "result"):
            pattern = getattr(words, name)
            if pattern is not None and pattern.search(line):
                parts[-1][name] = True
        if words.end is not None and words.end.search(line):
            parts.append({})
    if words.result is not None:
        parts = [part for part in parts if part.get("result")]
    elif words.begin is not None and len(parts) > 1:
        del parts[0]  # what stands before the first step
    return Steps(_judge(parts))


def _reports_convergence(part: dict[str, bool]) -> bool:
    return bool(part.get("failure") or part.get("success"))


def _judge(parts: list[dict[str, bool]]) -> list[str | None]:
    reports_success = any(part.get("success") for part in parts)
    last = len(parts) - 1
    reasons: list[str | None] = []
    for number, part in enumerate(parts):
        is_footer = number == last and number > 0 and not _reports_convergence(part)
        if part.get("failure"):
            reasons.append(NOT_CONVERGED)
        elif reports_success and not part.get("success") and not is_footer:
            reasons.append(_NOT_REPORTED)
        else:
            reasons.append(None)
    return reasons


_ITERATION = re.compile(r"Iteration\s+\d+\(\s*(\d+)\s*\)")
_NELM = re.compile(r"\bNELM\s*=\s*(\d+)")


def _outcar_steps(path: Path) -> Steps:
    """Steps of an OUTCAR: EDIFF was reached, or as many electronic steps were made as allowed."""
    reasons: list[str | None] = []
    most, count, reached, failed = 0, 0, False, False
    counts: list[tuple[int, bool, bool]] = []
    for line in _lines(path):
        if not most and (found := _NELM.search(line)):
            most = int(found.group(1))
        elif found := _ITERATION.search(line):
            count = int(found.group(1))
        elif "EDIFF is reached" in line:
            reached = True
        elif "EDIFF was not reached" in line or "hard stop encountered" in line:
            failed = True
        elif "FREE ENERGIE OF THE ION-ELECTRON SYSTEM" in line:
            counts.append((count, reached, failed))
            count, reached, failed = 0, False, False
    reports_success = any(reached for _, reached, _ in counts)
    for made, was_reached, has_failed in counts:
        if has_failed:
            reasons.append(NOT_CONVERGED)
        elif not was_reached and most and made >= most:
            reasons.append(f"{NOT_CONVERGED}, NELM = {most} were made")
        else:
            reasons.append(_NOT_REPORTED if reports_success and not was_reached else None)
    return Steps(reasons, is_cut=count > 0)


def _vasprun_steps(path: Path) -> Steps:
    """Steps of a vasprun.xml: as many electronic steps as NELM allows means none converged."""
    most, counts, begun, whole = 0, [], 0, 0
    try:
        for event, element in ET.iterparse(path, events=("start", "end")):
            if event == "start":
                begun += element.tag == "calculation"
                if element.tag == "calculation":
                    counts.append(0)
            elif element.tag == "i" and element.get("name", "").strip() == "NELM":
                most = int(element.text or 0)
            elif element.tag == "scstep":
                if counts:
                    counts[-1] += 1
                element.clear()
            elif element.tag == "calculation":
                whole += 1
                element.clear()
    except ET.ParseError:  # cut off; the whole steps can be used
        pass
    reasons = [
        f"{NOT_CONVERGED}, NELM = {most} were made" if 0 < most <= count else None
        for count in counts
    ]
    return Steps(reasons, is_cut=whole < begun)


def _row_steps(path: Path) -> Steps:
    """The rows of a database of ASE, by what their keys say."""
    from ase.db import connect

    rows = connect(str(path), use_lock_file=False).select()
    return Steps([unconverged_reason(row.key_value_pairs) for row in rows])


def _gpw_steps(path: Path) -> Steps:
    """The step of a restart file of GPAW."""
    from ase.io import ulm

    with ulm.open(str(path)) as reader:
        converged = reader.asdict().get("scf", {}).get("converged")
    return Steps([NOT_CONVERGED if converged is not None and not converged else None])
