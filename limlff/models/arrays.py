"""Parameters of a model by their paths: which its settings ask for, and whether these are they.

A size may be a range, where the settings leave it open.
"""

from __future__ import annotations

import fnmatch
import math
from typing import Any

import jax
import numpy as np

from limlff.errors import InputError, shown
from limlff.models.contract import Model, Parameters

Shape = tuple[int | range, ...]

MOST_PARAMETERS = 10**8
"""Numbers among the parameters of a model: 0.8 GB, and four times as much in a training."""


def expected_shapes(model: Model) -> dict[str, Shape]:
    """Shape of every parameter, by the path of its keys joined by "/".

    A model may tell them by a method `parameter_shapes`; else they are what `initialize` gives.

    Raises:
        InputError: If there are more numbers than any memory should hold.
    """
    tell = getattr(model, "parameter_shapes", None)
    shapes = _flat(tell() if tell else _initial_shapes(model))
    number = sum(math.prod(_least(size) for size in shape) for shape in shapes.values())
    if number > MOST_PARAMETERS:
        raise InputError(
            f"the settings of the model ask for {number:.2g} parameters, the most are "
            f"{MOST_PARAMETERS:.0g}; choose smaller ones"
        )
    return shapes


def _initial_shapes(model: Model) -> Any:
    key = jax.eval_shape(lambda: jax.random.key(0))
    try:
        return jax.eval_shape(model.initialize, key)
    except TypeError:  # it computes with NumPy, which has to be done
        return model.initialize(jax.random.key(0))


def _flat(tree: dict[str, Any]) -> dict[str, Shape]:
    flat: dict[str, Shape] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            flat.update({f"{key}/{rest}": shape for rest, shape in _flat(value).items()})
        else:
            flat[key] = value if isinstance(value, tuple) else tuple(value.shape)
    return flat


def _least(size: int | range) -> int:
    return size.start if isinstance(size, range) else size


def most_numbers(shape: Shape) -> int:
    """Numbers that an array of this shape has at most."""
    return math.prod(size.stop - 1 if isinstance(size, range) else size for size in shape)


def flatten_parameters(parameters: Parameters) -> dict[str, np.ndarray]:
    """Arrays of a nested dict by the path of their keys, joined by '/'."""
    flat: dict[str, np.ndarray] = {}
    for key, value in parameters.items():
        if not isinstance(key, str) or "/" in key or not key:
            raise ValueError(
                f"parameter key {key!r} is no string free of '/'; rename it in the model"
            )
        if isinstance(value, dict):
            flat.update({f"{key}/{rest}": leaf for rest, leaf in flatten_parameters(value).items()})
        else:
            flat[key] = np.asarray(value)
    return flat


def unflatten_parameters(flat: dict[str, np.ndarray]) -> Parameters:
    """The nested dict of arrays from what `flatten_parameters` made of it."""
    nested: dict[str, Any] = {}
    for path, leaf in flat.items():
        *sections, key = path.split("/")
        target = nested
        for section in sections:
            target = target.setdefault(section, {})
        target[key] = leaf
    return nested


def check_names(found: set[str], expected: dict[str, Shape]) -> None:
    """Refuse arrays that are missing and those that nobody asks for.

    Raises:
        InputError: If there are any.
    """
    missing, unknown = sorted(expected.keys() - found), sorted(found - expected.keys())
    if missing:
        raise InputError(f"it has no array {shown(repr(missing[0]))}, which its settings ask for")
    if unknown:
        raise InputError(f"its settings ask for no array {shown(repr(unknown[0]))}")


LARGEST = 1e30
"""Largest parameter; products of those beyond overflow to energies that are no numbers."""


def check_array(name: str, array: np.ndarray, shape: Shape) -> None:
    """Refuse an array of another shape or dtype, and one that is not finite or out of all bounds.

    Raises:
        InputError: If it is one.
    """
    fits = len(array.shape) == len(shape) and all(map(_fits, array.shape, shape))
    if not fits:
        asked = ", ".join(_size_as_text(size) for size in shape)
        raise InputError(
            f"array {shown(name)} has the shape {array.shape}, its settings ask for ({asked})"
        )
    if array.dtype != np.float64:
        raise InputError(f"array {shown(name)} is of {array.dtype}, not of float64")
    if not np.isfinite(array).all():
        place = tuple(int(index) for index in np.argwhere(~np.isfinite(array))[0])
        raise InputError(
            f"array {shown(name)} holds values that are not finite, the first at {place}"
        )
    largest = float(np.abs(array).max(initial=0.0))
    if largest > LARGEST:
        raise InputError(f"array {shown(name)} holds {largest:.3g}; the limit is {LARGEST:g}")


def check_positive(model: Model, arrays: dict[str, np.ndarray]) -> None:
    """Refuse values of zero and below in arrays that the model divides by.

    Args:
        model: Its `positive`, if any, are patterns of paths.
        arrays: Parameters by path.

    Raises:
        InputError: If there is one.
    """
    for pattern in getattr(model, "positive", ()):
        for name in fnmatch.filter(arrays, pattern):
            if not np.all(arrays[name] > 0):
                raise InputError(f"array {shown(name)} holds values of 0 or below")


def _fits(size: int, asked: int | range) -> bool:
    return size in asked if isinstance(asked, range) else size == asked


def _size_as_text(size: int | range) -> str:
    return f"{size.start} to {size.stop - 1}" if isinstance(size, range) else str(size)
