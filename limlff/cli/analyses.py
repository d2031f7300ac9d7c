"""What `limlff analyze` computes: values for JSON and lines for the terminal."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from limlff.analysis.film import NO_LAYER, Film, find_film
from limlff.analysis.film_order import crystal_of, order_of_layers, parts_of
from limlff.analysis.interdiffusion import count_exchange, density_profile, mean_profile
from limlff.analysis.layer_mobility import layer_displacements, stacked_positions, unwrapped
from limlff.analysis.layers import measure_layers
from limlff.analysis.reference_nets import COPPER_NETS
from limlff.analysis.similarity import compare_film, similarity_of_layers
from limlff.cli.trajectories import Configuration
from limlff.errors import InputError
from limlff.numbers_as_text import figure

_MOST_LAGS = 8


@dataclass(frozen=True)
class Analysis:
    """Result of a command.

    Attributes:
        values: What JSON holds.
        lines: What is printed.
    """

    values: dict[str, Any]
    lines: list[str]


def analyze(configurations: Sequence[Configuration], arguments: argparse.Namespace) -> Analysis:
    """The analysis that the arguments ask for.

    Raises:
        InputError: If the configurations do not allow it.
    """
    films = []
    for each in configurations:
        try:
            films.append(find_film(each.atoms, arguments.substrate, arguments.film))
        except InputError as error:
            raise InputError(f"{arguments.trajectory}, frame {each.frame}: {error}") from None
    if arguments.kind == "msd":
        return _displacements(configurations, films)
    ways: dict[str, Callable[[Film], tuple[dict[str, Any], list[str]]]] = {
        "layers": _layers,
        "similarity": _similarity,
        "exchange": _exchange,
        "order": _order_with_templates if getattr(arguments, "ptm", False) else _order,
    }
    frames, lines = [], [""]
    for each, film in zip(configurations, films, strict=True):
        values, lines = ways[arguments.kind](film)
        frames.append({"frame": each.frame, "time_fs": each.time_fs, **values})
    found: dict[str, Any] = {"frames": frames}
    if arguments.kind == "exchange":
        found["mean_profile"] = _profile_values([density_profile(film) for film in films])
    return Analysis(found, [configurations[-1].title, *lines])


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines with columns aligned to the right."""
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    return [
        "  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [titles, *rows]
    ]


def _layers(film: Film) -> tuple[dict[str, Any], list[str]]:
    layers = measure_layers(film)
    rows = [
        [
            str(layer.number),
            " ".join(f"{element} {count}" for element, count in layer.atoms.items()),
            figure(layer.height, ".2f"),
            figure(layer.roughness, ".2f"),
            figure(layer.density, ".4f"),
            figure(layer.coverage, ".2f"),
            f"{len(layer.islands)} ({layer.islands[0]})",
        ]
        for layer in reversed(layers)
    ]
    titles = ["layer", "atoms", "height Å", "rms Å", "1/Å^2", "coverage", "islands (largest)"]
    flying = int(np.sum(film.layers == NO_LAYER))
    values = {"layers": [asdict(layer) for layer in layers], "flying_atoms": flying}
    return values, [*table(titles, rows), *([f"{flying} atoms above the film"] if flying else [])]


def _similarity(film: Film) -> tuple[dict[str, Any], list[str]]:
    similarity = compare_film(film)
    facet = next((net for net in similarity.nets if net in COPPER_NETS), None)
    layers = similarity_of_layers(similarity, film.layers)
    rows = [
        [
            str(layer.layer),
            *(figure(layer.scores.get(net), ".2f") for net in similarity.nets),
            layer.best,
            " ".join(
                f"{net} {100 * part:.0f} %" for net, part in layer.like.items() if part > 0.005
            ),
        ]
        for layer in reversed(layers)
    ]
    titles = ["layer", *similarity.nets, "most like", "atoms like"]
    return {"facet": facet, "layers": [asdict(each) for each in layers]}, table(titles, rows)


