"""Chemical symbols for the numbered types of other codes."""

from __future__ import annotations

from collections.abc import Sequence

from ase.data import atomic_numbers

from limlff.errors import InputError


def refuse_unknown_elements(elements: Sequence[str], name: str) -> None:
    """Raise if a type has no chemical symbol for a name.

    Args:
        elements: Names of the types.
        name: The file, for the message.

    Raises:
        InputError: If one of them is no chemical symbol, or two are the same.
    """
    for element in elements:
        if element not in atomic_numbers:
            raise InputError(
                f"{name}: its type '{element}' is no chemical symbol; give the symbols of all "
                "types in order by --elements"
            )
    if len(set(elements)) < len(elements):
        raise InputError(
            f"{name}: its types are {', '.join(elements)}; each symbol may be there once only"
        )
