"""One self-contained HTML page per run: pictures, numbers, settings and a 3D view of the frames.

The page loads nothing from anywhere: style, viewer, figures and trajectories lie inside it.
"""

from __future__ import annotations

import base64
import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from string import Template

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
    """Key numbers: a row for each quantity, a column for each run.

    Attributes:
        columns: Headings, the first of the column of names.
        rows: Cells as text, each row as long as `columns`.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Report:
    """What a page says.

    Attributes:
        title: Heading of the page.
        simulated: What was simulated, in sentences.
        numbers: Key numbers.
        figures: Pictures in their order.
        movies: Runs to be shown in 3D, side by side at equal times.
        definitions: Term and meaning of every quantity shown.
        limits: What the results do not say.
        summary: Sentences below the heading: the result.
        settings: The configuration as text.
        provenance: Further facts on potential and run, name and value.
    """

    title: str
    simulated: str
    numbers: Table
    figures: Sequence[Figure]
    movies: Sequence[Movie]
    definitions: Sequence[tuple[str, str]]
    limits: Sequence[str]
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
    folder = files("limlff.report")
    page = Template((folder / "page.html").read_text(encoding="utf-8"))
    # "</" must not occur inside a script element, so that no text can end it.
    movies = json.dumps([pack(movie) for movie in report.movies]).replace("</", "<\\/")
    text = page.substitute(
        title=escape(report.title),
        summary=escape(report.summary),
        simulated=escape(report.simulated),
        numbers=_table(report.numbers),
        figures="\n".join(_figure(figure) for figure in report.figures),
        definitions=_definitions(report.definitions),
        limits="\n".join(f"<li>{escape(limit)}</li>" for limit in report.limits),
        settings=escape(report.settings),
        provenance=_definitions([*report.provenance, ("Software", _listed(versions()))]),
        viewer_hidden="" if report.movies else "hidden",
        movies=movies,
        style=(folder / "page.css").read_text(encoding="utf-8"),
        script="\n".join(
            (folder / name).read_text(encoding="utf-8") for name in ("shaders.js", "viewer.js")
        ),
    )
    write_text_whole(path, text)
    return path


def versions() -> dict[str, str]:
    """Versions of the software that a result depends on."""
    names = ("limlff", "jax", "numpy", "scipy", "ase")
    return {**{name: version(name) for name in names}, "python": platform.python_version()}


def _listed(numbers: dict[str, str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in numbers.items())


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in table.columns)
    body = "\n".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in table.rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _figure(figure: Figure) -> str:
    data = base64.b64encode(figure.path.read_bytes()).decode("ascii")
    kind = ' class="wide"' if figure.wide else ""
    return (
        f'<figure{kind}><img alt="{escape(figure.title)}: {escape(figure.caption)}" '
        f'src="data:image/png;base64,{data}"><figcaption><b>{escape(figure.title)}.</b> '
        f"{escape(figure.caption)}</figcaption></figure>"
    )


def _definitions(pairs: Sequence[tuple[str, str]]) -> str:
    return "\n".join(f"<dt>{escape(term)}</dt><dd>{escape(text)}</dd>" for term, text in pairs)
