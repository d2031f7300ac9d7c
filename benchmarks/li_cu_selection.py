"""Error on held-back DFT frames against the number of labelled ones: selected against random.

    LIMLFF_DATA=... python benchmarks/li_cu_selection.py PRETRAINED --out FOLDER [--json OUT]

The pool are all DFT frames of lithium and copper with the settings of gpaw-Li-Cu that are not held
back. Of it the first N are taken, once as a campaign selects (farthest points in the features of
PRETRAINED, which is trained on the teacher's labels alone), once at random, and PRETRAINED is
trained further on them. Each is done with three seeds: of the choice where it is random, and of the
order of batches. Errors are those on held-back frames of `li_cu_errors.py`, which are never chosen
from. A training that is there is not done again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from li_cu_errors import FORCE, OWN, TESTS

import limlff
from limlff.environment import describe_environment
from limlff.frames.extxyz import write_extxyz
from limlff.frames.frame import Frame
from limlff.frames.locate import locate_data
from limlff.frames.read import read_frames
from limlff.learning import select_from_pool
from limlff.models.registry import model_to_settings
from limlff.potential_file import potential_digest

POOL = ("gpaw-Li-Cu/train.extxyz", "gpaw.extxyz")
SHARES = (0.2, 0.4, 0.6, 0.8, 1.0)
"""Parts of the pool; the whole is one and the same choice, and trained on once a seed."""
SEEDS = (1, 2, 3)
METHODS = ("farthest_point", "random")
STEPS = 3000
"""Steps of every training, however many frames there are."""
BATCH = 256


def main() -> None:
    """Choose, train, evaluate, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("pretrained", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--json", type=Path, metavar="OUT")
    arguments = parser.parse_args()
    pool = [replace(frame, group="") for frame in frames_of(POOL)]
    tests = frames_of(TESTS["gpaw-Li-Cu test and own"].files)
    curves: dict[str, dict[int, list[float]]] = {method: {} for method in METHODS}
    for share in SHARES:
        count = round(share * len(pool))
        for method in METHODS if count < len(pool) else METHODS[:1]:
            for seed in SEEDS:
                folder = arguments.out / f"{method}-{count}-{seed}"
                error = trained(arguments.pretrained, pool, tests, method, count, seed, folder)
                curves[method].setdefault(count, []).append(error)
                print(f"{method} {count} frames, seed {seed}: {error:.4f} eV/Å", flush=True)
    for method in METHODS[1:]:
        curves[method][len(pool)] = curves[METHODS[0]][len(pool)]
    print(table(curves))
    if arguments.json:
        content = {
            "benchmark": "li-cu selection",
            **describe_environment(),
            "pretrained": potential_digest(limlff.load(arguments.pretrained)),
            "pool": len(pool),
            "tests": len(tests),
            FORCE: curves,
            "share_needed": share_needed(curves),
        }
        arguments.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def frames_of(files: Sequence[str]) -> list[Frame]:
    """Frames of files of the data sets and of our own."""
    return [frame for name in files for frame in read_frames(locate_data(name, OWN))]


def trained(
    pretrained: Path,
    pool: list[Frame],
    tests: list[Frame],
    method: Any,
    count: int,
    seed: int,
    folder: Path,
) -> float:
    """Mean absolute error of the forces after a training on what a method chooses (eV/Å)."""
    kept = folder / "error.json"
    if kept.is_file():
        return float(json.loads(kept.read_text())[FORCE])
    start = limlff.load(pretrained)
    chosen = select_from_pool(start, [], pool, count, method, seed)
    folder.mkdir(parents=True, exist_ok=True)
    write_extxyz([pool[index] for index in chosen], folder / "chosen.extxyz")
    potential = limlff.train(recipe(pretrained, folder, seed, chosen, pool), folder, force=True)
    error = float(limlff.evaluate(potential, tests)[FORCE])
    kept.write_text(json.dumps({FORCE: error}), encoding="utf-8")
    return error


def recipe(
    pretrained: Path, folder: Path, seed: int, chosen: list[int], pool: list[Frame]
) -> dict[str, Any]:
    """The recipe of one training: as many steps whatever was chosen."""
    atoms = sum(len(pool[index]) for index in chosen)
    model = model_to_settings(limlff.load(pretrained).model)
    return {
        "elements": model.pop("elements"),
        "model": model,
        "start_from": str(pretrained.absolute()),
        "data": [
            {
                "name": "gpaw-Li-Cu",
                "files": [str((folder / "chosen.extxyz").absolute())],
                "weights": {"energy": 8.0, "force": 16.0, "stress": 0.0, "shear_stress": 0.5},
            }
        ],
        "loss": {"energy": {"start": 0.3, "end": 2.0}, "force": 1.0, "stress": 0.2},
        "optimizer": {"learning_rate": 4.0e-4, "final_learning_rate": 1.0e-6},
        "validation": {"fraction": 0.0},
        "uncertainty": None,
        "epochs": max(1, round(STEPS * BATCH / atoms)),
        "batch_atoms": BATCH,
        "shapes": 1,
        "seed": seed,
    }


def share_needed(curves: dict[str, dict[int, list[float]]]) -> float | None:
    """Share of the pool with which selected frames are as good as all; None if there is none.

    The final error is the mean of the random choices of all frames. Between two numbers of frames
    the mean error of the selected ones is taken to be linear.
    """
    counts = sorted(curves["random"])
    final = float(np.mean(curves["random"][counts[-1]]))
    means = [float(np.mean(curves["farthest_point"][count])) for count in counts]
    for index, mean in enumerate(means):
        if mean <= final:
            if index == 0:
                return counts[0] / counts[-1]
            before, part = means[index - 1], counts[index] - counts[index - 1]
            exact = counts[index - 1] + part * (before - final) / (before - mean)
            return round(exact / counts[-1], 3)
    return None


def table(curves: dict[str, dict[int, list[float]]]) -> str:
    """Mean and spread by number of frames, as Markdown."""
    rows = ["| frames | selected (eV/Å) | random (eV/Å) |", "|---|---|---|"]
    for count in sorted(curves["random"]):
        cells = [
            f"{np.mean(curves[method][count]):.4f} ± {np.std(curves[method][count], ddof=1):.4f}"
            for method in METHODS
        ]
        rows.append(f"| {count} | " + " | ".join(cells) + " |")
    needed = share_needed(curves)
    text = "not reached" if needed is None else f"{100 * needed:.0f} % of the frames"
    return "\n".join([*rows, "", f"selected reach the final error with: {text}"])


if __name__ == "__main__":
    main()
