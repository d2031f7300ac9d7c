"""The card of a potential: what it was trained on and how good it is."""

from __future__ import annotations

from typing import Any

from limlff.errors import InputError, shown

NOT_FITTED = "not fitted"
"""Stands in `errors` of a card for the error of a label that was not trained on."""

_CARD_KINDS = {
    "training": dict,
    "errors": dict,
    "uncertainty": dict,
    "versions": dict,
    "deepmd": dict,
    "table": dict,
    "licence": str,
    "notes": str,
}
"""What a card may hold that programs read, and its kind."""


def check_card(card: Any) -> None:
    """Refuse a card whose sections are not of their kinds.

    Raises:
        ValueError: If one is not.
    """
    if not isinstance(card, dict):
        raise ValueError("its card is no mapping")
    for name, kind in _CARD_KINDS.items():
        if name in card and not isinstance(card[name], kind):
            raise ValueError(f"{name} of its card is {shown(repr(card[name]))}")


def check_recipe(card: dict[str, Any], settings: dict[str, Any]) -> None:
    """Refuse settings that are not those of the recipe by which the potential was trained.

    Arrays can have the right shapes for another cutoff all the same.

    Args:
        card: The card.
        settings: Settings of the model as JSON gives them back, with lists for tuples.

    Raises:
        InputError: If one differs.
    """
    recipe = card.get("training", {}).get("recipe", {})
    trained = recipe.get("model", {}) if isinstance(recipe, dict) else {}
    for key in sorted(trained.keys() & settings.keys()) if isinstance(trained, dict) else ():
        if trained[key] != settings[key]:
            raise InputError(
                f"its {key} is {shown(repr(settings[key]), 40)}, but it was trained with "
                f"{shown(repr(trained[key]), 40)}; copy it again from its source"
            )
