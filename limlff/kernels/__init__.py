"""Compiled force kernels for CPUs, and which models have one.

A kernel gives the same numbers as the model's formulas and their derivative by jax, to rounding; it
is faster. Everything else (training, accelerators, models without a kernel) uses the formulas.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax

from limlff import precision as precision  # first: sets up jax
from limlff.models.contract import Model
from limlff.models.moment import MomentModel


@dataclass(frozen=True)
class Kernel:
    """Compiled code for one architecture.

    Attributes:
        pack: Model, parameters (NumPy) and dtype to what `evaluate` takes first. It needs numbers:
            parameters of a kernel are constants of the program that it is in.
        evaluate: Packed model, species, positions (Å), cell (Å) and neighbors to energies per atom
            without the baseline (eV), forces (eV/Å) and virial (eV).
    """

    pack: Callable[[Any, Any, str], Any]
    evaluate: Callable[..., tuple[Any, Any, Any]]


def kernel_for(model: Model) -> Kernel | None:
    """The kernel of a model on the device in use, if there is one."""
    load = _KERNELS.get(type(model))
    return None if load is None or jax.default_backend() != "cpu" else load()


def _moment_kernel() -> Kernel:
    from limlff.kernels.custom_call import evaluate_on_cpu  # numba takes a while to import
    from limlff.kernels.packing import pack

    return Kernel(pack, evaluate_on_cpu)


_KERNELS: dict[type, Callable[[], Kernel]] = {MomentModel: _moment_kernel}
"""By the class itself: another one, even if derived from it, may have other formulas."""
