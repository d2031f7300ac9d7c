"""Kill runs at random moments, resume each, and compare with runs that nothing happened to.

    python tests/soak/soak.py --kills 50 --out soak --log soak.jsonl

Two systems: a crystal under a barostat with a ramp of temperature and pressure, and a slab on which
atoms are deposited and from which those that fly off are removed. Every start is a process of its
own, as a user would start it, and every end but the last is `kill -9`: a fifth of them while Python
starts and code is compiled, the others while steps are taken and files written.

The log has one JSON object per line: for every kill its number, the phase it fell into, the newest
whole checkpoint and the rows and frames on disk; at the end of a system the kills survived, the
differences to the undisturbed run, and the frames lost and doubled.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import ase.io
import h5py
import numpy as np
import yaml
from ase.build import bcc100, bulk

OUTPUT = {"thermo_every": 10, "trajectory_every": 20, "checkpoint_every": 40, "velocities": True}
SYSTEMS: dict[str, dict[str, Any]] = {
    "npt": {
        "steps": 3000,
        "temperature_k": [300, 500],
        "ensemble": {"kind": "npt", "coupling": "axes", "pressure_gpa": [0.0, 1.0]},
        "output": OUTPUT,
    },
    "deposition": {
        "steps": 3000,
        "temperature_k": 300,
        "ensemble": {"kind": "nvt_langevin"},
        "frozen": {"below_z_angstrom": 5.0},
        "events": [
            {"kind": "deposit", "element": "Li", "every": 75, "min_distance_angstrom": 2.5},
            {"kind": "remove", "above_z_angstrom": 45.0, "every": 75},
        ],
        "output": OUTPUT,
    },
}


def structure(name: str):
    """The atoms of a system."""
    if name == "npt":
        return bulk("Li", "bcc", a=3.44, cubic=True).repeat(3)
    atoms = bcc100("Li", (3, 3, 6), a=3.44)
    atoms.cell[2] = [0.0, 0.0, 60.0]
    atoms.positions[:, 2] += 4.0
    atoms.pbc = (True, True, False)
    return atoms


def start(arguments: list[str], cache: Path) -> subprocess.Popen[bytes]:
    """A limlff process; what it compiles is kept, or most of the time would go there."""
    environment = {
        **os.environ,
        "JAX_COMPILATION_CACHE_DIR": str(cache),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "limlff.cli.main", *arguments, "--quiet"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def rows(out: Path) -> int:
    """Whole rows of the thermo table."""
    try:
        return max(0, (out / "thermo.csv").read_bytes().count(b"\n") - 1)
    except OSError:
        return 0


def kill_once(process: subprocess.Popen[bytes], out: Path, rng: random.Random, pace: float) -> str:
    """Kill a process at a random moment; returns the phase, or "done" if it ended by itself."""
    begin, early = time.monotonic(), rng.random() < 0.2
    delay, wanted = rng.uniform(0.2, 8.0), rng.uniform(0.0, 2.0) * pace
    first, base = rows(out), None
    while process.poll() is None:
        now = rows(out)
        if (base is None and now != first) or (base is not None and now < base):
            base = now  # cut back by the resumed process, or gone on with
        if early and time.monotonic() - begin > delay:
            break
        if not early and base is not None and now - base >= wanted:
            time.sleep(rng.uniform(0.0, 0.03))
            break
        time.sleep(0.002)
    else:
        return "done"
    process.send_signal(signal.SIGKILL)
    process.wait()
    return "starting" if base is None else "running"


def soak(name: str, out: Path, kills: int, seed: int, log: Path) -> dict[str, Any]:
    """Run a system undisturbed and disturbed, and compare.

    Args:
        name: Name of the system.
        out: Folder of the runs.
        kills: Number of kills.
        seed: Of the moments of the kills.
        log: File that gets a line for every kill.
    """
    out.mkdir(parents=True, exist_ok=True)
    ase.io.write(out / "start.extxyz", structure(name))
    config = {"potential": "li", "structure": "start.extxyz", "seed": 3, **SYSTEMS[name]}
    (out / "md.yaml").write_text(yaml.safe_dump(config))
    calm, shaken, cache = out / "calm", out / "shaken", out / "cache"
    begin = time.monotonic()
    finish(start(["md", str(out / "md.yaml"), "--out", str(calm)], cache))
    note(log, {"system": name, "undisturbed_seconds": round(time.monotonic() - begin, 1)})
    rng, total, count = random.Random(seed), rows(calm), 0
    fresh = ["md", str(out / "md.yaml"), "--out", str(shaken), "--force"]
    while count < kills:
        resumable = (shaken / "checkpoints").is_dir() and any((shaken / "checkpoints").iterdir())
        process = start(["resume", str(shaken)] if resumable else fresh, cache)
        pace = max(0.0, (total - rows(shaken)) / (kills - count + 1))
        phase = kill_once(process, shaken, rng, pace)
        if phase == "done":
            message = (process.stdout.read() if process.stdout else b"").decode()
            raise SystemExit(f"{name}: ended by itself after {count} kills: {message}")
        count += 1
        note(log, {"system": name, "kill": count, "phase": phase, **on_disk(shaken)})
    finish(start(["resume", str(shaken)], cache))
    result = {"system": name, "kills_survived": count, **compare(calm, shaken)}
    note(log, {**result, "minutes": round((time.monotonic() - begin) / 60, 1)})
    return result


def finish(process: subprocess.Popen[bytes]) -> None:
    """Wait for a process that must end well."""
    output, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"exit code {process.returncode}: {output.decode()}")


def on_disk(out: Path) -> dict[str, Any]:
    """What a killed run left."""
    names = sorted(path.stem for path in (out / "checkpoints").glob("step_*.h5"))
    return {"checkpoints": [int(name.removeprefix("step_")) for name in names], "rows": rows(out)}


def compare(calm: Path, shaken: Path) -> dict[str, int]:
    """Differences between two runs: rows, frames, arrays of frames and of the last checkpoint."""
    tables = [(folder / "thermo.csv").read_bytes().splitlines() for folder in (calm, shaken)]
    differences = sum(a != b for a, b in zip(*tables, strict=False))
    differences += abs(len(tables[0]) - len(tables[1]))
    last = (calm / "final.extxyz").read_bytes() != (shaken / "final.extxyz").read_bytes()
    with (
        h5py.File(calm / "trajectory.h5", swmr=True) as one,
        h5py.File(shaken / "trajectory.h5", swmr=True) as two,
    ):
        steps = [Counter(file["particles/all/position/step"][:].tolist()) for file in (one, two)]
        frames = unequal_arrays(one["particles/all"], two["particles/all"])
    states = [sorted((folder / "checkpoints").glob("step_*.h5"))[-1] for folder in (calm, shaken)]
    with h5py.File(states[0]) as one, h5py.File(states[1]) as two:
        state = unequal_arrays(one, two)
    return {
        "rows": len(tables[0]) - 1,
        "differences": differences + last + frames + state,
        "frames": sum(steps[0].values()),
        "frames_lost": sum((steps[0] - steps[1]).values()),
        "frames_doubled": sum((steps[1] - steps[0]).values()),
    }


def unequal_arrays(one: h5py.Group, two: h5py.Group) -> int:
    """Number of arrays that are not the same in both groups, to the last bit."""
    found: dict[str, list[np.ndarray]] = {}
    for group in (one, two):

        def visit(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                found.setdefault(name, []).append(item[()])

        group.visititems(visit)
    return sum(
        len(pair) != 2 or not np.array_equal(*pair, equal_nan=pair[0].dtype.kind == "f")
        for pair in found.values()
    )


def note(log: Path, line: dict[str, Any]) -> None:
    """Append a line to the log."""
    with log.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def main() -> None:
    """Soak all systems."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--log", type=Path, required=True)
    arguments = parser.parse_args()
    for name in SYSTEMS:
        print(soak(name, arguments.out / name, arguments.kills, arguments.seed, arguments.log))


if __name__ == "__main__":
    main()
