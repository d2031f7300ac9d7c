"""What an iteration chose to label, why, and what became of it: a file for people and the page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from limlff.atomic_file import write_text_whole
from limlff.errors import InputError
from limlff.learning.cut import Cut
from limlff.learning.cut_file import cut_from_json, cut_to_json
from limlff.learning.labelling import Label
from limlff.learning.labels import LabelledBatch

CHOSEN = "chosen.json"


@dataclass(frozen=True)
class Choice:
    """A structure that was chosen.

    Attributes:
        cut: The structure.
        why: Why it was chosen.
        failure: Why it has no label; empty if it has one.
        wall_seconds: Time on the clock of its calculation (s); 0 if it failed.
    """

    cut: Cut
    why: str
    failure: str
    wall_seconds: float


def write_choices(chosen: Sequence[tuple[Cut, str]], batch: LabelledBatch, folder: Path) -> None:
    """Write what was chosen, and what became of it.

    Args:
        chosen: The structures, and why each was chosen.
        batch: What became of them, in the same order.
        folder: Folder of the iteration.
    """
    rows = []
    for (cut, why), outcome in zip(chosen, batch.outcomes, strict=True):
        label = outcome if isinstance(outcome, Label) else None
        rows.append(
            {
                "origin": cut.frame.origin,
                "why": why,
                "failure": "" if isinstance(outcome, Label) else outcome.reason,
                "wall_seconds": label.cost.wall_seconds if label else 0.0,
                "structure": cut_to_json(cut),
            }
        )
    write_text_whole(folder / CHOSEN, json.dumps(rows, ensure_ascii=False) + "\n")


def read_choices(folder: Path) -> list[Choice]:
    """What an iteration chose.

    Raises:
        InputError: If the file is missing or damaged.
    """
    path = folder / CHOSEN
    try:
        return [
            Choice(
                cut_from_json(row["structure"]),
                str(row["why"]),
                str(row["failure"]),
                float(row["wall_seconds"]),
            )
            for row in json.loads(path.read_text(encoding="utf-8"))
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: cannot be read: {error}; limlff resume writes it again"
        ) from error
