"""Where neighbor matrices are built: on the host with CPUs, on the device with accelerators."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import jax

from limlff.neighbors.host import Capacity, build_neighbors
from limlff.neighbors.matrix import NeighborMatrix

Builder = Callable[..., tuple[NeighborMatrix, Capacity]]
"""A function with the arguments and the result of `limlff.neighbors.host.build_neighbors`."""


@cache
def choose_builder(backend: str | None = None) -> Builder:
    """The fastest builder for a kind of device.

    Args:
        backend: jax's name of it ("cpu", "gpu", "tpu"); that in use if None.
    """
    if (backend or jax.default_backend()) == "cpu":
        return build_neighbors
    from limlff.neighbors.device import DeviceNeighbors  # jax-md takes seconds to import

    return DeviceNeighbors().build
