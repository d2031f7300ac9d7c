"""Results as values that JSON can hold: what is not known becomes null."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from limlff.errors import shown


def as_json(value: Any) -> Any:
    """Dataclasses as mappings and arrays as lists; JSON knows no nan, which becomes null.

    Args:
        value: A value with dataclasses, mappings, lists and arrays in it; an object that has
            `to_json` is asked for its own.

    Raises:
        TypeError: If something in it is of another kind.
    """
    if hasattr(value, "to_json"):
        return as_json(value.to_json())
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return as_json(value.tolist())
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if not isinstance(value, str | int | float | None):
        raise TypeError(
            f"{shown(value)} is a {type(value).__name__}, which JSON cannot hold; give the class "
            "around it a method to_json, or the study one of its own for 'numbers'"
        )
    return None if isinstance(value, float) and not math.isfinite(value) else value
