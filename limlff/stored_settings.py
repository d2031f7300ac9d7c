"""Settings in folders of runs and studies that were written under names changed since.

Files that limlff wrote itself are translated to the current names, so that old folders can be
resumed. Files that a user writes are not: there an old name is refused, and the new one is named.
"""

from __future__ import annotations

import json
from typing import Any

from limlff.strict_json import parse_json

RENAMED = {"precision": "dtype"}
"""Old names of settings and the new ones."""


def with_current_names(settings: Any) -> Any:
    """Settings under their current names.

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
    """The same for JSON; text that is no JSON is returned as it is, for its reader to refuse."""
    try:
        settings = parse_json(text)
    except ValueError:
        return text
    renamed = with_current_names(settings)
    return text if renamed == settings else json.dumps(renamed)
