"""Random numbers of a model's first parameters."""

from __future__ import annotations

import jax
import numpy as np
from jaxtyping import Array


def host_generator(key: Array) -> np.random.Generator:
    """NumPy generator that a jax key decides.

    Parameters have many shapes, and XLA would compile a program to draw each of them.
    """
    return np.random.default_rng(np.asarray(jax.random.key_data(key)).astype(np.uint64))
