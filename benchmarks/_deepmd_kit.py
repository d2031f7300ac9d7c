"""DeePMD-kit's ASE calculator for `versus.py`, with the model file DEEPMD_MODEL.

To make one of usual size, compressed: see `_deepmd_model.py`.
"""

from __future__ import annotations

import os

from ase.build import bulk
from deepmd.calculator import DP

calculator = DP(model=os.environ["DEEPMD_MODEL"])
atoms = bulk("Li", "bcc", a=3.44, cubic=True).repeat(8)
