"""Our classes of local order beside OVITO's polyhedral template matching."""

import sys

import numpy as np
import pytest
from surfaces import shaken, warm_slabs

from limlff.analysis.local_order import Order, classify
from limlff.analysis.template_matching import match_templates
from limlff.errors import InputError
from limlff.structures.lattice import bcc_supercell, same_density_crystal


def test_without_ovito_its_extra_is_named(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "ovito"] + ["ovito"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=r"pip install limlff\[ovito\]"):
        match_templates(bcc_supercell("Li", 3.44, (3, 3, 3)))


@pytest.mark.parametrize("structure", ["bcc", "fcc", "hcp"])
def test_both_name_crystals_alike(structure):
    pytest.importorskip("ovito")
    crystal = same_density_crystal("Li", structure, 20.9, (6, 4, 4))
    for rms, same in [(0.0, 1.0), (0.15, 0.9)]:
        atoms = shaken(crystal, rms)
        ours = classify(atoms.positions, atoms.cell.array)
        assert np.all(ours == Order[structure.upper()])
        assert np.mean(match_templates(atoms) == ours) >= same


def test_both_name_warm_crystals_and_melts_alike():
    """Inside the slabs; what templates do not take for bcc at 300 K they mostly call disordered."""
    pytest.importorskip("ovito")
    for name, order, least in [
        ("Li(100)", Order.BCC, 0.5),
        ("Li(110)", Order.BCC, 0.4),
        ("molten", Order.DISORDERED, 0.85),
    ]:
        for slab in warm_slabs(name):
            z = slab.positions[:, 2]
            inside = np.abs(z - z.mean()) < 3.0
            ours = classify(slab.positions, slab.cell.array, volume_per_atom=20.9)
            theirs = match_templates(slab)
            assert np.mean(ours[inside] == order) > 0.8
            assert np.mean(theirs[inside] == order) > least
