"""How much work a process has done for a simulation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Tally:
    """Work done by this process.

    Attributes:
        atom_steps: Steps times atoms.
        steps: Steps.
        builds: Neighbor lists built.
        build_seconds: Time it took (s).
        assessments: Assessments of the uncertainty.
        guard_seconds: Time that guards and assessments took (s).
    """

    atom_steps: int = 0
    steps: int = 0
    builds: int = 0
    build_seconds: float = 0.0
    assessments: int = 0
    guard_seconds: float = 0.0

    def speed(self, seconds: float, timestep_fs: float) -> dict[str, float | None]:
        """Speed over a wall time without compilation (s); unknown if no step was taken."""
        if not self.steps:
            return {"microseconds_per_atom_step": None, "ns_per_day": None}
        seconds = max(seconds, 1e-9)
        return {
            "microseconds_per_atom_step": 1e6 * seconds / self.atom_steps,
            "ns_per_day": self.steps * timestep_fs * 1e-6 / seconds * 86400.0,
        }

    def counts(self) -> dict[str, float]:
        """Entries of the summary."""
        return {
            "neighbor_builds": self.builds,
            "neighbor_build_seconds": self.build_seconds,
            "uncertainty_assessments": self.assessments,
            "guard_seconds": self.guard_seconds,
        }
