"""What a hole is cut into and how it is loaded, in words."""

from __future__ import annotations

from limlff.structures.host import CopperInterface, GrainBoundary
from limlff.workflows.healing.config import HealingConfig
from limlff.workflows.healing.plan import HealingRun
from limlff.workflows.healing.sections import Dynamics


def host_in_words(settings: HealingConfig, run: HealingRun) -> str:
    """The host of a run."""
    host, metal = settings.host, settings.element
    if isinstance(host, GrainBoundary):
        return (
            f"Two grains of bcc {metal}, {run.sites} atoms, that mirror each other in symmetric "
            f"tilt boundaries Σ5 ({host.plane})[001], across z, the hole at one of them"
        )
    if isinstance(host, CopperInterface):
        where = "at an interface" if host.place == "at" else "in the middle between them"
        return (
            f"{metal}(110) between two faces of Cu({host.facet}) of {host.copper_layers} planes, "
            f"{run.sites} atoms, the hole {where}"
        )
    a, b, c = run.lattice.repeats
    return f"A bcc {metal} crystal of {a} x {b} x {c} cubic cells"


def load_in_words(dynamics: Dynamics) -> str:
    """What the pressure does with the cell."""
    if dynamics.coupling == "uniaxial":
        return "along z alone, while x and y keep the lengths that they have without pressure"
    if dynamics.coupling == "isotropic":
        return "all axes alike"
    if dynamics.sides_gpa is not None:
        return f"each axis by itself, along z, with {dynamics.sides_gpa:g} GPa along x and y"
    return "each axis by itself"
