"""Two layers of lithium on each facet of copper, 200 ps hot and cold: does a potential hold?

    python benchmarks/li_cu_stability.py POTENTIAL --out FOLDER [--json OUT]

Runs of `limlff md` at constant temperature with all guards, and one on the extrapolation grade:
an atom above 1.5 for 200 steps stops a run. A run that was ended goes on when the command is given
again. Told of each: whether a guard stopped it, the highest grade of a moving atom in any frame,
the time average of the highest in a frame, copper that has left its place in the slab for the
lithium, and the height of the uppermost atom, which would tell of what evaporates.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import add_adsorbate, fcc100, fcc110, fcc111
from ase.constraints import FixAtoms

import limlff
from limlff.environment import describe_environment
from limlff.frames.frame import Frame
from limlff.md.guards.stop import RunStopped
from limlff.md.output.names import TRAJECTORY
from limlff.md.output.trajectory import Trajectory
from limlff.potential import Potential
from limlff.potential_file import potential_digest
from limlff.training.uncertainty.frames import grade_frames

COPPER = 3.63  # lattice constant (Å)
BUILD: dict[str, tuple[Callable[..., Atoms], tuple[int, int, int]]] = {
    "Cu(100)": (fcc100, (6, 6, 5)),
    "Cu(110)": (fcc110, (4, 6, 7)),
    "Cu(111)": (fcc111, (6, 6, 5)),
}
TEMPERATURES = (300, 450, 600)  # K
FIRST_LAYER, SECOND_LAYER = 0.132, 0.110  # Li per Å², in DFT frames of Cu(111)
LIMIT = 1.5
"""Grade above which a run is stopped."""
TIMESTEP, EVERY = 2.0, 500  # fs, steps between frames
HELD = 1.5
"""Height below which atoms are held: those of the lowest layer (Å)."""
MOVED = 1.5
"""Rise above the uppermost layer of copper by which a copper atom counts as exchanged (Å)."""


def main() -> None:
    """Run all, print a table, write a record."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("potential")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--picoseconds", type=float, default=200.0)
    parser.add_argument("--json", type=Path, metavar="OUT")
    arguments = parser.parse_args()
    potential = limlff.load(arguments.potential)
    steps = round(arguments.picoseconds * 1000 / TIMESTEP)
    rows = []
    for facet in BUILD:
        for temperature in TEMPERATURES:
            folder = arguments.out / f"{facet}-{temperature}K"
            rows.append(run(facet, temperature, steps, potential, folder))
            print(in_words(rows[-1]), flush=True)
    if arguments.json:
        content = {
            "benchmark": "li-cu stability",
            **describe_environment(),
            "potential": Path(arguments.potential).name,
            "digest": potential_digest(potential),
            "picoseconds": arguments.picoseconds,
            "runs": rows,
        }
        arguments.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def layers(facet: str) -> Atoms:
    """A slab of copper, its lowest layer held, with two layers of lithium at random places.

    Lithium is dropped where it is farthest from what lies there, so that a layer is even; the order
    that it has on copper is for the dynamics to find.
    """
    build, size = BUILD[facet]
    slab = build("Cu", size, a=COPPER, vacuum=10.0, periodic=True)
    slab.positions[:, 2] -= slab.positions[:, 2].min() - 1.0
    top = slab.positions[:, 2].max()
    slab.cell[2, 2] = top + 25.0
    area = float(np.linalg.norm(np.cross(slab.cell[0], slab.cell[1])))
    rng = np.random.default_rng(0)
    for height, density in ((2.1, FIRST_LAYER), (4.4, SECOND_LAYER)):
        for _ in range(round(density * area)):
            place = emptiest(slab, top + height, rng)
            add_adsorbate(slab, "Li", height, place[:2])
            slab.positions[-1, 2] = top + height
    slab.set_constraint(FixAtoms(mask=slab.positions[:, 2] < HELD))
    slab.info.clear()
    return slab


def emptiest(slab: Atoms, height: float, rng: np.random.Generator) -> np.ndarray:
    """Of 60 places in a plane the one that is farthest from all atoms."""
    shares = np.column_stack([rng.uniform(0, 1, (60, 2)), np.zeros(60)])
    places = shares @ slab.cell.array + [0, 0, height]
    apart = places[:, None] - slab.positions
    apart -= np.round(apart @ np.linalg.inv(slab.cell.array)) @ slab.cell.array
    return places[int(np.argmax(np.linalg.norm(apart, axis=2).min(axis=1)))]


def run(
    facet: str, temperature: int, steps: int, potential: Potential, folder: Path
) -> dict[str, Any]:
    """One run, begun or gone on with, and what it shows."""
    begin = time.perf_counter()
    stop = None
    try:
        if (folder / TRAJECTORY).is_file():
            limlff.resume_md(folder, potential, progress=False)
        else:
            settings = config(temperature, steps)
            limlff.run_md(settings, folder, layers(facet), potential, progress=False)
    except RunStopped as stopped:
        stop = stopped.stop.sentence
    with Trajectory(folder / TRAJECTORY) as trajectory:
        taken = [trajectory[index] for index in range(len(trajectory))]
    frames = [
        Frame(np.asarray(t.numbers), np.asarray(t.positions), np.asarray(t.cell), (True,) * 3)
        for t in taken
    ]
    first, last = frames[0], frames[-1]
    moves = first.positions[:, 2] >= HELD
    highest = np.array([grades[moves].max() for grades in grade_frames(potential, frames)])
    top = first.positions[first.numbers == 29, 2].max()
    return {
        "facet": facet,
        "temperature_k": temperature,
        "atoms": len(first),
        "picoseconds": taken[-1].step * TIMESTEP / 1000,
        "stop": stop,
        "highest_grade": round(float(highest.max()), 3),
        "mean_of_highest_grades": round(float(highest.mean()), 3),
        "copper_exchanged": int(np.sum(last.positions[last.numbers == 29, 2] > top + MOVED)),
        "uppermost_angstrom": round(float(last.positions[:, 2].max() - top), 2),
        "seconds": round(time.perf_counter() - begin, 1),
    }


def config(temperature: int, steps: int) -> dict[str, Any]:
    """Settings of a run."""
    return {
        "steps": steps,
        "timestep_fs": TIMESTEP,
        "temperature_k": temperature,
        "seed": temperature,
        "output": {"trajectory_every": EVERY, "thermo_every": 100, "checkpoint_every": 10_000},
        "guards": {"max_grade": LIMIT, "uncertain_for_steps": 200},
    }


def in_words(row: dict[str, Any]) -> str:
    """A run as a line."""
    return (
        f"{row['facet']} {row['temperature_k']} K, {row['atoms']} atoms, "
        f"{row['picoseconds']:g} ps: {row['stop'] or 'no guard'}; highest grade "
        f"{row['highest_grade']:.2f}, on average {row['mean_of_highest_grades']:.2f}; "
        f"{row['copper_exchanged']} Cu exchanged; uppermost atom {row['uppermost_angstrom']:.1f} Å"
        f" above the slab; {row['seconds']:.0f} s"
    )


if __name__ == "__main__":
    main()
