"""A rate law of closing holes: power-law creep driven by pressure and surface tension.

A spherical hole of radius R in a solid that creeps at a rate ~ stress^n shrinks by

    dR/dt = -B R (P + 2 gamma / R)^n

P is the pressure from outside, 2 gamma / R that of the surface tension, and B holds temperature and
material. The time to close is the integral over R, and the time in which inertia alone would let it
collapse, below which none can be: holes of nanometres come near it. B, n and the scatter of the
logarithm of the time are fitted by maximum likelihood to all runs; a run that did not close says
that its time is longer. Their errors, and those of all that follows from them, are from runs drawn
anew with replacement (bootstrap).

Source of the law: B. Budiansky, J. W. Hutchinson and S. Slutsky, in Mechanics of Solids (1982), for
a spherical void; the factors that depend on n alone are part of B.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_ndtr

from limlff.workflows.healing.inertia import collapse_time

LEAST_CLOSED = 6
"""Holes that must have closed for a fit."""

LEAST_KINDS = 3
"""Different driving pressures that they must have had."""

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)  # of the integral over ln(R)
_LIMITS = ((-200.0, 200.0), (0.05, 60.0), (math.log(0.01), math.log(10.0)))


def laplace_pressure(radius: float | np.ndarray, surface_energy: float) -> float | np.ndarray:
    """Pressure 2 gamma / R that pulls a hole together (GPa).

    Args:
        radius: Radius (Å).
        surface_energy: Surface energy (J/m²).
    """
    return 20.0 * surface_energy / radius  # 1 J/m² per Å is 10 GPa


@dataclass(frozen=True)
class Material:
    """What the law takes as known.

    Attributes:
        surface_energy: Surface energy (J/m²).
        density: Density (kg/m³).
    """

    surface_energy: float
    density: float


@dataclass(frozen=True)
class Closing:
    """One run, as the law sees it.

    Attributes:
        radius: Radius at the start (Å).
        end_radius: Radius at which the hole counts as closed (Å).
        pressure_gpa: Pressure from outside (GPa).
        time_ps: When it closed, or how long it was watched (ps).
        has_closed: Whether it closed.
    """

    radius: float
    end_radius: float
    pressure_gpa: float
    time_ps: float
    has_closed: bool


@dataclass(frozen=True)
class CreepLaw:
    """The law with its parameters.

    Attributes:
        log_rate: ln of B in 1/(ps GPa^n).
        exponent: n.
        scatter: Standard deviation of ln(time) from run to run.
        material: Surface energy and density.
    """

    log_rate: float
    exponent: float
    scatter: float
    material: Material

    def log_time(self, radius: float, end_radius: float, pressure_gpa: float) -> float:
        """ln of the median time in which a hole shrinks from one radius to another (ps)."""
        holes = _Holes.of([Closing(radius, end_radius, pressure_gpa, 1.0, True)], self.material)
        return float(holes.log_times(self.log_rate, self.exponent)[0])


@dataclass(frozen=True)
class Fit:
    """The likeliest law, and those of runs drawn anew.

    Attributes:
        law: The likeliest one.
        drawn: Those of runs drawn with replacement.
        runs: Runs in the fit.
        closed: Runs among them that closed.
        unexpected: Runs that stayed open though less than one in twenty would after the law.
        pressures: Lowest and highest driving pressure P + 2 gamma / R at the start (GPa).
    """

    law: CreepLaw
    drawn: list[CreepLaw]
    runs: int
    closed: int
    unexpected: int
    pressures: tuple[float, float]

    def interval(self, values: Sequence[float]) -> tuple[float, float]:
        """Limits within which 95 % of values of the drawn laws lie; nan if there are none."""
        if not values:
            return math.nan, math.nan
        low, high = np.quantile(values, [0.025, 0.975])
        return float(low), float(high)

    def log_time(
        self, radius: float, end_radius: float, pressure_gpa: float
    ) -> tuple[float, float, float]:
        """ln of a closing time (ps) and its limits."""
        where = radius, end_radius, pressure_gpa
        low, high = self.interval([law.log_time(*where) for law in self.drawn])
        return self.law.log_time(*where), low, high


def fit_creep_law(
    closings: Sequence[Closing], material: Material, draws: int = 200, seed: int = 0
) -> Fit | None:
    """Fit the law to runs.

    Args:
        closings: The runs.
        material: Surface energy and density.
        draws: How often runs are drawn anew.
        seed: Seed of these draws.

    Returns:
        The fit; None if too few holes closed, or under too few different pressures.
    """
    if not _are_enough(closings):
        return None
    law = _fit(closings, material, None)
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(draws):
        sample = [closings[place] for place in rng.integers(len(closings), size=len(closings))]
        if _are_enough(sample):
            drawn.append(_fit(sample, material, law))
    driving = [_driving(each, material.surface_energy) for each in closings]
    return Fit(
        law=law,
        drawn=drawn,
        runs=len(closings),
        closed=sum(each.has_closed for each in closings),
        unexpected=sum(_is_unexpected(each, law) for each in closings),
        pressures=(min(driving), max(driving)),
    )


def _driving(each: Closing, surface_energy: float) -> float:
    return float(each.pressure_gpa + laplace_pressure(each.radius, surface_energy))


def _are_enough(closings: Sequence[Closing]) -> bool:
    closed = [each for each in closings if each.has_closed]
    kinds = {(round(each.radius, 1), each.pressure_gpa) for each in closed}
    return len(closed) >= LEAST_CLOSED and len(kinds) >= LEAST_KINDS


def _is_unexpected(each: Closing, law: CreepLaw) -> bool:
    if each.has_closed:
        return False
    expected = law.log_time(each.radius, each.end_radius, each.pressure_gpa)
    return bool(log_ndtr((expected - math.log(each.time_ps)) / law.scatter) < math.log(0.05))


@dataclass(frozen=True)
class _Holes:
    """Kinds of holes as arrays, with all that does not depend on the parameters.

    Attributes:
        logs: ln of the driving pressure at the points of the integral over ln(R).
        weights: Their weights.
        inertia: Collapse times (ps).
        which: The kind of hole of each run; a kind is computed once.
    """

    logs: np.ndarray
    weights: np.ndarray
    inertia: np.ndarray
    which: np.ndarray

    @classmethod
    def of(cls, closings: Sequence[Closing], material: Material) -> _Holes:
        kinds = [(each.radius, each.end_radius, each.pressure_gpa) for each in closings]
        different, which = np.unique(np.array(kinds), axis=0, return_inverse=True)
        radius, end, pressure = different.T
        low, high = np.log(end)[:, None], np.log(radius)[:, None]
        points = np.exp(0.5 * (high + low) + 0.5 * (high - low) * _NODES)
        driving = pressure[:, None] + laplace_pressure(points, material.surface_energy)
        # under tension there is a radius at which a hole stays as it is: it never closes
        logs = np.where(driving > 0, np.log(np.maximum(driving, 1e-300)), -np.inf)
        inertia = collapse_time(radius, end, pressure, material.surface_energy, material.density)
        return cls(logs, _WEIGHTS * 0.5 * (high - low), inertia, which.ravel())

    def log_times(self, log_rate: float, exponent: float) -> np.ndarray:
        """ln of the median closing time of each (ps); infinite where nothing drives it."""
        terms = -exponent * self.logs
        top = terms.max(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            sums = np.log((np.exp(terms - top[:, None]) * self.weights).sum(axis=1))
            creep = np.where(np.isinf(top), np.inf, sums + top) - log_rate
            return np.asarray(np.logaddexp(creep, np.log(self.inertia))[self.which])


def _fit(closings: Sequence[Closing], material: Material, start: CreepLaw | None) -> CreepLaw:
    holes = _Holes.of(closings, material)
    times = np.log([each.time_ps for each in closings])
    closed = np.array([each.has_closed for each in closings])

    def cost(point: np.ndarray) -> float:
        log_rate, exponent, log_scatter = point
        off = (times - holes.log_times(log_rate, exponent)) / math.exp(log_scatter)
        # -inf where nothing would drive a hole that closed, which no law of this kind explains
        each = np.where(closed, -0.5 * off**2 - log_scatter, log_ndtr(-off))
        return float(-np.maximum(each, -1e6).sum())

    first = [0.0, 2.0, math.log(0.5)]
    if start is None:
        guess = holes.log_times(0.0, 2.0) - times
        known = guess[closed & np.isfinite(guess)]
        first[0] = float(known.mean()) if len(known) else 0.0
    else:
        first = [start.log_rate, start.exponent, math.log(start.scatter)]
    best = minimize(
        cost, first, method="Nelder-Mead", bounds=_LIMITS, options={"xatol": 1e-3, "fatol": 1e-4}
    )
    log_rate, exponent, log_scatter = best.x
    return CreepLaw(float(log_rate), float(exponent), math.exp(log_scatter), material)
