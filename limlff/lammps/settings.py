"""Settings of a run in LAMMPS, all that do not stand in its input."""

from __future__ import annotations

from typing import Literal

from limlff.config import PotentialName, StrictModel
from limlff.quantities import Count, Positive, ShortDistance, Skin, Step, Steps


class LammpsGuards(StrictModel):
    """Limits beyond which all ranks stop; those of `limlff md` that LAMMPS lets one know.

    All but the closest distance and the grade are looked at in every step, the distance whenever
    neighbors are listed. 0 for `min_distance_angstrom` and null for `max_grade` switch a guard off.

    Attributes:
        max_temperature_k: Largest temperature of all atoms (K).
        max_force_ev_per_angstrom: Largest force of the potential on an atom (eV/Å).
        max_displacement_angstrom: Largest displacement of an atom per step (Å).
        min_distance_angstrom: Smallest distance of two atoms (Å); if left out, half the sum of
            their covalent radii.
        max_neighbors: Most neighbors of an atom within cutoff and skin; more mean a collapse.
        max_grade: Largest extrapolation grade of an atom; 1 is the edge of the training data.
        uncertain_for_steps: Steps for which one atom must be above the largest grade.
        uncertainty_every: Steps between two assessments of the grade.
    """

    max_temperature_k: Positive = 10_000.0
    max_force_ev_per_angstrom: Positive = 100.0
    max_displacement_angstrom: Positive = 0.5
    min_distance_angstrom: ShortDistance | None = None
    max_neighbors: Count = 500
    max_grade: Positive | None = None
    uncertain_for_steps: Step = 200
    uncertainty_every: Steps = 100


class LammpsSettings(StrictModel):
    """What limlff does in a run of LAMMPS.

    Attributes:
        potential: Name of a shipped potential, or path of a potential file.
        dtype: Arithmetic of the model; LAMMPS integrates in float64 always.
        skin_angstrom: Added to the cutoff in neighbor lists, those of LAMMPS as well (Å).
        checkpoint_every: Steps between two restart files of LAMMPS.
        atom_stress_every: Steps between virials of single atoms, which cost several evaluations of
            the forces; null leaves them out, and `compute stress/atom` then gives nan.
        guards: Limits of a sane run.
    """

    potential: PotentialName = "li"
    dtype: Literal["float32", "float64"] = "float32"
    skin_angstrom: Skin = 0.8
    checkpoint_every: Steps = 1000
    atom_stress_every: Steps | None = None
    guards: LammpsGuards = LammpsGuards()
