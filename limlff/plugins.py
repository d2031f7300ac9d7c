"""Classes by name: those of this package, and others that register themselves or are installed.

Modules are imported only when what they hold is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from limlff.errors import InputError, shown

Registered = TypeVar("Registered", bound=type)


class Plugins:
    """Classes by name.

    Args:
        built_in: Those of this package, as "module:class".
        group: Group of entry points by which installed packages offer further ones.
    """

    def __init__(self, built_in: Mapping[str, str], group: str) -> None:
        self._built_in, self._group = dict(built_in), group
        self._registered: dict[str, type] = {}

    def register(self, name: str) -> Callable[[Registered], Registered]:
        """Decorator that makes a class known in this process by a name."""

        def add(registered: Registered) -> Registered:
            self._registered[name] = registered
            return registered

        return add

    def names(self) -> list[str]:
        """All names."""
        offered = entry_points(group=self._group).names
        return sorted({*self._built_in, *self._registered, *offered})

    def find(self, name: str) -> Any | None:
        """The class of a name; None if there is none.

        Raises:
            InputError: If the package that offers it cannot be imported.
        """
        if name in self._registered:
            return self._registered[name]
        if name in self._built_in:
            module, attribute = self._built_in[name].split(":")
            return getattr(import_module(module), attribute)
        offered = entry_points(group=self._group, name=name)
        return _load(next(iter(offered))) if offered else None

    def name_of(self, known: type) -> str | None:
        """The name of a class; None if it has none. No module is imported."""
        place = f"{known.__module__}:{known.__qualname__}"
        offered = {each.name: each.value for each in entry_points(group=self._group)}
        names = [name for name, built_in in self._built_in.items() if built_in == place]
        names += [name for name, registered in self._registered.items() if registered is known]
        names += [name for name, value in offered.items() if value == place]
        return names[0] if names else None


def _load(offered: EntryPoint) -> Any:
    try:
        return offered.load()
    except Exception as error:  # whatever the code of somebody else raises
        package = offered.dist.name if offered.dist else "a package"
        raise InputError(
            f"{offered.name}: is offered by {package} ({offered.value}), which cannot be imported: "
            f"{type(error).__name__}: {shown(str(error), 200)}; repair or uninstall that package"
        ) from error
