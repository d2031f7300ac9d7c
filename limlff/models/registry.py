"""Architectures by name: the one place that a new model is added to.

A model's settings are its dataclass fields plus its name under "architecture"; this is how recipes
and potential files hold it.
"""

from __future__ import annotations

import dataclasses
import difflib
from typing import Any

from limlff.errors import InputError
from limlff.models.contract import Model
from limlff.models.moment import MomentModel

ARCHITECTURES: dict[str, type] = {"moment": MomentModel}


def build_model(settings: dict[str, Any]) -> Model:
    """Model of the given settings.

    Args:
        settings: "architecture", "elements", and any field of that architecture.

    Raises:
        InputError: If the architecture or a setting is unknown, or a value is not allowed.
    """
    chosen = dict(settings)
    name = chosen.pop("architecture", "moment")
    if name not in ARCHITECTURES:
        raise InputError(
            f"model: unknown architecture '{name}'; choose {', '.join(sorted(ARCHITECTURES))}"
        )
    architecture = ARCHITECTURES[name]
    known = [field.name for field in dataclasses.fields(architecture)]
    for key in chosen:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean '{close[0]}'?" if close else f"known: {', '.join(known)}"
            raise InputError(f"model: unknown key '{key}' for architecture '{name}'; {hint}")
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in chosen.items()}
    try:
        return architecture(**values)
    except TypeError as error:
        raise InputError(f"model: settings of '{name}' are not usable: {error}") from error


def model_to_settings(model: Model) -> dict[str, Any]:
    """Settings from which `build_model` makes the same model."""
    name = next(name for name, kind in ARCHITECTURES.items() if type(model) is kind)
    return {"architecture": name, **dataclasses.asdict(model)}  # type: ignore[call-overload]
