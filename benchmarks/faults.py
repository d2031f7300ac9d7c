"""Runs that must not go on: what limlff says, what it keeps, and how the run is saved.

Prints JSON. Two faults: a potential whose repulsion was taken out, started from two atoms that
overlap; and a potential of lithium at 3,000 K and 50 GPa, far from what it was trained on. Each run
is a process of its own, as a user would start it; then it goes on with `limlff resume` and a sane
potential, or a sane temperature and pressure.

    python benchmarks/faults.py --out faults [--potential li]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import yaml
from ase.build import bulk

from limlff.catalog import find_potential
from limlff.environment import describe_environment
from limlff.named_potential import load
from limlff.potential_file import save_potential


def limlff(*words: str) -> dict[str, Any]:
    """Run a command; its exit code and what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "limlff.cli.main", *words, "--quiet"],
        capture_output=True,
        text=True,
        check=False,
    )
    said = (done.stderr + done.stdout).strip().splitlines()
    return {"exit_code": done.returncode, "said": said}


def kept(run: Path) -> dict[str, Any]:
    """What a stopped run left in its folder."""
    cells = ase.io.read(run / "extrapolation.extxyz", ":")
    return {
        "checkpoints": sorted(path.name for path in (run / "checkpoints").glob("step_*.h5")),
        "offending_step": int(ase.io.read(run / "offending.extxyz").info["step"]),
        "cells": [
            {
                "atoms": len(cell),
                "periodic": cell.pbc.tolist(),
                "core_radius": round(float(cell.info["core_radius"]), 2),
                "core_atoms": int(np.sum(cell.arrays["core"])),
            }
            for cell in cells
        ],
    }


def fault(out: Path, config: dict[str, Any], cure: list[str]) -> dict[str, Any]:
    """Run into a guard, then go on with changed settings."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "md.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    run = out / "run"
    stopped = limlff("md", str(out / "md.yaml"), "--out", str(run), "--force")
    evidence = kept(run) if stopped["exit_code"] == 3 else None
    changes = [f"--set={change}" for change in cure]
    return {
        "stopped": stopped,
        "kept": evidence,
        "unchanged": limlff("resume", str(run)),
        "cured": limlff("resume", str(run), *changes),
    }


def without_repulsion(out: Path, name: str) -> dict[str, Any]:
    """Two atoms 0.8 Å apart, and nothing that pushes them away."""
    out.mkdir(parents=True, exist_ok=True)
    potential = load(name)
    broken = replace(potential, model=replace(potential.model, repulsion=False))
    save_potential(broken, out / "broken.limlff")
    atoms = bulk("Li", "bcc", a=3.44, cubic=True).repeat(5)
    atoms.positions[120] = atoms.positions[121] + [0.0, 0.0, 0.8]
    ase.io.write(out / "overlapping.extxyz", atoms)
    config = {
        "potential": "broken.limlff",
        "structure": "overlapping.extxyz",
        "steps": 200,
        "timestep_fs": 0.5,
    }
    sane = [
        f"potential={find_potential(name).resolve()}",
        "guards.min_distance_angstrom=0.5",
        "guards.max_energy_jump_ev_per_atom=5",
        "guards.max_temperature_k=50000",
    ]
    return fault(out, config, sane)


def too_hot_and_dense(out: Path, name: str) -> dict[str, Any]:
    """Compressed lithium as a fluid; the potential knows neither."""
    out.mkdir(parents=True, exist_ok=True)
    atoms = bulk("Li", "bcc", a=3.44, cubic=True).repeat(5)
    ase.io.write(out / "crystal.extxyz", atoms)
    config = {
        "potential": name,
        "structure": "crystal.extxyz",
        "steps": 4000,
        "timestep_fs": 1.0,
        "temperature_k": 3000,
        "ensemble": {"kind": "npt", "pressure_gpa": 50.0, "tau_fs": 500.0},
        "guards": {"max_grade": 3.0, "uncertain_for_steps": 20, "uncertainty_every": 10},
    }
    sane = [
        "temperature_k=300",
        "ensemble.pressure_gpa=0",
        "guards.max_grade=1000",
        "guards.min_distance_angstrom=0.8",  # atoms are on their way into each other
        "steps=300",
    ]
    return fault(out, config, sane)


def main() -> None:
    """Run both faults."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--potential", default="li")
    arguments = parser.parse_args()
    results = {
        "without_repulsion": without_repulsion(arguments.out / "repulsion", arguments.potential),
        "too_hot_and_dense": too_hot_and_dense(arguments.out / "hot", arguments.potential),
    }
    print(json.dumps({"environment": describe_environment(), **results}, indent=2))


if __name__ == "__main__":
    main()
