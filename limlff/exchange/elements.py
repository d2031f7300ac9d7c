"""Chemical symbols for the numbered types of other codes."""

from __future__ import annotations

from collections.abc import Sequence

from ase.data import atomic_numbers

from limlff.errors import InputError, shown


def refuse_unknown_elements(elements: Sequence[str]) -> None:
    """Raise if a type has no chemical symbol for a name.

    Args:
        elements: Names of the types.

    Raises:
        InputError: If one of them is no chemical symbol, or two are the same.
    """
    for element in elements:
        if element not in atomic_numbers or element == "X":
            raise InputError(
                f"its type '{shown(element)}' is no chemical symbol; give the symbols of all "
                "types in order by --elements"
            )
    if len(set(elements)) < len(elements):
        raise InputError(f"its types are {', '.join(elements)}; each symbol may be there once only")
