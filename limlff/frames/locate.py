"""Where a recipe's data lies on this machine."""

from __future__ import annotations

import os
from pathlib import Path

from limlff.errors import InputError
from limlff.paths import user_path

_CHECKOUT = Path(__file__).resolve().parents[2]


def locate_data(name_or_path: str | Path, base: Path) -> Path:
    """Find a set of frames that a recipe names, such as `mlearn-Li/train.extxyz`.

    Looked at in turn: the path itself if it is absolute, the recipe's folder, the folder in the
    environment variable LIMLFF_DATA, and `../shared/data` beside the checkout and beside the
    current folder.

    Args:
        name_or_path: File or folder, absolute or relative.
        base: Folder of the recipe.

    Raises:
        InputError: If it is in none of the places.
    """
    name = user_path(name_or_path)
    places = [base / name]
    if not name.is_absolute():
        if os.environ.get("LIMLFF_DATA"):
            places.append(user_path(os.environ["LIMLFF_DATA"]) / name)
        for folder in (_CHECKOUT, Path.cwd()):
            places.append(folder.parent / "shared" / "data" / name)
    places = list(dict.fromkeys(places))
    for place in places:
        if place.exists():
            return place
    looked_at = ", ".join(str(place) for place in places)
    raise InputError(
        f"{name_or_path}: not found, looked at {looked_at}; set LIMLFF_DATA to the folder with data"
    )
