"""The folder of a training: what is in it, and how it is taken over by another."""

from __future__ import annotations

from pathlib import Path

from limlff.atomic_file import remove_leftovers
from limlff.folder_lock import LOCK
from limlff.outputs import FolderKind
from limlff.training.history import CURVES_FILE, HISTORY_FILE

POTENTIAL_FILE = "potential.limlff"
RECIPE_FILE = "recipe.yaml"
CHECKPOINTS = "checkpoint-*.npz"

TRAINING_FOLDER = FolderKind(
    what="a training",
    results=(CHECKPOINTS, POTENTIAL_FILE, HISTORY_FILE, CURVES_FILE),
    others=(RECIPE_FILE,),
    mark=LOCK,
    advice="go on with --resume, choose another --out, or overwrite it with --force",
)


def clear_training(folder: Path) -> None:
    """Remove the results of a training, so that another one can take the folder."""
    for path in list(folder.iterdir()):
        if TRAINING_FOLDER.has_result(path.name):
            path.unlink()


def remove_old_temporaries(folder: Path) -> None:
    """Remove what trainings that were killed while they wrote have left."""
    remove_leftovers(folder, [*TRAINING_FOLDER.results, RECIPE_FILE])
