"""A growing or shrinking film, frame by frame: layers, what they look like, exchange, grades."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from limlff.analysis.film import Film, find_film
from limlff.analysis.interdiffusion import count_exchange
from limlff.analysis.layers import Layer, measure_layers
from limlff.analysis.reference_nets import LITHIUM_NETS
from limlff.analysis.similarity import compare_with_nets, similarity_of_layers
from limlff.md.output.trajectory import TrajectoryFrame
from limlff.workflows.grades import atoms_of
from limlff.workflows.series import Observer


class Growth(Observer):
    """Measures a film while it grows or is taken away, until it has so many atoms.

    Args:
        substrate: Chemical symbol of the slab.
        film: That of the film.
        layers: Layers of the film that are followed, from the interface up.
        target: Atoms of the film, those in flight too, at which the run ends.
        grows: Whether it ends at that many or more; at that many or fewer if it does not.
    """

    def __init__(self, substrate: str, film: str, layers: int, target: int, grows: bool) -> None:
        super().__init__()
        self._substrate, self._film, self._layers = substrate, film, layers
        self._target, self._grows = target, grows
        self.seconds = 0.0
        """Processor time of the analysis (s)."""

    def observe(self, frame: TrajectoryFrame) -> dict[str, float]:
        """Measure a frame.

        Returns:
            atoms (of the film, those in flight too), film_below and substrate_above (exchanged),
            roughness_angstrom, interface_roughness_angstrom, and for each layer followed: its
            coverage_N, density_N (1/Å^2), islands_N, and its similarity to each plane of lithium,
            such as Li(110)_N; not a number where the layer is not there.
        """
        begin = time.process_time()
        film = find_film(atoms_of(frame), self._substrate, self._film)
        row = measure(film, self._layers)
        self.seconds += time.process_time() - begin
        return row

    @property
    def is_done(self) -> bool:
        """Whether the film has the atoms that it is to have."""
        atoms = self._rows[-1]["atoms"]
        return atoms >= self._target if self._grows else atoms <= self._target

    @property
    def note(self) -> str:
        """Atoms of the film in the last frame."""
        return f"{self._rows[-1]['atoms']:.0f} {self._film}"


def measure(film: Film, layers: int) -> dict[str, float]:
    """The numbers of one frame; see `Growth.observe`."""
    found = measure_layers(film)
    exchange = count_exchange(film)
    planes = {layer.number: layer for layer in found}
    row: dict[str, float] = {
        "atoms": float(film.of(film.element).sum()),
        "film_below": float(exchange.film_below),
        "substrate_above": float(exchange.substrate_above),
        "roughness_angstrom": surface_roughness(found),
        "interface_roughness_angstrom": planes[0].roughness if 0 in planes else np.nan,
    }
    similarity = compare_with_nets(film.atoms.positions, film.atoms.cell.array, film.layers)
    scores = {each.layer: each.scores for each in similarity_of_layers(similarity, film.layers)}
    for number in range(1, layers + 1):
        layer = planes.get(number)
        row[f"coverage_{number}"] = layer.coverage if layer else 0.0
        row[f"density_{number}"] = layer.density if layer else 0.0
        row[f"islands_{number}"] = float(len(layer.islands)) if layer else 0.0
        for net in LITHIUM_NETS:
            row[f"{net}_{number}"] = scores.get(number, {}).get(net, np.nan)
    return row


def surface_roughness(layers: Sequence[Layer]) -> float:
    """Root mean square deviation of the surface's height (Å), as of a landscape of terraces.

    The part of the area where layer n is on top is its coverage less that of the layer above.

    Args:
        layers: All layers, from the lowest up.
    """
    from_interface = [layer for layer in layers if layer.number >= 0]
    covered = np.minimum.accumulate([layer.coverage for layer in from_interface])
    on_top = covered - np.append(covered[1:], 0.0)
    heights = np.array([layer.height for layer in from_interface])
    if on_top.sum() <= 0:
        return 0.0
    parts = on_top / on_top.sum()
    return float(np.sqrt(max(0.0, parts @ heights**2 - (parts @ heights) ** 2)))
