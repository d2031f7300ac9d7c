"""Errors of a potential of lithium and copper on test frames, beside what is asked of `li-cu`.

    LIMLFF_DATA=... python benchmarks/li_cu_errors.py POTENTIAL [--json OUT]

Energies are raw: predicted ones get the offsets per element of the set that the test frames belong
to, as the potential's card has them from its training; nothing is fitted to test frames. A set that
the potential was not trained on has no offsets, and its energies are left out. None of the frames
is trained on by `potentials/li-cu/recipe.yaml`.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import limlff
from limlff.environment import describe_environment
from limlff.frames.checks import check_frames
from limlff.frames.frame import Frame
from limlff.frames.locate import locate_data
from limlff.frames.read import read_frames
from limlff.potential import Potential
from limlff.potential_file import potential_digest
from limlff.training.frame_predictions import FramePrediction, predict_frames
from limlff.training.metrics import grouped_errors

OWN = Path(__file__).resolve().parents[1] / "potentials/li-cu/data"
ENERGY, FORCE = "energy_mae_mev_per_atom", "force_mae_ev_per_angstrom"


@dataclass(frozen=True)
class Test:
    """Test frames, and what is asked and known of errors on them.

    Attributes:
        files: Files of frames.
        trained_as: Name of the set of the training that has their zero of energy.
        energy: Largest mean absolute error (meV/atom); None where energies are not judged.
        force: Largest mean absolute error (eV/Å).
        teacher: Errors of the teacher, never fitted to the set.
    """

    files: tuple[str, ...]
    trained_as: str
    energy: float | None
    force: float
    teacher: tuple[float | None, float | None] = (None, None)


# Teacher: nequix-omat-1 (https://github.com/atomicarchitects/nequix, MIT licence) without fitting;
# energies after one offset per element. Of gpaw-Li-Cu it saw 6 of the 8 frames.
TESTS = {
    "mlearn-Li test": Test(("mlearn-Li/test.extxyz",), "mlearn-Li", 0.6, 0.0095, (2.0, 0.0092)),
    "mlearn-Cu test": Test(("mlearn-Cu/test.extxyz",), "mlearn-Cu", 0.8, 0.0090, (4.3, 0.0083)),
    "msdlab-Li test": Test(("msdlab-Li/test.extxyz",), "msdlab-Li", 1.2, 0.015),
    # Those energies scatter by 15 meV/atom themselves, by spurious magnetisation.
    "xavier-Li-Cu test": Test(
        ("xavier-Li-Cu/test.extxyz",), "xavier-Li-Cu", None, 0.020, (None, 0.0139)
    ),
    "gpaw-Li-Cu test and own": Test(
        ("gpaw-Li-Cu/test.extxyz", "test.extxyz"), "gpaw-Li-Cu", 3.0, 0.030
    ),
    "gpaw-Li-Cu test": Test(("gpaw-Li-Cu/test.extxyz",), "gpaw-Li-Cu", 3.0, 0.030, (3.2, 0.0319)),
    "own test": Test(("test.extxyz",), "gpaw-Li-Cu", 3.0, 0.030),
}

# MTP: Y. Zuo et al., J. Phys. Chem. A 124, 731 (2020), on the same frames, trained on their set.
PUBLISHED = {"mlearn-Li test": (0.487, 0.0101), "mlearn-Cu test": (0.411, 0.0069)}


def main() -> None:
    """Evaluate, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("potential")
    parser.add_argument("--json", type=Path, metavar="OUT")
    arguments = parser.parse_args()
    potential = limlff.load(arguments.potential)
    results = {name: judged(potential, test) for name, test in TESTS.items()}
    print(table(results))
    if arguments.json:
        content = {
            "benchmark": "li-cu errors",
            **describe_environment(),
            "potential": Path(arguments.potential).name,
            "digest": potential_digest(potential),
            "tests": results,
        }
        arguments.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def judged(potential: Potential, test: Test) -> dict[str, Any]:
    """Errors on test frames, in total and by group, limits, and whether these are met."""
    frames = [frame for name in test.files for frame in read_frames(locate_data(name, OWN))]
    check_frames(frames)
    known = [frame for frame in frames if set(frame.symbols) <= set(potential.elements)]
    if not known:
        return {"frames": 0, "limits": [test.energy, test.force], "met": None}
    offsets = potential.card.get("training", {}).get("energy_offsets_ev", {}).get(test.trained_as)
    if offsets is None or test.energy is None:
        known = [replace(frame, energy=None) for frame in known]
    predictions = [
        shifted(prediction, frame, offsets or {})
        for frame, prediction in zip(known, predict_frames(potential, known), strict=True)
    ]
    errors = grouped_errors(known, predictions)
    met = errors[FORCE] <= test.force
    if test.energy is not None:
        met = met and errors[ENERGY] is not None and errors[ENERGY] <= test.energy
    return {**errors, "limits": [test.energy, test.force], "met": met, "teacher": test.teacher}


def shifted(
    prediction: FramePrediction, frame: Frame, offsets: dict[str, float]
) -> FramePrediction:
    """A prediction in the zero of energy of a set."""
    shift = sum(offsets.get(symbol, 0.0) for symbol in frame.symbols)
    return replace(prediction, energy=prediction.energy + shift)


def table(results: dict[str, dict[str, Any]]) -> str:
    """Markdown table of mean absolute errors."""

    def text(value: float | None, form: str) -> str:
        return "" if value is None else format(value, form)

    rows = [
        "| frames | energy (meV/atom) | asked | forces (eV/Å) | asked | | teacher | MTP |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, errors in results.items():
        energy, force = errors["limits"]
        others = [errors.get("teacher", (None, None)), PUBLISHED.get(name, (None, None))]
        cells = [
            f"{name} ({errors['frames']})",
            text(errors.get(ENERGY), ".3f"),
            text(energy, "g"),
            text(errors.get(FORCE), ".4f"),
            text(force, "g"),
            {True: "met", False: "missed", None: "other elements"}[errors["met"]],
            *(", ".join(text(v, "g") for v in pair if v is not None) for pair in others),
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
