"""Random numbers of a model's first parameters."""

from __future__ import annotations

from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array


class Normal(Protocol):
    """A source of normal random numbers."""

    def normal(self, *, size: Any) -> Any:
        """Numbers of zero mean and unit variance, in an array of that shape."""


class _Undrawn:
    """Arrays of the right shape, where only shapes are asked for."""

    def normal(self, *, size: Any) -> Any:
        return jnp.zeros(size)


def host_generator(key: Array) -> Normal:
    """NumPy generator that a jax key decides; in a trace, where keys have no value, one of zeros.

    Parameters have many shapes, and XLA would compile a program to draw each of them.
    """
    if isinstance(key, jax.core.Tracer):
        return _Undrawn()
    return np.random.default_rng(np.asarray(jax.random.key_data(key)).astype(np.uint64))
