"""Exchange of atoms across the interface of a film and its substrate, and interdiffusion.

An atom of the film is exchanged if it stands in a site of the substrate's crystal: below half a
spacing of planes above the interface plane (see `limlff.analysis.film`). An atom of the substrate
is exchanged if it is above that. Lithium in the hollow sites of copper is 1.4 Å above the plane of
Cu(110), 1.9 Å above that of Cu(100) and 2.1 Å above that of Cu(111); the limits are 0.64, 0.91 and
1.05 Å.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from limlff.analysis.film import NO_LAYER, Film, Interface
from limlff.errors import InputError

BIN = 0.25
"""Width of the bins of a profile (Å)."""


@dataclass(frozen=True)
class Exchange:
    """Exchanged atoms of one configuration.

    Attributes:
        film_below: Atoms of the film in sites of the substrate.
        film_in_top_plane: Those of them in the interface plane itself.
        substrate_above: Atoms of the substrate above the interface plane.
        film: All atoms of the film.
    """

    film_below: int
    film_in_top_plane: int
    substrate_above: int
    film: int


@dataclass(frozen=True)
class Profile:
    """Densities along z.

    Attributes:
        heights: Middle of each bin above the interface plane (Å).
        densities: Atoms per volume (1/Å^3) of each element.
    """

    heights: Float[np.ndarray, " bins"]
    densities: dict[str, Float[np.ndarray, " bins"]]


def count_exchange(film: Film) -> Exchange:
    """Count exchanged atoms; what flies above the film is not counted.

    Raises:
        InputError: If there is no substrate.
    """
    _interface_of(film)
    above = film.layers > 0
    there = film.layers != NO_LAYER
    upper, lower = film.of(film.element) & there, film.of(film.substrate) & there
    return Exchange(
        film_below=int(np.sum(upper & ~above)),
        film_in_top_plane=int(np.sum(upper & (film.layers == 0))),
        substrate_above=int(np.sum(lower & above)),
        film=int(upper.sum()),
    )


def density_profile(film: Film, bin_width: float = BIN) -> Profile:
    """Density of both elements along z, relative to the interface plane.

    Args:
        film: A film on its substrate.
        bin_width: Width of the bins (Å); the interface plane is in the middle of one, so that
            profiles of several configurations can be averaged.

    Raises:
        InputError: If there is no substrate, or the width is not positive.
    """
    if not bin_width > 0:
        raise InputError(f"bin width is {bin_width} Å; it must be positive")
    heights = (film.heights - _interface_of(film).height)[film.layers != NO_LAYER]
    bins = np.round(heights / bin_width).astype(int)
    low, count = int(bins.min()), int(np.ptp(bins)) + 1
    densities = {}
    for element in (film.substrate, film.element):
        members = film.of(element)[film.layers != NO_LAYER]
        atoms = np.bincount(bins[members] - low, minlength=count)
        densities[element] = atoms / (film.area * bin_width)
    return Profile((low + np.arange(count)) * bin_width, densities)


def mean_profile(profiles: list[Profile]) -> Profile:
    """Mean of profiles with bins of one width, zero where one of them does not reach.

    Raises:
        InputError: If there is none.
    """
    if not profiles:
        raise InputError("there is no profile to average; give one at least")
    steps = [np.diff(p.heights) for p in profiles if len(p.heights) > 1]
    width = float(steps[0][0]) if steps else BIN
    starts = [round(p.heights[0] / width) for p in profiles]
    low = min(starts)
    count = max(s + len(p.heights) for s, p in zip(starts, profiles, strict=True)) - low
    sums = {element: np.zeros(count) for element in profiles[0].densities}
    for start, profile in zip(starts, profiles, strict=True):
        for element, values in profile.densities.items():
            sums[element][start - low : start - low + len(values)] += values
    means = {element: values / len(profiles) for element, values in sums.items()}
    return Profile((low + np.arange(count)) * width, means)


def _interface_of(film: Film) -> Interface:
    if film.interface is None:
        raise InputError(
            f"there are no atoms of {film.substrate}, so there is no interface; name the element "
            "of the substrate"
        )
    return film.interface
