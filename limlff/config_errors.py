"""Error messages for configurations, in terms of their keys instead of pydantic's."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel, ValidationError

from limlff.errors import shown
from limlff.stored_settings import RENAMED

_MOST_PROBLEMS = 5
"""Problems that a message lists; further ones are only counted."""

_TYPES = {
    "float": "a number",
    "int": "a whole number",
    "bool": "true or false",
    "string": "text",
    "path": "a path",
    "list": "a list",
    "tuple": "a list",
    "model": "a section of 'key: value' lines",
    "dict": "a section of 'key: value' lines",
}
"""What a setting must be, by the first word of pydantic's name for the error."""

_CHOSEN_BY_TYPE = ("type", "parsing", "from")
"""The second word of these errors."""

_LONGEST_REASON = 300
"""Characters of the message of a validator of our own, which may quote a long value."""

Keys = tuple[str, ...]


class Section(NamedTuple):
    """A model within a configuration.

    Attributes:
        path: Keys that lead to it; "0" for an item of a list, "NAME" for one of a mapping.
        model: Its class.
    """

    path: Keys
    model: type[BaseModel]


def explain(error: ValidationError, content: Any, kind: type[BaseModel]) -> str:
    """All problems of a configuration in one line.

    Args:
        error: What pydantic found.
        content: The settings it looked at.
        kind: The configuration's class.
    """
    problems = error.errors(include_url=False)
    said = list(dict.fromkeys(_explain_one(each, content, kind) for each in problems))
    left = len(said) - _MOST_PROBLEMS
    return "; ".join(said[:_MOST_PROBLEMS]) + (f"; and {left} more" if left > 0 else "")


def sections_of(kind: type[BaseModel], path: Keys = ()) -> Iterator[Section]:
    """A configuration and all models within it."""
    yield Section(path, kind)
    for name, field in kind.model_fields.items():
        for section in _sections_in(field.annotation, (*path, name)):
            yield from sections_of(section.model, section.path)
        for choice in field.metadata:  # one of several, which are looked up only when asked for
            choices = choice.sections().values() if hasattr(choice, "sections") else ()
            yield from (Section((*path, name), model) for model in choices)


def _sections_in(annotation: Any, path: Keys) -> Iterator[Section]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield Section(path, annotation)
    origin, inner = getattr(annotation, "__origin__", None), get_args(annotation)
    if origin is dict:
        inner, path = inner[1:], (*path, "NAME")
    elif origin in (list, tuple):
        path = (*path, "0")
    for each in inner:
        yield from _sections_in(each, path)


def _explain_one(problem: Any, content: Any, kind: type[BaseModel]) -> str:
    keys = _keys(problem, content)
    key, sort, got = ".".join(keys), problem["type"], problem["input"]
    if sort == "extra_forbidden":
        return f"unknown key '{shown(key)}'; {_meant(keys, content, kind)}"
    if sort == "missing":
        few = isinstance(problem["loc"][-1], int)
        return f"{'.'.join(keys[:-1])}: has too few values" if few else f"'{key}' is missing"
    if sort in ("union_tag_invalid", "union_tag_not_found"):
        return _explain_kind(problem, keys, kind)
    said = _requirement(problem)
    written = shown(_as_written(got))
    known = sort == "value_error" and (isinstance(got, dict) or written.strip("'") in said)
    named = said.startswith((f"{key}:", f"{key}."))
    where = f"{shown(key)}: " if key and not named else ""
    return f"{where}{said}" + ("" if known else f" (got {written})")


def _requirement(problem: Any) -> str:
    """The requirement that a setting violates, in plain words."""
    first, _, rest = problem["type"].partition("_")
    if first in _TYPES and rest.split("_")[-1 if first == "model" else 0] in _CHOSEN_BY_TYPE:
        return f"must be {_TYPES[first]}"
    said = (
        shown(problem["msg"], _LONGEST_REASON)
        .removeprefix("Value error, ")
        .replace("Input should be", "must be")
    )
    if problem["type"] == "literal_error":
        said += _did_you_mean(problem["input"], problem["ctx"]["expected"].replace(" or ", ", "))
    return said.replace("less than or equal to", "at most").replace(
        "greater than or equal to", "at least"
    )


