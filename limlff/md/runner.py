"""Molecular dynamics from a configuration to a folder of results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ase import Atoms

from limlff.config import config_of
from limlff.forks import refuse_forked_process
from limlff.md.config import MDConfig
from limlff.md.output.run_folder import claim_folder, locked_run
from limlff.md.run.limits import NO_LIMITS, RunLimits
from limlff.md.run.results import MDResult
from limlff.md.run.run import Run
from limlff.md.run.settings import write_settings
from limlff.md.simulation.forecast import Forecast, make_forecast
from limlff.md.simulation.start import first_checkpoint, start_simulation
from limlff.md.system.structure import read_structure
from limlff.named_potential import load
from limlff.paths import user_path
from limlff.potential import Potential
from limlff.precision import own_precision


@own_precision()
def run_md(
    config: MDConfig | dict[str, Any] | str | Path,
    out: Path | str,
    atoms: Atoms | None = None,
    potential: Potential | None = None,
    progress: bool = True,
    *,
    force: bool = False,
    limits: RunLimits = NO_LIMITS,
) -> MDResult:
    """Run molecular dynamics.

    Args:
        config: The run: path of its YAML file, the content of one, or an `MDConfig`.
        out: Folder for its files; made if missing.
        atoms: Structure in place of the configuration's file.
        potential: Potential in place of the configuration's.
        progress: Whether to show progress.
        force: Whether a run in the folder is overwritten.
        limits: What ends the run before its last step.

    Returns:
        Files, last configuration and summary.

    Raises:
        InputError: If the configuration, the structure or the folder cannot be used.
        RunStopped: If the run left what can be trusted; `stop` tells of step, atoms and files.
        OutOfTime: If time was up, a signal came or the disk is full; `limlff.md.resume` goes on.
    """
    out = user_path(out)
    refuse_forked_process()
    settings = config_of(config, MDConfig)
    potential = potential or load(settings.potential)
    atoms = atoms if atoms is not None else read_structure(settings.structure)
    checkpoint = first_checkpoint(settings, atoms, potential)
    simulation = start_simulation(checkpoint, settings, potential)
    with locked_run(out):
        claim_folder(out, force)
        write_settings(settings, out)
        return Run(simulation, out, limits).to_the_end(None, progress)


@own_precision()
def forecast_md(config: MDConfig) -> Forecast:
    """What a run would take, from a few steps of it; nothing is written.

    Raises:
        InputError: If the configuration or the structure cannot be used.
    """
    refuse_forked_process()
    atoms, potential = read_structure(config.structure), load(config.potential)
    checkpoint = first_checkpoint(config, atoms, potential)
    return make_forecast(start_simulation(checkpoint, config, potential))
