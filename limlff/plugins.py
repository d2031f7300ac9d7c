"""Things by name: those of this package, and others that register themselves or are installed.

Modules are imported only when what they hold is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, TypeVar

Thing = TypeVar("Thing", bound=type)


class Plugins:
    """Classes by name.

    Args:
        built_in: Those of this package, as "module:class".
        group: Group of entry points by which installed packages offer further ones.
    """

    def __init__(self, built_in: Mapping[str, str], group: str) -> None:
        self._built_in, self._group = dict(built_in), group
        self._registered: dict[str, type] = {}

    def register(self, name: str) -> Callable[[Thing], Thing]:
        """Decorator that makes a class known in this process by a name."""

        def add(thing: Thing) -> Thing:
            self._registered[name] = thing
            return thing

        return add

    def names(self) -> list[str]:
        """All names."""
        offered = entry_points(group=self._group).names
        return sorted({*self._built_in, *self._registered, *offered})

    def find(self, name: str) -> Any | None:
        """The class of a name; None if there is none."""
        if name in self._registered:
            return self._registered[name]
        if name in self._built_in:
            module, attribute = self._built_in[name].split(":")
            return getattr(import_module(module), attribute)
        offered = entry_points(group=self._group, name=name)
        return next(iter(offered)).load() if offered else None