def _keys(problem: Any, content: Any) -> Keys:
    """Keys that lead to a problem; pydantic's marks of what it tried in a union are left out."""
    keys: list[str] = []
    *places, last = problem["loc"] or (None,)
    for place in places:
        if _has(content, place):
            keys.append(str(place))
            content = content[place]
    if last is not None and (_has(content, last) or problem["type"] == "missing"):
        keys.append(str(last))
    return tuple(keys)


def _has(content: Any, place: Any) -> bool:
    if isinstance(content, dict):
        return place in content
    return isinstance(content, list | tuple) and isinstance(place, int) and place < len(content)


def _explain_kind(problem: Any, keys: Keys, kind: type[BaseModel]) -> str:
    """A choice by `kind` that is missing or unknown."""
    key = ".".join(keys)
    context, got = problem["ctx"], problem["input"]
    choice = context["discriminator"].strip("'")
    if not choice.isidentifier():  # chosen by the shape of the value
        return f"{key}: must be a number or a list of two (got {shown(_as_written(got))})"
    if problem["type"] == "union_tag_not_found":
        there = [each.model for each in sections_of(kind) if _is_at(each.path, keys)]
        names = [str(model.model_fields[choice].default) for model in there]
        return f"'{key}.{choice}' is missing; choose {', '.join(names)}"
    tags, tag = context["expected_tags"], context["tag"]
    return f"{key}.{choice}: must be one of {tags}{_did_you_mean(tag, tags)} (got {shown(tag)!r})"


def _did_you_mean(got: Any, choices: str) -> str:
    names = [name.strip().strip("'") for name in choices.split(",")]
    if not isinstance(got, str):
        return ""
    close = _closest(got, names)
    return f"; did you mean '{close}'?" if close else ""


def _closest(word: str, names: list[str]) -> str | None:
    """The name that a word may have been meant to be."""
    if not word or len(word) > 60:
        return None
    begun = [name for name in names if name.startswith(word.lower())]
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    lower = difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    candidates = [*begun, *close, *lower] if len(word) > 2 else [*close, *lower]
    return next(iter(candidates), None)


def _meant(keys: Keys, content: Any, kind: type[BaseModel]) -> str:
    """What to do about an unknown key: the key that was meant, with its full path."""
    *place, key = keys
    sections = list(sections_of(kind))
    here = [section for section in sections if _is_at(section.path, tuple(place))]
    active = _active(here, tuple(place), content)
    known = list(active.model.model_fields) if active else []
    close = _closest(RENAMED.get(key, key), known)
    if close:
        return f"did you mean '{close}'?"
    others = [s for s in here if s is not active and key in s.model.model_fields]
    if others:
        kinds = " and ".join(f"'{s.model.model_fields['kind'].default}'" for s in others)
        return f"it belongs to kind {kinds}; this one knows {', '.join(known)}"
    paths = {name: s.path for s in reversed(sections) for name in s.model.model_fields}
    name = RENAMED.get(key, key)
    close = _closest(name, [name] if name in paths else list(paths))
    if close:
        top = "" if paths[close] else " at the top level"
        return f"did you mean '{'.'.join((*paths[close], close))}'{top}?"
    return "remove it; limlff template shows all keys"


def _is_at(path: Keys, place: Keys) -> bool:
    """Whether a section's path fits keys in which items have their own numbers and names."""
    return len(path) == len(place) and all(
        own == given or own == "NAME" or (own == "0" and given.isdigit())
        for own, given in zip(path, place, strict=True)
    )


def _active(sections: list[Section], place: Keys, content: Any) -> Section | None:
    """Of sections at one place, which differ in their kind, the one that was chosen."""
    for key in place:
        content = content[int(key) if isinstance(content, list | tuple) else key]
    for section in sections:
        field = section.model.model_fields.get("kind")
        if field is None or field.default == content.get("kind"):
            return section
    return None


def _as_written(value: Any, levels: int = 3) -> str:
    """A value about as it would stand in YAML, so many levels deep and of bounded length."""
    if isinstance(value, str):
        return repr(value[:200])
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    if isinstance(value, int) and abs(value) >= 10**30:
        return f"a number of {len(str(abs(value))) if abs(value) < 10**4000 else 'too many'} digits"
    if isinstance(value, dict | list | tuple) and not levels:
        return "..."
    if isinstance(value, dict):
        items = [*value.items()][:8]
        return f"{{{', '.join(f'{key}: {_as_written(item, levels - 1)}' for key, item in items)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_as_written(item, levels - 1) for item in value[:8])}]"
    return repr(value)
