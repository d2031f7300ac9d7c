"""Whether the uncertainty tells the true error, on data that a potential was not trained on.

    limlff train mlearn-only.yaml --out mlearn-only      # li/recipe.yaml without the set msdlab-Li
    python benchmarks/uncertainty.py mlearn-only/potential.limlff \\
        --json uncertainty.json --figure uncertainty.png

Sets are looked for in the folder LIMLFF_DATA; their zeros of energy may differ, so that the median
error of energies is taken off. "Transferred" spreads have the factors of the potential file;
"recalibrated" ones are calibrated on every other frame of the set and judged on the rest. Frames
under pressure, and frames inside the training data (all grades below 1), are shown apart.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import limlff
from limlff.environment import describe_environment
from limlff.frames.checks import check_frames
from limlff.frames.frame import Frame
from limlff.frames.locate import locate_data
from limlff.frames.read import read_frames
from limlff.potential import Potential
from limlff.potential_file import potential_digest
from limlff.training.frame_predictions import FramePrediction, predict_frames
from limlff.training.uncertainty.calibration import calibration_factor, reliability
from limlff.training.uncertainty.frames import (
    FrameAssessment,
    assess_frames,
    energy_residuals,
    force_residuals,
)
from limlff.units import GIGAPASCAL

SETS = ("mlearn-Li/test.extxyz", "msdlab-Li/test.extxyz", "msdlab-Li/train.extxyz")
HIGH_PRESSURE_GPA = 5.0


@dataclass(frozen=True)
class Judged:
    """Frames with what is true, predicted and known of the error."""

    frames: list[Frame]
    predictions: list[FramePrediction]
    assessed: list[FrameAssessment]

    def part(self, chosen: list[int]) -> Judged:
        """Some of the frames."""
        pick = [[column[i] for i in chosen] for column in (self.frames, self.predictions)]
        return Judged(pick[0], pick[1], [self.assessed[i] for i in chosen])

    def forces(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Errors, spreads and grades of all atoms."""
        return force_residuals(self.frames, self.predictions, self.assessed)

    def energies(self) -> tuple[np.ndarray, np.ndarray]:
        """Errors and spreads of all frames, per atom; the errors without their mean."""
        errors, spreads = energy_residuals(self.frames, self.predictions, self.assessed)
        return errors - np.median(errors), spreads


def judge(potential: Potential, name: str, most: int) -> Judged:
    """Predict and assess at most so many frames of a set, evenly spaced."""
    frames = read_frames(locate_data(name, Path.cwd()))
    check_frames(frames)
    known = [frame for frame in frames if set(frame.symbols) <= set(potential.elements)]
    chosen = np.unique(np.linspace(0, len(known) - 1, min(most, len(known))).astype(int))
    used = [known[i] for i in chosen]
    return Judged(used, predict_frames(potential, used, "float32"), assess_frames(potential, used))


def report(judged: Judged) -> dict[str, Any]:
    """Reliability with the factors of the file, and recalibrated on every other frame."""
    errors, spreads, grades = judged.forces()
    energy_errors, energy_spreads = judged.energies()
    fitted = judged.part(list(range(0, len(judged.frames), 2)))
    rest = judged.part(list(range(1, len(judged.frames), 2)))
    factor = calibration_factor(fitted.forces()[0].ravel(), np.repeat(fitted.forces()[1], 3))
    rest_errors, rest_spreads, rest_grades = rest.forces()
    return {
        "frames": len(judged.frames),
        "force_mae_ev_per_angstrom": float(np.abs(errors).mean()),
        "share_above_1": float(np.mean(grades > 1)),
        "force_transferred": reliability(errors, spreads, grades),
        "force_recalibrated": {
            "factor": factor,
            **reliability(rest_errors, factor * rest_spreads, rest_grades),
        },
        "energy_transferred": reliability(energy_errors, energy_spreads),
    }


