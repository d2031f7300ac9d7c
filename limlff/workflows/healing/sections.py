"""Parts of the settings of the healing study."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from limlff.config import StrictModel
from limlff.quantities import (
    Count,
    Fraction,
    Picoseconds,
    PicosecondsOrNone,
    Positive,
    Pressure,
    RelaxationTime,
    Timestep,
    is_number,
)
from limlff.structures.void import Shape


class Reference(StrictModel):
    """Perfect crystal at each pressure: the hole is cut into its last frame, and its density and
    order are what the run is compared with.

    Attributes:
        equilibration_ps: Time that is left out of the averages (ps).
        duration_ps: Time of the averages (ps).
    """

    equilibration_ps: Picoseconds = 2.0
    duration_ps: Picoseconds = 6.0


class Cavity(StrictModel):
    """The hole.

    Attributes:
        missing_atoms: Atoms taken out.
        shape: "sphere", "cuboid" (a cube), or "cylinder" (along z, as high as it is wide).
        centre: Its centre in fractions of the cell.
    """

    missing_atoms: Count = 30
    shape: Shape = "sphere"
    centre: tuple[Fraction, Fraction, Fraction] = (0.5, 0.5, 0.5)


class Sweep(StrictModel):
    """Several holes: a run for each number of missing atoms, shape, pressure and seed.

    Runs of one number of atoms and one pressure begin in the same equilibrated crystal. Where there
    are several seeds, each cuts its hole at a place of its own and draws velocities of its own.

    Attributes:
        missing_atoms: Atoms taken out of each hole; that of `hole` if left out.
        shapes: Shapes; that of `hole` if left out.
        seeds: Runs of each hole and pressure with different random numbers.
        sites_per_missing_atom: Lattice sites in the cell for each missing atom, so that every hole
            takes the same part of its cell; `repeats` cells in each direction are the least. The
            cell is `repeats` if left out.
    """

    missing_atoms: Annotated[tuple[Count, ...], Field(max_length=12)] = ()
    shapes: Annotated[tuple[Shape, ...], Field(max_length=3)] = ()
    seeds: Annotated[int, Field(ge=1, le=100), is_number] = 1
    sites_per_missing_atom: Annotated[float, Field(ge=2, le=1e4), is_number] | None = Field(
        default=None, examples=[8.0]
    )


class Dynamics(StrictModel):
    """How the runs are integrated.

    Attributes:
        duration_ps: Longest time of a run (ps).
        timestep_fs: Time step (fs).
        frame_every_ps: Time between frames (ps), all of which are analysed.
        coupling: Whether the cell changes size only ("isotropic"), each axis by itself ("axes"), or
            z alone ("uniaxial"), as between plates to which the metal sticks: x and y keep the
            lengths that they have without pressure.
        sides_gpa: Pressure along x and y (GPa) with "axes"; that along z if left out. With 0 the
            metal can give way to the sides, as between plates on which it slides.
        barostat_tau_fs: Time in which the volume relaxes (fs).
        dtype: Arithmetic of the model.
    """

    duration_ps: Picoseconds = 60.0
    timestep_fs: Timestep = 2.0
    frame_every_ps: Picoseconds = 0.5
    coupling: Literal["isotropic", "axes", "uniaxial"] = "axes"
    sides_gpa: Pressure | None = Field(default=None, examples=[0.0])
    barostat_tau_fs: RelaxationTime = 500.0
    dtype: Literal["float32", "float64"] = "float32"


class Closed(StrictModel):
    """When a hole counts as closed, and how long the run goes on from there.

    Attributes:
        missing_below: Missing atoms of the largest hole below which it is closed.
        for_ps: Time for which it must stay so (ps).
        go_on_ps: Time that a run goes on afterwards, to see the crystal order itself again (ps).
    """

    missing_below: Positive = 3.0
    for_ps: Picoseconds = 3.0
    go_on_ps: PicosecondsOrNone = 10.0
