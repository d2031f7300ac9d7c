"""Going on with a run from its newest whole checkpoint, bit for bit as if it had not stopped."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from limlff.errors import InputError
from limlff.forks import refuse_forked_process
from limlff.md.config import MDConfig
from limlff.md.output import names as files
from limlff.md.output.checkpoint import forces_digest
from limlff.md.output.run_folder import locked_run, remove_leftovers
from limlff.md.output.trajectory import Trajectory, TrajectoryFrame
from limlff.md.run.changes import check_changes
from limlff.md.run.history import KEYS, Start, find_start, set_aside
from limlff.md.run.limits import RunLimits
from limlff.md.run.results import MDResult, finished_results
from limlff.md.run.run import Run
from limlff.md.run.settings import note_settings, read_settings, was_accepted, write_settings
from limlff.md.simulation.start import start_simulation
from limlff.named_potential import potential_of
from limlff.paths import user_path
from limlff.potential import Potential
from limlff.precision import own_precision
from limlff.resumable import checked_runtime


@own_precision()
def resume_md(
    out: Path | str,
    potential: Potential | str | Path | None = None,
    progress: bool = True,
    *,
    max_runtime_seconds: float | None = None,
    overrides: Sequence[str] = (),
    accept_changes: bool = False,
    new_files: bool = False,
) -> MDResult:
    """Go on with a run, as `limlff resume` does.

    Args:
        out: The run's folder.
        potential: Potential in place of the configuration's; itself, its name or its path.
        progress: Whether to show progress.
        max_runtime_seconds: Wall time after which the run is left with a checkpoint again (s).
        overrides: Settings to change, as "section.key=value"; naming one accepts its change.
        accept_changes: Whether changes of md.yaml and of the potential are accepted.
        new_files: Whether thermo table or trajectory are started anew where those of before are
            missing or damaged; what they held is then missing from the run, and that is said in
            its summary.

    Raises:
        InputError: If there is no whole checkpoint, another run is at work in the folder, or
            potential or settings have changed in a way that was not accepted.
        RunStopped: If the run left what can be trusted; `stop` tells of step, atoms and files.
        OutOfTime: If time was up, a signal came or the disk is full.
    """
    folder, limits = user_path(out), RunLimits(checked_runtime(max_runtime_seconds))
    return resume_within(
        limits,
        folder,
        potential,
        progress,
        overrides=overrides,
        accept_changes=accept_changes,
        new_files=new_files,
    )


@own_precision()
def resume_within(
    limits: RunLimits,
    out: Path,
    potential: Potential | str | Path | None = None,
    progress: bool = True,
    *,
    overrides: Sequence[str] = (),
    accept_changes: bool = False,
    new_files: bool = False,
) -> MDResult:
    """Go on with a run within any limits, which are not kept in the folder.

    The arguments are those of `resume_md`, which tells of results and errors.
    """
    refuse_forked_process()
    _refuse_no_run(out)
    with locked_run(out):
        remove_leftovers(out)
        start = find_start(out, new_files)
        before = MDConfig.model_validate_json(start.checkpoint.config)
        config = read_settings(out, before, list(overrides))
        noted = was_accepted(out / files.CHECKPOINTS, config)
        accepted = check_changes(before, config, overrides, accept_changes, out, noted)
        known = potential_of(config.potential if potential is None else potential)
        same = forces_digest(known) in (start.checkpoint.potential, noted)
        if not same and not accepted("potential"):
            raise _other_potential(out, config)
        run = Run(start_simulation(start.checkpoint, config, known), out, limits)
        return _go_on(run, start, before, progress)


def _go_on(run: Run, start: Start, before: MDConfig, progress: bool) -> MDResult:
    """To the end of a run from its start, or what it has left if it had come to its end."""
    checkpoint, config = start.checkpoint, run.simulation.config
    written = checkpoint.written if checkpoint.state.forces_known else None
    if written is not None and run.limits.until is not None:
        run.ended = _replay(run.out, written, run.limits.until)
    same_potential = run.simulation.digest == checkpoint.potential
    if same_potential and not start.lost and (run.ended or run.step >= config.steps > 0):
        done = finished_results(run.out, run.atoms, run.step)
        if done is not None:
            return done
    _settle(run, start, changed=not same_potential or config != before)
    return run.to_the_end(written, progress)


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


def _settle(run: Run, start: Start, changed: bool) -> None:
    """Make the folder one of a run that goes on from a checkpoint with its present settings.

    Raises:
        InputError: If it cannot be written to.
    """
    out, config = run.out, run.simulation.config
    try:
        for path in start.passed_over:
            set_aside(path)
        for key in start.lost:
            set_aside(out / KEYS[key])
        if changed:
            note_settings(out / files.CHECKPOINTS, config, run.simulation.digest)
        else:
            (out / files.CHECKPOINTS / files.ACCEPTED).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"{error.filename}: cannot be written to: {error.strerror}; free space or correct its "
            "permissions"
        ) from error
    if changed or not (out / files.CONFIG).is_file():
        write_settings(config, out)


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
