"""Errors of a potential on the held-out frames of published sets, beside published potentials.

    python benchmarks/validation.py li --json potentials/li/validation.json

Sets are looked for in the folder LIMLFF_DATA. Energies are raw: no shift is fitted. Published
errors (mean absolute, same frames): Y. Zuo et al., J. Phys. Chem. A 124, 731 (2020).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import limlff
from limlff.environment import describe_environment
from limlff.frames.checks import check_frames
from limlff.frames.locate import locate_data
from limlff.frames.read import read_frames
from limlff.potential import Potential
from limlff.potential_file import potential_digest
from limlff.training.frame_predictions import predict_frames
from limlff.training.metrics import grouped_errors

LITHIUM_SETS = ("mlearn-Li/test.extxyz", "msdlab-Li/test.extxyz", "saidi-Li/test.extxyz")
PUBLISHED = {
    "mlearn-Li/test.extxyz": {"GAP": (0.49, 0.01), "MTP": (0.487, 0.0101), "SNAP": (1.033, 0.0277)}
}


def errors_on(potential: Potential, name: str) -> dict[str, Any]:
    """Errors on one set, by group and on all of its frames."""
    frames = read_frames(locate_data(name, Path.cwd()))
    check_frames(frames)
    return grouped_errors(frames, predict_frames(potential, frames, "float64"))


def print_table(results: dict[str, dict[str, Any]]) -> None:
    """Markdown table of mean absolute errors."""
    print("| frames | potential | energy (meV/atom) | forces (eV/Å) | stress (GPa) |")
    print("|---|---|---|---|---|")
    for name, errors in results.items():
        for group, values in {"": errors, **errors["groups"]}.items():
            title = f"{name}, {group or 'all'} ({values['frames']})"
            print(
                f"| {title} | limlff | {values['energy_mae_mev_per_atom']:.3f} "
                f"| {values['force_mae_ev_per_angstrom']:.4f} | {values['stress_mae_gpa']:.3f} |"
            )
        for other, (energy, force) in PUBLISHED.get(name, {}).items():
            print(f"| {name}, all | {other} | {energy} | {force} | |")


def main() -> None:
    """Evaluate, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("potential", nargs="?", default="li")
    parser.add_argument("--sets", nargs="+", default=list(LITHIUM_SETS))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    potential = limlff.load(arguments.potential)
    results = {name: errors_on(potential, name) for name in arguments.sets}
    print_table(results)
    if arguments.json:
        content = {
            "benchmark": "validation",
            "digest": potential_digest(potential),
            **describe_environment(),
            "sets": results,
        }
        arguments.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
