"""Healing of a hole in a bcc metal, at one temperature and several pressures.

A hole is cut into a crystal; at each pressure molecular dynamics runs until the hole has closed or
time is up. What is measured in every frame: missing atoms, void volume, local order and mobility
near the hole and far from it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from limlff.workflows.healing.config import HealingConfig as Config

if TYPE_CHECKING:
    from limlff.workflows.study import StudyResult

__all__ = ["CHANGEABLE", "Config", "clear", "run"]

CHANGEABLE = ("potential", "max_runtime_minutes", "processes")
"""Settings that may change while a study is under way: of the potential the place, which its runs
know by its content."""


def clear(out: Path) -> None:
    """Remove what an earlier study has left; see `limlff.workflows.healing.study`."""
    from limlff.workflows.healing.study import clear as clear_all

    clear_all(out)


def run(config: Config, out: Path, progress: bool = True, resume: bool = False) -> StudyResult:
    """Run the study; see `limlff.workflows.healing.study`."""
    from limlff.workflows.healing.study import run as run_all

    return run_all(config, out, progress, resume)
