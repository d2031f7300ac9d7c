"""Where a result comes from: the potential, what it was trained on and how good it is."""

from __future__ import annotations

from typing import Any

from limlff.card import NOT_FITTED
from limlff.numbers_as_text import figure
from limlff.potential import Potential
from limlff.potential_file import potential_digest


def provenance_of(potential: Potential, name: str) -> list[tuple[str, str]]:
    """Facts on a potential for a page, as far as its card tells.

    Args:
        potential: The potential.
        name: How it is called.
    """
    card = potential.card
    data = _mapping(card.get("training")).get("data")
    sets = [
        f"{item['name']} ({item['frames']} frames)"
        for item in (data if isinstance(data, list) else [])
        if isinstance(item, dict) and "name" in item and "frames" in item
    ]
    validation = _mapping(_mapping(card.get("errors")).get("validation"))
    errors = [
        f"{data_set}: {figure(values.get('force_mae_ev_per_angstrom'), '.1f', 1e3)} meV/Å, "
        f"{_energy_error(values.get('energy_mae_mev_per_atom'))}"
        for data_set, values in validation.items()
        if isinstance(values, dict)
    ]
    facts = [
        ("Potential", name),
        ("Its fingerprint", potential_digest(potential)),
        ("Trained on", ", ".join(sets)),
        ("Mean absolute errors on frames held back", "; ".join(errors)),
        ("Its licence", str(card.get("licence", ""))),
        ("Notes on it", str(card.get("notes", ""))),
    ]
    return [fact for fact in facts if fact[1]]


def _energy_error(value: object) -> str:
    if value == NOT_FITTED:
        return "energies not fitted"
    return f"{figure(value, '.2f')} meV/atom"


def _mapping(value: object) -> dict[str, Any]:
    """A part of a card, which anybody may have written."""
    return value if isinstance(value, dict) else {}
