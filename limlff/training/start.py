"""The potential that a training starts from, in place of random parameters.

What is kept of it are its parameters, those by which inputs are normalised included. Its baseline
is what the one of the new sets is fitted from; optimiser, averages and uncertainty begin anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from limlff.catalog import find_potential, is_shipped_potential
from limlff.errors import InputError, shown
from limlff.frames.locate import locate_data
from limlff.models.contract import Model
from limlff.models.readouts import KEY
from limlff.models.registry import model_to_settings
from limlff.potential import Potential
from limlff.potential_file import load_potential, potential_digest
from limlff.training.recipe import Recipe

_OF_SET = ("name", "sha256", "frames")
"""What a card keeps of sets that were trained on before."""


@dataclass(frozen=True)
class Start:
    """A potential that a training starts from.

    Attributes:
        name: What the recipe calls it.
        potential: The potential, without uncertainty.
        digest: Sha256 of what decides its numbers, uncertainty included, as `limlff info` shows it.
    """

    name: str
    potential: Potential
    digest: str


def start_file(recipe: Recipe, base: Path) -> Path | None:
    """File of the potential that a recipe starts from, if it names one.

    Args:
        recipe: The recipe.
        base: Folder of the recipe, where files are looked for first.

    Raises:
        InputError: If there is no such potential.
    """
    name = recipe.start_from
    if name is None:
        return None
    return find_potential(name if is_shipped_potential(name) else locate_data(name, base))


def load_start(recipe: Recipe, file: Path, model: Model) -> Start:
    """Read the potential that a training starts from.

    Args:
        recipe: The recipe that names it.
        file: Its file.
        model: The model that is trained.

    Raises:
        InputError: If it cannot be read, or is of another model or for other elements.
    """
    potential = load_potential(file)
    name = shown(recipe.start_from)
    _check_elements(name, potential.elements, model.elements)
    _check_settings(name, model_to_settings(potential.model), model_to_settings(model))
    parameters = {key: value for key, value in potential.parameters.items() if key != KEY}
    digest = potential_digest(potential)
    return Start(str(recipe.start_from), replace(potential, parameters=parameters), digest)


def _check_elements(name: str, known: tuple[str, ...], asked: tuple[str, ...]) -> None:
    if known == asked:
        return
    what = "the same in another order" if set(known) == set(asked) else "others"
    raise InputError(
        f"start_from: {name} is for {', '.join(known)}, the recipe's elements are "
        f"{', '.join(asked)}, {what}; parameters belong to elements by their place: write "
        f"elements: [{', '.join(known)}], or start without it"
    )


def _check_settings(name: str, known: dict[str, Any], asked: dict[str, Any]) -> None:
    if known == asked:
        return
    kind = "architecture"
    keys = [kind] if known[kind] != asked[kind] else [k for k in known if known[k] != asked[k]]
    differing = "; ".join(
        f"{key} is {shown(repr(known[key]), 40)}, in the recipe {shown(repr(asked[key]), 40)}"
        for key in keys
    )
    raise InputError(
        f"start_from: {name} is of another model, its {differing}; write its settings under "
        "'model' of the recipe, or start without it"
    )


def held_back_remarks(start: Start, recipe: Recipe, trained_on: list[dict[str, Any]]) -> list[str]:
    """What may be wrong with frames held back: that the start was trained on them.

    A set of which the same frames were held back then is in order, and so is one that it did not
    have; of one that has grown others are drawn.

    Args:
        start: The potential that the training starts from.
        recipe: The recipe of the training.
        trained_on: Summaries of its sets.
    """
    training = start.potential.card.get("training", {})
    before = {each["name"]: each["sha256"] for each in _mappings(training.get("data"), _OF_SET)}
    drawn_alike = _drawn_by(training.get("recipe")) == (recipe.seed, recipe.validation.fraction)
    return [
        f"frames held back of set {each['name']!r} may be among those that {start.name} was "
        "trained on; their errors, and spreads calibrated on them, are then too small: name files "
        "under validation.files"
        for each in trained_on
        if each["frames_held_back"]
        and each["name"] in before
        and not (drawn_alike and before[each["name"]] == each["sha256"])
    ]


def _drawn_by(recipe: Any) -> tuple[Any, Any]:
    """Seed and fraction by which a card's recipe held frames back."""
    known = recipe if isinstance(recipe, dict) else {}
    validation = known.get("validation")
    return known.get("seed"), validation.get("fraction") if isinstance(validation, dict) else None


def lineage(start: Start, trained_on: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The potentials that a training comes from, for its card; the one it started from first.

    Args:
        start: That one.
        trained_on: Summaries of the sets of this training.

    Returns:
        Of each its name, its digest, and the sets (name, sha256, frames) that it was trained on and
        no later one, this training included.
    """
    known = [summary["sha256"] for summary in trained_on]
    training = start.potential.card.get("training", {})
    own = {"potential": start.name, "digest": start.digest, "data": training.get("data")}
    links = []
    for link in [own, *_mappings(training.get("started_from"), {"potential", "digest"})]:
        sets = _mappings(link.get("data"), _OF_SET)
        new = [{key: each[key] for key in _OF_SET} for each in sets if each["sha256"] not in known]
        known += [each["sha256"] for each in new]
        links.append({**link, "data": new})
    return links


def _mappings(values: Any, keys: Iterable[str]) -> list[dict[str, Any]]:
    """Those of a card's entries that have the keys; anyone may have written the card."""
    entries = values if isinstance(values, list) else []
    return [each for each in entries if isinstance(each, dict) and each.keys() >= set(keys)]
