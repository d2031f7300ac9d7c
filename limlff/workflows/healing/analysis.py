"""From the frames of a run to numbers against time: the hole, order, and mobility."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from limlff.analysis.local_order import Order, classify
from limlff.analysis.mobility import (
    diffusion_coefficient,
    group_mean,
    internal_coordinates,
    square_displacements,
)
from limlff.analysis.voids import LayeredDensity, Voids, find_voids, void_volume
from limlff.md.output.trajectory import TrajectoryFrame
from limlff.structures.host import other_plane
from limlff.workflows.healing.config import Closed
from limlff.workflows.series import Observer, TimeSeries, rounded

GROUPS = ("near", "far")

KINDS = ("disordered_rim", "bcc_rim", "bcc")
"""Groups by local order: of the atoms near the hole, and all bcc atoms."""


@dataclass(frozen=True)
class Neighborhood:
    """What is near the hole and what is far, about a point that moves with the crystal.

    Attributes:
        centre: Centre of the hole at the start, in fractions of the cell vectors.
        near: Largest distance of near atoms (Å).
        far: Smallest distance of far atoms (Å).
    """

    centre: Float[np.ndarray, "3"]
    near: float
    far: float

    def members(
        self, fractional: Float[np.ndarray, "atoms 3"], cell: Float[np.ndarray, "3 3"]
    ) -> dict[str, Bool[np.ndarray, " atoms"]]:
        """Members of both groups, from fractional positions without drift."""
        offset = fractional - self.centre
        distance = np.linalg.norm((offset - np.round(offset)) @ cell, axis=1)
        return {"near": distance <= self.near, "far": distance >= self.far}


@dataclass(frozen=True)
class RunSeries(TimeSeries):
    """Numbers of one run against time; the columns are those of `RunAnalysis.observe`.

    Attributes:
        msd_time_ps: Middle of the time over which displacements are measured (ps).
        msd: Mean-square displacement of each group over that time (Å^2), near, far and by order;
            atoms belong to the group that they are in when the displacement begins.
        diffusion: Diffusion coefficient near and far over the run (Å^2/ps).
        orders: Local order of every atom in each frame.
    """

    msd_time_ps: Float[np.ndarray, " origins"]
    msd: dict[str, Float[np.ndarray, " origins"]]
    diffusion: dict[str, float]
    orders: list[np.ndarray] = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """Values JSON can hold; what is not a number becomes null."""
        return {
            **super().to_json(),
            "msd_time_ps": rounded(self.msd_time_ps),
            **{f"msd_{group}_angstrom2": rounded(values) for group, values in self.msd.items()},
            **{
                f"diffusion_{group}_angstrom2_per_ps": rounded(np.array([value]))[0]
                for group, value in self.diffusion.items()
            },
        }


@dataclass(frozen=True)
class Reference:
    """The perfect structure that frames are compared with.

    Attributes:
        density: Number density of the metal with the hole (1/Å^3).
        number: Its atomic number; only its atoms have order and mobility. None if all are its.
        layers: Density where there is another metal; None without one.
    """

    density: float
    number: int | None = None
    layers: LayeredDensity | None = None

    def own(self, frame: TrajectoryFrame) -> Bool[np.ndarray, " atoms"]:
        """Atoms of the metal with the hole."""
        if self.number is None:
            return np.ones(len(frame.numbers), bool)
        return np.asarray(frame.numbers == self.number)

    def find_voids(self, frame: TrajectoryFrame) -> Voids:
        """Holes in a frame."""
        if self.layers is None:
            return find_voids(frame.positions, frame.cell, self.density)
        plane = other_plane(frame.positions[:, 2], ~self.own(frame), float(frame.cell[2, 2]))
        return find_voids(frame.positions, frame.cell, self.density, self.layers, plane)


class RunAnalysis(Observer):
    """Measures the hole, and the order and mobility of what is near it and far from it.

    Args:
        reference: The perfect structure.
        surroundings: What is near and far.
        lag_ps: Time over which displacements are measured (ps).
        closed: When the hole counts as closed, and how long the run goes on from there.
        has_volume: Whether the void volume is measured too, which takes as long as all the rest.
    """

    def __init__(
        self,
        reference: Reference,
        surroundings: Neighborhood,
        lag_ps: float,
        closed: Closed,
        has_volume: bool = True,
    ) -> None:
        super().__init__()
        self._has_volume = has_volume
        self._reference, self._surroundings, self._lag_ps = reference, surroundings, lag_ps
        self._closed = closed
        self._frames: list[TrajectoryFrame] = []
        self._members: list[dict[str, np.ndarray]] = []
        self._orders: list[np.ndarray] = []
        self._first: np.ndarray | None = None

    def observe(self, frame: TrajectoryFrame) -> dict[str, float]:
        """Measure a frame.

        Returns:
            missing_atoms (of the largest hole), missing_atoms_in_all_holes, missing_atoms_of_cell,
            holes, void_volume_angstrom3, volume_per_atom_angstrom3, and for all, near and far atoms
            the fractions in bcc order and in disorder.
        """
        fractional = frame.positions @ np.linalg.inv(frame.cell)
        self._first = fractional if self._first is None else self._first
        drift = (fractional - self._first).mean(axis=0)
        own = self._reference.own(frame)
        near_and_far = self._surroundings.members(fractional - drift, frame.cell)
        members = {group: inside & own for group, inside in near_and_far.items()}
        order = classify(frame.positions, frame.cell)
        self._frames.append(frame)
        self._members.append({**members, **_kinds(order, members["near"], own)})
        self._orders.append(order)
        hole = _hole(frame, self._reference.find_voids(frame), self._has_volume)
        return {**hole, **_order(order, {"all": own, **members})}

    @property
    def note(self) -> str:
        """Missing atoms of the last frame."""
        return f"{self._rows[-1]['missing_atoms']:.1f} atoms missing"

    @property
    def closed_at_ps(self) -> float | None:
        """When the hole was closed (ps); None if it is not."""
        rule = self._closed
        missing = self.column("missing_atoms")
        return closing_time(self.time_ps, missing, rule.missing_below, rule.for_ps)

    @property
    def is_done(self) -> bool:
        """Whether the hole has been closed for as long as is to be seen."""
        closed = self.closed_at_ps
        if closed is None:
            return False
        return bool(self.time_ps[-1] >= closed + self._closed.for_ps + self._closed.go_on_ps)

    def series(self) -> RunSeries:
        """All numbers against time."""
        positions = np.array([frame.positions for frame in self._frames])
        cells = np.array([frame.cell for frame in self._frames])
        names = (*GROUPS, *KINDS)
        members = {name: np.array([groups[name] for groups in self._members]) for name in names}
        mobility = _mobility(positions, cells, self.time_ps, members, self._lag_ps)
        return RunSeries(self.time_ps, self.columns(), *mobility, self._orders)


def closing_time(
    time_ps: Float[np.ndarray, " frames"],
    missing: Float[np.ndarray, " frames"],
    below: float,
    for_ps: float,
) -> float | None:
    """Time from which a hole lacks less than `below` atoms for at least `for_ps`.

    Returns:
        The first such time (ps); None if the hole does not close, or not for long enough.
    """
    start: float | None = None
    for time, count in zip(time_ps, missing, strict=True):
        if count >= below:
            start = None
        elif start is None:
            start = float(time)
        if start is not None and time - start >= for_ps - 1e-9:
            return start
    return None


def _hole(frame: TrajectoryFrame, voids: Voids, has_volume: bool) -> dict[str, float]:
    volume = float(abs(np.linalg.det(frame.cell)))
    return {
        "missing_atoms": voids.largest_missing,
        "missing_atoms_in_all_holes": voids.all_missing,
        "missing_atoms_of_cell": voids.cell_missing,
        "holes": float(voids.count),
        "void_volume_angstrom3": (
            void_volume(frame.positions, frame.cell) if has_volume else np.nan
        ),
        "volume_per_atom_angstrom3": volume / len(frame.positions),
    }


def _order(order: np.ndarray, members: dict[str, np.ndarray]) -> dict[str, float]:
    fractions = {}
    for group, chosen in members.items():
        kinds = order[chosen]
        fractions[f"bcc_{group}"] = float(np.mean(kinds == Order.BCC)) if len(kinds) else np.nan
        fractions[f"disordered_{group}"] = (
            float(np.mean(kinds == Order.DISORDERED)) if len(kinds) else np.nan
        )
    return fractions


def _kinds(order: np.ndarray, near: np.ndarray, own: np.ndarray) -> dict[str, np.ndarray]:
    is_bcc = own & (order == Order.BCC)
    rim = near & (order == Order.DISORDERED), near & is_bcc
    return {"disordered_rim": rim[0], "bcc_rim": rim[1], "bcc": is_bcc}


def _mobility(
    positions: np.ndarray,
    cells: np.ndarray,
    time_ps: np.ndarray,
    members: dict[str, np.ndarray],
    lag_ps: float,
) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, float]]:
    """Displacements over `lag_ps`, and diffusion coefficients from one to three times that lag."""
    nothing = np.zeros(0)
    unknown = dict.fromkeys(GROUPS, float("nan"))
    lag = max(1, round(lag_ps / float(time_ps[1] - time_ps[0]))) if len(time_ps) > 1 else 1
    if len(time_ps) < 3 or lag >= len(time_ps):
        return nothing, dict.fromkeys(members, nothing), unknown
    coordinates = internal_coordinates(positions, cells)
    squares = square_displacements(coordinates, lag)
    msd = {group: group_mean(squares, inside[:-lag]) for group, inside in members.items()}
    longest, interval = min(3 * lag, len(time_ps) // 2), float(time_ps[1] - time_ps[0])
    diffusion = unknown
    if longest > lag:
        diffusion = {
            group: diffusion_coefficient(coordinates, members[group], interval, (lag, longest))
            for group in GROUPS
        }
    return 0.5 * (time_ps[lag:] + time_ps[:-lag]), msd, diffusion
