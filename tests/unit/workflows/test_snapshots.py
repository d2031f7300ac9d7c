"""Slices show the right atoms from the right side, and pictures have the shape of the cell."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.image import imread

from limlff.report.page import Figure
from limlff.workflows.scene import ORDER_CLASSES
from limlff.workflows.snapshots import Panel, draw_snapshots, slice_about

CELL = np.diag([10.0, 12.0, 40.0])
CORNERS = np.array([[1.0, 6.0, 20.0], [9.0, 6.0, 20.0], [5.0, 1.0, 20.0], [5.0, 6.0, 38.0]])
"""One atom at low x, one at high x, one at low y, one at high z; all others in the middle."""


@pytest.mark.parametrize(
    ("along", "atoms", "places", "extent"),
    [
        ("x", [3, 2], [[0, 18], [-5, 0]], (12.0, 40.0)),
        ("y", [1, 3, 0], [[4, 0], [0, 18], [-4, 0]], (10.0, 40.0)),
        ("z", [0, 1, 2], [[-4, 0], [4, 0], [0, -5]], (10.0, 12.0)),
    ],
)
def test_each_axis_shows_its_slice_with_z_upwards_in_cross_sections(along, atoms, places, extent):
    seen = slice_about(CORNERS, CELL, np.full(3, 0.5), 1.0, along)
    order = np.argsort(seen.atoms)
    assert sorted(seen.atoms) == sorted(atoms)
    expected = [place for _, place in sorted(zip(atoms, places, strict=True))]
    np.testing.assert_allclose(seen.places[order], expected, atol=1e-12)
    assert seen.extent == extent


@pytest.mark.parametrize(("along", "nearest"), [("x", 0), ("y", 1), ("z", 0)])
def test_the_atom_nearest_to_the_viewer_is_drawn_last(along, nearest):
    """Right, up and towards the viewer are right-handed: +x, -y and +z are towards the viewer."""
    axis = "xyz".index(along)
    positions = np.full((2, 3), 5.0)
    positions[0, axis] += 0.5
    seen = slice_about(positions, CELL, 5.0 / np.diag(CELL), 1.0, along)
    assert seen.atoms[-1] == nearest


def test_a_slice_crosses_the_faces_of_the_cell():
    seen = slice_about(CORNERS, CELL, np.array([0.0, 0.5, 0.5]), 2.0, "x")
    assert sorted(seen.atoms) == [0, 1]


def test_the_picture_of_a_tall_cell_is_tall(tmp_path):
    shapes = {}
    for along in ("y", "z"):
        seen = slice_about(CORNERS, CELL, np.full(3, 0.5), 6.0, along)
        target = Figure(tmp_path / f"{along}.png", "Film", "From the side or from above.")
        panel = Panel(seen, np.zeros(len(seen.atoms), int), "0 ps")
        draw_snapshots(target, [[panel, panel], [panel]], ORDER_CLASSES)
        shapes[along] = imread(target.path).shape[:2]
    assert shapes["y"][1] == shapes["z"][1]
    assert shapes["y"][0] > 3 * shapes["z"][0]
