"""What the ranks of a run are to do, besides its settings."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Job:
    """A job, as JSON holds it.

    Attributes:
        script: Path of LAMMPS' input.
        variables: Variables of LAMMPS that are set before it, with their values.
        seconds: Wall time after which the run ends with a checkpoint (s); None without a limit.
        quiet: Whether LAMMPS writes into its log only.
    """

    script: str
    variables: dict[str, list[str]]
    seconds: float | None
    quiet: bool
