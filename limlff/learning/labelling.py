"""One frame labelled: the calculation in processes of its own, within its limits.

The folder of a calculation holds its job, what it printed, and, once it is there, the result. A
result that is there is taken, not calculated again.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from limlff.atomic_file import write_text_whole
from limlff.errors import InputError, OutOfTime, shown
from limlff.frames.convergence import read_steps
from limlff.frames.frame import Frame
from limlff.frames.source import has_stress_meaning
from limlff.learning import guardian
from limlff.learning.labeller import Labeller
from limlff.learning.tasks import Cost

JOB, RESULT, LOG, REPORT = "job.json", "result.json", "log.txt", "end.json"

LARGEST_KEPT = 5_000_000
"""Bytes of the largest file of a calculation that is kept: output is, wave functions are not."""

Failing = Literal["setup", "unconverged", "memory", "time", "crash", "error", "implausible"]

RETRIED: tuple[Failing, ...] = ("unconverged", "crash", "error", "implausible")
"""What may go better with safer settings; more time or memory it would not get."""

_RESULT_KEYS = {"energy", "energy_sigma0", "forces", "stress", "scf_steps", "code"}
_WORKER = Path(__file__).with_name("label_worker.py")
_POLL_SECONDS = 0.05
_LOG_SHOWN = 200


@dataclass(frozen=True)
class Label:
    """A frame with its labels, and how they came about.

    Attributes:
        frame: The frame: its energy is the one that goes with its forces.
        settings: Digest of the labeller's settings.
        code: Package and version of the calculator.
        cost: Of the calculation.
        energy_sigma0: Energy extrapolated to zero smearing, or as the calculator has it (eV).
        scf_steps: Steps of self-consistency; None if the calculator does not tell.
    """

    frame: Frame
    settings: str
    code: str
    cost: Cost
    energy_sigma0: float
    scf_steps: int | None = None


@dataclass(frozen=True)
class LabelFailure:
    """Why a frame has no label.

    Attributes:
        kind: What failed: the calculator could not be made (setup), its electronic steps did not
            converge, it needed too much memory or time, was killed (crash), raised another error,
            or gave what cannot be right.
        reason: The same in words.
        cost: What the calculation took.
    """

    kind: Failing
    reason: str
    cost: Cost = field(default_factory=Cost)


def label_frame(
    frame: Frame,
    labeller: Labeller,
    folder: Path,
    safer: bool = False,
    stop: threading.Event | None = None,
) -> Label | LabelFailure:
    """Calculate the labels of a frame; its own, if it has any, do not matter.

    Args:
        frame: The structure.
        labeller: Code, settings and limits.
        folder: Where the calculation runs; made if missing.
        safer: Whether with the settings of a second try.
        stop: Ends the calculation when it is set.

    Raises:
        InputError: If the frame is too large for the labeller, or has no cell where it needs one.
        OutOfTime: If `stop` was set.
    """
    if len(frame) > labeller.max_atoms:
        raise InputError(
            f"{frame.origin or 'a frame'}: has {len(frame)} atoms, labeller.max_atoms is "
            f"{labeller.max_atoms}; cut it or raise the limit"
        )
    job = _job(frame, labeller, safer)
    folder.mkdir(parents=True, exist_ok=True)
    known = _known_result(folder, job)
    if known is None:
        _clear(folder)
        write_text_whole(folder / JOB, job)
        _run(labeller, folder, stop)
    result = _with_outputs(_read(folder / RESULT), labeller, folder)
    end = _read(folder / REPORT)
    cost = Cost(end.get("core_seconds", 0.0), end.get("wall_seconds", 0.0))
    if not result or "failure" in result:
        return replace(_failure(result, end, labeller, folder), cost=cost)
    _remove_large_files(folder)
    try:
        return _label(frame, labeller, result, cost)
    except (KeyError, TypeError, ValueError) as error:
        reason = f"{RESULT} holds no labels: {type(error).__name__}: {error}"
        return LabelFailure("error", shown(reason, _LOG_SHOWN), cost)


def _job(frame: Frame, labeller: Labeller, safer: bool) -> str:
    content = {
        "numbers": np.asarray(frame.numbers).tolist(),
        "positions": np.asarray(frame.positions, float).tolist(),
        "cell": np.asarray(frame.cell, float).tolist(),
        "periodic": labeller.periodic(frame),
        "calculator": labeller.calculator(frame, safer),
    }
    return json.dumps(content, indent=1)


def _known_result(folder: Path, job: str) -> dict[str, Any] | None:
    """The labels of the same job, calculated before by a process that could not tell of them."""
    if not (folder / JOB).is_file() or (folder / JOB).read_text(encoding="utf-8") != job:
        return None
    result = _read(folder / RESULT)
    is_whole = "failure" not in result and result.keys() >= _RESULT_KEYS
    return result if is_whole else None


def _clear(folder: Path) -> None:
    for name in (RESULT, REPORT, LOG):
        (folder / name).unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Any]:
    """Content of a file of JSON; nothing if it is missing or damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _run(labeller: Labeller, folder: Path, stop: threading.Event | None) -> None:
    """Run the calculation and wait for its end.

    Raises:
        OutOfTime: If `stop` was set.
    """
    python = str(labeller.python or sys.executable)
    calculation = [*labeller.launcher, python, str(_WORKER.absolute()), JOB, RESULT]
    limits = [str(labeller.wall_minutes * 60), str(int(labeller.memory_gib * 2**30)), REPORT]
    command = [sys.executable, "-I", "-S", guardian.__file__]
    with open(folder / LOG, "wb") as log:
        reading, alive = os.pipe()
        try:
            process = subprocess.Popen(
                [*command, str(reading), *limits, *calculation],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **labeller.environment},
                pass_fds=[reading],
                start_new_session=True,  # Ctrl-C is for the campaign to hear, not for this
            )
        finally:
            os.close(reading)
        try:
            while process.poll() is None:
                if stop is not None and stop.is_set():
                    raise OutOfTime("stopped within a calculation, which begins again")
                time.sleep(_POLL_SECONDS)
        finally:
            os.close(alive)  # the guardian ends what still runs
            if process.wait():  # it was killed: the calculation shall not run beside a second try
                guardian.kill_session(process.pid)


