import base64
from dataclasses import replace

import numpy as np
import pytest

from limlff.report.movie import AtomClasses, Movie, MovieFrame, element_classes, pack, quantised

KINDS = AtomClasses("kind", ("a", "b", "c"), ("#000000",) * 3)
SHEARED = np.array([[12.0, 0.0, 0.0], [1.5, 13.0, 0.0], [-1.0, 2.0, 11.0]])


def frame(rng, atoms, time=0.0):
    return MovieFrame(
        time_ps=time,
        positions=rng.uniform(-40, 40, (atoms, 3)),
        cell=SHEARED,
        classes=[rng.integers(0, 3, atoms)],
        points=rng.uniform(0, 5, (4, 3)),
        note="4 atoms missing",
    )


def decoded(text, dtype):
    return np.frombuffer(base64.b64decode(text), dtype)


def test_positions_survive_to_a_thousandth_of_an_angstrom():
    rng = np.random.default_rng(0)
    shown = frame(rng, 50)
    packed = pack(Movie("run", [KINDS], [shown]))
    fractions = decoded(packed["frames"][0]["atoms"], "<u2").reshape(-1, 3) / 65536
    difference = (fractions @ SHEARED - shown.positions) @ np.linalg.inv(SHEARED)
    difference -= np.round(difference)  # the viewer shows the image inside the cell
    assert np.abs(difference @ SHEARED).max() < 1e-3
    kinds = decoded(packed["frames"][0]["classes"][0], "<u1")
    np.testing.assert_array_equal(kinds, shown.classes[0])
    assert packed["frames"][0]["cell"] == pytest.approx(SHEARED.ravel().tolist())


def test_a_position_that_rounds_to_the_far_face_is_shown_at_the_near_one():
    assert quantised(np.array([[12.0 - 1e-9, 0.0, 0.0]]), SHEARED).tolist() == [[0, 0, 0]]


def test_elements_of_atoms_refer_to_the_list_of_elements():
    shown = replace(frame(np.random.default_rng(1), 3), classes=[np.array([1, 0, 1])])
    packed = pack(Movie("run", [element_classes(["Cu", "Li"])], [shown]))
    (coloring,) = packed["colorings"]
    names = [coloring["names"][i] for i in decoded(packed["frames"][0]["classes"][0], "<u1")]
    assert names == ["Li", "Cu", "Li"]
    assert len(coloring["colors"]) == 2
    assert all(len(color) == 7 and color[0] == "#" for color in coloring["colors"])


def test_frames_may_hold_more_and_more_atoms():
    rng = np.random.default_rng(2)
    frames = [frame(rng, atoms, atoms) for atoms in (3, 5)]
    packed = pack(Movie("run", [KINDS], frames))
    assert [len(decoded(f["classes"][0], "<u1")) for f in packed["frames"]] == [3, 5]


def test_classes_that_stay_are_packed_once():
    shown = frame(np.random.default_rng(3), 4)
    changed = replace(shown, classes=[(shown.classes[0] + 1) % 3])
    frames = pack(Movie("run", [KINDS], [shown, shown, changed, shown]))["frames"]
    assert [each["classes"][0] is None for each in frames] == [False, True, False, False]
