"""Going on with a run from its newest whole checkpoint, bit for bit as if it had not stopped."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from limlff.config import load_stored_config
from limlff.errors import InputError
from limlff.folder_lock import locked
from limlff.forks import refuse_forked_process
from limlff.md.config import MDConfig
from limlff.md.guards.watch import UncertaintyWatch, find_assessor
from limlff.md.output import names as files
from limlff.md.output.checkpoint import Checkpoint, forces_digest
from limlff.md.output.run_folder import remove_leftovers
from limlff.md.output.trajectory import Trajectory, TrajectoryFrame
from limlff.md.run.changes import check_changes
from limlff.md.run.history import KEYS, Start, find_start, set_aside
from limlff.md.run.results import MDResult, finished_results
from limlff.md.run.run import Run
from limlff.md.run.settings_note import NOTE, note_settings, was_accepted
from limlff.md.runner import build_engine, note_dead_holder, write_settings
from limlff.md.simulation.events import EventClock
from limlff.md.simulation.simulation import Simulation
from limlff.md.system.prepare import Structure
from limlff.named_potential import load
from limlff.paths import user_path
from limlff.potential import Potential
from limlff.precision import own_precision

_LOG = logging.getLogger(__name__)


@own_precision()
def resume_md(
    out: Path | str,
    potential: Potential | None = None,
    progress: bool = True,
    *,
    max_runtime_seconds: float | None = None,
    overrides: list[str] | None = None,
    accept_changes: bool = False,
    until: Callable[[TrajectoryFrame], bool] | None = None,
    new_files: bool = False,
) -> MDResult:
    """Go on with a run.

    Args:
        out: The run's folder.
        potential: Potential in place of the configuration's.
        progress: Whether to show progress.
        max_runtime_seconds: Wall time after which the run is left with a checkpoint (s).
        overrides: Settings to change, as "section.key=value"; naming one accepts its change.
        accept_changes: Whether changes of md.yaml and of the potential are accepted.
        until: Asked with each frame of the trajectory, also those written before, whether the run
            may end there.
        new_files: Whether thermo table or trajectory are started anew where those of before are
            missing or damaged; what they held is then missing from the run, and that is said in
            its summary.

    Raises:
        InputError: If there is no whole checkpoint, another run is at work in the folder, or
            potential or settings have changed in a way that was not accepted.
        GuardStop: If the run left what can be trusted.
        OutOfTime: If time was up, a signal came or the disk is full.
    """
    out = user_path(out)
    refuse_forked_process()
    _refuse_no_run(out)
    with locked(out) as dead:
        note_dead_holder(out, dead)
        remove_leftovers(out)
        start = find_start(out, new_files)
        checkpoint = start.checkpoint
        before = MDConfig.model_validate_json(checkpoint.config)
        config = _settings(out, before, overrides or [])
        noted = was_accepted(out / files.CHECKPOINTS, config)
        accepted = check_changes(before, config, overrides or [], accept_changes, out, noted)
        potential = potential or load(config.potential)
        own_digest = forces_digest(potential)
        same = own_digest == checkpoint.potential
        if not same and not accepted("potential") and own_digest != noted:
            raise _other_potential(out, config)
        simulation = _simulation(checkpoint, config, before, potential, same)
        run = Run(simulation, out, until)
        written = checkpoint.written if checkpoint.state.step >= 0 else None
        if written is not None and until is not None:
            run.ended = _replay(out, written, until)
        if same and not start.lost and (run.ended or run.step >= config.steps > 0):
            done = finished_results(out, run.atoms, run.step)
            if done is not None:
                return done
        _settle(out, start, config, own_digest, changed=not same or config != before)
        return run.to_the_end(written, progress, max_runtime_seconds)


def _refuse_no_run(out: Path) -> None:
    if os.path.isdir(out / files.CHECKPOINTS):
        return
    why = (
        f"it has no folder {files.CHECKPOINTS}; a training goes on with: "
        "limlff train RECIPE.yaml --resume"
    )
    if not os.path.isdir(out):
        why = "it is no folder" if os.path.exists(out) else "there is no such folder"
    raise InputError(f"{out}: holds no run to go on with: {why}")


def _other_potential(out: Path, config: MDConfig) -> InputError:
    return InputError(
        f"{out}: was run with another potential than {config.potential} is now; resume with the "
        "same file, or say that it shall be another one: --set potential=... or --accept-changes"
    )


def _settle(out: Path, start: Start, config: MDConfig, potential: str, changed: bool) -> None:
    """Make the folder one of a run that goes on from a checkpoint with these settings.

    Raises:
        InputError: If it cannot be written to.
    """
    try:
        for path in start.passed_over:
            set_aside(path)
        for key in start.lost:
            set_aside(out / KEYS[key])
        if changed:
            note_settings(out / files.CHECKPOINTS, config, potential)
        else:
            (out / files.CHECKPOINTS / NOTE).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"{error.filename}: cannot be written to: {error.strerror}; free space or correct its "
            "permissions"
        ) from error
    if changed or not (out / files.CONFIG).is_file():
        write_settings(config, out)


def _settings(out: Path, before: MDConfig, overrides: list[str]) -> MDConfig:
    """Settings of md.yaml with the overrides; those of the checkpoint if there is no md.yaml."""
    path = out / files.CONFIG
    if not path.is_file():
        _LOG.warning("%s: is missing; the settings of the checkpoint are used", path)
        write_settings(before, out)
    return load_stored_config(path, MDConfig, overrides)


def _simulation(
    checkpoint: Checkpoint,
    config: MDConfig,
    before: MDConfig,
    potential: Potential,
    same_potential: bool,
) -> Simulation:
    structure = Structure(
        checkpoint.numbers, checkpoint.masses, checkpoint.mobile, checkpoint.periodic
    )
    state = checkpoint.state
    engine = build_engine(config, structure, potential)
    same_forces = same_potential and (config.ensemble, config.dtype) == (
        before.ensemble,
        before.dtype,
    )
    if not same_forces:
        length = engine.integrator.chain_length
        if length != len(state.chain_positions):
            chain = np.zeros(length)
            state = replace(state, chain_positions=chain, chain_momenta=chain)  # type: ignore[arg-type]
        state = replace(state, step=np.int64(-1 - checkpoint.step))  # type: ignore[arg-type]
    simulation = Simulation(
        config=config,
        structure=structure,
        table=structure.table(potential, len(state.positions)),
        engine=engine,
        state=state,
        capacity=checkpoint.capacity,
        watch=UncertaintyWatch(
            find_assessor(potential, config.dtype, config.guards),
            config.guards,
            checkpoint.above_since if same_potential else np.full(len(structure), -1, np.int64),
        ),
        clock=EventClock(config.events, checkpoint.event_counts.tolist()),
        conserved=checkpoint.conserved,
    )
    if same_forces and config.skin_angstrom == before.skin_angstrom:
        simulation.rebuild(checkpoint.list_positions, checkpoint.list_cell)
    else:
        simulation.rebuild()
    return simulation


def _replay(out: Path, written: dict[str, int], until: Callable[[TrajectoryFrame], bool]) -> bool:
    """Show the frames written before to `until`; returns whether the run had ended there.

    Raises:
        InputError: If the first frames are missing.
    """
    ended = False
    path = out / files.TRAJECTORY
    if "frames" not in written:
        raise InputError(
            f"{path}: is missing or damaged, but all frames are needed to go on; put it back, or "
            f"remove {out} to have it computed anew"
        )
    with Trajectory(path) as trajectory:
        for index in range(written["frames"]):
            frame = trajectory[index]
            if index == 0 and frame.step:
                raise InputError(
                    f"{path}: begins only at step {frame.step}, but all frames are needed to go "
                    f"on; remove {out} to have it computed anew"
                )
            ended = until(frame)
    return ended
