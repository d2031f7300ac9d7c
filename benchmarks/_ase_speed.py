"""Forces of any ASE calculator, timed; prints µs per atom. Used by versus.py.

python benchmarks/_ase_speed.py FILE.py      # defines `calculator` and `atoms`
"""

from __future__ import annotations

import runpy
import sys
import time

import numpy as np

SECONDS = 4.0


def main() -> None:
    """Move the atoms a little before each evaluation, so that nothing can be reused."""
    given = runpy.run_path(sys.argv[1])
    atoms, calculator = given["atoms"], given["calculator"]
    atoms.calc = calculator
    generator = np.random.default_rng(0)
    atoms.get_forces()
    count, spent = 0, 0.0
    while spent < SECONDS or count < 3:
        atoms.positions += generator.normal(scale=1e-3, size=atoms.positions.shape)
        begin = time.perf_counter()
        atoms.get_forces()
        spent += time.perf_counter() - begin
        count += 1
    print(1e6 * spent / count / len(atoms))


if __name__ == "__main__":
    main()
