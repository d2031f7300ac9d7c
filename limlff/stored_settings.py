"""Settings that limlff wrote into the folders of runs and studies, under names changed since.

What a run says of itself is read by the names of now, so that old folders can be resumed. What a
user writes is not translated: there an old name is refused with the new one.
"""

from __future__ import annotations

import json
from typing import Any

from limlff.strict_json import parse_json

RENAMED = {"precision": "dtype"}
"""Old names of settings and the new ones."""


def with_current_names(settings: Any) -> Any:
    """Settings under their names of now.

    Args:
        settings: Nested mappings and lists, as of YAML or JSON. A mapping that holds both an old
            name and its new one keeps them, to be refused where it is checked.
    """
    if isinstance(settings, list):
        return [with_current_names(item) for item in settings]
    if not isinstance(settings, dict):
        return settings
    return {_current(key, settings): with_current_names(item) for key, item in settings.items()}


def _current(key: str, beside: dict[str, Any]) -> str:
    new = RENAMED.get(key, key)
    return key if new in beside else new


def json_with_current_names(text: str) -> str:
    """The same for settings as JSON; text that is no JSON is left to those who check it."""
    try:
        settings = parse_json(text)
    except ValueError:
        return text
    renamed = with_current_names(settings)
    return text if renamed == settings else json.dumps(renamed)
