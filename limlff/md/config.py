"""Configuration of a molecular dynamics run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from limlff.config import InputPath, PotentialName, StrictModel
from limlff.md.ensemble_settings import NPT as NPT
from limlff.md.ensemble_settings import NVE as NVE
from limlff.md.ensemble_settings import AxisPressure as AxisPressure
from limlff.md.ensemble_settings import Ensemble, Langevin, NoseHoover
from limlff.md.ensemble_settings import schedule_ends as schedule_ends
from limlff.md.event_settings import Deposit as Deposit
from limlff.md.event_settings import Event
from limlff.md.event_settings import Remove as Remove
from limlff.md.event_settings import Strip as Strip
from limlff.quantities import (
    Coordinate,
    Count,
    Distance,
    Index,
    Positive,
    Seed,
    ShortDistance,
    Skin,
    Step,
    Steps,
    Symbol,
    Temperature,
    TemperatureSchedule,
    Timestep,
    is_number,
)


class Frozen(StrictModel):
    """Atoms that are held; those that any of the settings names.

    They keep their fractional coordinates: at constant volume they do not move, under a barostat
    they follow the cell. What matches no atom is refused.

    Attributes:
        indices: Indices in the structure, from 0.
        below_z_angstrom: All atoms with a lower z at the start (Å).
        elements: All atoms of these elements, such as [Cu].
        from_structure: Whether atoms that the structure holds fixed (FixAtoms, selective dynamics,
            move_mask) are held too; false lets them move.
    """

    indices: tuple[Index, ...] = ()
    below_z_angstrom: Coordinate | None = None
    elements: tuple[Symbol, ...] = ()
    from_structure: bool = True


class Lid(StrictModel):
    """A plane that turns atoms back which fly upwards; those that come from above pass it.

    Beyond it, an atom on its way up has the sign of its velocity along z changed, which keeps its
    energy. The plane takes up momentum, so that some atoms must be frozen, and it has no meaning
    under a barostat. How often it turned an atom back is in the summary.

    Attributes:
        z_angstrom: Height of the plane (Å).
        above_highest_angstrom: The same over the highest atom at the start (Å).
    """

    z_angstrom: Coordinate | None = None
    above_highest_angstrom: Distance | None = Field(default=None, examples=[12.0])

    @model_validator(mode="after")
    def _one_height(self) -> Lid:
        if (self.z_angstrom is None) == (self.above_highest_angstrom is None):
            raise ValueError("give either 'z_angstrom' or 'above_highest_angstrom'")
        return self


class Output(StrictModel):
    """What is written, and how often (steps).

    Attributes:
        thermo_every: Rows of the thermo table.
        trajectory_every: Frames of the trajectory.
        checkpoint_every: Checkpoints.
        velocities: Whether frames hold velocities.
        virials: Whether frames hold the share of each atom in the virial of the forces, which
            costs several evaluations of the forces per frame.
        extended_xyz: Whether the frames are also written as extended XYZ.
    """

    thermo_every: Steps = 50
    trajectory_every: Steps = 500
    checkpoint_every: Steps = 5000
    velocities: bool = False
    virials: bool = False
    extended_xyz: bool = False


class Guards(StrictModel):
    """Limits beyond which a run is stopped, with a checkpoint of the last state within them.

    They are looked at whenever the compiled loop returns, at least every `chunk_steps` steps and
    before anything is written. 0 for `min_distance_angstrom` and null for the last two switch a
    guard off.

    Attributes:
        max_temperature_k: Largest temperature (K).
        max_force_ev_per_angstrom: Largest force on a moving atom (eV/Å).
        max_displacement_angstrom: Largest displacement of an atom per step (Å).
        min_distance_angstrom: Smallest distance of two atoms (Å); if left out, half the sum of
            their covalent radii.
        max_energy_jump_ev_per_atom: Largest change of the conserved quantity between two checks
            (eV/atom).
        max_neighbors: Most neighbors of an atom within cutoff and skin; more mean a collapse.
        max_force_spread_ev_per_angstrom: Largest spread of a force within the potential's ensemble
            (eV/Å).
        max_grade: Largest extrapolation grade of an atom; 1 is the edge of the training data.
        uncertain_for_steps: Steps for which one atom must be above one of the last two limits.
        uncertainty_every: Steps between two assessments of the uncertainty.
    """

    max_temperature_k: Positive = 10_000.0
    max_force_ev_per_angstrom: Positive = 100.0
    max_displacement_angstrom: Positive = 0.5
    min_distance_angstrom: ShortDistance | None = None
    max_energy_jump_ev_per_atom: Positive = 0.2
    max_neighbors: Count = 500
    max_force_spread_ev_per_angstrom: Positive | None = None
    max_grade: Positive | None = None
    uncertain_for_steps: Step = 200
    uncertainty_every: Steps = 100


class MDConfig(StrictModel):
    """Everything that defines a run.

    Attributes:
        potential: Name of a shipped potential, which comes first, or path of a potential file.
        structure: Structure file, of any format ASE reads; left out if atoms are given in Python.
        seed: Seed of all random numbers.
        steps: Length of the run (steps).
        timestep_fs: Time step (fs).
        temperature_k: Target temperature, or [first, last] (K); in NVE only the initial one.
        ensemble: Equations of motion.
        initial_velocities: Drawn from the Maxwell-Boltzmann distribution, or those of the file.
        initial_temperature_k: Temperature of the draw if it is not the target's first value (K).
        frozen: Atoms that are held.
        lid: A plane that keeps atoms from flying away.
        output: What is written.
        guards: Limits of a sane run.
        events: Atoms that are added and removed on the way, in this order within a step; one whose
            rate gives a step two atoms does so twice before the next one.
        dtype: Arithmetic of the model; integration is always float64.
        skin_angstrom: Added to the cutoff in neighbor lists, which last longer for it (Å).
        chunk_steps: Most steps that the compiled loop takes before guards check the state.
    """

    potential: PotentialName = "li"
    structure: InputPath | None = Field(default=None, examples=["start.extxyz"])
    seed: Seed = 0
    steps: Steps = Field(examples=[100_000])
    timestep_fs: Timestep = 2.0
    temperature_k: TemperatureSchedule = 300.0
    ensemble: Ensemble = Langevin()
    initial_velocities: Literal["maxwell_boltzmann", "file"] = "maxwell_boltzmann"
    initial_temperature_k: Temperature | None = None
    frozen: Frozen = Frozen()
    lid: Lid | None = None
    output: Output = Output()
    guards: Guards = Guards()
    events: tuple[Event, ...] = ()
    dtype: Literal["float32", "float64"] = "float32"
    skin_angstrom: Skin = 0.8
    chunk_steps: Annotated[int, Field(ge=1, le=100_000), is_number] = 100

    @property
    def start_temperature_k(self) -> float:
        """Temperature at which velocities are drawn (K)."""
        if self.initial_temperature_k is not None:
            return self.initial_temperature_k
        return schedule_ends(self.temperature_k)[0]

    @property
    def chain_length(self) -> int:
        """Thermostats in the Nose-Hoover chain; 0 without one."""
        return self.ensemble.chain_length if isinstance(self.ensemble, NoseHoover) else 0
