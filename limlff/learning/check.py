"""Whether a structure is worth a calculation, and whether its labels can be right.

Labels are held against those that are known to be right: an energy is what is left of it after the
energies per element that suit all of them, so that frames of any composition can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase.data import chemical_symbols
from jaxtyping import Float

from limlff.config import StrictModel
from limlff.frames.distances import closest_pair
from limlff.frames.frame import Frame
from limlff.learning.k_points import has_vacuum
from limlff.learning.labelling import Label
from limlff.quantities import Count, Distance, Positive


class CheckSettings(StrictModel):
    """Limits beyond which a structure is not calculated, or a label is not believed.

    Attributes:
        min_distance_angstrom: Shortest distance of two atoms (Å).
        max_force_ev_per_angstrom: Largest component of a force (eV/Å).
        max_net_force_ev_per_angstrom: Largest sum of all forces, per atom (eV/Å).
        energy_margin_ev_per_atom: How far an energy may lie outside those of the known frames,
            after energies per element that suit these (eV/atom).
        volume_margin: Factor by which the volume per atom of a cell without vacuum may lie outside
            those of the known frames.
        fewest_known: Known frames below which energies and volumes are not compared.
    """

    min_distance_angstrom: Distance = 1.5
    max_force_ev_per_angstrom: Positive = 30.0
    max_net_force_ev_per_angstrom: Positive = 0.01
    energy_margin_ev_per_atom: Positive = 1.0
    volume_margin: Positive = 1.5
    fewest_known: Count = 10


@dataclass(frozen=True)
class Known:
    """What frames with labels that are right look like.

    Attributes:
        elements: Atomic numbers that occur.
        baseline: Energy per atom of each of these (eV).
        energies: Lowest and highest energy per atom beside the baseline (eV).
        volumes: Smallest and largest volume per atom of cells without vacuum (Å^3).
    """

    elements: tuple[int, ...]
    baseline: Float[np.ndarray, " elements"]
    energies: tuple[float, float]
    volumes: tuple[float, float] | None


def known_from(frames: list[Frame], settings: CheckSettings) -> Known | None:
    """What is known from frames with one zero of energy; None if they are too few."""
    labelled = [frame for frame in frames if frame.energy is not None]
    if len(labelled) < settings.fewest_known:
        return None
    elements = tuple(sorted({int(number) for frame in labelled for number in frame.numbers}))
    shares = np.array([_shares(frame, elements) for frame in labelled])
    energies = np.array([(frame.energy or 0.0) / len(frame) for frame in labelled])
    baseline, *_ = np.linalg.lstsq(shares, energies, rcond=None)
    beside = energies - shares @ baseline
    volumes = [volume for frame in labelled if (volume := _filled_volume(frame)) is not None]
    return Known(
        elements,
        baseline,
        (float(beside.min()), float(beside.max())),
        (min(volumes), max(volumes)) if volumes else None,
    )


def fault_of_structure(frame: Frame, known: Known | None, settings: CheckSettings) -> str | None:
    """Why a structure shall not be calculated, or None."""
    pair = closest_pair(frame)
    if pair.distance < settings.min_distance_angstrom:
        first, second = (
            f"{chemical_symbols[frame.numbers[atom]]} {atom}" for atom in (pair.first, pair.second)
        )
        return (
            f"{first} and {second} are {pair.distance:.2f} Å apart, below "
            f"check.min_distance_angstrom = {settings.min_distance_angstrom:g}"
        )
    volume = _filled_volume(frame)
    if volume is None or known is None or known.volumes is None:
        return None
    least, most = (
        known.volumes[0] / settings.volume_margin,
        known.volumes[1] * settings.volume_margin,
    )
    if least <= volume <= most:
        return None
    return (
        f"the volume is {volume:.3g} Å^3 per atom, outside {least:.3g} to {most:.3g} of the known "
        "frames with check.volume_margin"
    )


def fault_of_label(
    label: Label, expected: tuple[str, str], known: Known | None, settings: CheckSettings
) -> str | None:
    """Why a label cannot be used, or None.

    Args:
        label: The label of a calculation that says that it converged.
        expected: Digest of the labeller's settings, and package and version, that all labels of
            the campaign have.
        known: What is known to be right, if anything.
        settings: Limits.
    """
    found = (label.settings, label.code)
    if found != expected:
        return (
            f"settings or code differ: {found[1]}, digest {found[0][:12]}; those of the campaign "
            f"are {expected[1]}, digest {expected[0][:12]}"
        )
    return (
        _fault_of_values(label)
        or _fault_of_forces(label.frame, settings)
        or _fault_of_energy(label.frame, known, settings)
    )


def _fault_of_values(label: Label) -> str | None:
    """What is wrong with labels as numbers, whatever they say."""
    frame = label.frame
    assert frame.forces is not None and frame.energy is not None
    wanted = {"forces": (frame.forces, (len(frame), 3))}
    if frame.stress is not None:
        wanted["stress"] = (frame.stress, (3, 3))
    for name, (value, shape) in wanted.items():
        if value.shape != shape:
            verb = "has" if name == "stress" else "have"
            return f"{name} {verb} shape {value.shape}, not {shape}"
    energies = np.array([frame.energy, label.energy_sigma0])
    values = [energies, *(value for value, _ in wanted.values())]
    if not all(np.isfinite(value).all() for value in values):
        return "energy, forces or stress are not finite"
    return None


def _fault_of_forces(frame: Frame, settings: CheckSettings) -> str | None:
    assert frame.forces is not None
    largest = float(np.abs(frame.forces).max())
    if largest > settings.max_force_ev_per_angstrom:
        return (
            f"a force is {largest:.3g} eV/Å, above check.max_force_ev_per_angstrom = "
            f"{settings.max_force_ev_per_angstrom:g}"
        )
    net = float(np.linalg.norm(frame.forces.sum(axis=0))) / len(frame)
    if net > settings.max_net_force_ev_per_angstrom:
        return (
            f"the forces add up to {net:.3g} eV/Å per atom, above "
            f"check.max_net_force_ev_per_angstrom = {settings.max_net_force_ev_per_angstrom:g}"
        )
    return None


def _fault_of_energy(frame: Frame, known: Known | None, settings: CheckSettings) -> str | None:
    if known is None or not set(frame.numbers.tolist()) <= set(known.elements):
        return None  # nothing to compare with
    shares = _shares(frame, known.elements)
    beside = float((frame.energy or 0.0) / len(frame) - shares @ known.baseline)
    margin = settings.energy_margin_ev_per_atom
    least, most = known.energies[0] - margin, known.energies[1] + margin
    if least <= beside <= most:
        return None
    return (
        f"the energy is {beside:+.3g} eV per atom beside what its elements have, outside "
        f"{least:+.3g} to {most:+.3g} of the known frames with check.energy_margin_ev_per_atom"
    )


def _shares(frame: Frame, elements: tuple[int, ...]) -> Float[np.ndarray, " elements"]:
    """Share of each element among the atoms."""
    return np.array([np.mean(frame.numbers == element) for element in elements])


def _filled_volume(frame: Frame) -> float | None:
    """Volume per atom of a cell without vacuum (Å^3); None of others, for which it says nothing."""
    if not np.all(frame.periodic) or any(has_vacuum(frame, axis) for axis in range(3)):
        return None
    return frame.volume / len(frame)
