"""Limits of a given contraction table, which may come from a file that is damaged or not honest."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from limlff.errors import InputError
from limlff.models.mtp_contractions import ContractionTable

MOST_VALUES = 50_000
"""Values of a table; that of level 28 has a third of them."""
MOST_PRODUCTS = 500_000

Place = Annotated[int, Field(ge=0, lt=MOST_VALUES)]
Mu = Annotated[int, Field(ge=0, le=16)]
Exponent = Annotated[int, Field(ge=0, le=16)]
Component = tuple[Mu, Exponent, Exponent, Exponent]
Factor = Annotated[int, Field(ge=-(10**9), le=10**9)]
Product = tuple[Place, Place, Factor, Place]


def check_table(table: ContractionTable) -> None:
    """Refuse a table in which a value is used before it is whole, or is never computed.

    Raises:
        InputError: If it is one.
    """
    if not table.basic:
        raise InputError("mtp model: basic is []; give the components of the moments")
    ready = dict.fromkeys(range(len(table.basic)), -1)
    ready |= {target: row for row, (*_, target) in enumerate(table.products)}
    for row, (first, second, _, target) in enumerate(table.products):
        if target < len(table.basic):
            raise InputError(
                f"mtp model: products {row} changes value {target}, a component of the moments"
            )
        for value in (first, second):
            if ready.get(value, row) >= row:
                raise InputError(
                    f"mtp model: products {row} uses value {value}, which is not whole before it"
                )
    missing = [value for value in table.scalars if value not in ready]
    if missing:
        raise InputError(f"mtp model: scalars name value {missing[0]}, which no product gives")
