"""Molecular dynamics from a configuration to a folder of results."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from ase import Atoms

from limlff.catalog import find_potential
from limlff.config import config_of
from limlff.errors import InputError
from limlff.forks import refuse_forked_process
from limlff.md.config import MDConfig
from limlff.md.output.run_folder import RUN_FOLDER, claim_folder, locked_run
from limlff.md.run.limits import RunLimits
from limlff.md.run.results import MDResult
from limlff.md.run.run import Run
from limlff.md.run.settings import write_settings
from limlff.md.simulation.forecast import Forecast, make_forecast
from limlff.md.simulation.start import first_checkpoint, start_simulation
from limlff.md.system.structure import read_structure
from limlff.named_potential import potential_of
from limlff.outputs import check_output_folder
from limlff.paths import user_path
from limlff.potential import Potential
from limlff.precision import own_precision
from limlff.resumable import checked_runtime


@own_precision()
def run_md(
    config: MDConfig | dict[str, Any] | str | Path,
    out: Path | str,
    atoms: Atoms | None = None,
    potential: Potential | str | Path | None = None,
    progress: bool = True,
    *,
    force: bool = False,
    max_runtime_seconds: float | None = None,
) -> MDResult:
    """Run molecular dynamics, as `limlff md` does.

    Args:
        config: The run: path of its YAML file, the content of one, or an `MDConfig`.
        out: Folder for its files; made if missing.
        atoms: Structure in place of the configuration's file.
        potential: Potential in place of the configuration's; itself, its name or its path.
        progress: Whether to show progress.
        force: Whether a run in the folder is overwritten, and other files may stay beside it.
        max_runtime_seconds: Wall time after which the run is left with a checkpoint (s).

    Returns:
        Files, last configuration and summary.

    Raises:
        InputError: If the configuration, the structure or the folder cannot be used.
        RunStopped: If the run left what can be trusted; `stop` tells of step, atoms and files.
        OutOfTime: If time was up, a signal came or the disk is full; `resume_md` goes on.
    """
    settings, folder = config_of(config, MDConfig), user_path(out)
    check_run_folder(folder, settings, config, force)
    limits = RunLimits(checked_runtime(max_runtime_seconds))
    return run_within(limits, settings, folder, atoms, potential, progress, force=force)


def check_run_folder(
    out: Path, settings: MDConfig, source: MDConfig | dict[str, Any] | str | Path, force: bool
) -> None:
    """Refuse a folder in which a run would replace what it must not.

    Args:
        out: The folder.
        settings: The run.
        source: Where the settings are from; the file is not replaced, if it is one.
        force: Whether a run in the folder is overwritten, and other files may stay beside it.

    Raises:
        InputError: If so.
    """
    inputs = [user_path(source)] if isinstance(source, str | Path) else []
    inputs += [] if settings.structure is None else [settings.structure]
    with suppress(InputError):  # told when it is loaded
        inputs.append(find_potential(settings.potential))
    check_output_folder(out, RUN_FOLDER, inputs, force)


@own_precision()
def run_within(
    limits: RunLimits,
    config: MDConfig,
    out: Path,
    atoms: Atoms | None = None,
    potential: Potential | str | Path | None = None,
    progress: bool = True,
    *,
    force: bool = False,
) -> MDResult:
    """Run molecular dynamics in a folder that is the caller's, within any limits.

    The arguments are those of `run_md`, which tells of results and errors.
    """
    refuse_forked_process()
    known = potential_of(config.potential if potential is None else potential)
    atoms = read_structure(config.structure) if atoms is None else atoms
    checkpoint = first_checkpoint(config, atoms, known)
    simulation = start_simulation(checkpoint, config, known)
    with locked_run(out):
        claim_folder(out, force)
        write_settings(config, out)
        return Run(simulation, out, limits).to_the_end(None, progress)


@own_precision()
def forecast_md(config: MDConfig) -> Forecast:
    """What a run would take, from a few steps of it; nothing is written.

    Raises:
        InputError: If the configuration or the structure cannot be used.
    """
    return forecast_of(config, read_structure(config.structure))


@own_precision()
def forecast_of(config: MDConfig, atoms: Atoms) -> Forecast:
    """What a run of atoms would take, from a few steps of it; nothing is written.

    Args:
        config: The run.
        atoms: Where it starts.

    Raises:
        InputError: If the configuration or the structure cannot be used.
    """
    refuse_forked_process()
    potential = potential_of(config.potential)
    checkpoint = first_checkpoint(config, atoms, potential)
    return make_forecast(start_simulation(checkpoint, config, potential))
