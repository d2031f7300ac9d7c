"""Energies by DeePMD-kit, to be run by its Python: evaluate.py MODEL IN.npz OUT.npz."""

from __future__ import annotations

import sys

import numpy as np
from deepmd.infer import DeepPot


def main() -> None:
    """Evaluate frames of the same atoms; writes the energies, in total and per atom (eV)."""
    model, source, target = sys.argv[1:]
    frames = np.load(source)
    potential = DeepPot(model)
    types = [potential.get_type_map().index(symbol) for symbol in frames["symbols"]]
    results = potential.eval(frames["positions"], frames["cells"], types, atomic=True)
    count = len(frames["positions"])
    energies, per_atom = results[0].reshape(count), results[3].reshape(count, -1)
    np.savez(target, energies=energies, energies_per_atom=per_atom)


if __name__ == "__main__":
    main()
