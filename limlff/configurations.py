"""All kinds of YAML files that limlff reads, by name; templates and schemas are made from them."""

from __future__ import annotations

import difflib
import importlib
from dataclasses import dataclass

from limlff.config import StrictModel
from limlff.errors import InputError, shown
from limlff.workflows.study import STUDIES


@dataclass(frozen=True)
class Configuration:
    """A kind of YAML file.

    Attributes:
        place: Module and class of its model, as "module:class".
        command: The command that reads it.
    """

    place: str
    command: str

    def model(self) -> type[StrictModel]:
        """The class, imported now."""
        module, name = self.place.split(":")
        model: type[StrictModel] = getattr(importlib.import_module(module), name)
        return model


CONFIGURATIONS = {
    "md": Configuration("limlff.md.config:MDConfig", "limlff md md.yaml --out DIR"),
    "train": Configuration("limlff.training.recipe:Recipe", "limlff train train.yaml --out DIR"),
    **{
        name: Configuration(f"{module}:Config", f"limlff run {name}.yaml --out DIR")
        for name, module in STUDIES.items()
    },
}


def find_configuration(name: str) -> Configuration:
    """A kind of YAML file by its name.

    Raises:
        InputError: If there is none of this name.
    """
    if name in CONFIGURATIONS:
        return CONFIGURATIONS[name]
    close = difflib.get_close_matches(name, CONFIGURATIONS, n=1)
    hint = f"did you mean '{close[0]}'? " if close else ""
    raise InputError(
        f"{shown(name)}: is no kind of YAML file; {hint}name one of {', '.join(CONFIGURATIONS)}"
    )
