"""Settings of a model: declared once, by the fields of its dataclass, and checked wherever given.

The annotation of a field holds its kind and limits, as `Annotated[int, Field(ge=2, le=64)]`. A
configuration class is made of them, by which recipes, potential files and the dataclass itself
convert and check values: `cutoff=5` is `cutoff=5.0` before any code sees it, because compiled code
reads the bytes of a whole number as another one.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import numpy as np
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
)

from limlff.config import StrictModel
from limlff.errors import InputError, shown


def different_elements(elements: tuple[str, ...]) -> tuple[str, ...]:
    """The elements if all are chemical symbols and each is there once.

    Raises:
        ValueError: If not.
    """
    from ase.data import chemical_symbols  # takes a while to import

    for index, element in enumerate(elements):
        if element not in chemical_symbols[1:]:
            raise ValueError(f"{shown(repr(element))} is no chemical symbol")
        if element in elements[:index]:
            raise ValueError(f"{element} stands twice; name each element once")
    return elements


Elements = Annotated[
    tuple[str, ...], Field(min_length=1, max_length=118), AfterValidator(different_elements)
]
"""Different chemical symbols."""
Cutoff = Annotated[float, Field(ge=1.0, le=20.0)]
"""In Å."""
Width = Annotated[int, Field(ge=1, le=4096)]
Widths = Annotated[tuple[Width, ...], Field(max_length=16)]
"""Of the layers of a net."""


def check_settings(model: Any, name: str) -> None:
    """Convert the fields of a frozen dataclass in place to the kinds that it declares.

    Args:
        model: The model, in its `__post_init__`.
        name: Of the architecture, for messages.

    Raises:
        InputError: If a value is not of its kind or outside its limits.
    """
    given = {field.name: getattr(model, field.name) for field in dataclasses.fields(model)}
    for key, value in convert_settings(type(model), given, name).items():
        object.__setattr__(model, key, value)


def convert_settings(architecture: type, given: dict[str, Any], name: str) -> dict[str, Any]:
    """Values of all settings in the kinds that an architecture declares.

    Args:
        architecture: Its dataclass.
        given: Values by name; those missing take their defaults.
        name: Of the architecture, for messages.

    Raises:
        InputError: If a name is unknown, or a value not of its kind or outside its limits.
    """
    kind = configuration_of(architecture)
    try:
        config = kind.model_validate(given)
    except ValidationError as error:
        wrong = {str(problem["loc"][0]): problem for problem in reversed(error.errors())}
        said = [_sentence(kind, key, problem, given) for key, problem in wrong.items()]
        raise InputError(f"{name} model: {'; '.join(reversed(said))}") from error
    return {key: getattr(config, key) for key in kind.model_fields}


class _Settings(StrictModel):
    """Settings of an architecture, which may be of another package and have kinds of its own."""

    model_config = ConfigDict(arbitrary_types_allowed=True)


@cache
def configuration_of(architecture: type) -> type[StrictModel]:
    """The configuration class of an architecture, with its fields, kinds, limits and defaults."""
    hints = _hints(architecture)
    declared: dict[str, Any] = {
        field.name: (
            Annotated[hints[field.name], BeforeValidator(_plain_values(hints[field.name]))],
            _default(field),
        )
        for field in dataclasses.fields(architecture)
    }
    made = create_model(architecture.__name__, __base__=_Settings, **declared)
    made.__doc__ = architecture.__doc__
    return made


def _hints(architecture: type) -> dict[str, Any]:
    """Annotations of the fields; any value where those of another package cannot be resolved."""
    names = [field.name for field in dataclasses.fields(architecture)]
    try:
        hints = get_type_hints(architecture, include_extras=True)
    except (NameError, TypeError, SyntaxError):
        hints = {}
    return {name: hints.get(name, Any) for name in names} | {"elements": Elements}


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return Field(default_factory=field.default_factory)
    return ... if field.default is dataclasses.MISSING else field.default


def _plain_values(hint: Any) -> Callable[[Any], Any]:
    """Makes numbers and lists of NumPy, and lists, Python's numbers and tuples."""
    truth_values = _admits_truth_values(hint)

    def plain(value: Any) -> Any:
        if isinstance(value, np.ndarray | np.generic):
            value = value.tolist()
        if isinstance(value, bool) and not truth_values:
            raise ValueError("true and false are no numbers")
        return tuple(map(plain, value)) if isinstance(value, list | tuple) else value

    return plain


def _admits_truth_values(hint: Any) -> bool:
    return hint in (bool, Any) or any(map(_admits_truth_values, get_args(hint)))


def _sentence(kind: type[StrictModel], key: str, problem: Any, given: dict[str, Any]) -> str:
    """What is wrong with a setting: its value, the limit, what to do."""
    known = list(kind.model_fields)
    if key not in known:
        close = difflib.get_close_matches(key, known, n=1)
        hint = f"did you mean '{close[0]}' (model.{close[0]})?" if close else ""
        return f"unknown key 'model.{shown(key)}'; {hint or 'known: ' + ', '.join(known)}"
    field = kind.model_fields[key]
    allowed = _allowed(field.annotation, field.metadata)
    if problem["type"] == "missing" and len(problem["loc"]) == 1:
        return f"{key} is missing; {allowed}"
    if problem["type"] == "value_error" and key == "elements":
        return f"{key}: {str(problem['msg']).removeprefix('Value error, ')}"
    return f"{key} is {_written(given[key])}; {allowed}"


def _written(value: Any) -> str:
    try:
        return shown(repr(_as_lists(value)))
    except (ValueError, RecursionError):  # Python writes no whole number of 5,000 digits
        return "too long to be shown"


def _as_lists(value: Any) -> Any:
    return list(map(_as_lists, value)) if isinstance(value, tuple) else value


def _allowed(annotation: Any, metadata: list[Any]) -> str:
    """What a setting may be."""
    if annotation is bool:
        return "choose true or false"
    if get_origin(annotation) is Literal:
        *others, last = get_args(annotation)
        return f"choose {', '.join(others)} or {last}" if others else f"choose {last}"
    if annotation in _NOUNS:
        return f"choose a {_NOUNS[annotation]}{_limits(metadata)}"
    if get_origin(annotation) is not tuple:
        return "see its documentation"
    item, *own = get_args(get_args(annotation)[0]) or get_args(annotation)
    lengths = [each.max_length for each in metadata if hasattr(each, "max_length")]
    most = f", at most {lengths[0]} of them" if lengths else ""
    return f"give a list of {_NOUNS.get(item, 'list')}s{_limits(own)}{most}"


_NOUNS = {int: "whole number", float: "number", str: "chemical symbol"}


def _limits(metadata: list[Any]) -> str:
    """Limits as pydantic keeps them, in a field or in the annotation of an item."""
    flat = [part for each in metadata for part in getattr(each, "metadata", [each])]
    low = next((part.ge for part in flat if hasattr(part, "ge")), None)
    high = next((part.le for part in flat if hasattr(part, "le")), None)
    return "" if low is None or high is None else f", {low:g} to {high:g}"
