"""What compiled programs of a potential are for, so that they are shared wherever they can serve.

A kernel has to be given numbers for the weights: a few are packed and become constants of the
program, which then serves all potentials with these weights. A formula takes the weights as
arguments, since so many constants would be slow to compile; its programs serve all potentials of a
model.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float

from limlff.kernels import Kernel
from limlff.models.contract import Model, Parameters
from limlff.potential import Potential
from limlff.prediction.formula import evaluate_formula

Weights = tuple[Parameters, Float[Array, " elements"]]
"""Parameters of a model, and the baseline (eV)."""


@dataclass(frozen=True)
class FormulaProgram:
    """A model's formula and its derivative by jax; programs of equal ones are shared.

    Attributes:
        model: The model.
        dtype: Its arithmetic, "float32" or "float64".
    """

    model: Model
    dtype: str

    def weights(self, arguments: Weights | None) -> Weights:
        """The weights among the arguments of a program."""
        assert arguments is not None
        return arguments

    def evaluate(self, parameters: Parameters, *geometry: Any) -> tuple[Array, Array, Array]:
        """Energies without the baseline (eV), forces (eV/Å) and virial (eV).

        Args:
            parameters: Of the model.
            geometry: Species, positions (Å), cell (Å) and neighbors.
        """
        return evaluate_formula(self.model, self.dtype, parameters, *geometry)


@dataclass(frozen=True)
class KernelProgram:
    """A compiled kernel with its weights; programs of equal ones are shared.

    Attributes:
        model: The model.
        dtype: Its arithmetic, "float32" or "float64".
        kernel: The kernel.
        digest: Of the weights.
        constants: The weights (NumPy).
    """

    model: Model
    dtype: str
    kernel: Kernel
    digest: str
    constants: Weights = field(compare=False)

    def weights(self, arguments: Weights | None) -> Weights:
        """The weights, constants of a program."""
        return self.constants

    def evaluate(self, parameters: Parameters, *geometry: Any) -> tuple[Array, Array, Array]:
        """As `FormulaProgram.evaluate`; the parameters are numbers (NumPy)."""
        return self.kernel.evaluate(self.kernel.pack(self.model, parameters, self.dtype), *geometry)


Program = FormulaProgram | KernelProgram
"""What a compiled program is for, hashable."""


def program_of_kernel(potential: Potential, dtype: str, kernel: Kernel) -> KernelProgram:
    """The program of a potential's kernel."""
    constants = jax.tree.map(np.asarray, (potential.parameters, potential.baseline))
    digest = sha256()
    for path, array in jax.tree_util.tree_leaves_with_path(constants):
        digest.update(f"{path} {array.shape} {array.dtype}".encode() + array.tobytes())
    return KernelProgram(potential.model, dtype, kernel, digest.hexdigest(), constants)
