"""Settings that reach a calculation as they are: keyword arguments by JSON, words by the system."""

from __future__ import annotations

import math
import os
from typing import Annotated, Any

from pydantic import AfterValidator

from limlff.errors import shown


def _carried_by_json(value: Any, place: str = "") -> Any:
    """The value, if JSON holds it unchanged, whatever is inside.

    Raises:
        ValueError: If it does not; says what.
    """
    where = f"{place[1:]} is " if place else "is "
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise ValueError(
                    f"{where}a section with the key {shown(key)}, which is no text; put it in "
                    "quotes"
                )
            _carried_by_json(inner, f"{place}.{key}")
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            _carried_by_json(inner, f"{place}.{number}")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{where}{value}; take a finite number")
    elif not (value is None or isinstance(value, str | int)):
        raise ValueError(
            f"{where}{shown(value)}, a {type(value).__name__}; take numbers, text, true, false, "
            "null, lists and sections"
        )
    return value


def _carried_by_system(word: str) -> str:
    """The word, if a process can be started with it.

    Raises:
        ValueError: If it cannot.
    """
    try:
        os.fsencode(word)
    except UnicodeEncodeError as error:
        raise ValueError(f"{shown(word)!r} holds characters that no process takes") from error
    if "\0" in word:
        raise ValueError(f"{shown(word)!r} holds a NUL character, which no process takes")
    return word


def _variable(name: str) -> str:
    """The name, if it is one of an environment variable.

    Raises:
        ValueError: If it is none.
    """
    if not name or "=" in name:
        raise ValueError(f"{shown(name)!r} is no name of a variable; write NAME: value")
    return _carried_by_system(name)


def _environment(variables: dict[str, str]) -> dict[str, str]:
    for name, value in variables.items():
        _variable(name)
        _carried_by_system(value)
    return variables


Settings = Annotated[dict[str, Any], AfterValidator(_carried_by_json)]
"""Keyword arguments of a calculator, in values that YAML and JSON can hold."""

Word = Annotated[str, AfterValidator(_carried_by_system)]
"""A word of a command."""

Environment = Annotated[dict[str, str], AfterValidator(_environment)]
"""Environment variables."""
