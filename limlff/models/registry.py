"""Architectures by name: those of this package, and others that register themselves.

A model's settings are its dataclass fields plus its name under "architecture"; this is how recipes
and potential files hold it. Modules are imported only when their architecture is asked for.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from limlff.errors import InputError, shown
from limlff.models.contract import Model
from limlff.models.settings import convert_settings

BUILT_IN = {
    "deepmd": "limlff.models.deepmd:DeepPotSE",
    "deepmd-table": "limlff.models.deepmd_table:TabulatedDeepPotSE",
    "mace": "limlff.models.mace:MaceModel",
    "moment": "limlff.models.moment:MomentModel",
    "mtp": "limlff.models.mtp:MomentTensorPotential",
}
"""Where the architectures of this package are."""

ENTRY_POINTS = "limlff.models"
"""Group of entry points by which installed packages offer further architectures."""

_registered: dict[str, type] = {}


def register(name: str) -> Callable[[type], type]:
    """Decorator that makes a class known as an architecture, for recipes and potential files.

    Args:
        name: Its name in recipes; the file that registers must be imported before it is used.
    """

    def add(architecture: type) -> type:
        _registered[name] = architecture
        return architecture

    return add


def known_architectures() -> list[str]:
    """Names of all architectures."""
    offered = entry_points(group=ENTRY_POINTS).names
    return sorted({*BUILT_IN, *_registered, *offered})


def architecture_by_name(name: str) -> type:
    """The class of an architecture.

    Raises:
        InputError: If there is none of this name.
    """
    if name in _registered:
        return _registered[name]
    if name in BUILT_IN:
        module, attribute = BUILT_IN[name].split(":")
        return getattr(import_module(module), attribute)
    offered = entry_points(group=ENTRY_POINTS, name=name)
    if not offered:
        raise InputError(
            f"model: unknown architecture '{shown(name)}'; "
            f"choose {', '.join(known_architectures())}"
        )
    return next(iter(offered)).load()


def name_of_architecture(architecture: type) -> str:
    """The name of an architecture by its class."""
    place = f"{architecture.__module__}:{architecture.__qualname__}"
    for name, built_in in BUILT_IN.items():
        if built_in == place:
            return name
    for name, registered in _registered.items():
        if registered is architecture:
            return name
    for offered in entry_points(group=ENTRY_POINTS):
        if offered.value == place:
            return offered.name
    raise InputError(
        f"{architecture.__name__} is no known architecture; decorate it with "
        "limlff.models.registry.register"
    )


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
            f"model: architecture is {shown(repr(name))}; choose {', '.join(known_architectures())}"
        )
    architecture = architecture_by_name(name)
    return architecture(**convert_settings(architecture, chosen, name))


def model_to_settings(model: Model) -> dict[str, Any]:
    """Settings from which `build_model` makes the same model."""
    name = name_of_architecture(type(model))
    return {"architecture": name, **dataclasses.asdict(model)}  # type: ignore[call-overload]