def _exchange(film: Film) -> tuple[dict[str, Any], list[str]]:
    exchange = count_exchange(film)
    profile = density_profile(film)
    lines = [
        f"{film.element} in sites of {film.substrate}: {exchange.film_below} of {exchange.film}, "
        f"{exchange.film_in_top_plane} of them in the top plane",
        f"{film.substrate} above its top plane: {exchange.substrate_above}",
    ]
    return {**asdict(exchange), "profile": _profile_values([profile])}, lines


def _profile_values(profiles: list[Any]) -> dict[str, Any]:
    mean = mean_profile(profiles)
    densities = {element: values.tolist() for element, values in mean.densities.items()}
    return {"height": mean.heights.tolist(), "density": densities}


def _order_with_templates(film: Film) -> tuple[dict[str, Any], list[str]]:
    from limlff.analysis.template_matching import match_templates

    values, lines = _order(film)
    parts = parts_of(match_templates(film.atoms)[film.of(film.element)])
    return {**values, "templates": parts}, [*lines, f"by templates: {_percentages(parts)}"]


def _order(film: Film) -> tuple[dict[str, Any], list[str]]:
    layers = order_of_layers(film, compare_film(film))
    rows = [
        [
            str(each.layer),
            figure(each.psi_4, ".2f"),
            figure(each.psi_6, ".2f"),
            str(len(each.grains)),
            figure((each.grains or [0])[0] / np.sum(film.layers == each.layer), ".2f"),
        ]
        for each in reversed(layers)
    ]
    titles = ["layer", "|psi_4|", "|psi_6|", "grains", "largest"]
    crystal, lines = _crystal(film)
    values = {"layers": [asdict(each) for each in layers], **crystal}
    return values, [*table(titles, rows), *lines]


def _crystal(film: Film) -> tuple[dict[str, Any], list[str]]:
    """Local order and texture of the film."""
    crystal = crystal_of(film)
    if crystal is None:
        return {}, []
    lines = [
        f"local order: {_percentages(crystal.local_order)}",
        f"of {crystal.bcc_atoms} bcc atoms within 10 degrees of z: {_percentages(crystal.texture)}",
    ]
    return asdict(crystal), lines


def _percentages(parts: dict[str, float]) -> str:
    return ", ".join(f"{name} {100 * part:.0f} %" for name, part in parts.items())


def _displacements(configurations: Sequence[Configuration], films: list[Film]) -> Analysis:
    if len(configurations) < 2:
        raise InputError("there is one frame; displacements need two at least")
    atoms = [each.atoms for each in configurations]
    positions = unwrapped(
        stacked_positions(atoms), np.array([a.cell.array for a in atoms]), atoms[0].pbc
    )
    layers = np.full(positions.shape[:2], NO_LAYER)
    for row, film in zip(layers, films, strict=True):
        row[: len(film.layers)] = film.layers
    longest = max(1, len(atoms) // 2)
    lags = np.unique(np.geomspace(1, longest, min(_MOST_LAGS, longest)).round().astype(int))
    found = layer_displacements(positions, layers, lags.tolist())
    times = [each.time_fs for each in configurations]
    interval = None if None in times else (times[-1] - times[0]) / (len(times) - 1)  # type: ignore[operator]
    values = [{key: _plain(value) for key, value in asdict(each).items()} for each in found]
    unit = "frames" if interval is None else "ps"
    scale = 1.0 if interval is None else interval / 1000
    titles = ["layer", f"after ({unit})", "in plane Å^2", "along z Å^2", "stays"]
    rows = [
        [str(each.layer), figure(each.lags[-1] * scale, ".4g"), figure(each.in_plane[-1], ".3f"),
         figure(each.along_z[-1], ".3f"), figure(each.stays[-1], ".2f")]
        for each in reversed(found)
    ]  # fmt: skip
    return Analysis({"interval_fs": interval, "layers": values}, table(titles, rows))


def _plain(value: Any) -> Any:
    """Arrays as lists, in which JSON's null stands for what is not a number."""
    if isinstance(value, np.ndarray):
        return [None if isinstance(x, float) and np.isnan(x) else x for x in value.tolist()]
    return value
