"""Which frames of a set are used."""

from __future__ import annotations

from fnmatch import fnmatchcase

import numpy as np

from limlff.frames.frame import Frame
from limlff.training.data_settings import FrameSelection
from limlff.units import GIGAPASCAL


def is_in_group(frame: Frame, pattern: str) -> bool:
    """Whether a frame is of a group, named as it is or by a pattern of a shell (`*`, `?`, `[]`)."""
    return frame.group == pattern or fnmatchcase(frame.group, pattern)


def select_frames(frames: list[Frame], selection: FrameSelection) -> list[Frame]:
    """The frames that a selection lets through, in their order."""
    kept = [frame for frame in frames if _is_selected(frame, selection)]
    if selection.max_frames is not None and len(kept) > selection.max_frames:
        chosen = np.linspace(0, len(kept) - 1, selection.max_frames).round().astype(int)
        kept = [kept[index] for index in chosen]
    return kept


def _is_selected(frame: Frame, selection: FrameSelection) -> bool:
    """Whether a frame is within all limits that its labels allow to apply."""
    wanted = selection.groups
    if wanted is not None and not any(is_in_group(frame, each) for each in wanted):
        return False
    if any(is_in_group(frame, each) for each in selection.exclude_groups):
        return False
    quantities: list[tuple[float | None, float | None]] = []
    if frame.forces is not None:
        largest = float(np.abs(frame.forces[frame.is_core]).max(initial=0.0))
        quantities.append((largest, selection.max_force))
    if frame.energy is not None:
        quantities.append((frame.energy / len(frame), selection.max_energy_per_atom))
    if frame.volume > 0:
        volume = frame.volume / len(frame)
        quantities.append((volume, selection.max_volume_per_atom))
        lowest = selection.min_volume_per_atom
        quantities.append((-volume, None if lowest is None else -lowest))
    if frame.stress is not None:
        pressure = -float(np.trace(frame.stress)) / 3 / GIGAPASCAL
        quantities.append((pressure, selection.max_pressure_gpa))
    return all(limit is None or value is None or value <= limit for value, limit in quantities)
