"""YAML configurations that refuse unknown keys and say which was meant."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from limlff.errors import InputError

_NO_YAML = (yaml.YAMLError, ValueError, RecursionError)
"""What PyYAML raises: its own errors, those of dates that do not exist, of bytes, of deep nests."""


class StrictModel(BaseModel):
    """Base of all configurations: frozen, without unknown keys, and all numbers are finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Config = TypeVar("Config", bound=StrictModel)


def load_config(path: Path, kind: type[Config], overrides: list[str] | None = None) -> Config:
    """Read a YAML file into a configuration.

    Args:
        path: The file.
        kind: The configuration's class.
        overrides: Changes of single values, as "section.key=value" with a YAML value.

    Raises:
        InputError: If the file is missing or no YAML, or a key or value is not allowed.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except _NO_YAML as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: is no valid YAML: {reason}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds {type(content).__name__}, not a mapping of settings")
    for override in overrides or []:
        _apply_override(content, override)
    return parse_config(content, kind, str(path))


def parse_config(content: dict[str, Any], kind: type[Config], source: str) -> Config:
    """Check a mapping of settings; `source` names it in messages.

    Raises:
        InputError: If a key or a value is not allowed.
    """
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        problems = "; ".join(_explain(problem, content) for problem in error.errors())
        raise InputError(f"{source}: {problems}") from error


def _explain(problem: Any, content: dict[str, Any]) -> str:
    location = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        known = problem.get("ctx", {}).get("known") or _known_keys(problem)
        close = difflib.get_close_matches(str(problem["loc"][-1]), known, n=1, cutoff=0.5)
        hint = f"did you mean '{close[0]}'?" if close else "remove it or see the documentation"
        return f"unknown key '{location}'; {hint}"
    return f"{location or 'settings'}: {problem['msg']} (got {problem['input']!r})"


def _known_keys(problem: Any) -> list[str]:
    """All keys of all configurations; the class that refused is not part of pydantic's message."""
    found: list[str] = []
    waiting = list(StrictModel.__subclasses__())
    while waiting:
        kind = waiting.pop()
        found.extend(kind.model_fields)
        waiting.extend(kind.__subclasses__())
    return sorted(set(found))


def _apply_override(content: dict[str, Any], override: str) -> None:
    path, separator, text = override.partition("=")
    if not separator:
        raise InputError(f"--set {override!r}: has no '='; write --set section.key=value")
    *sections, key = path.strip().split(".")
    target = content
    for section in sections:
        target = target.setdefault(section, {})
        if not isinstance(target, dict):
            raise InputError(f"--set {override!r}: '{section}' is a value, not a section")
    try:
        target[key] = yaml.safe_load(text)
    except _NO_YAML as error:
        reason = " ".join(str(error).split())
        raise InputError(f"--set {override!r}: its value is no valid YAML: {reason}") from error
