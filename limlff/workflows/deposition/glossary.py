"""What the quantities of the deposition study mean, and what its results do not say."""

from __future__ import annotations

from collections.abc import Sequence

from limlff.analysis import layers as layer_analysis
from limlff.analysis import similarity
from limlff.numbers_as_text import counted
from limlff.workflows.deposition.cases import Case
from limlff.workflows.deposition.claims import (
    DISORDERED,
    EXCHANGED,
    FLAT,
    HARDLY,
    MOSTLY,
    ORDERED,
)
from limlff.workflows.deposition.config import DepositionConfig
from limlff.workflows.deposition.plan import MONOLAYER
from limlff.workflows.deposition.rest import COVERED, DENSE


def definitions(settings: DepositionConfig) -> list[tuple[str, str]]:
    """Meaning of every quantity on the page."""
    return [*_of_layers(), *_of_the_interface(), *_of_the_study(settings)]


def _of_layers() -> list[tuple[str, str]]:
    return [
        (
            "Amount in layers",
            f"Atoms of the film over those of a plane of Li(110), {MONOLAYER:.4f} per Å² of the "
            "cell.",
        ),
        (
            "Layer",
            "Atoms between two minima of the density along z. Layer 1 is the first above the "
            "interface plane, the topmost plane that the copper atoms would fill.",
        ),
        (
            "Full layer",
            f"It covers {100 * COVERED:.0f} % of the surface with {DENSE} atoms/Å² or more, and "
            "the layer above it half of the surface.",
        ),
        (
            "Coverage",
            f"Part of the area where no disc of {layer_analysis.DISC} Å fits between the centres "
            f"of a layer's atoms, less a rim of {layer_analysis.ATOM_RADIUS} Å.",
        ),
        (
            "Surface similarity",
            "exp(-(m/0.25)²) of the misfit m, in spacings of the net, between an atom's nearest "
            "neighbors in its layer and those of a perfect plane after the best rotation; mean "
            "over the layer without edges. A layer is called by the plane with the largest one, "
            f"if that is {similarity.LEAST} or more: disordered discs reach 0.26. Perfect layers "
            "have 1, such of 300 K 0.5 to 0.7. Li(hex) is the close-packed plane of fcc and hcp "
            "lithium.",
        ),
        (
            "Called by two planes",
            "The second one is within two standard errors of the first, of blocks of time; such a "
            "layer counts for neither.",
        ),
        (
            "|ψ4|, |ψ6|",
            "Bond-orientational order in the plane: 1 for a square and a hexagonal net. Grains are "
            "of one angle and plane; the largest one is given in atoms of its layer.",
        ),
    ]


def _of_the_interface() -> list[tuple[str, str]]:
    return [
        (
            "Exchange",
            "Film atoms less than half a spacing of planes above the interface plane are in sites "
            "of copper; copper atoms beyond are above it. Per site of a plane.",
        ),
        (
            "Order of the top plane",
            "Similarity of the interface plane to the facet of copper, exchanged atoms in it "
            "included, over that of the plane below.",
        ),
    ]


def _of_the_study(settings: DepositionConfig) -> list[tuple[str, str]]:
    return [
        (
            "Verdicts",
            "The lowest rate decides, on means over its runs; higher ones are evidence. A plane is "
            f"resembled if {100 * MOSTLY:.0f} % of the full layers of a run are called by it, not "
            f"if {100 * HARDLY:.0f} % or fewer are; nothing is said where most are like none, or "
            "of slabs with steps, islands or missing rows. An interface is flat and unalloyed if "
            f"fewer than {100 * FLAT:.0f} % of a plane are exchanged and its order is {ORDERED} or "
            f"more; it has exchanged from {100 * EXCHANGED:.0f} % on, and is disordered up to an "
            f"order of {DISORDERED}. In between, or if it has exchanged but is not "
            "disordered, a claim holds in part.",
        ),
        (
            "Roughness of the surface",
            "Standard deviation of the height if a layer is on top where it covers the surface and "
            "the next one does not.",
        ),
        (
            "Mobility",
            f"Mean-square displacement over {settings.dynamics.lag_ps:g} ps, by the layer in which "
            "an atom starts; the part that stays is in it after that time, too.",
        ),
        (
            "± and bands",
            "Standard deviation over runs with different random numbers; none for a single run.",
        ),
    ]


def limits(settings: DepositionConfig, cases: Sequence[Case]) -> list[str]:
    """What the results do not say."""
    slow = min(case.rate.current_density_ma_per_cm2 for case in cases)
    runs = min(len(case.outcomes) for case in cases)
    longest = 1e-3 * max(run.plating.time_ps[-1] for case in cases for run in case.outcomes)
    featured = any("," in case.facet and case.is_only_size for case in cases)
    return [
        f"The slowest rate, {slow:.2g} mA/cm², is {slow / 10:.0e} to {slow:.0e} times that of "
        f"experiments. The longest plating took {longest:.2g} ns: what an atom does more rarely "
        "does not happen here.",
        f"{counted(runs, 'run')} of each surface and rate"
        + (": an example, no statistics; raise repeats." if runs == 1 else "."),
        "Cells of a few nanometres: a film must fit the cell, which strains Li(110), Li(100) and "
        "Li(111) by different amounts (docs/plating.md), and islands meet their own images.",
        "Atoms come from a vacuum. There is no electrolyte, no solid-electrolyte interphase, no "
        "field, and no charge: deposition energy becomes heat, which leaves through the slab.",
        "The potential is as good as its training data; see its card, also for the properties "
        "in which it differs from DFT, such as the energy at which atoms are exchanged.",
        *(
            ["On slabs with steps, islands or missing rows copper stands above the top plane, and "
             "sites in it are empty, from the start; both count as exchanged once filled."]
            if featured else []
        ),
    ]  # fmt: skip
