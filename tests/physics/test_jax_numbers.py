"""Numbers that versions of jax are known to get wrong on CPU."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from limlff import precision as precision
from limlff.neighbors.matrix import NeighborMatrix, extended_positions

# Between 16,385 and 40,000 rows jax 0.10.2 multiplies batched small matrices wrongly.
ROWS = (16_385, 20_000, 32_769)


@pytest.mark.parametrize("rows", ROWS)
def test_ghosts_of_many_atoms_are_where_numpy_puts_them(rows):
    rng = np.random.default_rng(rows)
    positions, cell = rng.normal(size=(100, 3)), rng.normal(size=(3, 3)) * 20
    owner = rng.integers(0, 100, rows).astype(np.int32)
    shift = rng.integers(-3, 4, size=(rows, 3)).astype(float)
    lists, visits = jnp.zeros((100, 1), jnp.int32), jnp.arange(100)
    matrix = NeighborMatrix(lists, jnp.array(owner), jnp.array(shift), visits)
    found = np.asarray(jax.jit(extended_positions)(positions, cell, matrix))
    expected = np.array(
        [
            positions[o] + s[0] * cell[0] + s[1] * cell[1] + s[2] * cell[2]
            for o, s in zip(owner, shift, strict=True)
        ]
    )
    np.testing.assert_allclose(found[100:], expected, atol=1e-11)


@pytest.mark.parametrize("rows", ROWS)
def test_rows_times_a_box_are_what_numpy_says(rows):
    rng = np.random.default_rng(rows)
    fractions, box = rng.normal(size=(rows, 3)), rng.normal(size=(3, 3))
    for name, function in {
        "matrix product": lambda s, b: s @ b.T,
        "mapped rows": lambda s, b: jax.vmap(lambda row: b @ row)(s),
    }.items():
        found = np.asarray(jax.jit(function)(fractions, box))
        np.testing.assert_allclose(found, fractions @ box.T, atol=1e-12, err_msg=name)
