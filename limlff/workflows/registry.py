"""Studies by name: those of this package, and others that register themselves."""

from __future__ import annotations

import difflib
from typing import Any

from limlff.errors import InputError, shown
from limlff.plugins import Plugins
from limlff.workflows.contract import Study

STUDIES = Plugins(
    {
        "deposition": "limlff.workflows.deposition.study:DepositionStudy",
        "fusion": "limlff.workflows.fusion.study:FusionStudy",
        "healing": "limlff.workflows.healing.study:HealingStudy",
    },
    "limlff.studies",
)
"""Class of each study by what its YAML file says under "study"."""

register = STUDIES.register
"""Decorator that makes a class known as a study, in the process that imports it."""


def find_study(name: object, source: str) -> Study[Any, Any, Any]:
    """A study by its name.

    Args:
        name: What a file says under "study".
        source: What the file is called in messages.

    Raises:
        InputError: If there is none of this name.
    """
    found = STUDIES.find(name) if isinstance(name, str) else None
    if found is not None:
        study: Study[Any, Any, Any] = found()
        return study
    known = STUDIES.names()
    close = difflib.get_close_matches(str(name), known, n=1)
    hint = (
        f"did you mean '{close[0]}'?"
        if close
        else f"it must be one of {', '.join(known)}, or of an installed package"
    )
    raise InputError(f"{source}: key 'study' is {shown(name)!r}; {hint}")
