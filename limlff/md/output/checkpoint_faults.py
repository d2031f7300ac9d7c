"""Whether a checkpoint makes sense: what it says fits the settings, and itself.

A sha256 tells that a file is what was written, not that it belongs to this run or version. What
would only come out as a crash, or never end, is found here before the run goes on.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import ValidationError

from limlff.md.config import NPT, MDConfig
from limlff.md.output.checkpoint import Checkpoint
from limlff.md.simulation.arrivals import timetables
from limlff.neighbors.geometry import FARTHEST
from limlff.quantities import SHORTEST_DISTANCE

_MOST_NEIGHBORS = 20_000
_MOST_EVENTS = 1000  # beside two for each step
_SMALLEST_AREA = 1e-6  # Å^2
_MOST_GHOSTS = 100_000  # beside a hundred for each atom


def find_fault(checkpoint: Checkpoint) -> str | None:
    """What in a checkpoint cannot have been written by a run with its settings, or None."""
    try:
        config = MDConfig.model_validate_json(checkpoint.config)
    except ValidationError as error:
        first: Any = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "settings"
        return f"its settings are not those of this version ({where}: {first['msg']})"
    for find in (_wrong_progress, _wrong_uncertainty, _wrong_atoms, _wrong_box, _wrong_sizes):
        fault = find(checkpoint, config)
        if fault:
            return fault
    return None


def _wrong_progress(checkpoint: Checkpoint, config: MDConfig) -> str | None:
    step, forces_known = checkpoint.step, bool(checkpoint.state.forces_known)
    if not 0 <= step <= config.steps:
        return f"its step is {step}, but the run has {config.steps} steps"
    if step > 0 and not forces_known:
        return f"it knows no forces at step {step}"
    if forces_known and not np.isfinite(checkpoint.conserved):
        return "its conserved energy is not finite"
    counts = checkpoint.event_counts
    if len(counts) != len(config.events) or np.any(counts < 0):
        return f"it counts {len(counts)} kinds of events, but the run has {len(config.events)}"
    if np.any(counts > _MOST_EVENTS + 2 * step):  # before their times are drawn, one by one
        return f"it counts {counts.max()} events at step {step}"
    area = float(checkpoint.state.reference_area)
    if not area > _SMALLEST_AREA:
        return f"its area at the start is {area:.2g} Å^2"
    for times, count in zip(timetables(config, area), counts.tolist(), strict=True):
        due = times.step_of(count)
        if due is not None and due < step:
            return f"its event of step {due} has not happened at step {step}"
    return None


def _wrong_uncertainty(checkpoint: Checkpoint, _config: MDConfig) -> str | None:
    step, since = checkpoint.step, int(checkpoint.assessed_since)
    if np.any((checkpoint.above_since < -1) | (checkpoint.above_since > step)):
        return "atoms are uncertain since a step that is still to come"
    if since < 0:
        return None
    steps, atoms, numbers = checkpoint.highest_places.T
    if since > step or np.any((steps < since) | (steps > step)):
        return "its highest uncertainty is of a step at which it was not assessed"
    if np.isnan(checkpoint.highest_values).any() or np.any(checkpoint.highest_values < 0):
        return "its highest uncertainty is no number, or below 0"
    if np.any(atoms < 0) or np.any((numbers < 1) | (numbers > 118)):
        return "its highest uncertainty is of no atom"
    return None


def _wrong_atoms(checkpoint: Checkpoint, config: MDConfig) -> str | None:
    numbers, mobile = checkpoint.numbers, checkpoint.mobile
    size = len(checkpoint.state.positions)
    if not 0 < len(numbers) <= size:
        return f"it holds {len(numbers)} atoms where there is room for {size}"
    if np.any((numbers < 1) | (numbers > 118)):
        return "it holds atomic numbers that are not from 1 to 118"
    if np.any(checkpoint.masses <= 0):
        return "it holds masses that are not above 0"
    if not np.isin(mobile, (0.0, 1.0)).all() or not mobile.any():
        return "none of its atoms can move, or some neither can nor cannot"
    if not np.isin(checkpoint.coupled, (0.0, 1.0)).all():
        return "friction acts on some of its atoms neither fully nor not"
    chain, expected = len(checkpoint.state.chain_positions), config.chain_length
    if chain != expected:
        return f"its thermostat has {chain} links, not {expected}"
    for places in (checkpoint.state.positions, checkpoint.list_positions):
        if np.abs(places).max() > FARTHEST:
            return f"it holds a position beyond {FARTHEST:.0e} Å"
    return None


def _wrong_box(checkpoint: Checkpoint, config: MDConfig) -> str | None:
    if isinstance(config.ensemble, NPT) and not checkpoint.periodic.all():
        return "it is not periodic in all directions, which npt needs"
    if checkpoint.state.reference_volume <= 0:
        return "its volume at the start is not above 0"
    for cell in (np.asarray(checkpoint.state.cell), checkpoint.list_cell):
        try:
            heights = 1.0 / np.linalg.norm(np.linalg.inv(cell), axis=0)
        except np.linalg.LinAlgError:
            return "its cell has no volume"
        if np.any(checkpoint.periodic & (heights < 0.5 * SHORTEST_DISTANCE)):
            return f"its cell is only {heights.min():.2g} Å between opposite faces"
        if np.abs(cell).max() > FARTHEST:
            return f"it holds a cell vector beyond {FARTHEST:.0e} Å"
    return None


def _wrong_sizes(checkpoint: Checkpoint, config: MDConfig) -> str | None:
    capacity = checkpoint.capacity
    most = _MOST_GHOSTS + 100 * len(checkpoint.state.positions)
    if not (0 < capacity.neighbors <= _MOST_NEIGHBORS and 0 <= capacity.ghosts <= most):
        return f"it asks for {capacity.neighbors} neighbors per atom and {capacity.ghosts} images"
    keys = {"thermo_bytes", "frames"} | ({"xyz_bytes"} if config.output.extended_xyz else set())
    if checkpoint.state.forces_known and not keys <= set(checkpoint.written):
        return "it does not say how much was written"
    if any(not 0 <= count < 2**60 for count in checkpoint.written.values()):
        return "it says that less than nothing was written, or more than any disk holds"
    return None
