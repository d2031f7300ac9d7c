"""A configuration as commented YAML with all of its keys and defaults.

Keys, defaults, comments and choices are those of the models and their docstrings, so that a
template cannot be out of date. Read back, it gives the defaults.
"""

from __future__ import annotations

import textwrap
import types
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, Protocol, Union, get_args, get_origin, runtime_checkable

import yaml
from pydantic.fields import FieldInfo

from limlff.config import StrictModel
from limlff.docstrings import attribute_descriptions, summary

_WIDTH = 90
_INDENT = "  "

Models = tuple[type[StrictModel], ...]


@runtime_checkable
class Alternatives(Protocol):
    """Metadata of a field that holds one of several sections which are no class of its own.

    Attributes:
        choice: Key by which one is chosen.
        left_out: Keys that are given elsewhere.
    """

    choice: str
    left_out: tuple[str, ...]

    def sections(self) -> dict[str, type[StrictModel]]:
        """Class of each section by the value of `choice`, the default first."""
        ...


def make_template(kind: type[StrictModel], command: str) -> str:
    """Commented YAML with all keys of a configuration and their defaults.

    Args:
        kind: The configuration's class.
        command: The command that reads it.
    """
    head = [
        *_comment(f"{summary(kind.__doc__ or '')}\nFor: {command}"),
        *_comment("Each setting stands with its default, which it has if it is left out."),
    ]
    return "\n\n".join("\n".join(lines) for lines in [head, *_Writer().settings(kind)]) + "\n"


@dataclass(frozen=True)
class _Writer:
    """Writes settings.

    Attributes:
        live: Whether they count; what is commented out shows examples in place of null.
        values: Defaults that are others than those of the model.
    """

    live: bool = True
    values: StrictModel | None = None

    def settings(self, kind: type[StrictModel], skip: tuple[str, ...] = ()) -> list[list[str]]:
        """The lines of each setting of a model; those that tell its kind first."""
        descriptions = attribute_descriptions(kind)
        fields = {name: each for name, each in kind.model_fields.items() if name not in skip}
        return [
            [*_comment(_description(descriptions.get(name, ""), fields[name])), *lines]
            for name in sorted(fields, key=lambda name: not _is_fixed(fields[name]))
            for lines in [list(self.setting(name, fields[name]))]
        ]

    def setting(self, name: str, field: FieldInfo) -> Iterator[str]:
        """A setting: its key and value, a section below it, or a list of sections."""
        for each in field.metadata:
            if isinstance(each, Alternatives):
                yield f"{name}:"
                yield from _indented(self.alternatives(each))
                return
        default = self.default(name, field)
        container, models = _models_in(field.annotation)
        idle = _Writer(live=False)
        if isinstance(default, StrictModel):
            yield f"{name}:"
            yield from _indented(replace(self, values=default).section(type(default), models))
        elif models and container and field.is_required():
            yield f"{name}:"
            yield from _indented(_Writer(self.live).item(container, models[0]))
        elif models and container:
            yield self.line(name, default, field)
            items = [line for model in models for line in idle.item(container, model)]
            yield from _commented([f"{name}:", *_indented(items)])
        elif models:
            yield self.line(name, default, field)
            yield from _commented([f"{name}:", *_indented(idle.section(models[0], models))])
        else:
            yield self.line(name, default, field)

    def default(self, name: str, field: FieldInfo) -> Any:
        """Value of a setting that is left out."""
        if self.values is not None:
            return getattr(self.values, name)
        return None if field.is_required() else field.get_default(call_default_factory=True)

    def section(self, chosen: type[StrictModel], models: Models) -> list[str]:
        """Settings of a section, and those of the others that may stand in its place."""
        lines = self.body(chosen)
        for other in models:
            if other is not chosen:
                lines += [*_comment("Or:"), *_commented(_Writer(live=False).body(other))]
        return lines

    def alternatives(self, field: Alternatives) -> list[str]:
        """The same of sections that are no class of their own."""
        lines: list[str] = []
        for name, kind in field.sections().items():
            writer = _Writer(live=False) if lines else self
            own = [f"{field.choice}: {name}", *writer.body(kind, field.left_out)]
            lines += [*_comment("Or:"), *_commented(own)] if lines else own
        return lines

    def body(self, kind: type[StrictModel], skip: tuple[str, ...] = ()) -> list[str]:
        """What a model is, and its settings."""
        settings = [line for lines in self.settings(kind, skip) for line in lines]
        about = _comment(summary(kind.__doc__ or ""))
        return [*about, "", *settings] if about else settings

    def item(self, container: type, model: type[StrictModel]) -> list[str]:
        """A section as an item of a list or of a mapping by names."""
        lines = self.body(model)
        if container is dict:
            return ["NAME:", *_indented(lines)]
        return [f"- {lines[0]}", *_indented(lines[1:])]

    def line(self, name: str, value: Any, field: FieldInfo) -> str:
        """A key and its value on one line."""
        examples = field.examples or []
        if value is None and examples and (field.is_required() or not self.live):
            value = examples[0]
        line = f"{name}: {_flow(value)}"
        return line + (f"  # such as {_flow(examples[0])}" if value is None and examples else "")


def _flow(value: Any) -> str:
    """A value on one line of YAML."""
    plain = [_plain(item) for item in value] if isinstance(value, tuple) else value
    text = yaml.safe_dump(plain, default_flow_style=True, allow_unicode=True, width=10_000)
    return str(text).removesuffix("...\n").strip()


def _plain(item: Any) -> Any:
    """A section of a list as a mapping of what it says."""
    return (
        item.model_dump(mode="json", exclude_unset=True) if isinstance(item, StrictModel) else item
    )


def _description(text: str, field: FieldInfo) -> str:
    """What a setting means and what may be chosen; nothing of one that only tells a kind."""
    if _is_fixed(field):
        return ""
    options = [option for each in _members(field.annotation) for option in _options(each)]
    are_named = all(str(option) in text for option in options)
    return text if are_named else f"{text} One of: {', '.join(map(str, options))}."


def _is_fixed(field: FieldInfo) -> bool:
    return len(_options(field.annotation)) == 1


def _options(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _models_in(annotation: Any) -> tuple[type | None, Models]:
    """Models that a setting may hold, and whether in a list or mapping."""
    models: list[type[StrictModel]] = []
    container: type | None = None
    for each in _members(annotation):
        origin = get_origin(each)
        if origin in (list, tuple, dict):
            _, inner = _models_in(get_args(each)[1 if origin is dict else 0])
            models += inner
            container = origin if inner else container
        elif isinstance(each, type) and issubclass(each, StrictModel):
            models.append(each)
    return container, tuple(models)


def _members(annotation: Any) -> list[Any]:
    """Members of a union, without annotations."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _members(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [member for each in get_args(annotation) for member in _members(each)]
    return [annotation]


def _comment(text: str) -> list[str]:
    return [
        f"# {line}"
        for paragraph in text.splitlines()
        for line in textwrap.wrap(paragraph, _WIDTH, break_long_words=False)
    ]


def _commented(lines: list[str]) -> list[str]:
    return [f"# {line}".rstrip() for line in lines]


def _indented(lines: list[str]) -> list[str]:
    return [f"{_INDENT}{line}".rstrip() for line in lines]
