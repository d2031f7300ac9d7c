"""Which frames of `li-cu` are held back, and the files that follow from it.

    python split.py labelled.extxyz --train gpaw.extxyz --test test.extxyz
    python split.py frames.extxyz.xz --teacher \\
        --train teacher.extxyz.xz --test teacher-validation.extxyz.xz

A frame's side depends on nothing but where it came from, so that a frame which is labelled later
falls on the side that it always had, and those of one trajectory fall on one side. The side was
decided before any training. `SEED` is the one among the first 1,000 by which those of the 76 first
candidates that are held back are of most kinds and facets, and the teacher's others lose the fewest
kinds; labels were not looked at.
"""

from __future__ import annotations

import argparse
import hashlib
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ase.io.extxyz import key_val_str_to_dict

SEED = 323
SHARE, SHARE_OF_LARGE = 0.2, 0.1
"""Held back of the origins of cells that are small enough for DFT, and of the teacher's others."""
SISTER_IS_TRAINED_ON = frozenset((43, 48, 50, 52, 60, 64, 95, 97))
"""Candidates whose trajectory has another snapshot in the train part of gpaw-Li-Cu."""


def origin_of(info: dict[str, Any]) -> str:
    """What a frame was taken from: a run of `sample.py`, a trajectory of two snapshots, or itself.

    Args:
        info: The frame's keys; of a frame that has none of `run` and `candidate`, `key` counts, the
            digest of its structure that `label.py` gives.

    Raises:
        KeyError: If there is none of the three.
    """
    if "run" in info:
        return f"run {int(info['run'])}"
    if "candidate" in info:
        return f"snapshots {(int(info['candidate']) + 1) // 2}"  # 77 and 78, 79 and 80
    return f"key {info['key']}"


def share_of(origin: str) -> float:
    """A number in [0, 1) that is the same for an origin whatever others there are."""
    digest = hashlib.sha256(f"{SEED} {origin}".encode()).hexdigest()
    return int(digest[:8], 16) / 16**8


def is_held_back(info: dict[str, Any]) -> bool:
    """Whether a frame labelled by DFT is one to test on."""
    if info.get("candidate") in SISTER_IS_TRAINED_ON:
        return False
    return share_of(origin_of(info)) < SHARE


def is_held_back_of_teacher(info: dict[str, Any]) -> bool:
    """Whether a frame of the teacher is not trained on; so is none whose run gave a test frame."""
    small = int(info["run"]) % 3 == 0  # as in sample.py
    return share_of(origin_of(info)) < (SHARE if small else SHARE_OF_LARGE)


def blocks(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """Keys and text of each frame; the text is kept as it is, so that no digit is lost."""
    with lzma.open(path, "rt") if path.suffix == ".xz" else path.open() as file:
        while count := file.readline().strip():
            comment = file.readline()
            lines = [file.readline() for _ in range(int(count))]
            yield key_val_str_to_dict(comment), "".join([f"{count}\n", comment, *lines])


def write_text(path: Path, texts: list[str]) -> None:
    """Write frames, compressed if the name says so."""
    if path.suffix == ".xz":
        path.write_bytes(lzma.compress("".join(texts).encode(), preset=9))
    else:
        path.write_text("".join(texts), encoding="utf-8")


def main() -> None:
    """Read all frames, write both sides."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("labelled", type=Path, nargs="+")
    parser.add_argument("--teacher", action="store_true", help="the labels are the teacher's")
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    arguments = parser.parse_args()
    rule = is_held_back_of_teacher if arguments.teacher else is_held_back
    sides: dict[bool, dict[str, str]] = {False: {}, True: {}}
    for path in arguments.labelled:
        for info, text in blocks(path):
            sides[rule(info)].setdefault(text, text)  # the same frame in two files counts once
    write_text(arguments.train, list(sides[False]))
    write_text(arguments.test, list(sides[True]))
    print(f"{len(sides[False])} frames to train on, {len(sides[True])} held back")


if __name__ == "__main__":
    main()
