"""What a page says of the potential."""

from __future__ import annotations

from dataclasses import replace

from limlff.named_potential import load
from limlff.workflows.provenance import provenance_of


def test_energies_that_were_not_fitted_have_no_error():
    """As of a set of which only forces were trained on."""
    validation = {
        "own": {"force_mae_ev_per_angstrom": 0.0123, "energy_mae_mev_per_atom": 1.5},
        "forces": {"force_mae_ev_per_angstrom": 0.02, "energy_mae_mev_per_atom": "not fitted"},
    }
    potential = replace(load("li"), card={"errors": {"validation": validation}})
    facts = dict(provenance_of(potential, "li"))
    assert facts["Mean absolute errors on frames held back"] == (
        "own: 12.3 meV/Å, 1.50 meV/atom; forces: 20.0 meV/Å, energies not fitted"
    )