def _with_outputs(result: dict[str, Any], labeller: Labeller, folder: Path) -> dict[str, Any]:
    """The result; a failure, if the code's own output says that it did not converge."""
    if labeller.code.output is None:
        return result
    name, kind = labeller.code.output
    if not (folder / name).is_file():
        return result
    steps = read_steps(folder / name, kind)
    reasons = [reason for reason in (steps.reasons if steps else []) if reason]
    if reasons:
        return {"failure": "unconverged", "reason": reasons[-1]}
    return result


def _failure(
    result: dict[str, Any], end: dict[str, Any], labeller: Labeller, folder: Path
) -> LabelFailure:
    if end.get("ended") == guardian.OVERTIME:
        return LabelFailure(
            "time", f"took longer than labeller.wall_minutes = {labeller.wall_minutes:g}"
        )
    if result.get("failure") == "memory" or "MemoryError" in _end_of_log(folder):
        return LabelFailure(
            "memory", f"needed more than labeller.memory_gib = {labeller.memory_gib:g}"
        )
    if result:
        return LabelFailure(result["failure"], shown(result["reason"], _LOG_SHOWN))
    log = _end_of_log(folder)
    if "error" in end or "ModuleNotFoundError" in log:  # no such interpreter, or no ASE in it
        return LabelFailure("setup", shown(str(end.get("error", log)), _LOG_SHOWN))
    peak = f"{end.get('peak_bytes', 0) / 2**30:.2g} of {labeller.memory_gib:g} GiB in use"
    how = _exit_in_words(int(end.get("code", -signal.SIGKILL)))
    return LabelFailure("crash", f"{how}, {peak}: {shown(log, _LOG_SHOWN)}")


def _exit_in_words(code: int) -> str:
    if code >= 0:
        return f"ended with code {code} and without a result"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def _end_of_log(folder: Path) -> str:
    try:
        text = (folder / LOG).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return text.strip()[-_LOG_SHOWN:]


def _label(frame: Frame, labeller: Labeller, result: dict[str, Any], cost: Cost) -> Label:
    stress = result["stress"]
    has_stress = stress is not None and has_stress_meaning(frame.periodic)
    labelled = replace(
        frame,
        energy=float(result["energy"]),
        forces=np.array(result["forces"], float),
        stress=np.array(stress, float) if has_stress else None,
    )
    return Label(
        labelled,
        labeller.digest,
        result["code"],
        cost,
        float(result["energy_sigma0"]),
        result["scf_steps"],
    )


def _remove_large_files(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.stat().st_size > LARGEST_KEPT:
            path.unlink()
