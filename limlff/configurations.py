"""All kinds of YAML files that limlff reads, by name; templates and schemas are made from them."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from limlff.config import StrictModel
from limlff.errors import InputError, shown
from limlff.workflows.registry import STUDIES, find_study


@dataclass(frozen=True)
class Configuration:
    """A kind of YAML file.

    Attributes:
        model: Gives the class of its settings, imported when it is asked for.
        command: The command that reads it.
    """

    model: Callable[[], type[StrictModel]]
    command: str


def _md() -> type[StrictModel]:
    from limlff.md.config import MDConfig

    return MDConfig


def _train() -> type[StrictModel]:
    from limlff.training.recipe import Recipe

    return Recipe


def _learn() -> type[StrictModel]:
    from limlff.learning.campaign import Campaign

    return Campaign


def _site() -> type[StrictModel]:
    from limlff.learning.cluster.site import Site

    return Site


def _study(name: str) -> type[StrictModel]:
    return find_study(name, name).settings


def configurations() -> dict[str, Configuration]:
    """All kinds of YAML files by name, those of installed studies too."""
    studies = {
        name: Configuration(partial(_study, name), f"limlff run {name}.yaml --out DIR")
        for name in STUDIES.names()
    }
    return {
        "md": Configuration(_md, "limlff md md.yaml --out DIR"),
        "train": Configuration(_train, "limlff train train.yaml --out DIR"),
        "learn": Configuration(_learn, "limlff learn campaign.yaml --out DIR"),
        "site": Configuration(_site, "limlff learn --test-site site.yaml"),
        **studies,
    }


def find_configuration(name: str) -> Configuration:
    """A kind of YAML file by its name.

    Raises:
        InputError: If there is none of this name.
    """
    known = configurations()
    if name in known:
        return known[name]
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean '{close[0]}'? " if close else ""
    raise InputError(
        f"{shown(name)}: is no kind of YAML file; {hint}name one of {', '.join(known)}"
    )
