"""Files of frames with damaged bytes, odd words, arrays of any kind: right, or refused by name."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from damages import FUZZ, damages
from hypothesis import example, given
from hypothesis import strategies as st

from limlff.errors import InputError
from limlff.frames.digest import frames_digest
from limlff.frames.frame import Frame
from limlff.frames.read import read_frames
from limlff.frames.store import write_store

WORDS = st.sampled_from(
    ["nan", "inf", "-1", "0", "200", "3.7", "1e300", "-1e400", "9" * 400, "1_0", "1+2j",
     "2020-01-01",
     "", "T", "é", "²", "\0", "a" * 9000, '"', "'", "[", "{", "=", "a=[", "\n", "\x85",
     "REF_energy=1"]
) | st.text(max_size=5)  # fmt: skip
"""What stands in text files where it should not: extremes, other kinds, signs of the format."""

VALUES_OF_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.sampled_from(["x", "-3.8", "Li", "X"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "element"]), inner)
    ),
    max_leaves=5,
)
EXTENDED = [
    "2", "\n", 'Lattice="', "3.4", " ", "0", " 0 ", "0", " 3.4 0 0 0 3.4", '" ', "Properties=",
    "species", ":", "S", ":", "1", ":pos:", "R", ":", "3", ":forces:R:3 ", "energy=", "-3.8",
    ' pbc="',
    "T", ' T T" ', 'virial="', "0", ' 0 0 0 0 0 0 0 0"', "\n", "Li", " 0 0 ", "0", " 0 0 0", "\n",
    "Li 1.7 1.7 1.7 0 0 ", "0", "\n",
]  # fmt: skip
"""A frame of extended XYZ in pieces, each of which may become something else."""


def frames_are_right_or_refused(path: Path) -> None:
    """What is read has energies, elements, and places that can be; the rest is refused by name."""
    try:
        frames = read_frames(path)
    except InputError as error:
        assert "\n" not in str(error) and len(str(error)) < 1000
        return
    for frame in frames:
        assert set(frame.numbers.tolist()) <= set(range(1, 119))
        assert np.isfinite(frame.positions).all() and np.abs(frame.positions).max() <= 1e6
        assert frame.forces is None or frame.forces.shape == frame.positions.shape
        assert frame.energy is None or type(frame.energy) is float


@FUZZ
@given(changes=st.dictionaries(st.integers(0, len(EXTENDED) - 1), WORDS, max_size=3))
@example(changes={6: "nan"})
@example(changes={11: "Z", 13: "R", 30: "200"})
@example(changes={13: "R", 30: "3"})
def test_any_words_in_extended_xyz(tmp_path, changes):
    words = [changes.get(place, word) for place, word in enumerate(EXTENDED)]
    (tmp_path / "a.extxyz").write_text("".join(words), encoding="utf-8")
    frames_are_right_or_refused(tmp_path / "a.extxyz")


@FUZZ
@given(where=st.integers(0, 10), value=VALUES_OF_JSON)
def test_any_values_in_mlearn_json(tmp_path, where, value):
    site: dict[str, Any] = {"species": [{"element": "Li", "occu": 1}], "abc": [0, 0, 0]}
    structure: dict[str, Any] = {
        "lattice": {"matrix": [[3.4, 0, 0], [0, 3.4, 0], [0, 0, 3.4]]},
        "sites": [site],
    }
    outputs: dict[str, Any] = {
        "energy": -1.9, "forces": [[0.0, 0.0, 0.0]], "virial_stress": [0.0] * 6
    }  # fmt: skip
    entry: dict[str, Any] = {"structure": structure, "outputs": outputs, "group": "g"}
    places: list[tuple[Any, Any]] = [
        (entry, "structure"), (entry, "outputs"), (entry, "group"), (structure, "lattice"),
        (structure, "sites"), (structure["lattice"], "matrix"), (site, "species"), (site, "abc"),
        (outputs, "energy"), (outputs, "forces"), (outputs, "virial_stress"),
    ]  # fmt: skip
    holder, key = places[where]
    holder[key] = value
    (tmp_path / "a.json").write_text(json.dumps([entry]))
    frames_are_right_or_refused(tmp_path / "a.json")


KINDS = ["f8", "f2", ">f4", "i8", "u8", "?", "c16", "M8[s]", "m8[s]", "U3", "S3", "O", "f8,i4"]


@FUZZ
@given(
    name=st.sampled_from(["coord", "box", "energy", "force", "virial", "real_atom_types"]),
    shape=st.lists(st.sampled_from([0, 1, 2, 3, 6, 9]), max_size=3),
    kind=st.sampled_from(KINDS),
    fill=st.sampled_from([0, 1, -1, 3.7, math.nan, math.inf, 1e300]),
)
def test_any_arrays_in_deepmd_folders(tmp_path, name, shape, kind, fill):
    folder = tmp_path / "system" / "set.000"
    folder.mkdir(parents=True, exist_ok=True)
    (folder.parent / "type.raw").write_text("0\n0\n")
    (folder.parent / "type_map.raw").write_text("Li\n")
    for file in folder.iterdir():
        file.unlink()
    np.save(folder / "coord.npy", [[0, 0, 0, 1.7, 1.7, 1.7]] * 2)
    np.save(folder / "box.npy", [np.eye(3).ravel() * 3.4] * 2)
    array = np.zeros(shape, kind)
    if array.dtype.kind in "fc":
        array[...] = fill
    np.save(folder / f"{name}.npy", array)
    frames_are_right_or_refused(tmp_path / "system")


@pytest.fixture(scope="module")
def store_file(tmp_path_factory) -> Path:
    places = np.array([[0, 0, 0], [1.7, 1.7, 1.7]])
    frame = Frame(np.array([3, 3]), places, np.eye(3) * 3.4, np.ones(3, bool), -3.8, places)
    path = tmp_path_factory.mktemp("store") / "a.h5"
    write_store([frame] * 4, path)
    return path


@FUZZ
@given(damage=damages())
def test_damaged_store_is_refused_or_the_same(tmp_path, store_file, damage):
    path = tmp_path / "a.h5"
    path.write_bytes(damage(store_file.read_bytes()))
    try:
        found = read_frames(path)
    except InputError as error:
        assert "a.h5" in str(error) and "\n" not in str(error)
    else:
        assert frames_digest(found) == frames_digest(read_frames(store_file))
