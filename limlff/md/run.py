"""A run under way: chunk by chunk, each checked on the host before it is accepted and written.

After a chunk: is the state finite and within the guards, then it is accepted, then written, then
the neighbor list is built anew if it must be. A chunk that fails leaves no trace on disk.
"""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import ase.io
import numpy as np
from ase import Atoms
from tqdm import tqdm

from limlff.errors import GuardStop, OutOfTime
from limlff.md import output as files
from limlff.md.checkpoint import Checkpoint, potential_digest, write_checkpoint
from limlff.md.config import MDConfig
from limlff.md.engine import Engine, NeighborList, list_neighbors
from limlff.md.guards import find_problem
from limlff.md.output import RunOutput, frame_of
from limlff.md.prepare import Structure
from limlff.md.state import AtomTable, MDState
from limlff.md.thermo import read_thermo, thermo_row
from limlff.md.trajectory import TrajectoryFrame
from limlff.neighbors.host import Capacity


@dataclass(frozen=True)
class MDResult:
    """What a finished run leaves.

    Attributes:
        folder: The run's folder.
        thermo: Thermo table, see `limlff.md.thermo.read_thermo`.
        trajectory: Trajectory, see `limlff.md.trajectory.Trajectory`.
        atoms: Last configuration, unwrapped, with momenta.
        summary: What is also in summary.json.
    """

    folder: Path
    thermo: Path
    trajectory: Path
    atoms: Atoms
    summary: dict[str, Any]


