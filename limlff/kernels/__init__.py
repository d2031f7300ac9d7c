"""Compiled force kernels for CPUs, and which models have one.

A kernel gives the same numbers as the model's formulas and their derivative by jax, to rounding; it
is faster. Everything else (training, accelerators, models without a kernel) uses the formulas.
"""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from limlff import precision as precision  # first: sets up jax
from limlff.models.contract import Model, Parameters
from limlff.models.moment import MomentModel


def has_kernel(model: Model, parameters: Parameters) -> bool:
    """Whether a compiled kernel can evaluate this model here.

    It needs a CPU, and numbers for parameters: it is not differentiable by them.
    """
    return (
        isinstance(model, MomentModel)
        and jax.default_backend() == "cpu"
        and not any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(parameters))
    )


def pack_for_kernel(model: MomentModel, parameters: Parameters, dtype: str) -> Any:
    """The parameters in the order in which the kernel reads them."""
    from limlff.kernels.packing import pack  # numba takes a while to import

    with jax.ensure_compile_time_eval():
        return pack(model, jax.tree.map(np.asarray, parameters), dtype)
