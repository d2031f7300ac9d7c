"""The folder of a campaign: what is in it, and its settings."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from limlff.atomic_file import write_text_whole
from limlff.changed_settings import changed_settings
from limlff.config import load_stored_config
from limlff.errors import InputError, shown
from limlff.folder_lock import LOCK
from limlff.learning.campaign import Campaign
from limlff.learning.cluster.session import FOLDER as CLUSTER
from limlff.learning.labels import FOLDER as LABELS
from limlff.outputs import FolderKind
from limlff.yaml_file import dump_yaml

SETTINGS = "campaign.yaml"
"""The file by which the folder of a campaign is known."""

AT_START = "campaign-at-start.yaml"
"""The same as it was when the campaign began: what has been done belongs to it."""

RECIPE_AT_START = "recipe-at-start.yaml"
INPUTS_AT_START = "inputs-at-start.json"
"""Recipe, and digests of data, structures and potential, as they were then."""

LEDGER = "ledger.sqlite"
CURVE = "learning-curve.json"
POTENTIAL = "potential.limlff"

FOLDER = FolderKind(
    what="a campaign",
    results=(LEDGER, "iteration-*", LABELS, CLUSTER, CURVE, POTENTIAL, "index.html"),
    others=(SETTINGS, AT_START, RECIPE_AT_START, INPUTS_AT_START, f"{LEDGER}-journal"),
    mark=LOCK,
    advice="go on with limlff resume, choose another --out, or overwrite it with --force",
)

_CHANGEABLE: dict[str, Any] = {
    "budget": True,
    "goal": True,
    "label_at_once": True,
    "max_failed_share": True,
    "site": True,
    "explore": {"at_once"},
    "labeller": {"python", "launcher", "environment", "memory_gib", "wall_minutes"},
}
"""Settings that may change under way, since what was done stays right."""


def write_settings(campaign: Campaign, folder: Path) -> None:
    """Write the settings of a campaign that begins."""
    for name in (AT_START, SETTINGS):
        write_text_whole(folder / name, dump_yaml(campaign.model_dump(mode="json")))


def read_settings(folder: Path) -> Campaign:
    """Settings of a campaign that goes on.

    Raises:
        InputError: If the folder holds none, or a setting has changed on which depends what has
            been done.
    """
    now = load_stored_config(folder / SETTINGS, Campaign)
    if not (folder / AT_START).is_file():
        return now
    before = load_stored_config(folder / AT_START, Campaign)
    old, new = (each.model_dump(mode="json", exclude=_CHANGEABLE) for each in (before, now))
    for key, (was, is_now) in changed_settings(old, new).items():
        raise InputError(
            f"{folder / SETTINGS}: {key} was {shown(was)} when the campaign began and is now "
            f"{shown(is_now)}; set it back, or begin a new campaign"
        )
    return now


def refuse_to_remove(folder: Path, files: Iterable[Path]) -> None:
    """Refuse files that a campaign reads within the results that it would remove.

    Raises:
        InputError: If there is one.
    """
    results = [path.resolve() for path in folder.iterdir() if FOLDER.has_result(path.name)]
    for path in files:
        if any(result in path.resolve().parents for result in results):
            raise InputError(
                f"{path}: is read as input and would be removed with the campaign that is in "
                f"{folder}; copy it to another place, or choose another folder"
            )


def clear_campaign(folder: Path) -> None:
    """Remove a campaign, so that another one can take the folder."""
    for path in list(folder.iterdir()):
        if FOLDER.has_result(path.name) or path.name in FOLDER.others:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def row_in_words(row: dict[str, Any]) -> str:
    """A row of the learning curve as a line."""
    text = f"iteration {row['iteration']}: {row['frames']} frames labelled"
    if row["uncertain_share"] is not None:
        text += f", {100 * row['uncertain_share']:.3g} % of the explored frames are uncertain"
    force = row["errors"].get("force_mae_ev_per_angstrom")
    return text if force is None else f"{text}, force MAE {force:.4g} eV/Å"
