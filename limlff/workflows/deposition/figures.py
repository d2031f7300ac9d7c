"""Figures of the deposition study: a colour for each surface, dashes for the second rate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from limlff.analysis.reference_nets import LITHIUM_NETS
from limlff.analysis.similarity import LEAST
from limlff.report.page import Figure
from limlff.workflows.deposition.cases import Case, slowest
from limlff.workflows.deposition.pictures import SIMILARITY_CLASSES
from limlff.workflows.figures import panels, run_color

_DASHES = ("-", "--", ":", "-.")
_AMOUNT = "Plated (layers of Li(110))"


def plot_similarity(cases: Sequence[Case], out: Path) -> Figure:
    """Likeness of each layer to planes of lithium; a panel for each surface."""
    target = Figure(
        out / "similarity.png",
        "What the layers are like",
        "Surface similarity of each layer to planes of lithium after plating, from the interface "
        "up; mean over the runs, bars show their standard deviation. Filled: the lowest rate; "
        "open: higher ones. Grey: the limit below which a layer is like none.",
        wide=True,
    )
    colors = dict(zip(SIMILARITY_CLASSES.names, SIMILARITY_CLASSES.colors, strict=True))
    surfaces = slowest(cases)
    with panels(target, len(surfaces)) as (figure, axes):
        for axis, surface in zip(axes, surfaces, strict=True):
            for case in (each for each in cases if each.facet == surface.facet):
                for shift, net in enumerate(LITHIUM_NETS):
                    found = [(each.number, each.score(net)) for each in case.layers]
                    _errorbars(axis, found, shift, colors[net], case is surface, net)
            axis.axhline(LEAST, color="0.7", linewidth=0.8)
            axis.set(title=surface.facet, xlabel="Layer", ylim=(0, 1))
            axis.xaxis.get_major_locator().set_params(integer=True)
        axes[0].set_ylabel("Surface similarity")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(LITHIUM_NETS))
    return target


def _errorbars(
    axis: Any, found: list[tuple[int, Any]], shift: int, color: str, is_filled: bool, net: str
) -> None:
    axis.errorbar(
        [number + 0.12 * (shift - 1.5) for number, _ in found],
        [score.mean for _, score in found],
        [np.nan_to_num(score.deviation) for _, score in found],
        fmt="o",
        markersize=4,
        color=color,
        markerfacecolor=color if is_filled else "white",
        linewidth=1.0,
        label=net if is_filled else None,
    )


def plot_coverage(cases: Sequence[Case], out: Path) -> Figure:
    """How the layers fill one after the other; a panel for each surface."""
    target = Figure(
        out / "coverage.png",
        "How layers fill",
        "Part of the surface that each layer covers against the amount plated, mean over the runs "
        "at the lowest rate; the lowest layer is darkest. A layer of single atoms far apart covers "
        "the surface too, see the definition.",
        wide=True,
    )
    with panels(target, len(cases)) as (_, axes):
        for axis, case in zip(axes, cases, strict=True):
            numbers = [layer.number for layer in case.layers][:8] or [1, 2, 3]
            for rank, number in enumerate(numbers):
                curve = case.curve(f"coverage_{number}")
                if curve is not None:
                    shade = 0.75 * rank / max(1, len(numbers) - 1)
                    axis.plot(curve.layers, curve.mean, color=str(shade), label=f"layer {number}")
            axis.set(title=case.facet, xlabel=_AMOUNT, xlim=(0, None), ylim=(0, 1.02))
            axis.legend(fontsize=7)
        axes[0].set_ylabel("Coverage")
    return target


def plot_exchange(cases: Sequence[Case], out: Path) -> Figure:
    """Exchanged atoms against the amount plated."""
    target = Figure(
        out / "exchange.png",
        "Exchange at the interface",
        "Lithium in sites of copper (left) and copper above its top plane (right), per 100 sites "
        "of a plane; mean over the runs and, shaded, their standard deviation.",
        wide=True,
    )
    return _against_amount(
        target,
        cases,
        {
            "film_below": ("Li in Cu sites (%)", lambda case: 100 / case.sites),
            "substrate_above": ("Cu above its top plane (%)", lambda case: 100 / case.sites),
        },
    )


def plot_roughness(cases: Sequence[Case], out: Path) -> Figure:
    """Roughness of the surface and of the top plane of copper."""
    target = Figure(
        out / "roughness.png",
        "Roughness",
        "Root mean square deviation of the film's surface, as of terraces (left), and of the atoms "
        "of the top plane of copper (right), of which 0.1 Å is thermal motion.",
        wide=True,
    )
    return _against_amount(
        target,
        cases,
        {
            "roughness_angstrom": ("Roughness of the surface (Å)", lambda case: 1.0),
            "interface_roughness_angstrom": ("Roughness of the interface (Å)", lambda case: 1.0),
        },
    )


def plot_grades(cases: Sequence[Case], out: Path) -> Figure:
    """How far the runs are from what the potential was trained on."""
    target = Figure(
        out / "grades.png",
        "Is the potential to be trusted?",
        "Highest extrapolation grade of an atom (left; 1 is the edge of the training data), and "
        "the part of the atoms above 1 (right); mean over the runs and standard deviation.",
        wide=True,
    )
    return _against_amount(
        target,
        cases,
        {
            "highest_grade": ("Highest grade", lambda case: 1.0),
            "share_outside": ("Atoms above 1 (%)", lambda case: 100.0),
        },
    )


def plot_stripping(cases: Sequence[Case], out: Path) -> Figure:
    """What is left on copper while lithium is taken away."""
    target = Figure(
        out / "stripping.png",
        "Stripping",
        "Coverage of the first layer (left) and lithium in sites of copper, per 100 sites (right), "
        "against the amount that is left, which decreases to the left. Where the first layer opens "
        "while much is left, holes reach down to copper.",
        wide=True,
    )
    return _against_amount(
        target,
        cases,
        {
            "coverage_1": ("Coverage of the first layer", lambda case: 1.0),
            "film_below": ("Li in Cu sites (%)", lambda case: 100 / case.sites),
        },
        "stripping",
    )


def plot_profiles(cases: Sequence[Case], out: Path) -> Figure:
    """Densities along z after plating; a panel for each surface."""
    target = Figure(
        out / "profiles.png",
        "Densities across the interface",
        "Atoms per volume along z after plating, from the top plane of copper on, a line for each "
        "run at the lowest rate. Peaks that overlap are atoms in each other's places.",
        wide=True,
    )
    with panels(target, len(cases)) as (_, axes):
        for axis, case in zip(axes, cases, strict=True):
            for color, index in (("#b87333", 0), ("#0072b2", 1)):
                for rest in case.rests:
                    element, values = list(rest.profile.densities.items())[index]
                    label = element if rest is case.rests[0] else None
                    axis.plot(rest.profile.heights, values, color=color, linewidth=1, label=label)
            axis.set(title=case.facet, xlabel="Height (Å)", xlim=(-5, None), ylim=(0, None))
            axis.legend(fontsize=8)
        axes[0].set_ylabel("Atoms per Å$^3$")
    return target


def plot_mobility(cases: Sequence[Case], out: Path, lag_ps: float) -> Figure:
    """Mean-square displacement by layer; a panel for each surface."""
    target = Figure(
        out / "mobility.png",
        "Mobility by layer",
        f"Mean-square displacement in the plane over {lag_ps:g} ps after plating, by the layer in "
        "which an atom starts; mean over the runs and standard deviation, at each rate.",
        wide=True,
    )
    surfaces = slowest(cases)
    with panels(target, len(surfaces)) as (_, axes):
        for axis, surface in zip(axes, surfaces, strict=True):
            own = [each for each in cases if each.facet == surface.facet]
            for shift, case in enumerate(own):
                found = [(each.number, each.spread(lambda x: x.in_plane)) for each in case.layers]
                name = f"{case.rate.current_density_ma_per_cm2:.2g} mA/cm²"
                _errorbars(axis, found, shift + 1, run_color(shift), True, name)
            axis.set(title=surface.facet, xlabel="Layer", yscale="log")
            axis.xaxis.get_major_locator().set_params(integer=True)
            axis.legend(fontsize=8)
        axes[0].set_ylabel("Displacement² (Å²)")
    return target


def _against_amount(
    target: Figure,
    cases: Sequence[Case],
    quantities: dict[str, tuple[str, Any]],
    stage: str = "plating",
) -> Figure:
    """Quantities against the amount of film, all cases in each panel."""
    surfaces = [case.facet for case in slowest(cases)]
    with panels(target, len(quantities)) as (figure, axes):
        figure.set_size_inches(9.0, 3.4)
        for axis, (column, (name, scale)) in zip(axes, quantities.items(), strict=True):
            for case in cases:
                curve = case.curve(column, stage)
                if curve is None:
                    continue
                alike = [each for each in cases if each.facet == case.facet]
                color = run_color(surfaces.index(case.facet))
                line = _DASHES[alike.index(case) % len(_DASHES)]
                mean, spread = scale(case) * curve.mean, scale(case) * curve.deviation
                axis.plot(curve.layers, mean, line, color=color, label=case.label)
                band = (mean - spread, mean + spread)
                axis.fill_between(curve.layers, *band, color=color, alpha=0.15, linewidth=0)
            axis.set(xlabel=_AMOUNT if stage == "plating" else "Left (layers of Li(110))")
            axis.set(ylabel=name, ylim=(min(0, axis.get_ylim()[0]), None))
        handles, labels = axes[0].get_legend_handles_labels()
        if handles:
            figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8)
    return target
