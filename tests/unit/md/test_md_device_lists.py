"""A run whose neighbor lists are built as on an accelerator."""

from __future__ import annotations

import numpy as np
from ase.build import bulk
from md_models import COPPER

import limlff.md.simulation.engine
from limlff.md.config import MDConfig
from limlff.md.runner import run_md
from limlff.neighbors.choice import choose_builder


def test_lists_built_on_the_device_give_the_trajectory_of_those_built_on_the_host(
    tmp_path, monkeypatch
):
    """Hot enough that lists are built anew; chaos has not yet blown up the rounding."""
    atoms = bulk("Cu", cubic=True).repeat((3, 3, 3))
    config = MDConfig(
        temperature_k=1500.0, timestep_fs=2.0, steps=120, skin_angstrom=0.3, dtype="float64"
    )
    results = []
    for backend in ("cpu", "gpu"):
        builder = choose_builder(backend)
        monkeypatch.setattr(limlff.md.simulation.engine, "choose_builder", lambda b=builder: b)
        results.append(run_md(config, tmp_path / backend, atoms, COPPER, progress=False))
    host, device = results
    assert host.summary["neighbor_builds"] > 5
    assert host.summary["neighbor_builds"] == device.summary["neighbor_builds"]
    np.testing.assert_allclose(device.atoms.positions, host.atoms.positions, rtol=0, atol=1e-8)
