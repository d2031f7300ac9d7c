"""What a campaign reads: found and looked at before it begins, and the same when it goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from limlff.atomic_file import write_text_whole
from limlff.catalog import find_potential, is_shipped_potential
from limlff.changed_settings import changed_settings
from limlff.config import load_config, load_stored_config
from limlff.errors import InputError, shown
from limlff.frames.digest import frames_digest
from limlff.frames.duplicates import find_duplicates
from limlff.frames.frame import Frame
from limlff.learning.campaign import CAMPAIGN_SET, Campaign
from limlff.learning.campaign_folder import INPUTS_AT_START, RECIPE_AT_START
from limlff.learning.choosing import check_features
from limlff.learning.executors import site_of
from limlff.learning.exploration import stretched
from limlff.learning.training import PATHS, Base, read_base, read_frames
from limlff.md.system.structure import read_structure
from limlff.potential import Potential
from limlff.potential_file import load_potential, potential_digest
from limlff.training.recipe import Recipe
from limlff.training.selection import select_frames
from limlff.training.zeros import energy_offsets
from limlff.yaml_file import dump_yaml


def read_inputs(campaign: Campaign) -> Base:
    """Read recipe, data, structures and potential of a campaign, and check that they go together.

    Raises:
        InputError: If one is missing or cannot be read, a set is named that there is not, a
            structure, a label or a test frame holds an element that the potentials will not know,
            or a test frame is trained on.
    """
    recipe = load_config(campaign.recipe, Recipe)
    check_features(campaign.select, recipe)
    site_of(campaign)
    first = _first_potential(campaign)
    _check_zeros(campaign, recipe, first)
    known = [name for name in recipe.elements if first is None or name in first.elements]
    _check_structures(campaign, known)
    base, test = read_base(campaign, recipe), read_frames(campaign.goal.test)
    for what, frames in (("campaign_set.labels", base.labels), ("goal.test", test)):
        _check_elements(what, {symbol for each in frames for symbol in set(each.symbols)}, known)
    _check_test_frames(test, base)
    return base


def files_of(campaign: Campaign, base: Base | None = None) -> list[Path]:
    """Files that a campaign reads, those that its recipe names if it has been read."""
    name = campaign.potential
    files = [campaign.recipe, *campaign.goal.test, *campaign.campaign_set.labels]
    files += [path for kind in campaign.runs for path in kind.structures]
    files += [campaign.site] if campaign.site else []
    files += [Path(name)] if name is not None and not is_shipped_potential(name) else []
    if base is not None:
        files += [Path(path) for data_set in base.recipe.data for path in data_set.files]
        files += [Path(p) for held_back in base.recipe.validation.files.values() for p in held_back]
        files += [Path(base.recipe.start_from)] if base.recipe.start_from else []
    return files


def keep_inputs(campaign: Campaign, base: Base, folder: Path) -> None:
    """Note in the folder of a campaign that begins what it reads."""
    recipe = base.recipe.model_dump(mode="json")
    write_text_whole(folder / RECIPE_AT_START, dump_yaml(recipe))
    text = json.dumps(_digests(campaign, base), indent=1, ensure_ascii=False)
    write_text_whole(folder / INPUTS_AT_START, text + "\n")


def check_inputs_stay(campaign: Campaign, base: Base, folder: Path) -> None:
    """Make sure that a campaign goes on with what it began with; what is done belongs to that.

    Raises:
        InputError: If the recipe, or what is in a file, has changed.
    """
    if not (folder / RECIPE_AT_START).is_file() or not (folder / INPUTS_AT_START).is_file():
        return  # begun by a limlff that did not note them
    before = load_stored_config(folder / RECIPE_AT_START, Recipe)
    old, new = (each.model_dump(mode="json", exclude=PATHS) for each in (before, base.recipe))
    for key, (was, now) in changed_settings(old, new).items():
        raise InputError(
            f"{campaign.recipe}: {key} was {shown(was)} when the campaign began and is now "
            f"{shown(now)}; set it back, or begin a new campaign"
        )
    known = _read_digests(folder / INPUTS_AT_START)
    for name, digest in _digests(campaign, base).items():
        if known.get(name) != digest:
            raise InputError(
                f"{name}: not the same as when the campaign began; put back what was there, or "
                "begin a new campaign"
            )


def _read_digests(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{path}: cannot be read: {error}; restore it from a copy, or begin a new campaign"
        ) from error


def _digests(campaign: Campaign, base: Base) -> dict[str, str]:
    """Digests of what is in the files of a campaign but for test frames, which may change."""
    found = {
        f"{campaign.recipe}, set {name!r}": frames_digest(frames)
        for name, frames in base.sets.items()
    }
    found[f"{campaign.recipe}, validation.files"] = frames_digest(base.held_back)
    found["campaign_set.labels"] = frames_digest(base.labels)
    for path in _structures(campaign):
        found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    for name in (campaign.potential, base.recipe.start_from):
        if name is not None:
            found[str(name)] = potential_digest(load_potential(find_potential(name)))
    return found


def _first_potential(campaign: Campaign) -> Potential | None:
    name = campaign.potential
    return None if name is None else load_potential(find_potential(name))


def _check_zeros(campaign: Campaign, recipe: Recipe, first: Potential | None) -> None:
    """Refuse a zero of energy of a set that there is not."""
    sets = [data_set.name for data_set in recipe.data]
    _check_zero("campaign_set.energy_zero", campaign.campaign_set.energy_zero, sets)
    known = [*sets, CAMPAIGN_SET]
    if first is not None:
        known += energy_offsets(first)
    _check_zero("goal.test_zero", campaign.goal.test_zero, list(dict.fromkeys(known)))


def _check_zero(key: str, name: str | None, known: Sequence[str]) -> None:
    if name is not None and name not in known:
        raise InputError(
            f"{key} is {shown(repr(name))}, which is none of the sets ({', '.join(known)}); name "
            "one of them, or leave it out"
        )


def _structures(campaign: Campaign) -> list[Path]:
    return list(dict.fromkeys(path for kind in campaign.runs for path in kind.structures))


def _check_structures(campaign: Campaign, known: Sequence[str]) -> None:
    """Refuse structures that cannot be run from."""
    for kind in campaign.runs:
        for path in kind.structures:
            atoms = read_structure(path)
            _check_elements(shown(path), set(atoms.get_chemical_symbols()), known)
            for strain in kind.strains:
                stretched(atoms.copy(), strain)


def _check_elements(what: str, found: set[str], known: Sequence[str]) -> None:
    unknown = sorted(found - set(known))
    if unknown:
        raise InputError(
            f"{what}: holds {unknown[0]}, but the potentials of the campaign know "
            f"{', '.join(known) or 'nothing'} only; leave it out, or add the element to the recipe"
        )


def _check_test_frames(test: list[Frame], base: Base) -> None:
    """Refuse test frames that are trained on: their errors would tell nothing."""
    trained = {
        f"set {each.name!r} of the recipe": select_frames(base.sets[each.name], each.select)
        for each in base.recipe.data
    }
    trained["campaign_set.labels"] = base.labels
    kinds = {_composition(frame) for frame in test}
    for name, frames in trained.items():
        alike = [frame for frame in frames if _composition(frame) in kinds]
        pairs = find_duplicates([*alike, *test])
        repeats = [later - len(alike) for first, later in pairs if first < len(alike) <= later]
        if repeats:
            raise InputError(
                f"goal.test: {len(repeats)} of {len(test)} frames are trained on, being in {name} "
                f"too, the first is {test[repeats[0]].origin or f'frame {repeats[0]}'}; leave them "
                "out of one of the two"
            )


def _composition(frame: Frame) -> bytes:
    return bytes(np.sort(frame.numbers).astype("<i8").tobytes())
