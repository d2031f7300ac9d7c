"""What the quantities of the fusion study mean, and what its results do not say."""

from __future__ import annotations

from collections.abc import Sequence

from limlff.analysis import current_density, grains, voids
from limlff.numbers_as_text import counted
from limlff.workflows.fusion.cases import Case
from limlff.workflows.fusion.claims import ALIKE, FLUID, HARDLY, MOSTLY
from limlff.workflows.fusion.config import FusionConfig
from limlff.workflows.fusion.measure import INTERIOR
from limlff.workflows.fusion.pair import ABOVE, FOOT


def definitions(settings: FusionConfig) -> list[tuple[str, str]]:
    """Meaning of every quantity on the page."""
    return [*_of_events(settings), *_of_cavities(), *_of_grains(), *_of_atoms(settings)]


def _of_events(settings: FusionConfig) -> list[tuple[str, str]]:
    rule = settings.criteria
    half = settings.dendrites.arrangement != "facing"
    return [
        (
            "Neck, area of contact",
            "The narrowest section of the solid between the axes or the feet of two dendrites"
            + (f", from {ABOVE:g} Å above the surface of the slab" if half else "")
            + "; the solid is where atoms smeared by Gaussians of "
            f"{voids.SMEARING} Å are more than {100 * voids.HOLE_DENSITY:.0f} % as dense as the "
            f"crystal. The radius is that of a {'half ' if half else ''}disc of this area. A sharp "
            "groove around the neck is filled by the smearing, which adds up to 1 Å.",
        ),
        (
            "Touched, merged",
            f"The neck has a radius of {rule.touch_radius_angstrom:g} Å, and of "
            f"{rule.merged_part:.2f} times that of the dendrites.",
        ),
        (
            "Cavity, gone",
            f"At least {rule.cavity_atoms:g} atoms are missing in hollows that are closed in, for "
            f"{rule.for_ps:g} ps or longer; gone if fewer are missing from then to the end, for "
            "at least as long.",
        ),
        (
            "Verdicts",
            f"A claim holds if it does in {100 * MOSTLY:.0f} % of the runs that came far enough to "
            f"tell, and does not if in {100 * HARDLY:.0f} % or fewer; a run cut short says what "
            "happened in it, not what did not. Lithium is less ordered and more fluid near the neck"
            f" if disorder and displacements there are {FLUID:g} times those far from it, and not "
            f"if one of them is less than {ALIKE:g} times.",
        ),
    ]


def _of_cavities() -> list[tuple[str, str]]:
    return [
        (
            "Closed in, open",
            "A hollow is where the smeared density is less than half of that of the perfect "
            "crystal at the same temperature. It is open if it goes on without end through the "
            "periodic images of the cell, as the vacuum over a slab does, and the gap between two "
            "slabs while it leads around the necks; else it is closed in.",
        ),
        (
            "Missing atoms",
            f"The deficit of the density, summed over a hollow and {voids.MARGIN} Å around it; "
            "what two hollows share is divided between them. A vacancy alone is no hollow.",
        ),
    ]


def _of_grains() -> list[tuple[str, str]]:
    return [
        (
            "Misorientation",
            "Smallest angle between the mean orientations of the bcc atoms that were in one "
            f"dendrite and in the other at the start, {FOOT:g} Å or more above their feet; each "
            "atom's orientation is a fit of the lattice to its neighbors.",
        ),
        (
            "Grain boundary",
            f"Grains are pieces of bcc atoms that agree within {grains.WITHIN:g}° with their "
            "neighbors. The boundary is between the grain that most of one dendrite is in and that "
            "of the other: its area where both, smeared, are equally dense, and the atoms of no "
            f"bcc order that have {grains.SIDES} atoms of each within {grains.ACROSS:g} lattice "
            "constants. None if both are in one grain.",
        ),
    ]


def _of_atoms(settings: FusionConfig) -> list[tuple[str, str]]:
    found = [
        (
            "Inside the solid",
            f"Atoms with at least {INTERIOR} neighbors nearer than the third shell; a bcc crystal "
            "has 14. Atoms at surfaces are in no crystalline order by themselves, and are left "
            "out.",
        ),
        (
            "Mobility",
            f"Mean-square displacement over {settings.dynamics.lag_ps:g} ps in coordinates that "
            "move with the cell, drift removed. Atoms that flow together as one count as moving.",
        ),
        ("± and bands", "Standard deviation over runs with different random numbers."),
    ]
    if settings.drive.kind == "growth":
        tiles = " x ".join(map(str, settings.drive.tiles))
        found.append(
            (
                "Local current density, unevenness",
                f"Charge of the atoms that land on each of {tiles} tiles, per area and time, one "
                "electron each; an atom lands where it first has "
                f"{current_density.FEWEST} neighbors within {current_density.REACH:g} Å. "
                "Unevenness is the variance of the number of atoms over the tiles, less their "
                "mean, over the mean squared: 0 for atoms that arrive independently and evenly. "
                "The local current density and its variance were proposed by Jiao et al. (2022); "
                "this formula is the project's own.",
            )
        )
    return found


def limits(settings: FusionConfig, cases: Sequence[Case]) -> list[str]:
    """What the results do not say."""
    runs = min(len(case.outcomes) for case in cases)
    longest = max(run.series.time_ps[-1] for case in cases for run in case.outcomes)
    radius = cases[0].outcomes[0].run.radius
    found = [
        f"Dendrites of {radius / 10:.2g} nm for {1e-3 * longest:.2g} ns; those of batteries are a "
        "thousand times larger. Surfaces pull with a pressure of 2γ/R, so that what small ones do "
        "in nanoseconds takes large ones longer than their size says.",
        f"{counted(runs, 'run')} of each misorientation"
        + (": an example, no statistics; raise repeats." if runs == 1 else "."),
        "Dendrites meet their own periodic images across x and y as they meet each other.",
        "The surfaces are clean: no electrolyte, no solid-electrolyte interphase, no field, no "
        "charge. A film on them would keep dendrites apart, or be enclosed.",
        "The potential is as good as its training data; see its card. It puts bcc and close "
        "packing within a few meV/atom of each other, and boundaries may hold either.",
    ]
    if settings.drive.kind == "approach":
        found.append(
            "The cell may shorten freely but for the pressure given: dendrites pull their slabs "
            "together. Between slabs that are held apart a neck would be stretched instead, and "
            "the space between them cannot vanish."
        )
    else:
        densities = [run.run.rate.current_density_ma_per_cm2
                     for case in cases for run in case.outcomes if run.run.rate]  # fmt: skip
        found.append(
            f"The current density, {min(densities):.2g} mA/cm², is {min(densities) / 10:.0e} to "
            f"{min(densities):.0e} times that of experiments. Atoms come from a vacuum on straight "
            "ways, not along the field lines of an electrolyte: shadows are geometric."
        )
    return found
