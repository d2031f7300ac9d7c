"""Trying a site: one small task in each block, and what is not well with it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as WaitedInVain
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from limlff.errors import LimlffError, os_error_in_words, shown
from limlff.learning.cluster.blocks import worker_blocks
from limlff.learning.cluster.site import BLOCKS, ParslBlock, Site

WAIT_SECONDS = 600.0
"""How long blocks are waited for unless asked otherwise (s)."""

_PYTHON_SECONDS = 120.0
_HERE, _THERE = "from-here", "from-the-worker"
_LONGEST_REASON = 300


@dataclass(frozen=True)
class BlockReport:
    """What became of the task of a block.

    Attributes:
        name: Of the block.
        place: Where it runs.
        seconds: Until it answered, or was given up (s).
        fault: What is not well; empty if all is.
        found: What the worker said of itself.
    """

    name: str
    place: str
    seconds: float
    fault: str
    found: str = ""


@dataclass(frozen=True)
class Found:
    """What a worker says of itself.

    Attributes:
        words: Machine, cores, Python.
        limlff: Its version of limlff.
        fault: What is not well there; empty if all is.
    """

    words: str
    limlff: str
    fault: str


def check_site(
    site: Site, folder: Path, python: Path | None = None, wait_seconds: float = WAIT_SECONDS
) -> list[BlockReport]:
    """Have each block of a site do one small task.

    Args:
        site: The site.
        folder: A folder that workers must see, as the campaign's; a new one is made in it for the
            time of the check, and stays if a block is not well.
        python: Interpreter of the labeller, for the block dft.
        wait_seconds: How long blocks are waited for (s).

    Raises:
        InputError: If Parsl does not take a setting.
    """
    own = Path(tempfile.mkdtemp(prefix="limlff-site-", dir=folder)).absolute()
    begin = time.monotonic()
    with worker_blocks(site, own) as blocks:
        waits: dict[str, Callable[[], Found]] = {}
        for name in BLOCKS:
            (own / name).mkdir()
            (own / name / _HERE).write_text(name, encoding="utf-8")
            wish = (own / name, python if name == "dft" else None)
            if name in blocks:
                future = blocks[name].submit(probe, *wish)
                end = begin + wait_seconds
                waits[name] = _answer(blocks[name].result, future, end, wait_seconds)
            else:
                waits[name] = _call(wish)
        reports = [_report(site, name, own, wait, begin) for name, wait in waits.items()]
    if not any(report.fault for report in reports):
        shutil.rmtree(own)
    return reports


def probe(folder: Path, python: Path | None) -> Found:
    """What a worker is like; also reads and writes a file of a folder.

    Args:
        folder: The folder.
        python: Interpreter of the labeller, which is tried, too.
    """
    try:
        read = (folder / _HERE).read_text(encoding="utf-8")
        (folder / _THERE).write_text(read, encoding="utf-8")
        fault = ""
    except OSError as error:
        fault = f"does not see the folder as this machine does: {os_error_in_words(error)}"
    cores = getattr(os, "sched_getaffinity", None)
    words = f"{platform.node()}, cores: {len(cores(0)) if cores else os.cpu_count()}"
    words += f", Python {platform.python_version()}"
    if python is not None and not fault:
        ase, fault = _version_of_ase(python)
        words += f", ASE {ase} for the labeller"
    return Found(words, version("limlff"), fault)


def _version_of_ase(python: Path) -> tuple[str, str]:
    """The version of ASE that an interpreter has; what is wrong with it, or nothing."""
    command = [str(python), "-c", "import ase; print(ase.__version__)"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PYTHON_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", f"the labeller's Python: {error}"
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"ended with code {done.returncode}"])[-1]
        return "", f"the labeller's Python, {python}: {last}"
    return done.stdout.strip(), ""


def _call(wish: tuple[Path, Path | None]) -> Callable[[], Found]:
    return lambda: probe(*wish)


def _answer(
    result: Callable[[Future[Any]], Any], future: Future[Any], end: float, wait_seconds: float
) -> Callable[[], Found]:
    def wait() -> Found:
        try:
            future.exception(max(0.0, end - time.monotonic()))
        except WaitedInVain:
            raise LimlffError(f"no answer within {wait_seconds:g} s") from None
        found: Found = result(future)
        return found

    return wait


def _report(
    site: Site, name: str, own: Path, wait: Callable[[], Found], begin: float
) -> BlockReport:
    block = getattr(site, name)
    place = block.provider if isinstance(block, ParslBlock) else "this machine"
    try:
        found = wait()
    except (LimlffError, OSError) as error:
        fault = f"{shown(str(error), _LONGEST_REASON)}; see {own}"
        return BlockReport(name, place, time.monotonic() - begin, fault)
    seconds = time.monotonic() - begin
    return BlockReport(name, place, seconds, _fault(found, own / name), found.words)


def _fault(found: Found, folder: Path) -> str:
    """What is not well with a worker that answered."""
    if found.fault:
        return found.fault
    if not (folder / _THERE).is_file():
        return f"what it writes to {folder} is not seen here; use a folder that all machines share"
    if found.limlff != version("limlff"):
        return f"has limlff {found.limlff}, not {version('limlff')} as here; correct worker_init"
    return ""


def in_lines(reports: list[BlockReport]) -> str:
    """Reports as a table."""
    rows = [f"{'block':10}{'place':14}{'time':>8}  result"]
    for report in reports:
        result = report.fault and f"NOT WELL: {report.fault}"
        result = result or f"well: {report.found}"
        rows.append(f"{report.name:10}{report.place:14}{report.seconds:>6.1f} s  {result}")
    return "\n".join(rows)