@dataclass
class Run:
    """A run under way; `state` is always the last accepted one.

    `until` is asked after every frame of the trajectory whether the run may end there.
    """

    config: MDConfig
    out: Path
    structure: Structure
    table: AtomTable
    engine: Engine
    state: MDState
    capacity: Capacity | None
    until: Callable[[TrajectoryFrame], bool] | None = None
    neighbors: NeighborList = field(init=False)
    conserved: float = float("nan")
    builds: int = 0
    build_seconds: float = 0.0
    _digest: str = ""
    _ended: bool = False

    def rebuild(self, positions: Any = None, cell: Any = None) -> None:
        """Neighbor list for the present state, or for the configuration that is given."""
        start = time.perf_counter()
        self.neighbors, self.capacity = list_neighbors(
            np.asarray(self.state.positions if positions is None else positions),
            np.asarray(self.state.cell if cell is None else cell),
            self.structure.periodic,
            len(self.structure),
            self.engine.list_radius,
            self.capacity,
        )
        self.builds += 1
        self.build_seconds += time.perf_counter() - start

    def to_the_end(
        self, written: dict[str, int] | None, progress: bool, max_runtime: float | None
    ) -> MDResult:
        """Advance from output to output."""
        begin, first = time.perf_counter(), max(0, int(self.state.step))
        results = RunOutput(self.out, self.config, self.structure, written)
        bar = tqdm(
            total=self.config.steps, initial=first, unit="step", disable=not progress, leave=True
        )
        try:
            with bar, _stop_signals() as interrupted:
                if written is None:
                    self._advance_chunk(0, results)
                    self._write(results)
                self._announce(bar, progress)
                while self.state.step < self.config.steps and not self._ended:
                    chunk_end = int(self.state.step) + self.config.chunk_steps
                    target = results.next_step(int(self.state.step))
                    self._advance_chunk(min(target, chunk_end), results)
                    if self.state.step == target:
                        self._write(results)
                    self._show(bar, begin, first)
                    elapsed = time.perf_counter() - begin
                    reason = interrupted()
                    if max_runtime is not None and elapsed > max_runtime:
                        reason = f"the time limit of {max_runtime:g} s"
                    if reason:
                        self._leave(reason, results, elapsed)
        finally:
            results.close()
        return self._finish(time.perf_counter() - begin, first)

    def _advance_chunk(self, stop: int, results: RunOutput) -> None:
        """Advance to a step, accepting states on the way, building lists anew where needed."""
        fresh_list = bool(self.state.step < 0)
        while self.state.step < stop:
            reached, stale, conserved = self.engine.advance(
                self.state, self.table, self.neighbors, stop
            )
            problem = find_problem(reached, self.table, self.config.guards)
            stuck = stale and fresh_list and reached.step == self.state.step
            if stuck:
                problem = (
                    f"an atom moves, or the cell shrinks, by more than skin_angstrom = "
                    f"{self.config.skin_angstrom} Å allows in one step; use a shorter timestep_fs"
                )
            if problem:
                self._stop(problem, int(reached.step), results)
            self.state, self.conserved = reached, float(conserved)
            fresh_list = bool(stale)
            if stale:
                self.rebuild()

    def _write(self, results: RunOutput) -> None:
        step = int(self.state.step)
        if results.thermo_is_due(step):
            has_volume = bool(self.structure.periodic.all())
            results.write_row(
                thermo_row(
                    self.state, self.table, self.config.timestep_fs, self.conserved, has_volume
                )
            )
        frame = results.write_frame(self.state)
        if frame is not None and self.until is not None:
            self._ended = self.until(frame)
        if results.checkpoint_is_due(step) or self._ended:
            self._checkpoint(results)

    def _checkpoint(self, results: RunOutput) -> None:
        assert self.capacity is not None
        self._digest = self._digest or potential_digest(self.engine.potential)
        write_checkpoint(
            self.out / files.CHECKPOINTS,
            Checkpoint(
                state=self.state,
                numbers=self.structure.numbers,
                masses=self.structure.masses,
                mobile=self.structure.mobile,
                periodic=self.structure.periodic,
                list_positions=np.asarray(self.neighbors.positions),
                list_cell=np.asarray(self.neighbors.cell),
                capacity=self.capacity,
                written=results.written(),
                config=self.config.model_dump_json(),
                potential=self._digest,
            ),
        )

    def _stop(self, problem: str, step: int, results: RunOutput) -> None:
        where = (
            f"{self.out}: stopped between steps {int(self.state.step)} and {step + 1}: {problem}"
        )
        if self.state.step > 0:
            self._checkpoint(results)
        raise GuardStop(where)

    def _leave(self, reason: str, results: RunOutput, elapsed: float) -> None:
        step = int(self.state.step)
        if step >= self.config.steps or self._ended:
            return
        self._checkpoint(results)
        raise OutOfTime(
            f"{self.out}: left at step {step} of {self.config.steps} after {elapsed:.0f} s because "
            f"of {reason}, with a checkpoint; go on with: limlff md --resume --out {self.out}"
        )

    def _announce(self, bar: Any, progress: bool) -> None:
        if not progress:
            return
        slots, atoms = self.neighbors.matrix.indices.shape
        bar.write(
            f"{len(self.structure)} atoms in {atoms} slots, {slots} neighbor slots, "
            f"{len(self.neighbors.matrix.ghost_owner)} ghosts, {self.config.precision}; "
            f"compiled in {self.engine.compile_seconds:.1f} s"
        )

    def _show(self, bar: Any, begin: float, first: int) -> None:
        bar.update(int(self.state.step) - bar.n)
        speed = self._speed(time.perf_counter() - begin, first)
        bar.set_postfix_str(
            f"{speed['ns_per_day']:.2f} ns/day, "
            f"{speed['microseconds_per_atom_step']:.1f} µs/atom/step",
            refresh=False,
        )

    def _speed(self, wall: float, first: int) -> dict[str, float]:
        """Speed since the first step of this run, without compilation."""
        seconds = max(wall - self.engine.compile_seconds, 1e-9)
        steps = max(int(self.state.step) - first, 1)
        return {
            "microseconds_per_atom_step": 1e6 * seconds / steps / len(self.structure),
            "ns_per_day": steps * self.config.timestep_fs * 1e-6 / seconds * 86400.0,
        }

    def _finish(self, wall: float, first: int) -> MDResult:
        atoms = self._final_atoms()
        ase.io.write(self.out / files.FINAL, atoms, format="extxyz")
        summary = {
            "atoms": len(self.structure),
            "steps": int(self.state.step),
            "time_ps": int(self.state.step) * self.config.timestep_fs * 1e-3,
            "wall_seconds": wall,
            **self._speed(wall, first),
            "compile_seconds": self.engine.compile_seconds,
            "compilations": self.engine.compilations,
            "neighbor_builds": self.builds,
            "neighbor_build_seconds": self.build_seconds,
            "averages_of_second_half": second_half_averages(self.out / files.THERMO),
        }
        text = json.dumps(summary, indent=2) + "\n"
        (self.out / files.SUMMARY).write_text(text, encoding="utf-8")
        return MDResult(
            self.out, self.out / files.THERMO, self.out / files.TRAJECTORY, atoms, summary
        )

    def _final_atoms(self) -> Atoms:
        frame = frame_of(self.state, self.structure, self.config)
        atoms = Atoms(
            frame.numbers,
            frame.positions,
            cell=frame.cell,
            pbc=self.structure.periodic,
            masses=self.structure.masses,
        )
        atoms.set_momenta(np.asarray(self.state.momenta)[: len(atoms)])
        return atoms


def second_half_averages(thermo: Path) -> dict[str, float]:
    """Means of the columns of a thermo table over the rows of its second half."""
    columns = read_thermo(thermo)
    rows = len(columns["step"])
    names = [name for name in columns if name not in ("step", "time_fs")]
    means = {name: float(columns[name][rows // 2 :].mean()) for name in names}
    return {name: value for name, value in means.items() if np.isfinite(value)}


@contextmanager
def _stop_signals() -> Iterator[Callable[[], str]]:
    """Turns SIGTERM and SIGINT into a wish to stop: the yielded function names what came."""
    wishes: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: ""
        return

    def note(number: int, frame: FrameType | None) -> None:
        wishes.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda: signal.Signals(wishes[0]).name if wishes else ""
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
