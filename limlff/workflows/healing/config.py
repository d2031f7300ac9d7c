"""Configuration of the healing study."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from limlff.quantities import Count, Distance, Picoseconds, Pressure, Symbol, is_number
from limlff.structures.host import CopperInterface, Crystal, Host
from limlff.structures.lattice import LITHIUM_LATTICE_CONSTANT
from limlff.structures.void import Shape
from limlff.workflows.contract import StudySettings
from limlff.workflows.healing.sections import Cavity as Cavity
from limlff.workflows.healing.sections import Closed as Closed
from limlff.workflows.healing.sections import Dynamics as Dynamics
from limlff.workflows.healing.sections import Reference as Reference
from limlff.workflows.healing.sections import Sweep as Sweep

MOST_STEPS = 10**10
"""Steps of a run of a study."""

MOST_SITES = 20_000_000
"""Lattice sites of a study; a run of so many atoms needs about 100 GB."""


class HealingConfig(StudySettings):
    """Everything that defines a healing study.

    Attributes:
        study: Name of the study.
        element: Chemical symbol of a bcc metal that the potential knows.
        lattice_constant: First guess (Å); the perfect crystal finds its own at each pressure.
        repeats: Cubic cells along x, y, z.
        host: What the hole is cut into; of others than a crystal `repeats` are the least lengths.
        hole: The hole.
        sweep: Several holes, and several runs of each.
        temperature_k: Temperature (K).
        pressures_gpa: A run for each pressure, positive in compression (GPa).
        surface_energy_j_per_m2: Surface energy by which holes pull themselves together (J/m²); of
            `li` the mean of (100), 0.458, and (110), 0.491, by its card.
        reference: The perfect crystal before the hole is cut.
        dynamics: Integration.
        closed: When a run may end.
        near_angstrom: Atoms up to this distance from the surface of the initial hole are near it,
            those beyond twice this distance are far from it (Å).
        mobility_lag_ps: Time over which displacements are measured (ps).
    """

    study: Literal["healing"] = "healing"
    element: Symbol = "Li"
    lattice_constant: Annotated[float, Field(ge=1, le=20), is_number] = LITHIUM_LATTICE_CONSTANT
    repeats: tuple[Count, Count, Count] = (8, 8, 8)
    host: Host = Crystal()
    hole: Cavity = Cavity()
    sweep: Sweep = Sweep()
    temperature_k: Annotated[float, Field(ge=1e-3, le=2e4), is_number] = 300.0
    pressures_gpa: Annotated[tuple[Pressure, ...], Field(min_length=1, max_length=6)] = (0.0, 1.0)
    surface_energy_j_per_m2: Annotated[float, Field(gt=0, le=100), is_number] = 0.474
    reference: Reference = Reference()
    dynamics: Dynamics = Dynamics()
    closed: Closed = Closed()
    near_angstrom: Distance = 4.0
    mobility_lag_ps: Picoseconds = 2.0

    @property
    def sizes(self) -> tuple[int, ...]:
        """Missing atoms of all holes."""
        return self.sweep.missing_atoms or (self.hole.missing_atoms,)

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Shapes of all holes."""
        return self.sweep.shapes or (self.hole.shape,)

    @property
    def is_sweep(self) -> bool:
        """Whether there are several holes, or several runs of one."""
        return len(self.sizes) * len(self.shapes) * self.sweep.seeds > 1

    def cells(self, missing_atoms: int) -> tuple[int, int, int]:
        """Cubic cells along x, y, z of the crystal for a hole."""
        ratio = self.sweep.sites_per_missing_atom
        if ratio is None:
            return self.repeats
        edge = math.ceil((0.5 * ratio * missing_atoms) ** (1 / 3) - 1e-9)
        a, b, c = (max(edge, least) for least in self.repeats)
        return a, b, c

    @property
    def elements(self) -> tuple[str, ...]:
        """Chemical symbols of all atoms."""
        is_between_copper = isinstance(self.host, CopperInterface)
        return (self.element, "Cu") if is_between_copper else (self.element,)

    def steps(self, time_ps: float) -> int:
        """Whole number of time steps in a time, at least one."""
        return max(1, round(1000.0 * time_ps / self.dynamics.timestep_fs))

    @model_validator(mode="after")
    def _times_fit(self) -> HealingConfig:
        every = self.dynamics.frame_every_ps
        if self.mobility_lag_ps < every or self.mobility_lag_ps > 0.5 * self.dynamics.duration_ps:
            raise ValueError(
                f"mobility_lag_ps is {self.mobility_lag_ps}; it must lie between frame_every_ps "
                f"({every}) and half of duration_ps ({self.dynamics.duration_ps / 2})"
            )
        if every < 0.001 * self.dynamics.timestep_fs:
            raise ValueError(
                f"dynamics.frame_every_ps is {every}, less than one step of "
                f"{self.dynamics.timestep_fs} fs; frames cannot be closer than steps"
            )
        longest = max(
            self.dynamics.duration_ps, self.reference.equilibration_ps + self.reference.duration_ps
        )
        if self.steps(longest) > MOST_STEPS:
            raise ValueError(
                f"{longest:g} ps in steps of {self.dynamics.timestep_fs:g} fs are "
                f"{self.steps(longest):.1e} steps; the limit is {MOST_STEPS:.0e}. Run shorter, or "
                "use a longer timestep_fs"
            )
        return self

    @model_validator(mode="after")
    def _load_fits(self) -> HealingConfig:
        dynamics = self.dynamics
        if dynamics.sides_gpa is not None and dynamics.coupling != "axes":
            raise ValueError(
                "dynamics.sides_gpa needs coupling 'axes'; with 'uniaxial' the sides keep their "
                "length, with 'isotropic' there is one pressure"
            )
        if isinstance(self.host, CopperInterface) and self.element == "Cu":
            raise ValueError("element is Cu, as is the host; they are told by element")
        return self

    @model_validator(mode="after")
    def _runs_are_different(self) -> HealingConfig:
        names = [pressure_name(pressure) for pressure in self.pressures_gpa]
        if len(set(names)) < len(names):
            raise ValueError(
                f"pressures_gpa {self.pressures_gpa} holds a pressure twice; runs are told apart "
                "by six digits of it"
            )
        for what in ("missing_atoms", "shapes"):
            values = getattr(self.sweep, what)
            if len(set(values)) < len(values):
                raise ValueError(f"sweep.{what} {list(values)} holds one twice; use sweep.seeds")
        return self

    @model_validator(mode="after")
    def _holes_fit(self) -> HealingConfig:
        for key, missing in self._sizes_by_key():
            cells = self.cells(missing)
            sites = 2 * math.prod(cells)
            if sites > MOST_SITES:
                raise ValueError(
                    f"repeats {list(cells)} make {sites} lattice sites; the limit is "
                    f"{MOST_SITES}. Repeat fewer cells"
                )
            if missing >= sites:
                raise ValueError(
                    f"{key} is {missing}, but repeats {list(cells)} make only {sites} lattice sites"
                )
        return self

    def _sizes_by_key(self) -> Iterator[tuple[str, int]]:
        key = "sweep.missing_atoms" if self.sweep.missing_atoms else "hole.missing_atoms"
        yield from ((key, missing) for missing in self.sizes)


def pressure_name(pressure_gpa: float) -> str:
    """A pressure in the names of folders."""
    return f"{pressure_gpa:g}-GPa"
