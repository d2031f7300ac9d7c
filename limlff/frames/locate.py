"""Paths of the data that a recipe names."""

from __future__ import annotations

import os
from pathlib import Path

from limlff.errors import InputError
from limlff.paths import user_path


def locate_data(name_or_path: str | Path, base: Path) -> Path:
    """Find a set of frames that a recipe names, such as `mlearn-Li/train.extxyz`.

    Looked at in turn: the path itself if it is absolute, the recipe's folder, and the folder in the
    environment variable LIMLFF_DATA.

    Args:
        name_or_path: File or folder, absolute or relative.
        base: Folder of the recipe.

    Raises:
        InputError: If it is in none of the places.
    """
    name = user_path(name_or_path)
    places = [base / name]
    if os.environ.get("LIMLFF_DATA") and not name.is_absolute():
        places.append(user_path(os.environ["LIMLFF_DATA"]) / name)
    for place in places:
        if place.exists():
            return place
    looked_at = ", ".join(str(place) for place in places)
    raise InputError(
        f"{name_or_path}: not found, looked at {looked_at}; set LIMLFF_DATA to the folder with data"
    )
