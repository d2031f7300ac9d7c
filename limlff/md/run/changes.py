"""What of its settings a run under way may change.

Guards, intervals of the output, chunks, skin, number of steps without ramps: freely. Potential,
temperature, ensemble and dtype only if that is said. What has no meaning for a run under way,
as its structure or its time step, never.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from limlff.changed_settings import changed_settings
from limlff.errors import InputError
from limlff.md.config import MDConfig, schedule_ends
from limlff.md.output import names as files

_NEVER = (
    "structure",
    "seed",
    "timestep_fs",
    "initial_velocities",
    "initial_temperature_k",
    "frozen",
    "lid",
    "ensemble.friction_on",
    "events",
    "output.velocities",
    "output.virials",
    "output.extended_xyz",
)
_DELIBERATELY = ("potential", "temperature_k", "ensemble", "dtype")


def check_changes(
    before: MDConfig,
    config: MDConfig,
    overrides: Sequence[str],
    accept_changes: bool,
    out: Path,
    noted: str | None,
) -> Callable[[str], bool]:
    """Check what has changed.

    Args:
        before: Settings of the checkpoint.
        config: Settings to go on with.
        overrides: Settings that were named for a change, as "section.key=value".
        accept_changes: Whether all changes that are possible are accepted.
        out: The run's folder.
        noted: If these settings were accepted before, the digest of their potential; they need no
            consent again.

    Returns:
        Whether a change of a setting, by its dotted name, is accepted now.

    Raises:
        InputError: If a setting has changed that cannot, or may only with consent.
    """
    named = [override.partition("=")[0].strip() for override in overrides]

    def is_part(key: str, of: tuple[str, ...] | list[str]) -> bool:
        return any(key == name or key.startswith(f"{name}.") for name in of)

    def accepted(key: str) -> bool:
        return accept_changes or is_part(key, named)

    ramps = _has_ramp(before) or _has_ramp(config)
    settings = (each.model_dump(mode="json") for each in (before, config))
    for key, (old, new) in changed_settings(*settings).items():
        what = f"{out}: {key} was {old} and is now {new}"
        if is_part(key, _NEVER):
            raise InputError(f"{what}; a run under way cannot change it: start a new one")
        deliberate = is_part(key, _DELIBERATELY) or (key == "steps" and ramps)
        if deliberate and noted is None and not accepted(key):
            raise InputError(
                f"{what}; set it back in {files.CONFIG}, or say that it shall change: "
                f"--set {key}={json.dumps(new)} or --accept-changes"
            )
    return accepted


def _has_ramp(config: MDConfig) -> bool:
    schedules: list[Any] = [config.temperature_k]
    pressure = getattr(config.ensemble, "pressure_gpa", 0.0)
    if isinstance(pressure, (int, float, tuple)):
        schedules.append(pressure)
    else:
        schedules += [pressure.x, pressure.y, pressure.z]
    return any(first != last for first, last in map(schedule_ends, schedules))
