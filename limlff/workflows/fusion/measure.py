"""Two dendrites frame by frame: neck, cavities, grain boundary, order and mobility."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import replace

import numpy as np

from limlff.analysis.cavities import find_cavities
from limlff.analysis.crystal_rotation import REACH
from limlff.analysis.grains import NO_GRAIN, Grains, boundary_between, find_grains
from limlff.analysis.local_order import Order
from limlff.analysis.misorientation import mean_orientation, misorientation
from limlff.analysis.mobility import displacements_between
from limlff.analysis.neck import Neck, find_neck
from limlff.md.output.trajectory import TrajectoryFrame
from limlff.neighbors.pairs import find_pairs
from limlff.workflows.fusion.landing import Landings
from limlff.workflows.fusion.pair import Pair, Watched
from limlff.workflows.reference_crystal import ReferenceCrystal
from limlff.workflows.series import Observer

INTERIOR = 11
"""Neighbors nearer than the third shell, of 14 in the crystal, that an atom inside the solid has at
least; order is counted of such atoms, since those at surfaces have no crystal around them."""

_FEWEST = 10  # bcc atoms whose mean orientation is told


class FusionAnalysis(Observer):
    """Measures every frame of two dendrites.

    Args:
        pair: The dendrites at the start.
        crystal: The perfect crystal.
        near_angstrom: Distance from the neck up to which atoms are near it (Å).
        lag_frames: Frames over which displacements are measured.
    """

    def __init__(
        self, pair: Pair, crystal: ReferenceCrystal, near_angstrom: float, lag_frames: int
    ) -> None:
        super().__init__()
        self._pair, self._crystal, self._near = pair, crystal, near_angstrom
        self._earlier: deque[tuple[TrajectoryFrame, dict[str, np.ndarray]]] = deque(
            maxlen=max(1, lag_frames)
        )
        self.landings = Landings(len(pair.members))
        self.seconds = 0.0
        """Processor time of the analysis (s)."""

    def observe(self, frame: TrajectoryFrame) -> dict[str, float]:
        """Measure a frame.

        Returns:
            neck_radius_angstrom and contact_area_angstrom2; enclosed_missing, largest_missing and
            cavities; misorientation_degrees of the two dendrites, boundary_area_angstrom2 and
            boundary_atoms between them; of atoms inside the solid bcc (part of all),
            disordered_near and disordered_far; msd_near and msd_far (Å^2), from a frame before
            until this one; atoms, and the distance of the feet, feet_apart_angstrom.
        """
        begin = time.process_time()
        watched = self._pair.watched(frame)
        neck = self._neck(frame, watched)
        cavities = find_cavities(frame.positions, frame.cell, self._crystal.density)
        grains = find_grains(frame.positions, frame.cell, self._crystal.volume_per_atom)
        groups = self._groups(frame, watched, neck)
        row = {
            "neck_radius_angstrom": neck.radius(is_half=not self._pair.is_facing),
            "contact_area_angstrom2": neck.area,
            "enclosed_missing": cavities.missing,
            "largest_missing": cavities.enclosed[0] if cavities.enclosed else 0.0,
            "cavities": float(len(cavities.enclosed)),
            **self._boundary(frame, watched, grains),
            **_order(grains, groups),
            **self._displacements(frame, groups),
            "atoms": float(len(frame.positions)),
            "feet_apart_angstrom": watched.between[1] - watched.between[0],
        }
        self.landings.follow(frame)
        self.seconds += time.process_time() - begin
        return row

    @property
    def note(self) -> str:
        """Neck and cavity of the last frame."""
        last = self._rows[-1]
        return (
            f"neck {last['neck_radius_angstrom']:.0f} Å, "
            f"{last['enclosed_missing']:.0f} atoms missing"
        )

    def _neck(self, frame: TrajectoryFrame, watched: Watched) -> Neck:
        """The neck of one pair; the section of a bed cuts one in every row."""
        neck = find_neck(
            frame.positions, frame.cell, self._crystal.density, watched.axis, watched.between,
            watched.above,
        )  # fmt: skip
        return replace(neck, area=neck.area / self._pair.rows)

    def _groups(
        self, frame: TrajectoryFrame, watched: Watched, neck: Neck
    ) -> dict[str, np.ndarray]:
        """Atoms inside the solid: all, those near the neck, and those far from it."""
        reach = REACH * self._crystal.lattice_constant
        pairs = find_pairs(frame.positions, frame.cell, np.ones(3, bool), reach)
        counts = np.bincount(pairs.centres, minlength=len(frame.positions))
        inside = counts >= INTERIOR
        length = float(frame.cell[watched.axis, watched.axis])
        offset = frame.positions[:, watched.axis] - neck.place
        distance = np.abs(offset - length * np.round(offset / length))
        near = inside & watched.zone & (distance <= self._near) & (neck.area > 0)
        far = inside & (~watched.zone | (distance >= 2 * self._near))
        return {"inside": inside, "near": near, "far": far}

    def _boundary(
        self, frame: TrajectoryFrame, watched: Watched, grains: Grains
    ) -> dict[str, float]:
        """What is left between the two dendrites, without what they have with the slab."""
        own = [watched.zone & (watched.members == number) for number in (1, 2)]
        bcc = [grains.atom_rotations[each & (grains.order == Order.BCC)] for each in own]
        angle = np.nan
        if min(map(len, bcc)) >= _FEWEST:
            angle = float(misorientation(*(mean_orientation(each) for each in bcc)))
        names = [_most_frequent(grains.labels[each]) for each in own]
        area, atoms = 0.0, 0.0
        if NO_GRAIN not in names and names[0] != names[1]:
            only = replace(grains, labels=np.where(watched.zone, grains.labels, NO_GRAIN))
            found = boundary_between(
                only, frame.positions, frame.cell, (names[0], names[1]),
                self._crystal.volume_per_atom,
            )  # fmt: skip
            area, atoms = found.area, float(np.sum(found.atoms & watched.zone))
        return {
            "misorientation_degrees": angle,
            "boundary_area_angstrom2": area,
            "boundary_atoms": atoms,
        }

    def _displacements(
        self, frame: TrajectoryFrame, groups: dict[str, np.ndarray]
    ) -> dict[str, float]:
        """Mean-square displacement since the frame a lag before, by where an atom was then."""
        found = {"msd_near": np.nan, "msd_far": np.nan}
        if len(self._earlier) == self._earlier.maxlen:
            before, then = self._earlier[0]
            squares = displacements_between(
                (before.positions, before.cell), (frame.positions, frame.cell)
            )
            for name in ("near", "far"):
                if then[name].any():
                    found[f"msd_{name}"] = float(squares[then[name]].mean())
        self._earlier.append((frame, groups))
        return found


def _order(grains: Grains, groups: dict[str, np.ndarray]) -> dict[str, float]:
    """Parts of the atoms inside the solid in bcc order, and in disorder near the neck and far."""

    def part(group: str, kind: Order) -> float:
        chosen = grains.order[groups[group]]
        return float(np.mean(chosen == kind)) if len(chosen) else np.nan

    return {
        "bcc": part("inside", Order.BCC),
        "disordered_near": part("near", Order.DISORDERED),
        "disordered_far": part("far", Order.DISORDERED),
    }


def _most_frequent(labels: np.ndarray) -> int:
    """The grain that most of the atoms that are in one are in."""
    known = labels[labels >= 0]
    return int(np.argmax(np.bincount(known))) if len(known) else NO_GRAIN
