"""Where atoms lie by SOAP of DScribe, for models without features of their own.

As with a model's features, coordinates are whitened by the frames that are trained on, element by
element, such that the distance from their mean is a grade: 1 is as far out as the farthest atom of
the element.

Sources: smooth overlap of atomic positions: Bartók, Kondor and Csányi, Phys. Rev. B 87, 184115
(2013); DScribe: Himanen et al., Comput. Phys. Commun. 247, 106949 (2020); its compression, in which
one of the two densities is that of all elements: Darby, Kermode and Csányi, npj Comput. Mater. 8,
166 (2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float
from pydantic import Field

from limlff.config import StrictModel
from limlff.errors import InputError
from limlff.frames.frame import Frame
from limlff.learning.features import Described, merged
from limlff.potential import Potential
from limlff.quantities import is_number
from limlff.training.labelled_frame import species_of_frame
from limlff.training.uncertainty.posterior import grade_metric

_LEAST_DEVIATION = 1e-3
"""Least deviation of an element's features, in units of their size: less is rounding."""


class SoapSettings(StrictModel):
    """SOAP of DScribe, with Gaussian-type orbitals; one of its two densities is of all elements.

    Two elements have 2 n_max^2 (l_max + 1) features.

    Attributes:
        cutoff_angstrom: Distance beyond which atoms do not count (Å); left out, the cutoff of the
            potential, within which the core of a cut-out is as it was.
        n_max: Number of radial functions.
        l_max: Highest degree of spherical harmonics.
        sigma_angstrom: Width of the density of an atom (Å).
    """

    cutoff_angstrom: Annotated[float, Field(gt=1.0, le=100.0), is_number] | None = None
    n_max: Annotated[int, Field(ge=1, le=12), is_number] = 5
    l_max: Annotated[int, Field(ge=0, le=10), is_number] = 4
    sigma_angstrom: Annotated[float, Field(ge=0.05, le=10.0), is_number] = 0.5


@dataclass(frozen=True)
class SoapSpace:
    """Places of atoms by SOAP.

    Attributes:
        elements: Chemical symbols; species are indices into them.
        cutoff: Distance beyond which atoms do not count (Å).
        settings: All others.
        center: Mean of what is known of each element.
        projection: |projection (features - center)| is the grade; all zero for an element of which
            nothing is known.
    """

    elements: tuple[str, ...]
    cutoff: float
    settings: SoapSettings
    center: Float[np.ndarray, "elements features"]
    projection: Float[np.ndarray, "elements features features"]

    def describe(self, frames: Sequence[Frame]) -> list[Described]:
        """The surroundings of the atoms of frames, in their order.

        Raises:
            InputError: If DScribe is not installed, or an element is not known.
        """
        found = []
        for each in _features(self.elements, self.cutoff, self.settings, frames):
            places = np.empty_like(each.places)
            for element, rows in each.by_element():
                centred = each.places[rows] - self.center[element]
                places[rows] = centred @ self.projection[element].T
            found.append(Described(each.atoms, each.species, places))
        return found

    def grades(self, frames: Sequence[Frame]) -> list[Float[np.ndarray, " atoms"]]:
        """Grade of each atom of frames without cores, infinite if its element is not known.

        Raises:
            InputError: If DScribe is not installed, or an element is not known.
        """
        unknown = ~np.any(self.projection != 0, axis=(1, 2))
        return [
            np.where(unknown[each.species], np.inf, np.linalg.norm(each.places, axis=1))
            for each in self.describe(frames)
        ]


def fit_soap(settings: SoapSettings, potential: Potential, known: Sequence[Frame]) -> SoapSpace:
    """Places by SOAP, in the metric of what is known.

    Args:
        settings: Of SOAP.
        potential: Its elements, and its cutoff if none is set.
        known: Frames; of cut-outs, their cores.

    Raises:
        InputError: If DScribe is not installed or refuses the settings, or an element is not known.
    """
    cutoff = settings.cutoff_angstrom or potential.cutoff
    elements = tuple(potential.elements)
    width = _descriptor(settings, elements, cutoff).get_number_of_features()
    center = np.zeros((len(elements), width))
    projection = np.zeros((len(elements), width, width))
    everything = merged(_features(elements, cutoff, settings, known))
    for element, rows in everything.by_element():
        own = everything.places[rows]
        least = _LEAST_DEVIATION * np.sqrt(np.mean(own**2))
        # the smallest variance that counts is one in units of the features' variance
        scale = max(float(np.sqrt(np.mean(own.var(axis=0)))), least)
        mean, metric = grade_metric(own.T / scale)
        center[element], projection[element] = mean * scale, metric / scale
    return SoapSpace(elements, cutoff, settings, center, projection)


def check_dscribe() -> None:
    """Make sure that SOAP can be had.

    Raises:
        InputError: If DScribe is not installed.
    """
    _soap_class()


def _soap_class() -> Any:
    try:
        from dscribe.descriptors import SOAP  # takes a while to import
    except ImportError as error:
        raise InputError(
            "select.features is soap, for which DScribe is missing; "
            "pip install 'limlff[soap]', or take select.features: model"
        ) from error
    return SOAP


def _descriptor(settings: SoapSettings, elements: tuple[str, ...], cutoff: float) -> Any:
    soap = _soap_class()
    try:
        return soap(
            species=elements,
            r_cut=cutoff,
            n_max=settings.n_max,
            l_max=settings.l_max,
            sigma=settings.sigma_angstrom,
            periodic=True,  # along the axes along which a structure is
            compression={"mode": "mu1nu1"},
        )
    except ValueError as error:
        raise InputError(
            f"select.soap: DScribe refuses n_max {settings.n_max} with a cutoff of {cutoff:g} Å: "
            f"{error}"
        ) from error


def _features(
    elements: tuple[str, ...], cutoff: float, settings: SoapSettings, frames: Sequence[Frame]
) -> list[Described]:
    """SOAP as it is, not yet in any metric, of the atoms of frames; of a cut-out, of its core."""
    soap = _descriptor(settings, elements, cutoff)
    width = soap.get_number_of_features()
    found = []
    for frame in frames:
        core = np.flatnonzero(frame.is_core)
        species = species_of_frame(frame, elements)[core]
        atoms = frame.to_atoms()
        atoms.set_cell(atoms.cell.complete())  # also along axes that are not periodic
        rows = soap.create(atoms, centers=core.tolist()) if len(core) else ()
        places = np.reshape(np.asarray(rows, float), (len(core), width))
        found.append(Described(core, species, places))
    return found
