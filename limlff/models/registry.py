"""Architectures by name: those of this package, and others, registered or installed.

A model's settings are its dataclass fields plus its name under "architecture"; this is how recipes
and potential files hold it. Modules are imported only when their architecture is asked for.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from limlff.errors import InputError, shown
from limlff.models.contract import Model
from limlff.models.settings import convert_settings
from limlff.plugins import Plugins

BUILT_IN = {
    "deepmd": "limlff.models.deepmd:DeepPotSE",
    "deepmd-table": "limlff.models.deepmd_table:TabulatedDeepPotSE",
    "mace": "limlff.models.mace:MaceModel",
    "moment": "limlff.models.moment:MomentModel",
    "mtp": "limlff.models.mtp:MomentTensorPotential",
}
"""Where the architectures of this package are."""

ARCHITECTURES = Plugins(BUILT_IN, "limlff.models")
"""Class of each architecture by its name in recipes and potential files."""

register = ARCHITECTURES.register
"""Decorator that makes a class known as an architecture; the file that uses it must be imported
before a recipe or potential file that names it is read."""


def architecture_by_name(name: str) -> type:
    """The class of an architecture.

    Raises:
        InputError: If there is none of this name.
    """
    found: type | None = ARCHITECTURES.find(name)
    if found is None:
        raise InputError(
            f"model: unknown architecture '{shown(name)}'; choose "
            f"{', '.join(ARCHITECTURES.names())}"
        )
    return found


def name_of_architecture(architecture: type) -> str:
    """The name of an architecture by its class.

    Raises:
        InputError: If it is not known by any.
    """
    name = ARCHITECTURES.name_of(architecture)
    if name is None:
        raise InputError(
            f"{architecture.__name__} is no known architecture; decorate it with "
            "limlff.models.registry.register"
        )
    return name


def build_model(settings: dict[str, Any]) -> Model:
    """Model of the given settings.

    Args:
        settings: "architecture", "elements", and any field of that architecture.

    Raises:
        InputError: If the architecture or a setting is unknown, or a value is not allowed.
    """
    if not isinstance(settings, dict):
        raise InputError(
            f"model: is {shown(repr(settings))}; give settings, such as {{architecture: moment}}"
        )
    chosen = dict(settings)
    name = chosen.pop("architecture", "moment")
    if not isinstance(name, str):
        raise InputError(
            f"model: architecture is {shown(repr(name))}; choose {', '.join(ARCHITECTURES.names())}"
        )
    architecture = architecture_by_name(name)
    return architecture(**convert_settings(architecture, chosen, name))


def model_to_settings(model: Model) -> dict[str, Any]:
    """Settings from which `build_model` makes the same model."""
    name = name_of_architecture(type(model))
    return {"architecture": name, **dataclasses.asdict(model)}  # type: ignore[call-overload]
