"""JSON from untrusted files: bounded depth, finite numbers, no duplicate keys."""

from __future__ import annotations

import json
import math
from typing import Any

DEEPEST = 32
"""Levels of nesting; a card has about eight."""

_TOO_DEEP = f"JSON is nested too deep, more than {DEEPEST} levels"


def parse_json(data: bytes | str) -> Any:
    """The value of a JSON document, as text or in UTF-8.

    Raises:
        ValueError: If it is none, is nested too deep, holds a key twice, a number that is not
            finite, or text that no file can hold.
    """
    try:
        value = json.loads(
            data if isinstance(data, str) else data.decode("utf-8"),
            object_pairs_hook=_without_doubles,
            parse_constant=_finite,
            parse_float=_finite,
        )
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    _check(value)
    return value


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("JSON holds a key twice")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"JSON holds the number {text[:20]}, which is not finite")
    return number


def _check(value: Any) -> None:
    """Refuse deep nests and halves of characters, which cannot be written anywhere."""
    level = [value]
    for _ in range(DEEPEST):
        texts = [item for item in level if isinstance(item, str)]
        texts += [key for item in level if isinstance(item, dict) for key in item]
        "".join(texts).encode()
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return
    raise ValueError(_TOO_DEEP)
