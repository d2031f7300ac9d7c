"""Settings of a slab with or without a film on it, for studies, and the atoms that they make."""

from __future__ import annotations

import logging
import math
from typing import Annotated, Any, Literal

from ase import Atoms
from pydantic import BeforeValidator, Field, model_validator

from limlff.config import StrictModel
from limlff.quantities import Count, Distance, Index, Seed, Symbol, is_number
from limlff.structures import film as films
from limlff.structures import slab as slabs
from limlff.structures.lattice import COPPER_LATTICE_CONSTANT, LITHIUM_LATTICE_CONSTANT

_LOG = logging.getLogger(__name__)

MOST_SITES = 20_000_000
"""Sites of a slab; a run of so many atoms needs about 100 GB."""


def as_text(value: Any) -> Any:
    """Miller indices without quotes, which YAML reads as a number, as text."""
    return str(value) if type(value) is int else value


LatticeConstant = Annotated[float, Field(ge=1, le=20), is_number]
Orientation = Annotated[Literal["100", "110", "111"], BeforeValidator(as_text)]


class Slab(StrictModel):
    """A slab of an fcc metal in an orthogonal cell, its surface in the xy plane. Of step, island,
    missing_rows and vacancies it may have one.

    Attributes:
        element: Chemical symbol.
        facet: Orientation of the surface: "100", "110" or "111".
        size: Surface cells along x and y, of one atom in each plane. Close-packed rows run along
            y on (110), else along x. On (111) the second number is even.
        layers: Planes of atoms, those of a step or an island not counted.
        lattice_constant: Edge of the cubic cell (Å).
        vacuum_angstrom: Empty height above the highest atom, up to the image of the deepest (Å).
        fixed_layers: Deepest planes that are held.
        step: Planes that one half of the surface has more, with edges along the close-packed rows;
            0 for none.
        island: Adatoms in one compact island; 0 for none.
        missing_rows: Whether every second close-packed row of the top plane is missing: (2x1) on
            (100), (1x2) on (110).
        vacancies: Atoms missing at random places of the top plane.
        vacancy_seed: Seed of these places.
    """

    element: Symbol = "Cu"
    facet: Orientation = "111"
    size: tuple[Count, Count] = (8, 8)
    layers: Count = 6
    lattice_constant: LatticeConstant = COPPER_LATTICE_CONSTANT
    vacuum_angstrom: Distance = 20.0
    fixed_layers: Index = 2
    step: Index = 0
    island: Index = 0
    missing_rows: bool = False
    vacancies: Index = 0
    vacancy_seed: Seed = 1

    @model_validator(mode="after")
    def _is_one_surface(self) -> Slab:
        features = ("step", "island", "missing_rows", "vacancies")
        given = [name for name in features if getattr(self, name)]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} cannot be combined; give one of them")
        sites = math.prod(self.size) * (self.layers + self.step + bool(self.island))
        if sites > MOST_SITES:
            raise ValueError(
                f"size {list(self.size)} and {self.layers} layers make {sites} sites; the limit is "
                f"{MOST_SITES}. Give fewer cells or layers"
            )
        return self


class Film(StrictModel):
    """A film of a bcc metal on the slab.

    Attributes:
        element: Chemical symbol.
        orientation: "100", "110" or "111", in the supercell of least strain; "pseudomorphic" has
            the film go on with the lattice of the slab.
        layers: Planes of atoms.
        lattice_constant: Edge of its cubic cell (Å).
        max_strain_percent: Largest principal strain (%); a film that needs more is refused.
        contact_angstrom: Shortest distance between film and slab (Å).
    """

    element: Symbol = "Li"
    orientation: Annotated[
        Literal["100", "110", "111", "pseudomorphic"], BeforeValidator(as_text)
    ] = "110"
    layers: Count = 2
    lattice_constant: LatticeConstant = LITHIUM_LATTICE_CONSTANT
    max_strain_percent: Annotated[float, Field(ge=1e-6, le=50), is_number] = 3.0
    contact_angstrom: Annotated[float, Field(ge=1, le=10), is_number] = films.CONTACT


class Surface(StrictModel):
    """A slab and what lies on it.

    Attributes:
        slab: The slab.
        film: A film on it; none if left out.
    """

    slab: Slab = Slab()
    film: Film | None = None

    @model_validator(mode="after")
    def _film_lies_flat(self) -> Surface:
        if self.film is not None and (self.slab.step or self.slab.island):
            raise ValueError(
                "a film lies on a slab without step and island only; leave out film, or "
                f"slab.{'step' if self.slab.step else 'island'}"
            )
        return self


def build_slab(settings: Slab) -> Atoms:
    """The slab that settings describe.

    Raises:
        InputError: If there is none such.
    """
    slab = slabs.fcc_slab(
        settings.element,
        settings.facet,
        settings.size,
        settings.layers + settings.step + bool(settings.island),
        settings.lattice_constant,
        settings.vacuum_angstrom,
        settings.fixed_layers,
    )
    if settings.step:
        return slabs.cut_step(slab, settings.step)
    if settings.island:
        return slabs.cut_island(slab, settings.island)
    if settings.missing_rows:
        return slabs.cut_missing_rows(slab)
    if settings.vacancies:
        return slabs.cut_vacancies(slab, settings.vacancies, settings.vacancy_seed)
    return slab


def build_film(slab: Atoms, settings: Film) -> Atoms:
    """A slab with the film on it that settings describe; its strain is logged and in `info`.

    Raises:
        InputError: If there is none such, or none within the strain allowed.
    """
    size = (settings.layers, settings.lattice_constant)
    if settings.orientation == "pseudomorphic":
        return films.pseudomorphic_film(slab, settings.element, *size, settings.contact_angstrom)
    both, match = films.bcc_film(
        slab,
        settings.element,
        settings.orientation,
        *size,
        settings.max_strain_percent,
        settings.contact_angstrom,
    )
    _LOG.info("%s on %s is %s", both.info["film"], both.info["facet"], match)
    return both


def build_surface(settings: Surface) -> Atoms:
    """The atoms that settings describe: a slab, and a film if there is one.

    Raises:
        InputError: If there is none such.
    """
    slab = build_slab(settings.slab)
    return slab if settings.film is None else build_film(slab, settings.film)
