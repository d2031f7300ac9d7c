"""`limlff info FILE`: what is in a potential file."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from limlff.cli.arguments import add_potential
from limlff.errors import shown
from limlff.numbers_as_text import figure

if TYPE_CHECKING:
    from limlff.potential import Potential

_LONGEST_TEXT = 1000
_LEFT_TO_JSON = ("recipe", "groups")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    add_potential(parser)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def run(arguments: argparse.Namespace) -> int:
    """Print elements, cutoff, settings, size, data, errors, units, licence and digest."""
    from limlff.named_potential import load

    description = describe(load(arguments.potential))
    if arguments.json:
        # the one control character that JSON may hold as it is, and terminals obey
        print(json.dumps(description, indent=1).replace("\x7f", "\\u007f"))
    else:
        print("\n".join(_lines(_shortened(description))))
    return 0


def describe(potential: Potential) -> dict[str, Any]:
    """What is known of a potential, in values that JSON can hold."""
    from limlff.models.arrays import flatten_parameters
    from limlff.models.registry import model_to_settings
    from limlff.potential_file import potential_digest
    from limlff.potential_members import UNITS

    settings = model_to_settings(potential.model)
    arrays = flatten_parameters(potential.parameters).values()
    baseline = dict(zip(potential.elements, map(float, potential.baseline), strict=True))
    return {
        "elements": list(potential.elements),
        "cutoff_angstrom": potential.cutoff,
        "architecture": settings["architecture"],
        "settings": {
            name: value
            for name, value in settings.items()
            if name not in ("architecture", "elements", "cutoff")
        },
        "parameters": sum(array.size for array in arrays),
        "baseline_ev": baseline,
        "units": UNITS,
        "digest": potential_digest(potential),
        "card": potential.card,
    }


def _shortened(value: Any) -> Any:
    """The description without the recipe and the errors of each group, which --json shows."""
    if isinstance(value, dict):
        kept = {key: item for key, item in value.items() if key not in _LEFT_TO_JSON}
        return {key: _shortened(item) for key, item in kept.items()}
    return value


def _lines(value: Any, name: str = "", indent: int = 0) -> list[str]:
    """A table of names and values; what is nested is indented below its name."""
    title = f"{'  ' * indent}{shown(name.replace('_', ' '), _LONGEST_TEXT)}"
    if isinstance(value, dict) and value:
        own = [title] if name else []
        inner = indent + 1 if name else indent
        return own + [line for key, item in value.items() for line in _lines(item, key, inner)]
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return [title] + [line for item in value for line in _lines(item, "-", indent + 1)]
    return [f"{title:<34} {_text(value)}"]


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_text(item) for item in value) or "none"
    if isinstance(value, float):
        return figure(value, ".6g")
    if value is None or value == {}:
        return "-"
    return shown(str(value), _LONGEST_TEXT)
