"""Products of a contraction table as few large array operations.

Rows are values, columns atoms. Gathers of rows and sums of gathered rows are all there is, in both
directions: XLA on CPU would turn the derivative of a gather into a loop over single rows.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from limlff.models.mtp_contractions import ContractionTable

_SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)


@dataclass(frozen=True, eq=False)
class Rows:
    """A choice of rows, and for every source where it went, in groups of equal size.

    Attributes:
        chosen: Source of each row.
        uses: For groups of sources: the rows that each was chosen for, padded with `len(chosen)`.
        order: Place of each source in the joined groups.
    """

    chosen: Int[np.ndarray, " rows"]
    uses: tuple[Int[np.ndarray, "sources most"], ...]
    order: Int[np.ndarray, " sources"]


@dataclass(frozen=True)
class Stage:
    """Products of known values, and the sums that are new values.

    Attributes:
        first: First factors.
        second: Second factors.
        factor: Constant of each product.
        sums: Rows of the products that every new value is the sum of; as `Rows`, the new value that
            each product goes into.
    """

    first: Rows
    second: Rows
    factor: Float[np.ndarray, " terms"]
    sums: Rows


@dataclass(frozen=True)
class Schedule:
    """All stages in order, and where the scalars are once all values are joined."""

    stages: tuple[Stage, ...]
    scalars: Int[np.ndarray, " scalars"]

    def scalars_of(
        self, components: Float[Array, "components atoms"]
    ) -> Float[Array, "scalars atoms"]:
        """Values of the scalars for values of the components."""
        values = components
        for stage in self.stages:
            terms = take_rows(values, stage.first) * take_rows(values, stage.second)
            terms *= jnp.asarray(stage.factor, values.dtype)[:, None]
            values = jnp.concatenate([values, sum_rows(terms, stage.sums)])
        return values[self.scalars]


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def take_rows(values: Float[Array, "sources atoms"], rows: Rows) -> Float[Array, "rows atoms"]:
    """values[rows.chosen]"""
    return values[rows.chosen]


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def sum_rows(values: Float[Array, "rows atoms"], rows: Rows) -> Float[Array, "sources atoms"]:
    """For every source the sum of the rows it was chosen for: the transpose of `take_rows`."""
    padded = jnp.concatenate([values, jnp.zeros_like(values[:1])])
    sums = [jnp.sum(padded[uses.T], axis=0) for uses in rows.uses]
    return jnp.concatenate(sums)[rows.order]


take_rows.defvjp(
    lambda values, rows: (take_rows(values, rows), None),
    lambda rows, _, gradient: (sum_rows(gradient, rows),),
)
sum_rows.defvjp(
    lambda values, rows: (sum_rows(values, rows), None),
    lambda rows, _, gradient: (take_rows(gradient, rows),),
)


@cache
def schedule_of(table: ContractionTable) -> Schedule:
    """Products in as few stages as possible, each of which needs only values of those before."""
    depth = dict.fromkeys(range(len(table.basic)), 0)
    for first, second, _, target in table.products:
        depth[target] = max(depth.get(target, 1), 1 + max(depth[first], depth[second]))
    groups: dict[int, dict[int, list[tuple[int, int, int]]]] = defaultdict(dict)
    for first, second, factor, target in table.products:
        groups[depth[target]].setdefault(target, []).append((first, second, factor))
    place = {value: value for value in range(len(table.basic))}
    stages = []
    for _, targets in sorted(groups.items()):
        known = len(place)
        terms = [
            (place[first], place[second], factor, index)
            for index, products in enumerate(targets.values())
            for first, second, factor in products
        ]
        first_rows, second_rows, factors, index = map(np.array, zip(*terms, strict=True))
        stages.append(
            Stage(
                choose_rows(first_rows, known),
                choose_rows(second_rows, known),
                factors.astype(float),
                choose_rows(index, len(targets)),
            )
        )
        place.update({target: known + i for i, target in enumerate(targets)})
    return Schedule(tuple(stages), np.array([place[value] for value in table.scalars]))


def choose_rows(chosen: Int[np.ndarray, " rows"], sources: int) -> Rows:
    """Rows of so many sources, with the uses of every source in groups of similar number."""
    order = np.argsort(chosen, kind="stable")
    counts = np.bincount(chosen, minlength=sources)
    uses = np.split(order, np.cumsum(counts)[:-1])
    sizes = (*_SIZES, *(2 ** np.arange(7, 24)))
    size_of = np.array([next(size for size in sizes if size >= max(count, 1)) for count in counts])
    groups, members = [], []
    for size in sorted(set(size_of.tolist())):
        own = np.flatnonzero(size_of == size)
        padded = np.full((len(own), size), len(chosen))
        for row, source in enumerate(own):
            padded[row, : counts[source]] = uses[source]
        groups.append(padded)
        members.append(own)
    return Rows(chosen, tuple(groups), np.argsort(np.concatenate(members)))
