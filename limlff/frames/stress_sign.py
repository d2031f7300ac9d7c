"""Whether sign and magnitude of the stresses agree with the energies.

Two independent tests for a wrong sign convention:

Energies of strained neighbors. Two frames r and r' = r F + u of the same atoms, near each other,
differ in energy by the work of stress and forces (trapezoidal rule, error of third order),
    E' - E = V s:e - f.u,   e = F - 1.
A linear fit over all such pairs gives the factor between the energies' stress and the file's: 1 if
it is right, -1 if its sign is flipped, 0.0062 if it is in GPa. A constant pressure is fitted with
it, because the stress of a basis set too small has such an offset (Pulay).

Pressure against volume. At one composition the pressure falls as the volume per atom grows. Frames
with vacuum are left out: their volume per atom says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from limlff.frames.distances import fractional_positions
from limlff.frames.frame import Frame
from limlff.units import GIGAPASCAL

_LAG = 8  # frames farther apart in the file than this are not compared
_CLASS_LIMIT = 1000  # frames of one kind that are compared; more would add time, not certainty
_STRAIN = (0.002, 0.08)  # below it noise rules, above it the trapezoidal rule is poor
_DISPLACEMENT_LIMIT = 0.3  # Å
_FEWEST = 5  # pairs, or frames, below which nothing is reported
_SIGNIFICANCE = 5.0  # standard errors that the factor must be from zero
_CORRELATION = 0.7
_VOLUME_SPREAD = 0.01  # relative standard deviation below which volumes are all the same
_VACUUM = 2.0  # gaps wider than so many mean distances are vacuum
_PRECISE = 0.05  # relative error of a factor below which small deviations say something
_FACTOR_RANGE = (0.7, 1.4)  # a precise factor beyond it tells of another unit
_UNIT_RANGE = (0.1, 10.0)  # and any significant one beyond this

UsablePart = Literal["all", "shear", "none"]
"""Components of the stresses that agree with the energies."""


@dataclass(frozen=True)
class StressFit:
    """Stress that the energies ask for, as factor * (stress of the file - offset).

    Attributes:
        factor: What the file's stress must be multiplied with to fit the energies.
        factor_error: Its standard error.
        offset_gpa: Part of the file's normal stress that the energies do not have (GPa).
        offset_error_gpa: Its standard error (GPa).
    """

    factor: float
    factor_error: float
    offset_gpa: float
    offset_error_gpa: float

    @property
    def is_significant(self) -> bool:
        """Whether the factor differs from zero."""
        return abs(self.factor) > _SIGNIFICANCE * self.factor_error

    @property
    def is_precise(self) -> bool:
        """Whether the pairs are so near each other that the work is known to some percent."""
        return self.factor_error < _PRECISE * abs(self.factor)

    @property
    def has_other_unit(self) -> bool:
        """Whether the factor is far from 1, beyond what the trapezoidal rule can be off."""
        low, high = _FACTOR_RANGE if self.is_precise else _UNIT_RANGE
        return self.is_significant and not low < self.factor < high

    @property
    def has_offset(self) -> bool:
        """Whether the offset differs from zero by more than half a GPa and its own error."""
        return self.is_precise and abs(self.offset_gpa) > max(
            0.5, _SIGNIFICANCE * self.offset_error_gpa
        )


@dataclass(frozen=True)
class StressSign:
    """Evidence for the convention of the stresses.

    Attributes:
        verdict: "fits", "flipped" or "undecided".
        pairs: Pairs of strained neighbors compared.
        fit: Comparison with the energies, None if there are too few pairs.
        volume_correlation: Correlation of pressure and volume per atom, or None.
        fine_fit: As `fit`, along with what the trapezoidal rule neglects in third order.
    """

    verdict: str
    pairs: int = 0
    fit: StressFit | None = None
    volume_correlation: float | None = None
    fine_fit: StressFit | None = None

    @property
    def usable(self) -> UsablePart:
        """Components of the stress that can be fitted."""
        if self.verdict == "flipped" or self._has_other_unit:
            return "none"
        return "shear" if self._is_off else "all"

    @property
    def warning(self) -> str | None:
        """The problem of the stresses, as a sentence; None if there is none."""
        if self.verdict == "flipped":
            return "the sign of the stress contradicts energies or volumes: it must be turned round"
        if self.fit is not None and self._has_other_unit:
            return (
                f"stresses fit the energies only if multiplied by {self.fit.factor:.3g}; check "
                "their unit"
            )
        if self.fine_fit is not None and self._is_off:
            return (
                f"normal stresses are {self.fine_fit.offset_gpa:+.1f} GPa off the energies (Pulay "
                "stress?); do not fit them"
            )
        return None

    @property
    def _has_other_unit(self) -> bool:
        return self.verdict == "fits" and self.fit is not None and self.fit.has_other_unit

    @property
    def _is_off(self) -> bool:
        # of the fine fit, since what the trapezoidal rule neglects can look like an offset
        return self.verdict == "fits" and self.fine_fit is not None and self.fine_fit.has_offset


def judge_stress_sign(frames: Sequence[Frame]) -> StressSign:
    """Compare stresses with energies and volumes.

    Args:
        frames: Frames of one origin.

    Returns:
        The verdict, "undecided" where the frames do not allow one or the two tests disagree.
    """
    usable = [frame for frame in frames if frame.stress is not None and np.all(frame.periodic)]
    terms = strain_work(usable)
    fit = _fit_factor(terms) if len(terms) >= _FEWEST else None
    votes = []
    if fit is not None and fit.is_significant:
        votes.append(fit.factor)
    correlation = pressure_volume_correlation(usable)
    if correlation is not None and abs(correlation) >= _CORRELATION:
        votes.append(-correlation)
    verdict = "undecided"
    if votes and all(vote > 0 for vote in votes):
        verdict = "fits"
    elif votes and all(vote < 0 for vote in votes):
        verdict = "flipped"
    fine_fit = _fit_factor(terms, 5) if len(terms) >= 2 * _FEWEST else None
    return StressSign(verdict, len(terms), fit, correlation, fine_fit)


def _fit_factor(terms: np.ndarray, columns: int = 2) -> StressFit | None:
    """Least squares of the energies by the work of the stress, a constant pressure, and more."""
    energy, design = terms[:, 0], terms[:, 1 : 1 + columns]
    scale = np.abs(design).max(axis=0, initial=1e-300)
    solution, _, rank, _ = np.linalg.lstsq(design / scale, energy, rcond=None)
    if rank < columns:
        return None
    normal = (design / scale).T @ (design / scale)
    variance = np.sum((energy - design / scale @ solution) ** 2) / (len(energy) - columns)
    errors = np.sqrt(variance * np.diag(np.linalg.inv(normal))) / scale
    factor, pressure = (solution / scale)[:2]
    # energy = factor * (stress - offset) : strain, hence the sign
    return StressFit(
        float(factor),
        float(errors[0]),
        float(-pressure / factor / GIGAPASCAL),
        float(abs(errors[1] / factor) / GIGAPASCAL),
    )


def strain_work(frames: Sequence[Frame]) -> np.ndarray:
    """Terms of the energy balance of pairs of strained neighbors, per atom.

    Returns:
        Rows of energy difference without the work of forces (eV), work of the stress (eV), change
        of volume (Å^3), and three terms of third order in strain and displacements, which isotropic
        anharmonic forces would add (Å^3, Å^3, Å^2); shape (pairs, 6).
    """
    kinds: dict[bytes, list[Frame]] = {}
    for frame in frames:
        if frame.energy is not None and frame.forces is not None:
            kinds.setdefault(frame.numbers.tobytes(), []).append(frame)
    parts = [np.empty((0, 6))]
    for members in kinds.values():
        arrays = _stack(members[:_CLASS_LIMIT])
        parts.extend(_pair_terms(arrays, lag) for lag in range(1, min(_LAG + 1, len(members))))
    return np.concatenate(parts)


def _stack(frames: Sequence[Frame]) -> dict[str, np.ndarray]:
    return {
        "cell": np.array([frame.cell for frame in frames]),
        "fractional": np.array([fractional_positions(frame) for frame in frames]),
        "energy": np.array([frame.energy for frame in frames]),
        "forces": np.array([frame.forces for frame in frames]),
        "virial": np.array([frame.volume * np.asarray(frame.stress) for frame in frames]),
        "volume": np.array([frame.volume for frame in frames]),
    }


def _pair_terms(arrays: dict[str, np.ndarray], lag: int) -> np.ndarray:
    """Terms of all pairs of frames that are `lag` apart and close enough to each other."""
    first = {name: array[:-lag] for name, array in arrays.items()}
    second = {name: array[lag:] for name, array in arrays.items()}
    strain = np.linalg.solve(first["cell"], second["cell"]) - np.eye(3)
    back = np.eye(3) - np.linalg.solve(second["cell"], first["cell"])
    steps = second["fractional"] - first["fractional"]
    steps -= np.round(steps)
    steps -= steps.mean(axis=1, keepdims=True)  # a shift of the whole crystal does no work
    moves = np.einsum("pac,pcd->pad", steps, (first["cell"] + second["cell"]) / 2)
    size = np.abs(strain).max(axis=(1, 2))
    near = (size > _STRAIN[0]) & (size < _STRAIN[1])
    near &= np.linalg.norm(moves, axis=2).max(axis=1) < _DISPLACEMENT_LIMIT
    force_work = np.einsum("pac,pac->p", first["forces"] + second["forces"], moves) / 2
    stress_work = np.einsum("pij,pij->p", first["virial"], strain) / 2
    stress_work += np.einsum("pij,pij->p", second["virial"], back) / 2
    growth = first["volume"] * np.trace(strain, axis1=1, axis2=2) / 2
    growth += second["volume"] * np.trace(back, axis1=1, axis2=2) / 2
    energy = second["energy"] - first["energy"] + force_work
    atoms = arrays["fractional"].shape[1]
    dilation, squares = np.trace(strain, axis1=1, axis2=2), np.sum(strain**2, axis=(1, 2))
    third = [
        first["volume"] * dilation**3,
        first["volume"] * dilation * squares,
        dilation * np.sum(moves**2, axis=(1, 2)),
    ]
    return np.stack([energy, stress_work, growth, *third], axis=1)[near] / atoms


def pressure_volume_correlation(frames: Sequence[Frame]) -> float | None:
    """Correlation of pressure and volume per atom within each composition.

    Returns:
        Pearson's coefficient, negative for a stress positive in tension; None if there are too few
        frames without vacuum, or their volumes hardly differ.
    """
    values: dict[tuple[object, ...], list[tuple[float, float]]] = {}
    for frame in frames:
        if frame.stress is not None and not has_vacuum(frame):
            elements, counts = np.unique(frame.numbers, return_counts=True)
            composition = (*elements, *np.round(counts / len(frame), 3))
            point = (frame.volume / len(frame), -float(np.trace(frame.stress)) / 3)
            values.setdefault(composition, []).append(point)
    centred = []
    for points in values.values():
        table = np.array(points)
        table[:, 0] /= table[:, 0].mean()
        centred.append(table - table.mean(axis=0))
    if sum(map(len, centred)) < _FEWEST:
        return None
    volumes, pressures = np.concatenate(centred).T
    if volumes.std() < _VOLUME_SPREAD or not pressures.any():
        return None
    return float(np.corrcoef(volumes, pressures)[0, 1])


def has_vacuum(frame: Frame) -> bool:
    """Whether some cell direction has a gap of more than twice the mean distance of atoms."""
    fractional = np.sort(fractional_positions(frame) % 1.0, axis=0)
    gaps = np.diff(fractional, axis=0, append=fractional[:1] + 1.0).max(axis=0)
    heights = 1.0 / np.linalg.norm(np.linalg.inv(frame.cell), axis=0)
    return bool(np.max(gaps * heights) > _VACUUM * (frame.volume / len(frame)) ** (1 / 3))
