"""One self-contained HTML page per run: pictures, numbers, settings and a 3D view of the frames.

The page loads nothing from anywhere: style, viewer, figures and trajectories lie inside it.
"""

from __future__ import annotations

import base64
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from limlff.atomic_file import write_text_whole
from limlff.report.movie import Movie, pack


@dataclass(frozen=True)
class Figure:
    """A picture of the page.

    Attributes:
        path: PNG file.
        title: Heading.
        caption: What is to be seen, how it was computed.
        wide: Whether it takes the whole width.
    """

    path: Path
    title: str
    caption: str
    wide: bool = False


@dataclass(frozen=True)
class Table:
    """Numbers, such as a row for each quantity and a column for each run.

    Attributes:
        columns: Headings, the first of the column of names.
        rows: Cells as text, each row as long as `columns`.
        title: Heading; the key numbers have the page's own.
        is_text: Whether cells are words, which begin at the left.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""
    is_text: bool = False


@dataclass(frozen=True)
class Report:
    """What a page says.

    Attributes:
        title: Heading of the page.
        simulated: What was simulated, in sentences.
        numbers: Key numbers.
        figures: Pictures in their order.
        definitions: Term and meaning of every quantity shown.
        limits: What the results do not say.
        tables: Further tables, after the pictures.
        movies: Runs to be shown in 3D, side by side at equal times.
        summary: Sentences below the heading: the result.
        settings: The configuration as text.
        provenance: Further facts on potential and run, name and value.
    """

    title: str
    simulated: str
    numbers: Table
    figures: Sequence[Figure]
    definitions: Sequence[tuple[str, str]]
    limits: Sequence[str]
    tables: Sequence[Table] = ()
    movies: Sequence[Movie] = ()
    summary: str = ""
    settings: str = ""
    provenance: Sequence[tuple[str, str]] = ()


def write_report(path: Path, report: Report) -> Path:
    """Write a page.

    Args:
        path: HTML file; replaced if it exists.
        report: What to say.

    Returns:
        The path.
    """
    # All text is escaped where the template puts it, but for the page's own style and script.
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    text = environment.from_string(_own("page.html")).render(
        report=report,
        figures=[(figure, _as_data(figure.path)) for figure in report.figures],
        movies=[pack(movie) for movie in report.movies],
        software=", ".join(f"{name} {number}" for name, number in versions().items()),
        style=Markup(_own("page.css")),
        script=Markup(_own("shaders.js") + "\n" + _own("viewer.js")),
    )
    write_text_whole(path, text)
    return path


def versions() -> dict[str, str]:
    """Versions of the software that a result depends on."""
    names = ("limlff", "jax", "numpy", "scipy", "ase")
    return {**{name: version(name) for name in names}, "python": platform.python_version()}


def _own(name: str) -> str:
    """A file of the page's own markup, style or script."""
    return (files("limlff.report") / name).read_text(encoding="utf-8")


def _as_data(picture: Path) -> str:
    """A PNG file as an address that holds it."""
    return "data:image/png;base64," + base64.b64encode(picture.read_bytes()).decode("ascii")
