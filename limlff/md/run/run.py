"""A run in a folder: what it writes and when, how it is left, and how it ends.

Nothing of a state is written before the simulation has accepted it. Rows, frames and checkpoints
are written while the engine goes on; before a run says how it ended, it waits until they are.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
from ase import Atoms

from limlff.errors import GuardStop, InputError, OutOfTime
from limlff.md.guards.evidence import atoms_of, write_evidence
from limlff.md.output.checkpoint import Checkpoint, forces_digest
from limlff.md.output.run_output import RunOutput
from limlff.md.output.thermo import thermo_row
from limlff.md.output.trajectory import TrajectoryFrame
from limlff.md.run.results import MDResult, remove_old_ends, write_results
from limlff.md.simulation.forecast import make_forecast
from limlff.md.simulation.simulation import Halted, Simulation
from limlff.numbers_as_text import figure
from limlff.progress import Progress
from limlff.signals import stop_signals


@dataclass
class Run:
    """A simulation and its folder.

    `until` is asked after every frame of the trajectory whether the run may end there.
    """

    simulation: Simulation
    out: Path
    until: Callable[[TrajectoryFrame], bool] | None = None
    ended: bool = False
    _digest: str = ""
    _begin: float = 0.0
    _compiled_before: float = 0.0

    @property
    def step(self) -> int:
        """Step of the last accepted state."""
        return self.simulation.step

    @property
    def atoms(self) -> Atoms:
        """The last accepted configuration, unwrapped, with momenta."""
        return atoms_of(self.simulation.state, self.simulation.structure)

    def to_the_end(
        self, written: dict[str, int] | None, progress: bool, max_runtime: float | None
    ) -> MDResult:
        """Advance from output to output.

        Args:
            written: What the files hold that are gone on with; None starts new ones.
            progress: Whether to show progress.
            max_runtime: Wall time after which the run is left with a checkpoint (s).
        """
        with stop_signals() as interrupted:
            return self._to_the_end(written, progress, max_runtime, interrupted)

    def _to_the_end(
        self,
        written: dict[str, int] | None,
        progress: bool,
        max_runtime: float | None,
        interrupted: Callable[[], str],
    ) -> MDResult:
        config = self.simulation.config
        self._begin = time.perf_counter()
        self._compiled_before = self.simulation.engine.compile_seconds
        periodic = self.simulation.structure.periodic
        try:
            results = RunOutput(self.out, config, periodic, written)
        except OSError as error:
            raise InputError(f"{self.out}: cannot be written to ({error}); free space") from error
        try:
            remove_old_ends(self.out)
            with Progress(config.steps, self.step, shown=progress) as shown:
                try:
                    self._first_forces(results, written is None, shown)
                    self._announce(shown)
                    self._loop(results, shown, interrupted, max_runtime)
                except Halted as halted:
                    self._stop(halted, results)
                results.wait()
            return self._finish(self._elapsed)
        except OSError as error:
            raise OutOfTime(
                f"{self.out}: stopped at step {self.step}, because it cannot be written to "
                f"({error}); the last checkpoint is kept. Free space, then go on with: limlff "
                f"resume {self.out}"
            ) from error
        finally:
            results.close()

    @property
    def _elapsed(self) -> float:
        """Wall time since the start (s)."""
        return time.perf_counter() - self._begin

    def _loop(
        self,
        results: RunOutput,
        shown: Progress,
        interrupted: Callable[[], str],
        max_runtime: float | None,
    ) -> None:
        """From output to output until the end, a signal or the time limit."""
        reason = interrupted()
        while not reason and self.step < self.simulation.config.steps and not self.ended:
            self._to_next_output(results)
            shown.advance_to(self.step, self._speed_in_words)
            reason = interrupted()
            if max_runtime is not None and self._elapsed > max_runtime:
                reason = f"the time limit of {max_runtime:g} s"
        if reason:
            self._leave(reason, results)

    def _first_forces(self, results: RunOutput, is_new: bool, shown: Progress) -> None:
        """Forces of a state that has none yet: a new one, or one that got another potential."""
        simulation = self.simulation
        if is_new:
            self._checkpoint(results)
            results.wait()  # there before anything is compiled, which takes long
            self._forecast(shown)
        if simulation.state.step < 0:
            simulation.evaluate_anew(simulation.structure, simulation.state)
        if is_new:
            self._write(results)

    def _to_next_output(self, results: RunOutput) -> None:
        simulation = self.simulation
        simulation.let_events_happen()
        target = results.next_step(self.step)
        chunk = simulation.config.chunk_steps
        chunk_end = (self.step // chunk + 1) * chunk
        others = (simulation.watch.next_step(self.step), simulation.clock.next_step())
        simulation.advance_to(min(target, chunk_end, *(s for s in others if s is not None)))
        if self.step == target:
            self._write(results)

    def _write(self, results: RunOutput) -> None:
        simulation = self.simulation
        if results.thermo_is_due(self.step):
            has_volume = bool(simulation.structure.periodic.all())
            results.write_row(
                thermo_row(
                    simulation.state,
                    simulation.table,
                    len(simulation.structure),
                    simulation.config.timestep_fs,
                    simulation.conserved,
                    has_volume,
                )
            )
        frame = None
        if results.frame_is_due(self.step):
            virials = simulation.atom_virials() if simulation.config.output.virials else None
            frame = results.write_frame(simulation.state, simulation.structure, virials)
        if frame is not None and self.until is not None:
            self.ended = self.until(frame)
        if results.checkpoint_is_due(self.step) or self.ended:
            self._checkpoint(results)

    def _checkpoint(self, results: RunOutput) -> None:
        """Have a checkpoint of the last accepted state written."""
        simulation = self.simulation
        self._digest = self._digest or forces_digest(simulation.engine.potential)
        results.write_checkpoint(
            Checkpoint(
                state=simulation.state,
                numbers=simulation.structure.numbers,
                masses=simulation.structure.masses,
                mobile=simulation.structure.mobile,
                periodic=simulation.structure.periodic,
                list_positions=np.asarray(simulation.neighbors.positions),
                list_cell=np.asarray(simulation.neighbors.cell),
                capacity=simulation.capacity,
                written={},
                event_counts=np.array(simulation.clock.counts, np.int64),
                above_since=simulation.watch.above_since,
                conserved=simulation.conserved,
                config=simulation.config.model_dump_json(),
                potential=self._digest,
            )
        )

    def _stop(self, halted: Halted, results: RunOutput) -> NoReturn:
        """End with exit code 3: checkpoint, evidence, one sentence."""
        simulation, state = self.simulation, halted.look.state
        if simulation.state.step >= 0:
            self._checkpoint(results)
            results.wait()
        core = simulation.engine.potential.cutoff
        kept = write_evidence(self.out, halted.look, halted.problem, simulation.state, core)
        bad = int(max(state.step, -1 - state.step))
        raise GuardStop(
            f"{self.out}: stopped at step {bad}: {halted.problem.sentence} "
            f"(kept: {', '.join([f'checkpoint of step {self.step}', *kept])})"
        ) from halted

    def _forecast(self, shown: Progress) -> None:
        """Say what the run will take; the time for that counts neither as speed nor as runtime."""
        if not shown.shown:
            return
        begin = time.perf_counter()
        shown.say(str(make_forecast(self.simulation)))
        self._begin += time.perf_counter() - begin
        self._compiled_before = self.simulation.engine.compile_seconds

    def _leave(self, reason: str, results: RunOutput) -> None:
        steps = self.simulation.config.steps
        if self.step >= steps or self.ended:
            return
        self._checkpoint(results)
        results.wait()
        raise OutOfTime(
            f"{self.out}: left at step {self.step} of {steps} after {self._elapsed:.0f} s "
            f"because of {reason}, with a checkpoint; go on with: limlff resume {self.out}"
        )

    def _announce(self, shown: Progress) -> None:
        simulation = self.simulation
        atoms, slots = simulation.neighbors.matrix.lists.shape
        ghosts = len(simulation.neighbors.matrix.ghost_owner)
        shown.say(
            f"{len(simulation.structure)} atoms in {atoms} slots, {slots} neighbor slots, "
            f"{ghosts} ghosts, {simulation.config.dtype}"
        )

    def _speed(self, wall: float) -> dict[str, float | None]:
        simulation = self.simulation
        compilation = simulation.engine.compile_seconds - self._compiled_before
        return simulation.tally.speed(wall - compilation, simulation.config.timestep_fs)

    def _speed_in_words(self) -> str:
        speed = self._speed(self._elapsed)
        return (
            f"{figure(speed['ns_per_day'], '.2f')} ns/day, "
            f"{figure(speed['microseconds_per_atom_step'], '.1f')} µs/atom/step"
        )

    def _finish(self, wall: float) -> MDResult:
        simulation = self.simulation
        summary = {
            "atoms": len(simulation.structure),
            "steps": self.step,
            "time_ps": self.step * simulation.config.timestep_fs * 1e-3,
            "wall_seconds": wall,
            **self._speed(wall),
            "compile_seconds": simulation.engine.compile_seconds,
            "compilations": simulation.engine.compilations,
            **simulation.tally.counts(),
        }
        return write_results(self.out, self.atoms, summary)
