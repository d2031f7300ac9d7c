"""Configurations: YAML files and `--set`, checked against models that refuse what they don't know.

A path in a YAML file is relative to the file's folder; one given by `--set`, as every other
argument, to the working folder.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    ValidationError,
    ValidationInfo,
)

from limlff.catalog import is_shipped_potential
from limlff.config_errors import explain
from limlff.docstrings import attribute_descriptions, summary
from limlff.errors import InputError, shown
from limlff.paths import user_path
from limlff.stored_settings import with_current_names
from limlff.yaml_file import parse_yaml, read_mapping


class StrictModel(BaseModel):
    """Base of all configurations: frozen, without unknown keys, with finite numbers only.

    The meaning of its fields stands in the docstring under "Attributes:"; templates and schemas
    are made from it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: Any, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """JSON schema with the descriptions of the docstring."""
        reference = handler(core_schema)
        schema = handler.resolve_ref_schema(reference)
        schema["description"] = summary(inspect.getdoc(cls) or "")
        for name, text in attribute_descriptions(cls).items():
            if name in schema.get("properties", {}):
                schema["properties"][name]["description"] = text
        fixed = [name for name, each in schema.get("properties", {}).items() if "const" in each]
        if fixed:  # they tell one kind from others, and must be written
            schema["required"] = [*fixed, *schema.get("required", [])]
        return reference


Config = TypeVar("Config", bound=StrictModel)


class _GivenHere(str):
    """Text of an argument: a path in it is relative to the working folder."""


def _mark(value: Any) -> Any:
    """Text in an argument's value, marked as such."""
    if isinstance(value, dict):
        return {key: _mark(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_mark(item) for item in value]
    return _GivenHere(value) if isinstance(value, str) else value


def _placed(value: Any, info: ValidationInfo) -> Any:
    """Resolve a path: from the home folder, or relative to the file that it stands in."""
    if not isinstance(value, str | Path):
        return value  # refused by the type that follows
    folder = None if isinstance(value, _GivenHere) else (info.context or {}).get("folder")
    placed = str(Path.cwd() / (folder or "") / user_path(value))
    if any("\ud800" <= character <= "\udfff" for character in placed):  # bytes that are no text
        raise InputError(
            f"{shown(placed)}: holds characters that are not UTF-8 and cannot be kept in the files "
            "of a run; rename it, or use a UTF-8 locale"
        )
    return placed


def _found_potential(value: Any, info: ValidationInfo) -> Any:
    """Name of a shipped potential as it is, anything else as a path."""
    if not isinstance(value, str | Path):
        raise ValueError("must be the name of a shipped potential or a path")
    return str(value) if is_shipped_potential(value) else _placed(value, info)


InputPath = Annotated[Path, BeforeValidator(_placed)]
"""Path of a file to read."""

PotentialName = Annotated[str, BeforeValidator(_found_potential)]
"""Name of a shipped potential, which comes first, or path of a potential file or its folder."""


def load_config(path: Path, kind: type[Config], overrides: list[str] | None = None) -> Config:
    """Read a YAML file into a configuration.

    Args:
        path: The file.
        kind: The configuration's class.
        overrides: Changes of single values, as "section.key=value" with a YAML value.

    Raises:
        InputError: If the file is missing or no YAML, or a key or value is not allowed.
    """
    path = user_path(path)
    return _overridden(read_mapping(path), path, kind, overrides or [])


def load_stored_config(
    path: Path, kind: type[Config], overrides: list[str] | None = None
) -> Config:
    """Read settings that limlff wrote itself, also those of an earlier version.

    Args:
        path: The file.
        kind: The configuration's class.
        overrides: Changes of single values, by their names of now.

    Raises:
        InputError: If the file is missing or no YAML, or a key or value is not allowed.
    """
    return _overridden(with_current_names(read_mapping(path)), path, kind, overrides or [])


def _overridden(
    content: dict[str, Any], path: Path, kind: type[Config], overrides: list[str]
) -> Config:
    apply_overrides(content, overrides)
    return parse_config(content, kind, shown(path), path.parent)


def config_of(
    given: Config | dict[str, Any] | str | Path, kind: type[Config], overrides: Sequence[str] = ()
) -> Config:
    """A configuration as a script gives it.

    Args:
        given: Path of a YAML file, its content, or the configuration itself.
        kind: The configuration's class.
        overrides: Changes of single values, as "section.key=value" with a YAML value.

    Raises:
        InputError: If it is something else, the file is missing or no YAML, or a key or value is
            not allowed.
    """
    if isinstance(given, str | Path):
        return load_config(Path(given), kind, list(overrides))
    if isinstance(given, kind) and not overrides:
        return given
    content = given.model_dump(mode="json") if isinstance(given, kind) else deepcopy(given)
    if not isinstance(content, dict):
        raise InputError(
            f"{shown(given)} is no {kind.__name__}; give the path of a YAML file, a dict of its "
            f"content, or a {kind.__module__}.{kind.__name__}"
        )
    apply_overrides(content, list(overrides))
    return parse_config(content, kind, kind.__name__)


def parse_config(
    content: dict[str, Any], kind: type[Config], source: str, folder: Path | None = None
) -> Config:
    """Check a mapping of settings.

    Args:
        content: The settings.
        kind: The configuration's class.
        source: What they are called in messages.
        folder: Folder that relative paths are taken from; by default the working folder.

    Raises:
        InputError: If a key or a value is not allowed.
    """
    try:
        return kind.model_validate(content, context={"folder": folder or Path.cwd()})
    except ValidationError as error:
        raise InputError(f"{source}: {explain(error, content, kind)}") from error


def changed(config: Config, changes: dict[str, Any], source: str) -> Config:
    """A copy with other values, which are checked as those of a file are.

    Args:
        config: What is changed.
        changes: New values by the names of the fields.
        source: What the copy is called in messages.

    Raises:
        InputError: If a value is not allowed.
    """
    return parse_config({**dict(config), **changes}, type(config), source)


def apply_overrides(content: dict[str, Any], overrides: list[str]) -> None:
    """Change settings in place.

    Args:
        content: The settings.
        overrides: As "section.key=value" with a YAML value; an item of a list by its number.

    Raises:
        InputError: If one has no "=", its value is no YAML, its section is none, or it undoes one
            before it.
    """
    given: dict[str, str] = {}
    for override in overrides:
        key, separator, text = override.partition("=")
        key = key.strip()
        if not separator or not key:
            raise InputError(f"--set {shown(override)}: has no '='; write --set section.key=value")
        for earlier, before in given.items():
            undone = earlier == key and before != text
            if undone or earlier.startswith(f"{key}."):
                raise InputError(
                    f"--set {shown(override)}: undoes --set {shown(f'{earlier}={before}')}; "
                    "give one of them"
                )
        given[key] = text
        _override(content, key, text)


def _override(content: dict[str, Any], key: str, text: str) -> None:
    option = f"--set {shown(f'{key}={text}')}"
    *sections, last = key.split(".")
    target: Any = content
    for section in sections:
        if isinstance(target, dict):
            target = target.setdefault(section, {})
        else:
            target = target[_index(section, target, option)]
        if not isinstance(target, dict | list):
            raise InputError(f"{option}: '{shown(section)}' is a value, not a section")
    value = _mark(parse_yaml(text, option))
    target[last if isinstance(target, dict) else _index(last, target, option)] = value


def _index(text: str, items: list[Any], option: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < len(items)):
        raise InputError(
            f"{option}: '{shown(text)}' is no number of an item of the list, which has "
            f"{len(items)}, counted from 0"
        )
    return int(text)
