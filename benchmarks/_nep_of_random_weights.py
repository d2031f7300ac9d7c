"""A NEP of usual size with random weights, for `versus.py --ase NEP=_nep_of_random_weights.py`.

The cost of a NEP (neuroevolution potential, run here by calorine's CPU code) depends on its sizes
and cutoffs, not on its weights. Sizes: cutoffs 6 and 5 Å, 9 radial and 9 angular functions of 9
basis functions each, l <= 4 with four- and five-body terms, 30 neurons. It gives no physics.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from ase.build import bulk
from calorine.calculators import CPUNEP

RADIAL = ANGULAR = BASIS = 8  # numbers of functions, less one
L_MAX, NEURONS = 4, 30


def nep_file() -> str:
    """Text of a nep.txt."""
    descriptors = (RADIAL + 1) + (ANGULAR + 1) * (L_MAX + 2)
    coefficients = (RADIAL + 1 + ANGULAR + 1) * (BASIS + 1)
    numbers = np.random.default_rng(0).normal(
        scale=0.01, size=(descriptors + 2) * NEURONS + 1 + coefficients
    )
    header = [
        "nep4 1 Li",
        "cutoff 6 5 100 80",
        f"n_max {RADIAL} {ANGULAR}",
        f"basis_size {BASIS} {BASIS}",
        f"l_max {L_MAX} 2 1",
        f"ANN {NEURONS} 0",
    ]
    return "\n".join([*header, *(f"{x:.7e}" for x in numbers), *["1.0"] * descriptors]) + "\n"


folder = tempfile.TemporaryDirectory()  # the file is read at the first evaluation
file = Path(folder.name) / "nep.txt"
file.write_text(nep_file())
calculator = CPUNEP(str(file))
atoms = bulk("Li", "bcc", a=3.44, cubic=True).repeat(8)
