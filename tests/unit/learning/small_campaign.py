"""A campaign of seconds: copper of the effective medium theory, which is also what labels."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from ase.build import bulk
from ase.io import write
from training_frames import label

from limlff.frames.extxyz import write_extxyz
from limlff.frames.frame import Frame
from limlff.learning.ledger import open_ledger
from limlff.potential_file import load_potential, potential_digest

RECIPE = {
    "elements": ["Cu"],
    "model": {
        "architecture": "moment",
        "cutoff": 4.0,
        "radial": 5,
        "max_degree": 2,
        "channels": 4,
        "hidden": [],
    },
    "data": [{"name": "cold", "files": ["cold.extxyz"]}],
    "validation": {"fraction": 0.0},
    "least_squares": "only",
    "dtype": "float64",
    "uncertainty": {"members": 4},
}


def snapshots(count: int, seed: int, displacement: float) -> list[Frame]:
    """Cells of 32 atoms, each atom displaced by so much (Å)."""
    generator = np.random.default_rng(seed)
    frames = []
    for index in range(count):
        atoms = bulk("Cu", "fcc", a=3.6, cubic=True).repeat(2)
        atoms.positions += generator.normal(0, displacement, (len(atoms), 3))
        frames.append(label(atoms, "bulk", f"snapshot {index}"))
    return frames


def write_campaign(folder: Path, **changes: Any) -> Path:
    """Recipe, frames, structure and campaign in a folder; the path of the latter."""
    folder.mkdir(parents=True, exist_ok=True)
    write_extxyz(snapshots(12, 1, 0.06), folder / "cold.extxyz")
    write_extxyz(snapshots(6, 2, 0.12), folder / "test.extxyz")
    start = bulk("Cu", "fcc", a=3.6, cubic=True).repeat(2)
    write(folder / "start.extxyz", start)
    (folder / "train.yaml").write_text(yaml.safe_dump(RECIPE))
    run = {"steps": 200, "output": {"trajectory_every": 20}, "chunk_steps": 20}
    campaign: dict[str, Any] = {
        "recipe": "train.yaml",
        "runs": [
            {
                "kind": "hot",
                "structures": ["start.extxyz"],
                "temperatures_k": [900],
                "md": run,
            },
            {"kind": "wide", "structures": ["start.extxyz"], "strains": [0.05], "md": run},
        ],
        "select": {"frames": 3},
        "labeller": {"code": {"kind": "ase", "calculator_class": "emt"}, "wall_minutes": 2},
        "label_at_once": 2,
        "campaign_set": {"energy_zero": "cold"},
        "goal": {"test": ["test.extxyz"]},
        "budget": {"iterations": 2},
        **changes,
    }
    path = folder / "campaign.yaml"
    path.write_text(yaml.safe_dump(campaign))
    return path


def content(folder: Path) -> list[tuple]:
    """What the ledger holds but for times: tasks, states, results."""
    with open_ledger(folder / "ledger.sqlite", read_only=True) as ledger:
        return [
            (r.task.kind, r.task.key, r.state, r.result, r.place, r.reason)
            for r in ledger.records()
        ]


def digest(folder: Path) -> str:
    return potential_digest(load_potential(folder / "potential.limlff"))


def learn_and_kill(folder: Path, moments: Sequence[float]) -> Path:
    """Begin the campaign of a folder by the command, kill it after so many seconds each time that
    it goes on, and at last leave it alone; the folder of what it makes."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "limlff"]
    out = folder / "out"
    words = ["learn", str(folder / "campaign.yaml"), "--out", str(out)]
    for moment in moments:
        process = subprocess.Popen([*command, *words], env=environment)
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        if (out / "campaign.yaml").exists():
            words = ["resume", str(out)]
    subprocess.run([*command, *words], env=environment, check=True)
    return out
