"""Structures to be calculated in a file of JSON, with all digits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from limlff.atomic_file import write_text_whole
from limlff.errors import InputError
from limlff.frames.frame import Frame
from limlff.learning.cut import Cut


def write_cuts(cuts: Sequence[Cut], path: Path) -> None:
    """Write cuts, whole or not at all."""
    write_text_whole(path, json.dumps([cut_to_json(cut) for cut in cuts]))


def read_cuts(path: Path) -> list[Cut]:
    """The cuts of a file.

    Raises:
        InputError: If it is missing or damaged.
    """
    try:
        return [cut_from_json(item) for item in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: cannot be read: {error}; limlff resume makes it again"
        ) from error


def cut_to_json(cut: Cut) -> dict[str, Any]:
    """A cut in values that JSON can hold."""
    frame = cut.frame
    return {
        "numbers": np.asarray(frame.numbers).tolist(),
        "positions": np.asarray(frame.positions, float).tolist(),
        "cell": np.asarray(frame.cell, float).tolist(),
        "periodic": np.asarray(frame.periodic).tolist(),
        "group": frame.group,
        "origin": frame.origin,
        "core": None if frame.core is None else frame.core.tolist(),
        "grade": cut.grade,
        "hole": cut.hole,
        "remark": cut.remark,
    }


def cut_from_json(content: dict[str, Any]) -> Cut:
    """A cut from what `cut_to_json` gave."""
    frame = Frame(
        np.array(content["numbers"], int),
        np.array(content["positions"], float).reshape(-1, 3),
        np.array(content["cell"], float).reshape(3, 3),
        np.array(content["periodic"], bool),
        core=None if content["core"] is None else np.array(content["core"], bool),
        group=content["group"],
        origin=content["origin"],
    )
    return Cut(
        frame,
        float(content["grade"]),
        float(content["hole"]),
        str(content["remark"]),
    )
