"""What a checkpoint must hold: arrays of known shapes and kinds, and values that make sense.

A sha256 tells that a file is what was written, not that it belongs to this run or version. What
would only come out as a crash, or never end, is found here before the run goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from pydantic import ValidationError

from limlff.md.config import NPT, MDConfig
from limlff.md.output.single_writer import find_array
from limlff.neighbors.geometry import FARTHEST
from limlff.quantities import SHORTEST_DISTANCE

if TYPE_CHECKING:
    from limlff.md.output.checkpoint import Checkpoint

ARRAYS: dict[str, tuple[type, tuple[str | int, ...]]] = {
    "state/step": (np.int64, ()),
    "state/positions": (np.float64, ("slots", 3)),
    "state/momenta": (np.float64, ("slots", 3)),
    "state/forces": (np.float64, ("slots", 3)),
    "state/cell": (np.float64, (3, 3)),
    "state/energy": (np.float64, ()),
    "state/virial": (np.float64, (3, 3)),
    "state/key": (np.uint32, (2,)),
    "state/bath_energy": (np.float64, ()),
    "state/chain_positions": (np.float64, ("chain",)),
    "state/chain_momenta": (np.float64, ("chain",)),
    "state/reference_volume": (np.float64, ()),
    "numbers": (np.int64, ("atoms",)),
    "masses": (np.float64, ("atoms",)),
    "mobile": (np.float64, ("atoms",)),
    "periodic": (np.bool_, (3,)),
    "list_positions": (np.float64, ("slots", 3)),
    "list_cell": (np.float64, (3, 3)),
    "event_counts": (np.int64, ("events",)),
    "above_since": (np.int64, ("atoms",)),
}
"""Kind and shape of every array; a name stands for a number that is the same wherever it occurs."""

_MOST_NEIGHBORS = 20_000
_MOST_GHOSTS = 100_000  # beside a hundred for each atom


def read_arrays(file: h5py.File, most_bytes: int) -> dict[str, np.ndarray]:
    """All arrays of a checkpoint by name.

    Args:
        file: The checkpoint.
        most_bytes: Its size, beyond which no array can be.

    Raises:
        ValueError: If an array is missing, or of another kind or shape than it must be.
    """
    sizes: dict[str | int, int] = {}
    found = {}
    for name, (kind, shape) in ARRAYS.items():
        data = find_array(file, name)
        if data.nbytes > most_bytes or data.chunks is not None:
            raise ValueError(f"its array '{name}' claims {data.nbytes} bytes")
        if len(data.shape) == len(shape):
            for size, length in zip(shape, data.shape, strict=True):
                sizes.setdefault(size, length if isinstance(size, str) else size)
        expected = tuple(sizes.get(size, -1) for size in shape)
        if data.dtype != kind or data.shape != expected:
            raise ValueError(
                f"its array '{name}' is {data.dtype} of shape {data.shape}, not "
                f"{np.dtype(kind)} of {expected}"
            )
        found[name] = data[()]
        if data.dtype.kind == "f" and not np.isfinite(found[name]).all():
            raise ValueError(f"its array '{name}' holds numbers that are not finite")
    return found


def find_fault(checkpoint: Checkpoint) -> str | None:
    """What in a checkpoint cannot have been written by a run with its settings, or None."""
    try:
        config = MDConfig.model_validate_json(checkpoint.config)
    except ValidationError as error:
        first: Any = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "settings"
        return f"its settings are not those of this version ({where}: {first['msg']})"
    for find in (_wrong_progress, _wrong_atoms, _wrong_box, _wrong_sizes):
        fault = find(checkpoint, config)
        if fault:
            return fault
    return None


def _wrong_progress(checkpoint: Checkpoint, config: MDConfig) -> str | None:
    step = int(checkpoint.state.step)
    if not -1 <= step <= config.steps:
        return f"its step is {step}, but the run has {config.steps} steps"
    if step >= 0 and not np.isfinite(checkpoint.conserved):
        return "its conserved energy is not finite"
    counts = checkpoint.event_counts
    if len(counts) != len(config.events) or np.any(counts < 0):
        return f"it counts {len(counts)} kinds of events, but the run has {len(config.events)}"
    for event, count in zip(config.events, counts.tolist(), strict=True):
        due = event.step_of(count)
        if due is not None and due < step:
            return f"its event of step {due} has not happened at step {step}"
    if np.any((checkpoint.above_since < -1) | (checkpoint.above_since > max(step, 0))):
        return "atoms are uncertain since a step that is still to come"
    return None


def _wrong_atoms(checkpoint: Checkpoint, config: MDConfig) -> str | None:
    numbers, mobile = checkpoint.numbers, checkpoint.mobile
    slots = len(checkpoint.state.positions)
    if not 0 < len(numbers) <= slots:
        return f"it holds {len(numbers)} atoms in {slots} slots"
    if np.any((numbers < 1) | (numbers > 118)):
        return "it holds atomic numbers that are not from 1 to 118"
    if np.any(checkpoint.masses <= 0):
        return "it holds masses that are not above 0"
    if not np.isin(mobile, (0.0, 1.0)).all() or not mobile.any():
        return "none of its atoms can move, or some neither can nor cannot"
    chain, expected = len(checkpoint.state.chain_positions), chain_length(config)
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
    capacity, slots = checkpoint.capacity, len(checkpoint.state.positions)
    most = _MOST_GHOSTS + 100 * slots
    if not (0 < capacity.slots <= _MOST_NEIGHBORS and 0 <= capacity.ghosts <= most):
        return f"it asks for {capacity.slots} neighbors per atom and {capacity.ghosts} images"
    keys = {"thermo_bytes", "frames"} | ({"xyz_bytes"} if config.output.extended_xyz else set())
    if checkpoint.state.step >= 0 and not keys <= set(checkpoint.written):
        return "it does not say how much was written"
    if any(not 0 <= count < 2**60 for count in checkpoint.written.values()):
        return "it says that less than nothing was written, or more than any disk holds"
    return None


def chain_length(config: MDConfig) -> int:
    """Links of the thermostat's chain."""
    return int(getattr(config.ensemble, "chain_length", 0))
