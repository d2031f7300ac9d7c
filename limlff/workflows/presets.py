"""Presets: one study in several sizes, in one file.

Under the key `presets` a file has names, each with settings that are laid over those of the file:
mappings key by key, lists and values as a whole.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from limlff.config import Config, apply_overrides, parse_config
from limlff.errors import InputError, shown
from limlff.yaml_file import read_mapping

PRESETS = "presets"


def load_with_preset(
    path: Path, kind: type[Config], preset: str | None, overrides: list[str]
) -> Config:
    """Read a YAML file with presets, or without any.

    Args:
        path: The file.
        kind: The configuration's class.
        preset: Which one; the first one of the file if None.
        overrides: Changes of single values, laid over it.

    Raises:
        InputError: If there is no such preset, or a key or value is not allowed.
    """
    content = read_mapping(path)
    presets = content.pop(PRESETS, None)
    source = shown(path)
    if presets is not None:
        _check(presets, source)
        chosen = next(iter(presets)) if preset is None else preset
        if chosen not in presets:
            close = difflib.get_close_matches(chosen, presets, n=1)
            hint = f"did you mean '{close[0]}'? " if close else ""
            raise InputError(
                f"{source}: has no preset {shown(chosen)!r}; {hint}it has {', '.join(presets)}"
            )
        content = _laid_over(content, presets[chosen])
    elif preset is not None:
        raise InputError(f"{source}: has no presets; leave out --preset {shown(preset)}")
    apply_overrides(content, overrides)
    return parse_config(content, kind, source, path.parent)


def _check(presets: object, source: str) -> None:
    if not isinstance(presets, dict) or not presets:
        raise InputError(f"{source}: key '{PRESETS}' must hold names, each with settings")
    for name, settings in presets.items():
        if not isinstance(name, str) or not isinstance(settings, dict):
            raise InputError(f"{source}: preset {shown(name)!r} must be a name with settings")


def _laid_over(content: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(content)
    for key, value in above.items():
        below = merged.get(key)
        both = isinstance(value, dict) and isinstance(below, dict)
        merged[key] = _laid_over(below, value) if both else value  # type: ignore[arg-type]
    return merged
