"""What goes down to compiled code is of the declared type, or it does not go down."""

from __future__ import annotations

import ctypes
import gc
from typing import NamedTuple

import numpy as np
import pytest

from limlff.neighbors.cells import Order, Task
from limlff.neighbors.points import _Sorting
from limlff.simd.words import Float64s, Int32s, Int64s, Whole, call


class Example(NamedTuple):
    """One field of each kind."""

    count: Whole
    lengths: Float64s
    numbers: Int64s
    lists: Int32s


GOOD = Example(3, np.arange(3.0), np.arange(3), np.arange(3, dtype=np.int32))


def test_words_are_numbers_and_addresses_of_the_arrays() -> None:
    seen = []
    assert call(lambda address: seen.append(_read(address, 4)) or 7, GOOD) == 7
    assert seen == [[3, *(array.ctypes.data for array in GOOD[1:])]]


def _read(address: int, words: int) -> list[int]:
    return list((ctypes.c_int64 * words).from_address(address))


def test_words_outlive_everything_else_that_happens_meanwhile() -> None:
    """While the function runs, memory that nobody owns would be given to others."""

    def function(address: int) -> int:
        expected = _read(address, 4)
        for _ in range(200):
            gc.collect(0)
            np.full(4, -1, np.int64).tolist()
        assert _read(address, 4) == expected
        return 0

    call(function, GOOD)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("lengths", np.arange(3)),
        ("lengths", np.arange(3, dtype=np.float32)),
        ("lengths", np.arange(6.0)[::2]),
        ("lengths", np.ones((2, 3)).T),
        ("lengths", np.arange(3.0).astype(">f8")),
        ("lengths", [0.0, 1.0, 2.0]),
        ("numbers", np.arange(3.0)),
        ("numbers", np.arange(3, dtype=np.int32)),
        ("lists", np.arange(3)),
        ("count", 3.0),
        ("count", np.float64(3)),
    ],
)
def test_what_is_of_another_type_is_refused(field: str, value: object) -> None:
    def never(address: int) -> int:
        raise AssertionError("was called")

    with pytest.raises(TypeError):
        call(never, GOOD._replace(**{field: value}))


@pytest.mark.parametrize("task", [Task, Order, _Sorting])
def test_every_field_of_a_task_is_of_a_known_kind(task: type) -> None:
    with pytest.raises(TypeError):  # and not KeyError or AttributeError: all are declared
        call(lambda address: 0, task(*[None] * len(task._fields)))
