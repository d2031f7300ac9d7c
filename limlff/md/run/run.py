"""A run in a folder: what it writes and when, how it is left, and how it ends.

Nothing of a state is written before the simulation has accepted it. Rows, frames and checkpoints
are written while the engine goes on; before a run says how it ended, it waits until they are.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ase import Atoms

from limlff.errors import InputError, OutOfTime
from limlff.md.guards.evidence import write_evidence
from limlff.md.guards.stop import STOPPED_BY_GUARD, RunStopped, Stop, finite_or_none
from limlff.md.output.checkpoint import checkpoint_file
from limlff.md.output.names import CHECKPOINTS
from limlff.md.output.run_output import RunOutput
from limlff.md.output.thermo import thermo_row
from limlff.md.run.limits import NO_LIMITS, RunLimits
from limlff.md.run.results import MDResult, remove_old_ends, write_results, write_summary
from limlff.md.simulation.forecast import make_forecast
from limlff.md.simulation.simulation import Halted, Simulation
from limlff.md.simulation.start import checkpoint_of
from limlff.md.system.structure import atoms_of
from limlff.numbers_as_text import figure
from limlff.progress import Progress
from limlff.signals import stop_signals


@dataclass
class Run:
    """A simulation and its folder.

    Attributes:
        simulation: The simulation.
        out: The folder.
        limits: What ends the run before its last step.
        ended: Whether it has come to its end by them.
    """

    simulation: Simulation
    out: Path
    limits: RunLimits = NO_LIMITS
    ended: bool = False
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

    def to_the_end(self, written: dict[str, int] | None, progress: bool) -> MDResult:
        """Advance from output to output.

        Args:
            written: What the files hold that are gone on with; None starts new ones.
            progress: Whether to show progress.

        Raises:
            InputError: If the folder cannot be written to.
            RunStopped: If the run left what can be trusted.
            OutOfTime: If time was up, a signal came or the disk is full.
        """
        with stop_signals() as interrupted:
            return self._to_the_end(written, progress, interrupted)

    def _to_the_end(
        self, written: dict[str, int] | None, progress: bool, interrupted: Callable[[], str]
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
                    self._loop(results, shown, interrupted)
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

    def _loop(self, results: RunOutput, shown: Progress, interrupted: Callable[[], str]) -> None:
        """From output to output until the end, a signal or the time limit."""
        reason, max_runtime = interrupted(), self.limits.max_runtime_seconds
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
        if not simulation.state.forces_known:
            simulation.evaluate_anew(simulation.structure, simulation.state)
        if is_new:
            self._write(results)

    def _to_next_output(self, results: RunOutput) -> None:
        simulation = self.simulation
        simulation.apply_events()
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
        if frame is not None and self.limits.until is not None:
            self.ended = self.limits.until(frame)
        if results.checkpoint_is_due(self.step) or self.ended:
            self._checkpoint(results)

    def _checkpoint(self, results: RunOutput) -> None:
        """Have a checkpoint of the last accepted state written."""
        results.write_checkpoint(checkpoint_of(self.simulation))

    def _stop(self, halted: Halted, results: RunOutput) -> NoReturn:
        """End with exit code 3: checkpoint, evidence, summary, one sentence."""
        simulation, violation = self.simulation, halted.violation
        if simulation.state.forces_known:
            self._checkpoint(results)
            results.wait()
        core = simulation.engine.predictor.potential.cutoff
        evidence = write_evidence(self.out, halted.snapshot, violation, simulation.state, core)
        stop = Stop(
            guard=violation.guard,
            step=int(halted.snapshot.state.step),
            atoms=violation.atoms,
            value=finite_or_none(violation.value),
            limit=violation.limit,
            sentence=violation.sentence,
            files={"checkpoint": checkpoint_file(self.out / CHECKPOINTS, self.step), **evidence},
        )
        write_summary(
            self.out, {**self._summary(self._elapsed), STOPPED_BY_GUARD: stop.as_json(self.out)}
        )
        kept = [f"checkpoint of step {self.step}", *(path.name for path in evidence.values())]
        message = f"{self.out}: stopped at step {stop.step}: {stop.sentence} "
        raise RunStopped(f"{message}(kept: {', '.join(kept)})", stop) from halted

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
        atoms, neighbors = simulation.neighbors.matrix.lists.shape
        ghosts = len(simulation.neighbors.matrix.ghost_owner)
        shown.say(
            f"{len(simulation.structure)} atoms, {simulation.config.dtype}; with padding {atoms} "
            f"atoms, {neighbors} neighbors of each, {ghosts} ghosts"
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
        return write_results(self.out, self.atoms, self._summary(wall))

    def _summary(self, wall: float) -> dict[str, Any]:
        simulation = self.simulation
        return {
            "atoms": len(simulation.structure),
            "steps": self.step,
            "time_ps": self.step * simulation.config.timestep_fs * 1e-3,
            "wall_seconds": wall,
            **self._speed(wall),
            "compile_seconds": simulation.engine.compile_seconds,
            "compilations": simulation.engine.compilations,
            **simulation.tally.counts(),
            **simulation.watch.seen.as_json(),
            "event_counts": list(simulation.clock.counts),
            "lid_reflections": int(simulation.state.reflections),
        }
