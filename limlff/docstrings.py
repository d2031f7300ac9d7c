"""What the docstrings of this project say, for schemas, templates and messages."""

from __future__ import annotations

import inspect
import re

_SECTION = re.compile(r"^(Attributes|Args|Returns|Raises|Yields|Source):", re.MULTILINE)
_ENTRY = re.compile(r"^    (\w+): (.*(?:\n {5,}.*)*)", re.MULTILINE)


def summary(docstring: str) -> str:
    """A docstring up to its first section, each paragraph on one line."""
    text = inspect.cleandoc(docstring)
    section = _SECTION.search(text)
    text = text[: section.start()] if section else text
    return "\n".join(" ".join(part.split()) for part in text.strip().split("\n\n"))


def attribute_descriptions(kind: type) -> dict[str, str]:
    """What the docstrings of a class and its bases say of each attribute, on one line each."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if base.__module__.partition(".")[0] == "pydantic":
            continue
        text = inspect.cleandoc(base.__doc__ or "")
        _, _, attributes = text.partition("\nAttributes:\n")
        section = _SECTION.search(attributes)
        attributes = attributes[: section.start()] if section else attributes
        found.update({name: " ".join(said.split()) for name, said in _ENTRY.findall(attributes)})
    return found
