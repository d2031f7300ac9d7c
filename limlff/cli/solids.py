"""What `limlff analyze` says of solids with hollows and grains: values and lines."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from limlff.analysis.cavities import find_cavities
from limlff.analysis.grains import boundary_between, find_grains
from limlff.analysis.local_order import Order
from limlff.analysis.neck import find_neck
from limlff.cli.analyses import Analysis, table
from limlff.cli.trajectories import Configuration
from limlff.errors import InputError
from limlff.numbers_as_text import figure

Measured = tuple[dict[str, Any], list[str]]


def analyze_solid(
    configurations: Sequence[Configuration], arguments: argparse.Namespace
) -> Analysis:
    """The analysis that the arguments ask for, and the table of the last frame.

    Raises:
        InputError: If the configurations do not allow it.
    """
    ways: dict[str, Callable[[Configuration, argparse.Namespace], Measured]] = {
        "cavities": _cavities,
        "grains": _grains,
        "neck": _neck,
    }
    frames, lines = [], [""]
    for each in configurations:
        try:
            values, lines = ways[arguments.kind](each, arguments)
        except InputError as error:
            raise InputError(f"{arguments.trajectory}, frame {each.frame}: {error}") from None
        frames.append({"frame": each.frame, "time_fs": each.time_fs, **values})
    return Analysis({"frames": frames}, [configurations[-1].title, *lines])


def _cavities(each: Configuration, arguments: argparse.Namespace) -> Measured:
    found = find_cavities(each.atoms.positions, each.atoms.cell.array, 1 / arguments.volume)
    rows = [
        [figure(missing, ".1f"), " ".join(figure(part, ".3f") for part in centre)]
        for missing, centre in zip(found.enclosed, found.centres, strict=True)
    ]
    values = {
        "missing_atoms": found.missing,
        "cavities": [
            {"missing_atoms": missing, "centre": centre.tolist()}
            for missing, centre in zip(found.enclosed, found.centres, strict=True)
        ],
        "open_volume_angstrom3": found.open_volume,
    }
    lines = table(["missing atoms", "centre (fractions)"], rows) if rows else ["none is enclosed"]
    return values, [*lines, f"open: {found.open_volume:.0f} Å³"]


def _grains(each: Configuration, arguments: argparse.Namespace) -> Measured:
    positions, cell = each.atoms.positions, each.atoms.cell.array
    grains = find_grains(positions, cell, arguments.volume)
    order = {kind.name.lower(): float(np.mean(grains.order == kind)) for kind in Order}
    values: dict[str, Any] = {"grains": grains.sizes.tolist(), "local_order": order}
    parts = ", ".join(f"{name} {100 * part:.0f} %" for name, part in order.items())
    sizes = " ".join(map(str, grains.sizes)) or "none"
    lines = [f"atoms of each grain: {sizes}", f"local order: {parts}"]
    values["boundaries"] = []
    for first in range(len(grains.rotations)):
        for second in range(first + 1, len(grains.rotations)):
            found = boundary_between(grains, positions, cell, (first, second), arguments.volume)
            if found.area > 0:
                values["boundaries"].append(
                    {
                        "grains": [first, second],
                        "misorientation_degrees": found.angle_degrees,
                        "area_angstrom2": found.area,
                        "atoms": int(found.atoms.sum()),
                    }
                )
    rows = [
        [
            " ".join(map(str, boundary["grains"])),
            figure(boundary["misorientation_degrees"], ".1f"),
            figure(boundary["area_angstrom2"], ".0f"),
            str(boundary["atoms"]),
        ]
        for boundary in values["boundaries"]
    ]
    titles = ["between", "angle °", "area Å^2", "atoms not bcc"]
    return values, [*lines, *(table(titles, rows) if rows else [])]


def _neck(each: Configuration, arguments: argparse.Namespace) -> Measured:
    low, high = arguments.between
    neck = find_neck(
        each.atoms.positions,
        each.atoms.cell.array,
        1 / arguments.volume,
        "xyz".index(arguments.axis),
        (low, high),
        arguments.above,
    )
    radius = neck.radius(is_half=arguments.above is not None)
    values = {"area_angstrom2": neck.area, "radius_angstrom": radius, "place_angstrom": neck.place}
    return values, [
        f"neck at {arguments.axis} = {neck.place:.1f} Å: {neck.area:.0f} Å^2, "
        f"radius {radius:.1f} Å" + (" of a half disc" if arguments.above is not None else "")
    ]
