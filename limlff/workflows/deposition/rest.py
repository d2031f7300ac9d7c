"""What a film is after plating: means over the time without arrivals, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from limlff.analysis.film import NO_LAYER, Film, find_film
from limlff.analysis.film_order import LayerOrder, crystal_of, order_of_layers
from limlff.analysis.interdiffusion import Profile, count_exchange, density_profile, mean_profile
from limlff.analysis.layer_mobility import layer_displacements, stacked_positions, unwrapped
from limlff.analysis.layers import Layer, measure_layers
from limlff.analysis.reference_nets import COPPER_NETS
from limlff.analysis.similarity import (
    NONE,
    LayerSimilarity,
    classes_of,
    compare_film,
    similarity_of_layers,
)
from limlff.md.output.trajectory import TrajectoryFrame
from limlff.workflows.grades import atoms_of
from limlff.workflows.series import block_error

_CRYSTALS = 5  # frames in which local order and texture are found

COVERED, DENSE = 0.9, 0.075
"""Coverage, and atoms per area (1/Å^2), from which on a layer is full: Li(100) has 0.085."""

_CRYSTAL_LAYERS = 3  # from which on a film has neighbors above and below


@dataclass(frozen=True)
class RestLayer:
    """Means of one layer over the time without arrivals.

    Attributes:
        number: Its number, from 1 at the interface.
        atoms: Atoms in it.
        density: Atoms per area (1/Å^2).
        coverage: Part of the area that it covers.
        height: Above the interface plane (Å).
        roughness: Root mean square deviation from it (Å).
        islands: Number of islands.
        scores: Similarity to each net.
        best: The net that it is most like, "none", or two of them; see `most_like`.
        psi_4, psi_6: Order in the plane.
        largest_grain: Part of its atoms in its largest grain.
        in_plane, along_z: Mean-square displacement over the study's lag (Å^2).
        stays: Part of its atoms that are in it after the lag.
    """

    number: int
    atoms: float
    density: float
    coverage: float
    height: float
    roughness: float
    islands: float
    scores: dict[str, float]
    best: str
    psi_4: float
    psi_6: float
    largest_grain: float
    in_plane: float
    along_z: float
    stays: float

    @property
    def is_full(self) -> bool:
        """Whether it covers the surface, and not as a thin gas of single atoms."""
        return self.coverage >= COVERED and self.density >= DENSE


@dataclass(frozen=True)
class Rest:
    """A film after plating.

    Attributes:
        layers: Its layers, from the interface up; those with less than half an atom left out.
        film_below: Atoms of the film in sites of the substrate.
        substrate_above: Atoms of the substrate above its top plane.
        interface_roughness: Of the top plane of the substrate (Å).
        interface_order: Similarity of that plane to the facet over that of the plane below it; not
            a number if that is like no facet known.
        local_order: Part of the film's atoms in each kind of local order; empty if it is thinner
            than three layers.
        texture: Part of its bcc atoms with a normal of each kind along z; likewise.
        profile: Densities along z.
    """

    layers: list[RestLayer]
    film_below: float
    substrate_above: float
    interface_roughness: float
    interface_order: float
    local_order: dict[str, float]
    texture: dict[str, float]
    profile: Profile


def measure_rest(
    frames: Sequence[TrajectoryFrame], substrate: str, element: str, lag_ps: float
) -> Rest:
    """Means over frames of the same atoms.

    Args:
        frames: The frames, at equal times.
        substrate: Chemical symbol of the slab.
        element: That of the film.
        lag_ps: Time over which displacements are measured (ps).
    """
    films = [find_film(atoms_of(frame), substrate, element) for frame in frames]
    layers = [{each.number: each for each in measure_layers(film)} for film in films]
    similarities, orders = [], []
    for film in films:
        similarity = compare_film(film)
        likeness = similarity_of_layers(similarity, film.layers)
        similarities.append({each.layer: each for each in likeness})
        orders.append({each.layer: each for each in order_of_layers(film, similarity)})
    exchanges = [count_exchange(film) for film in films]
    thick = [film for film in films if max(film.numbers) >= _CRYSTAL_LAYERS]
    every = max(1, len(thick) // _CRYSTALS)
    crystals = [crystal for film in thick[::every] if (crystal := crystal_of(film))]
    moves = _displacements(frames, films, lag_ps)
    numbers = sorted({number for each in layers for number in each if number > 0})
    means = [_mean_layer(n, layers, similarities, orders, moves.get(n)) for n in numbers]
    return Rest(
        layers=[each for each in means if each.atoms >= 0.5],
        film_below=_mean([each.film_below for each in exchanges]),
        substrate_above=_mean([each.substrate_above for each in exchanges]),
        interface_roughness=_mean([each[0].roughness for each in layers if 0 in each]),
        interface_order=_interface_order(similarities),
        local_order=_mean_of_parts([each.local_order for each in crystals]),
        texture=_mean_of_parts([each.texture for each in crystals]),
        profile=mean_profile([density_profile(film) for film in films]),
    )


def _mean_layer(
    number: int,
    layers: Sequence[dict[int, Layer]],
    similarities: Sequence[dict[int, LayerSimilarity]],
    orders: Sequence[dict[int, LayerOrder]],
    moves: tuple[float, float, float] | None,
) -> RestLayer:
    there = [each[number] for each in layers if number in each]
    order = [each[number] for each in orders if number in each]
    likeness = [each[number].scores for each in similarities if number in each]
    likeness = [each for each in likeness if each]
    share = len(there) / len(layers)  # a layer that comes and goes is there in part
    atoms = [sum(each.atoms.values()) for each in there]
    return RestLayer(
        number=number,
        atoms=share * _mean(atoms),
        density=share * _mean([each.density for each in there]),
        coverage=share * _mean([each.coverage for each in there]),
        height=_mean([each.height for each in there]),
        roughness=_mean([each.roughness for each in there]),
        islands=_mean([len(each.islands) for each in there]),
        scores=_mean_of_parts(likeness),
        best=most_like(likeness),
        psi_4=_mean([each.psi_4 for each in order]),
        psi_6=_mean([each.psi_6 for each in order]),
        largest_grain=_mean([(o.grains or [0])[0] / n for o, n in zip(order, atoms, strict=True)]),
        **dict(zip(("in_plane", "along_z", "stays"), moves or (np.nan,) * 3, strict=True)),
    )


def most_like(likeness: Sequence[dict[str, float]]) -> str:
    """The net with the largest mean score, if a layer with that is like one at all.

    Where the second one is within two standard errors of it, of blocks of time, both are named:
    "Li(110) or Li(hex)".

    Args:
        likeness: Scores of a layer in each frame by the name of the net.
    """
    mean = _mean_of_parts(likeness)
    if not mean or classes_of(np.array([list(mean.values())]))[0] < 0:
        return NONE
    first, *others = sorted(mean, key=lambda net: -mean[net])
    if not others:
        return first
    lead = np.array([each[first] - each[others[0]] for each in likeness if others[0] in each])
    error = block_error(lead)
    return first if lead.mean() > 2 * np.nan_to_num(error) else f"{first} or {others[0]}"


def _interface_order(similarities: Sequence[dict[int, LayerSimilarity]]) -> float:
    """Similarity of the interface plane to the facet over that of the plane below it."""

    def of_facet(layer: int) -> float:
        found = [each[layer].scores for each in similarities if layer in each]
        return _mean([score for each in found for net, score in each.items()
                      if net in COPPER_NETS])  # fmt: skip

    return of_facet(0) / of_facet(-1)


def _displacements(
    frames: Sequence[TrajectoryFrame], films: Sequence[Film], lag_ps: float
) -> dict[int, tuple[float, float, float]]:
    """Displacements in the plane and along z, and the part that stays, by layer."""
    interval = 1e-3 * (frames[-1].time_fs - frames[0].time_fs) / max(1, len(frames) - 1)
    lag = round(lag_ps / interval) if interval else 0
    if not 1 <= lag < len(frames):
        return {}
    cells = np.array([frame.cell for frame in frames])
    positions: Float[np.ndarray, "frames atoms 3"] = unwrapped(
        stacked_positions([film.atoms for film in films]), cells
    )
    layers = np.array([film.layers for film in films])
    found = layer_displacements(positions, layers, [lag])
    return {
        each.layer: (float(each.in_plane[0]), float(each.along_z[0]), float(each.stays[0]))
        for each in found
        if each.layer != NO_LAYER
    }


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else np.nan


def _mean_of_parts(parts: Sequence[dict[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for each in parts for name in each)
    return {name: _mean([each[name] for each in parts if name in each]) for name in names}
