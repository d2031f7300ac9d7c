"""Contents of a file of frames in numbers, and warnings about suspicious labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from limlff.errors import InputError
from limlff.frames.checks import check_distances, check_labels
from limlff.frames.duplicates import find_duplicates, have_different_labels
from limlff.frames.frame import Frame
from limlff.frames.implausible_energies import implausible_energies
from limlff.frames.source import FrameSource
from limlff.frames.stress_sign import StressSign, judge_stress_sign
from limlff.units import GIGAPASCAL

_NET_FORCE_LIMIT = 0.05  # eV/Å; converged plane-wave forces sum to less
# Energy per atom (eV; all electrons of uranium: 8e5), force (eV/Å), stress (eV/Å^3, 160 GPa = 1;
# a set in GPa or kbar is mostly beyond)
_LARGEST = {"energy": 1e7, "forces": 1e4, "stress": 3.0}

Range = tuple[float, float]


@dataclass(frozen=True)
class FrameReport:
    """Contents of a file of frames; a range is (lowest, highest), None where nothing has the label.

    Attributes:
        name: File or folder.
        frames: Number of frames.
        atoms: Atoms of all frames.
        label_keys: Keys of the labels and the number of frames that have them there.
        with_energy: Frames with an energy.
        with_forces: Frames with forces.
        with_stress: Frames with a stress.
        with_core: Frames with a core, of cells that were cut out.
        core_atoms: Atoms in these cores.
        elements: Atoms per chemical symbol.
        groups: Frames per group.
        atoms_per_frame: Range of the number of atoms.
        energy_ev_per_atom: Range of the energy per atom.
        largest_force_ev_per_angstrom: Largest force on an atom (its norm) and where it is.
        net_force_ev_per_angstrom: Largest and median norm of the sum of forces of a frame.
        pressure_gpa: Range of the pressure, -trace(stress)/3.
        volume_per_atom: Range of cell volume per atom, vacuum included (Å^3).
        shortest_distance: Shortest distance, images included (Å), and where it is.
        duplicates: Frames whose structure is there before.
        conflicts: Those of them with other labels.
        stress_sign: Whether stresses fit energies and volumes.
        warnings: What a user should look at, as sentences.
    """

    name: str
    frames: int
    atoms: int
    label_keys: dict[str, dict[str, int]]
    with_energy: int
    with_forces: int
    with_stress: int
    with_core: int
    core_atoms: int
    elements: dict[str, int]
    groups: dict[str, int]
    atoms_per_frame: tuple[int, int]
    energy_ev_per_atom: Range | None
    largest_force_ev_per_angstrom: tuple[float, str] | None
    net_force_ev_per_angstrom: Range | None
    pressure_gpa: Range | None
    volume_per_atom: Range | None
    shortest_distance: tuple[float, str] | None
    duplicates: int
    conflicts: int
    stress_sign: StressSign
    warnings: list[str]


def report_frames(source: FrameSource) -> FrameReport:
    """Check the frames of a file and sum up what it holds.

    Raises:
        InputError: If a frame cannot be trained on, as in `check_frames`.
    """
    frames = source.frames
    if not len(frames):
        raise InputError(f"{source.name}: has no frames")
    for frame in frames:
        check_labels(frame)
    distances = [check_distances(frame) for frame in frames]
    twins = find_duplicates(frames)
    conflicts = [pair for pair in twins if have_different_labels(frames[pair[0]], frames[pair[1]])]
    sign = judge_stress_sign(frames)
    closest = int(np.argmin(distances))
    # a single free atom has none
    shortest = (distances[closest], frames[closest].origin) if distances[closest] < np.inf else None
    cores = [frame.core for frame in frames if frame.core is not None]
    net = net_forces(frames)
    net_force = (max(net), float(np.median(net))) if net else None
    return FrameReport(
        name=source.name,
        frames=len(frames),
        atoms=sum(map(len, frames)),
        label_keys=source.label_keys,
        with_energy=sum(frame.energy is not None for frame in frames),
        with_forces=len(net),
        with_stress=sum(frame.stress is not None for frame in frames),
        with_core=len(cores),
        core_atoms=sum(int(core.sum()) for core in cores),
        elements=dict(Counter(symbol for frame in frames for symbol in frame.symbols)),
        groups=dict(Counter(frame.group for frame in frames)),
        atoms_per_frame=(min(map(len, frames)), max(map(len, frames))),
        energy_ev_per_atom=_range([f.energy / len(f) for f in frames if f.energy is not None]),
        largest_force_ev_per_angstrom=_largest_force(frames),
        net_force_ev_per_angstrom=net_force,
        pressure_gpa=_range(
            [-float(np.trace(f.stress)) / 3 / GIGAPASCAL for f in frames if f.stress is not None]
        ),
        volume_per_atom=_range([f.volume / len(f) for f in frames if np.all(f.periodic)]),
        shortest_distance=shortest,
        duplicates=len(twins),
        conflicts=len(conflicts),
        stress_sign=sign,
        warnings=_warnings(source, net_force, twins, conflicts, sign),
    )


def net_forces(frames: Sequence[Frame]) -> list[float]:
    """Norm of the sum of forces of each frame that has forces (eV/Å)."""
    return [float(np.linalg.norm(f.forces.sum(axis=0))) for f in frames if f.forces is not None]


def label_warnings(frames: Sequence[Frame]) -> list[str]:
    """What `data check` warns of in the labels of a file, but for duplicates, as sentences."""
    found = [*_implausible_sizes(frames), *implausible_energies(frames)]
    largest = max(net_forces(frames), default=0.0)
    if largest > _NET_FORCE_LIMIT:
        found.append(_describe_net_force(largest))
    warning = judge_stress_sign(frames).warning
    return [*found, warning] if warning else found


def _implausible_sizes(frames: Sequence[Frame]) -> list[str]:
    """Labels so large that they can only be a mistake, or in another unit."""
    found = []
    for name, limit in _LARGEST.items():
        sizes = [_size_of_label(frame, name) for frame in frames]
        largest = int(np.argmax(sizes)) if sizes else 0
        if sizes and sizes[largest] > limit:
            found.append(
                f"{name} of {sizes[largest]:.3g} in {frames[largest].origin} is above "
                f"{limit:.3g}; check its unit"
            )
    return found


def _size_of_label(frame: Frame, name: str) -> float:
    """Largest component of a label, of the energy per atom; zero where there is none."""
    value = getattr(frame, name)
    if value is None:
        return 0.0
    return float(np.abs(value).max()) / (len(frame) if name == "energy" else 1)


def _describe_net_force(size: float) -> str:
    return (
        f"forces of a frame sum to {size:.3f} eV/Å; above {_NET_FORCE_LIMIT} the "
        "calculation is hardly converged"
    )


def _range(values: list[float]) -> Range | None:
    return (min(values), max(values)) if values else None


def _largest_force(frames: Sequence[Frame]) -> tuple[float, str] | None:
    norms = [
        (float(np.linalg.norm(frame.forces, axis=1).max()), frame.origin)
        for frame in frames
        if frame.forces is not None
    ]
    return max(norms, default=None)


def _warnings(
    source: FrameSource,
    net_force: Range | None,
    twins: list[tuple[int, int]],
    conflicts: list[tuple[int, int]],
    sign: StressSign,
) -> list[str]:
    found = source.sentences() + _implausible_sizes(source.frames)
    found += implausible_energies(source.frames)
    if net_force is not None and net_force[0] > _NET_FORCE_LIMIT:
        found.append(_describe_net_force(net_force[0]))
    if twins:
        earlier, later = twins[0]
        found.append(
            f"{len(twins)} frames repeat the structure of another, the first is "
            f"{source.frames[later].origin} = {source.frames[earlier].origin}"
        )
    if conflicts:
        earlier, later = conflicts[0]
        found.append(
            f"{len(conflicts)} of them have other labels, the first is "
            f"{source.frames[later].origin}"
        )
    return found + ([sign.warning] if sign.warning else [])