def pressure_gpa(frame: Frame) -> float:
    """Pressure of the label."""
    return 0.0 if frame.stress is None else -float(np.trace(frame.stress)) / 3 / GIGAPASCAL


def subsets(name: str, judged: Judged) -> dict[str, Judged]:
    """The set as a whole, its compressed frames, and its frames inside the training data."""
    parts = {name: judged}
    high = [i for i, f in enumerate(judged.frames) if pressure_gpa(f) > HIGH_PRESSURE_GPA]
    if 10 <= len(high) < len(judged.frames):
        parts[f"{name}, above {HIGH_PRESSURE_GPA:g} GPa"] = judged.part(high)
    inside = [i for i, known in enumerate(judged.assessed) if known.grades.max() < 1]
    if 10 <= len(inside) < len(judged.frames):
        parts[f"{name}, all grades below 1"] = judged.part(inside)
    return parts


def draw(path: Path, parts: dict[str, Judged]) -> None:
    """Coverage against nominal coverage, and errors against spread and grade."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from scipy.stats import norm

    figure = Figure(figsize=(13, 4), layout="constrained")
    FigureCanvasAgg(figure)
    coverage, spread, grade = figure.subplots(1, 3)
    nominal = np.linspace(0.02, 0.98, 49)
    for name, judged in parts.items():
        errors, spreads, grades = judged.forces()
        ratios = np.sort((np.abs(errors) / spreads[:, None]).ravel())
        reached = np.searchsorted(ratios, norm.ppf((1 + nominal) / 2)) / ratios.size
        coverage.plot(nominal, reached, label=name, lw=1.2)
        size = np.linalg.norm(errors, axis=1)
        for axes, values in ((spread, spreads), (grade, grades)):
            axes.loglog(values, size, ".", markersize=1, alpha=0.3, rasterized=True, label=name)
    coverage.plot([0, 1], [0, 1], color="black", lw=0.7)
    coverage.set(xlabel="nominal coverage", ylabel="share of force components inside")
    coverage.legend(frameon=False, fontsize=7)
    limits = np.array(spread.get_xlim())
    spread.loglog(limits, np.sqrt(3) * limits, color="black", lw=0.7)
    spread.set(xlabel="force spread (eV/Å)", ylabel="error of the force (eV/Å)")
    grade.axvline(1, color="black", lw=0.7)
    grade.set(xlabel="extrapolation grade", ylabel="error of the force (eV/Å)")
    figure.savefig(path, dpi=150)


def print_table(results: dict[str, Any]) -> None:
    """Markdown table."""
    print(
        "| frames | F MAE (eV/Å) | rank correlation: grade, spread | 68.3 %: file, recalibrated |"
    )
    print("|---|---|---|---|")
    for name, values in results.items():
        own, new = values["force_transferred"], values["force_recalibrated"]
        print(
            f"| {name} ({values['frames']}) | {values['force_mae_ev_per_angstrom']:.4f} "
            f"| {own['spearman_grade']:.2f}, {own['spearman_spread']:.2f} "
            f"| {own['coverage']['0.683']:.3f}, {new['coverage']['0.683']:.3f} "
            f"(95 %: {own['coverage']['0.95']:.3f}, {new['coverage']['0.95']:.3f}) |"
        )


def main() -> None:
    """Judge, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("potential")
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--most-frames", type=int, default=200, help="of each set")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--figure", type=Path)
    arguments = parser.parse_args()
    potential = limlff.load(arguments.potential)
    whole = {name: judge(potential, name, arguments.most_frames) for name in arguments.sets}
    parts = {k: v for name, judged in whole.items() for k, v in subsets(name, judged).items()}
    results = {name: report(judged) for name, judged in parts.items()}
    print_table(results)
    if arguments.json:
        content = {
            "benchmark": "uncertainty",
            "digest": potential_digest(potential),
            **describe_environment(),
            "calibration": potential.card.get("uncertainty"),
            "sets": results,
        }
        arguments.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    if arguments.figure:
        draw(arguments.figure, whole)


if __name__ == "__main__":
    main()
