"""Speed of training by the recipe of the potential `li`: atoms times epochs per second.

Prints JSON: wall time and processor time per atom and epoch once all shapes are compiled, number of
shapes, time to compile them, share of atoms that are no padding. With the recipe's own frames where
LIMLFF_DATA names their folder, else with distorted crystals labelled by `li`.

    LIMLFF_DATA=... python benchmarks/training_speed.py [--seconds 60] [--set batch_atoms=256]
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from ase.build import bulk

from limlff.catalog import find_potential
from limlff.config import load_config
from limlff.environment import describe_environment
from limlff.errors import OutOfTime
from limlff.frames.frame import Frame
from limlff.named_potential import load
from limlff.training.data import TrainingData, load_training_data
from limlff.training.labelled_frame import LabelledFrame
from limlff.training.loop import Trainer
from limlff.training.preparation import prepare_training
from limlff.training.recipe import Recipe
from limlff.training.teacher import label_frames


class Stopwatch:
    """Ends a training after so many seconds of processor time with all shapes compiled."""

    def __init__(self, trainer: Trainer, shapes: int, seconds: float) -> None:
        self._trainer, self._shapes, self._seconds = trainer, shapes, seconds
        self._begin: tuple[float, float, int] | None = None
        self.wall = self.processor = 0.0
        self.atoms = 0

    def __call__(self) -> bool:
        """Asked after every step whether to stop."""
        progress = self._trainer.progress
        if progress.compiled_shapes < self._shapes:
            return False
        now = (time.perf_counter(), time.process_time(), progress.atoms)
        self._begin = self._begin or now
        self.wall, self.processor, self.atoms = (
            b - a for a, b in zip(self._begin, now, strict=True)
        )
        return self.processor > self._seconds


def distorted_crystals(count: int) -> TrainingData:
    """Crystals of 54 and 16 atoms, strained and displaced, labelled by `li`."""
    generator = np.random.default_rng(0)
    frames = []
    for index in range(count):
        atoms = bulk("Li", cubic=True, a=3.44).repeat(3 if index % 3 else 2)
        strain = generator.uniform(-0.05, 0.05, (3, 3))
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
        atoms.positions += generator.normal(0, 0.15, atoms.positions.shape)
        cell, periodic = atoms.cell.array, atoms.pbc
        frames.append(Frame(atoms.numbers, atoms.positions, cell, periodic))
    labelled = [LabelledFrame(frame, "crystals") for frame in label_frames(load("li"), frames)]
    return TrainingData(labelled, [], [])


def measure(recipe: Recipe, data: TrainingData, seconds: float) -> dict[str, Any]:
    """Train for so long and report."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(prepare_training(recipe, data), Path(folder))
        packing = trainer.prepared.train
        watch = Stopwatch(trainer, len(packing.buckets), seconds)
        with suppress(OutOfTime):
            trainer.run(stop=watch, progress=False)
    progress = trainer.progress
    plan = packing.plan(np.random.default_rng(0))
    return {
        "atoms_times_epochs_per_second": watch.atoms / watch.wall,
        "processor_microseconds_per_atom_epoch": 1e6 * watch.processor / watch.atoms,
        "compiled_shapes": progress.compiled_shapes,
        "compile_seconds": progress.compile_seconds,
        "shapes": [vars(shape) for shape, _ in packing.buckets],
        "atoms_per_slot": packing.atoms / sum(shape.atoms for shape, _ in plan),
        "atoms": packing.atoms,
        "dtype": recipe.dtype,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="processor time to measure")
    parser.add_argument("--set", action="append", default=[], dest="overrides", metavar="KEY=VALUE")
    arguments = parser.parse_args()
    file = find_potential("li").with_name("recipe.yaml")
    recipe = load_config(file, Recipe, arguments.overrides)
    with_data = "LIMLFF_DATA" in os.environ
    data = load_training_data(recipe, file.parent) if with_data else distorted_crystals(400)
    report = measure(recipe, data, arguments.seconds)
    frames = "of the recipe" if with_data else "distorted crystals"
    print(json.dumps({**report, "frames": frames, **describe_environment()}, indent=1))


if __name__ == "__main__":
    main()
