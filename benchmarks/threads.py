"""What more cores give: `limlff bench` on one core and on more, in turns, as whole processes.

    python benchmarks/threads.py li --rounds 8 --json benchmarks/results/threads.json

The speed of a machine that is shared changes within minutes; so each round times every number of
cores once, and the ratios of the rounds are told, not those of the best times.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path


def measure(potential: str, atoms: int, cores: list[int]) -> dict[str, float]:
    """Results of `limlff bench` on some cores."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "speed.json"
        command = [sys.executable, "-m", "limlff.cli.main", "bench", potential]
        subprocess.run(
            [*command, "--atoms", str(atoms), "--json", str(result)],
            check=True,
            stdout=subprocess.DEVNULL,
            preexec_fn=partial(os.sched_setaffinity, 0, cores),
        )
        return json.loads(result.read_text())


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("potential")
    parser.add_argument("--atoms", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    available = sorted(os.sched_getaffinity(0))
    counts = [count for count in (1, 2, 4, 8, 16, 32, 64) if count <= len(available)]
    times: dict[int, list[float]] = {count: [] for count in counts}
    for round_ in range(arguments.rounds):
        for count in counts:
            speed = measure(arguments.potential, arguments.atoms, available[:count])
            times[count].append(speed["microseconds_per_atom_step"])
        print(f"round {round_ + 1}:", *(f"{times[count][-1]:.2f}" for count in counts), flush=True)
    rows = []
    for count in counts:
        ratios = [one / many for one, many in zip(times[1], times[count], strict=True)]
        row = {
            "cores": count,
            "microseconds_per_atom_step": times[count],
            "times_as_fast": statistics.median(ratios),
            "least": min(ratios),
            "most": max(ratios),
        }
        rows.append(row)
        print(
            f"{count} cores: {statistics.median(times[count]):.2f} µs/atom/step, "
            f"{row['times_as_fast']:.2f} times as fast ({min(ratios):.2f} to {max(ratios):.2f})"
        )
    if arguments.json:
        result = {"atoms": arguments.atoms, "potential": arguments.potential, "rows": rows}
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
