import base64

import numpy as np
import pytest

from limlff.report.movie import AtomClasses, Movie, MovieFrame, pack, quantised

SHEARED = np.array([[12.0, 0.0, 0.0], [1.5, 13.0, 0.0], [-1.0, 2.0, 11.0]])


def frame(rng, atoms, time=0.0):
    return MovieFrame(
        time_ps=time,
        positions=rng.uniform(-40, 40, (atoms, 3)),
        cell=SHEARED,
        kinds=rng.integers(0, 3, atoms),
        hollow=rng.uniform(0, 5, (4, 3)),
        note="4 atoms missing",
    )


def decoded(text, dtype):
    return np.frombuffer(base64.b64decode(text), dtype)


def test_positions_survive_to_a_thousandth_of_an_angstrom():
    rng = np.random.default_rng(0)
    shown = frame(rng, 50)
    packed = pack(
        Movie("run", AtomClasses(("a", "b", "c"), ("#000000",) * 3), ("Li",) * 50, [shown])
    )
    fractions = decoded(packed["frames"][0]["atoms"], "<u2").reshape(-1, 3) / 65536
    difference = (fractions @ SHEARED - shown.positions) @ np.linalg.inv(SHEARED)
    difference -= np.round(difference)  # the viewer shows the image inside the cell
    assert np.abs(difference @ SHEARED).max() < 1e-3
    np.testing.assert_array_equal(decoded(packed["frames"][0]["kinds"], "<u1"), shown.kinds)
    assert packed["frames"][0]["cell"] == pytest.approx(SHEARED.ravel().tolist())


def test_a_position_that_rounds_to_the_far_face_is_shown_at_the_near_one():
    assert quantised(np.array([[12.0 - 1e-9, 0.0, 0.0]]), SHEARED).tolist() == [[0, 0, 0]]


def test_elements_of_atoms_refer_to_the_list_of_elements():
    rng = np.random.default_rng(1)
    packed = pack(
        Movie("run", AtomClasses(("a",), ("#123456",)), ("Li", "Cu", "Li"), [frame(rng, 3)])
    )
    names = [packed["elements"][i] for i in decoded(packed["elementOfAtom"], "<u1")]
    assert names == ["Li", "Cu", "Li"]
    assert len(packed["elementColors"]) == 2
    assert all(len(color) == 7 and color[0] == "#" for color in packed["elementColors"])


def test_frames_may_hold_more_and_more_atoms():
    rng = np.random.default_rng(2)
    frames = [frame(rng, atoms, atoms) for atoms in (3, 5)]
    packed = pack(Movie("run", AtomClasses(("a",) * 3, ("#000000",) * 3), ("Li",) * 5, frames))
    assert [len(decoded(f["kinds"], "<u1")) for f in packed["frames"]] == [3, 5]
