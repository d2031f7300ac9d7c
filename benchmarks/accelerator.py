"""An accelerator beside the CPU of the same machine: speed of dynamics and training, and agreement.

    python benchmarks/accelerator.py --json accelerator.json

Needs jax with the accelerator's plugin (`pip install "jax[cuda13]"`). An accelerator computes by
formulas that jax compiles, with jax-md's neighbor lists; a CPU by the compiled kernel, with as many
threads as `OMP_NUM_THREADS` says, all of them by default. Each measurement is a process of its own.
Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SIZES = (500, 4000, 32000, 256000)
HERE = Path(__file__).resolve().parent


def main() -> None:
    """Measure, print the table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--potentials", nargs="+", default=["li", "li-cu"])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="atoms")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement (s)")
    parser.add_argument("--accelerator", default="cuda", help="jax's name of it (cuda, tpu; cpu)")
    parser.add_argument("--json", type=Path, help="file of all numbers")
    arguments = parser.parse_args()
    platforms = (arguments.accelerator, "cpu")
    content: dict[str, Any] = {"devices": {each: describe(each) for each in platforms}}
    print(json.dumps(content["devices"]), flush=True)
    content["agreement"] = {
        name: agreement(name, arguments.accelerator) for name in arguments.potentials
    }
    print(json.dumps(content["agreement"]), flush=True)
    content["dynamics"] = [
        dynamics(name, size, platforms, arguments.seconds)
        for name in arguments.potentials
        for size in arguments.sizes
    ]
    content["training"] = {
        each: program(each, ["benchmarks/training_speed.py", "--seconds", "20"])
        for each in platforms
    }
    print(table(content, platforms))
    if arguments.json:
        arguments.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def dynamics(name: str, size: int, platforms: tuple[str, str], seconds: float) -> dict[str, Any]:
    """`limlff bench` on both."""
    row: dict[str, Any] = {"potential": name, "atoms": size}
    for platform in platforms:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "speed.json"
            command = ["-m", "limlff.cli.main", "bench", name, "--atoms", str(size)]
            run(platform, [*command, "--seconds", str(seconds), "--json", str(out)])
            row[platform] = json.loads(out.read_text()) if out.is_file() else None
    print(json.dumps(row), flush=True)
    return row


def agreement(name: str, platform: str) -> dict[str, float]:
    """Largest differences of energies (eV), forces (eV/Å) and stresses (eV/Å^3) to the CPU's."""
    script = str(HERE / "device_agreement.py")
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "results.npz")
        run(platform, [script, "--potential", name, "--out", out])
        lines = run("cpu", [script, "--potential", name, "--compare", out]).splitlines()
    pairs = [line.rsplit(": ", 1) for line in lines if ": " in line]
    return {what: float(value) for what, value in pairs}


def describe(platform: str) -> str:
    """Kind and number of devices."""
    code = "import jax; d = jax.devices(); print(len(d), d[0].device_kind, jax.__version__)"
    return run(platform, ["-c", code]).strip()


def program(platform: str, command: list[str]) -> Any:
    """What a program prints as JSON."""
    printed = run(platform, command)
    return json.loads(printed[printed.index("{") :]) if "{" in printed else None


def run(platform: str, command: list[str]) -> str:
    """Standard output of a Python program on a kind of device; empty, with a note, if it fails."""
    environment = {**os.environ, "JAX_PLATFORMS": platform, "PYTHONPATH": python_path()}
    done = subprocess.run(
        [sys.executable, *command], cwd=HERE.parent, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        print(f"{platform}: {' '.join(command)} failed:\n{done.stderr[-1500:]}", file=sys.stderr)
        return ""
    return done.stdout


def python_path() -> str:
    """The checkout, before what is there already."""
    return os.pathsep.join(filter(None, (str(HERE.parent), os.environ.get("PYTHONPATH", ""))))


def table(content: dict[str, Any], platforms: tuple[str, str]) -> str:
    """Markdown: a row for each potential and size."""
    lines = [
        f"| potential | atoms | {platforms[0]} (µs/atom/step) | cpu (µs/atom/step) | cpu / it |",
        "|---|---|---|---|---|",
    ]
    for row in content["dynamics"]:
        both = [row[each] and row[each]["microseconds_per_atom_step"] for each in platforms]
        if all(both):
            numbers = f"{both[0]:.3f} | {both[1]:.3f} | {both[1] / both[0]:.1f}"
            lines.append(f"| {row['potential']} | {row['atoms']} | {numbers} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
