"""The one door through which arrays from outside come in: real numbers of a known shape.

Users and files hand over lists, text, masked, transposed or single-precision arrays. What comes out
is float64 without gaps, or an error that says what it was.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from limlff.errors import InputError, shown

_OTHER_KINDS = {
    "U": "text",
    "S": "text",
    "b": "true or false",
    "c": "complex",
    "M": "a date",
    "m": "a time",
    "O": "of mixed kinds",
    "V": "of several fields",
}


def real_array(
    values: Any, shape: tuple[int | None, ...], name: str, origin: str = ""
) -> Float[np.ndarray, "..."]:
    """Values as float64, if they are real numbers of the shape that is needed.

    Args:
        values: Numbers, nested lists or an array; copied only if it is of another type or has gaps.
        shape: The shape; None for a length that does not matter.
        name: What they are, for messages.
        origin: Where they are from, as file and frame, for messages.

    Raises:
        InputError: If they are text, true or false, complex, dates, ragged, masked, or of another
            shape.
    """
    where = f"{origin}: {name}" if origin else name
    if np.ma.is_masked(values):
        raise InputError(f"{where} is masked in part; give all of it a value")
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, OverflowError, RecursionError):  # ragged, or nested too deep
        raise InputError(
            f"{where} is no array: {shown(values, 40)} has rows of unequal length; real numbers of "
            f"the shape {_named(shape)} are needed"
        ) from None
    if array.size and array.dtype.kind not in "iuf":
        kind = _OTHER_KINDS.get(array.dtype.kind, "of another kind")
        raise InputError(
            f"{where} is {shown(values, 40)}, {kind} ({array.dtype}); real numbers of the shape "
            f"{_named(shape)} are needed"
        )
    fits = array.ndim == len(shape) and all(
        wanted in (None, found) for wanted, found in zip(shape, array.shape, strict=True)
    )
    if not fits:
        raise InputError(
            f"{where} is of the shape {array.shape}; it must be of the shape {_named(shape)}"
        )
    return np.ascontiguousarray(array, np.float64).reshape(array.shape)


def _named(shape: tuple[int | None, ...]) -> str:
    if not shape:
        return "of one number"
    return f"({', '.join('any' if n is None else str(n) for n in shape)})"
