"""Draw the floors of limlff with all imports between its packages, as floors.svg beside this file.

    python docs/architecture/draw_floors.py

A row is a package, from the top floor to the ground; a mark in it says that files of it import the
package of that column. Columns are in the order of the rows, so that imports which run downwards
are marks on the right of the diagonal.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

from import_graph import Floors, imports_between_files, imports_between_packages, read_floors

PICTURE = Path(__file__).with_name("floors.svg")
ROW, COLUMN, TOP = 24, 24, 112  # pixels
NAMES, SENTENCES, MARKS = 16, 128, 424  # where they begin
INK, SOFT, BAND, MARK, WRONG = "#1f2933", "#52606d", "#f0f4f8", "#2f6f9f", "#c0392b"
STYLE = (
    f"text {{ font: 13px sans-serif; fill: {INK} }}"
    f" .name {{ font-weight: bold }} .says {{ fill: {SOFT} }}"
)


def picture() -> str:
    """The picture as SVG."""
    floors = read_floors()
    graph = imports_between_files()
    present = {floors.package_of(file) for file in graph}
    packages = [name for floor in floors.packages for name in floor if name in present]
    pairs = imports_between_packages(graph, floors).keys()
    width, height = MARKS + COLUMN * len(packages) + 16, TOP + ROW * len(packages) + 16
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        f' width="{width}" height="{height}" role="img">',
        "<title>Packages of limlff by floors, and which imports which</title>",
        f"<style>{STYLE}</style>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
        *_bands(packages, floors, width),
        *(line for row, name in enumerate(packages) for line in _row(row, name, floors)),
        *_diagonal(len(packages)),
        *(
            _mark(packages.index(one), packages.index(two), floors, one, two)
            for one, two in sorted(pairs)
        ),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _bands(packages: list[str], floors: Floors, width: int) -> list[str]:
    """Every other floor is shaded, so that packages of one floor are seen to be on one."""
    present = sorted({floors.floor_of(name) for name in packages})
    return [
        f'<rect x="0" y="{TOP + ROW * row}" width="{width}" height="{ROW}" fill="{BAND}"/>'
        for row, name in enumerate(packages)
        if present.index(floors.floor_of(name)) % 2 == 0
    ]


def _row(row: int, name: str, floors: Floors) -> list[str]:
    """Name and sentence of a package, and its name again over its column."""
    y, x = TOP + ROW * row + 16, MARKS + COLUMN * row + 16
    return [
        f'<text class="name" x="{NAMES}" y="{y}">{escape(name)}</text>',
        f'<text class="says" x="{SENTENCES}" y="{y}">{escape(floors.says[name])}</text>',
        f'<text transform="translate({x} {TOP - 8}) rotate(-60)">{escape(name)}</text>',
    ]


def _diagonal(count: int) -> list[str]:
    """A dot where a package meets itself."""
    return [
        f'<circle cx="{MARKS + COLUMN * i + 12}" cy="{TOP + ROW * i + 12}" r="2" fill="{SOFT}"/>'
        for i in range(count)
    ]


def _mark(row: int, column: int, floors: Floors, importer: str, imported: str) -> str:
    """A square where one package imports another, red where it must not."""
    colour = MARK if floors.allow(importer, imported) else WRONG
    return (
        f'<rect x="{MARKS + COLUMN * column + 5}" y="{TOP + ROW * row + 5}" width="14" height="14"'
        f' rx="3" fill="{colour}"><title>{importer} imports {imported}</title></rect>'
    )


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
