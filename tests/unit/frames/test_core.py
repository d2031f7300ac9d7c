"""The core of a cell that was cut out: in files of all kinds, in the digest, refused if wrong."""

from __future__ import annotations

from dataclasses import replace

import ase.io
import h5py
import numpy as np
import pytest

from limlff.errors import InputError
from limlff.frames.checks import check_frames
from limlff.frames.digest import frames_digest
from limlff.frames.extxyz import write_extxyz
from limlff.frames.limits import check_geometry
from limlff.frames.read import read_frames, read_source
from limlff.frames.remarks import read_and_tell
from limlff.frames.store import write_store


@pytest.fixture
def frames(random_frames):
    """One frame with a core and forces, one with a core alone, two without."""
    cores = [[True, False, True, True, False], None, None, [False] * 6 + [True]]
    return [
        replace(frame, core=None if core is None else np.array(core))
        for frame, core in zip(random_frames, cores, strict=True)
    ]


def assert_same_cores(frames, others):
    for frame, other in zip(frames, others, strict=True):
        assert (frame.core is None) == (other.core is None)
        assert np.array_equal(frame.is_core, other.is_core) and other.is_core.dtype == bool


@pytest.mark.parametrize("name", ["a.extxyz", "a.h5"])
def test_cores_come_back_with_everything_else(tmp_path, frames, assert_same_frame, name):
    (write_store if name.endswith("h5") else write_extxyz)(frames, tmp_path / name)
    source = read_source(tmp_path / name)
    for frame, other in zip(frames, source.frames, strict=True):
        assert_same_frame(frame, other)
    assert_same_cores(frames, source.frames)
    assert not any("core" in text for text in source.sentences())
    assert frames_digest(source.frames) == frames_digest(frames)


def test_cores_are_those_of_ase_and_go_to_it(tmp_path, frames):
    """A column of logical values, as an array of atoms."""
    write_extxyz(frames, tmp_path / "own.extxyz")
    images = ase.io.read(tmp_path / "own.extxyz", ":")
    for frame, atoms in zip(frames, images, strict=True):
        assert ("core" in atoms.arrays) == (frame.core is not None)
        if frame.core is not None:
            assert np.array_equal(atoms.arrays["core"], frame.core)
    given = [frame.to_atoms() for frame in frames]
    assert_same_cores(frames, read_and_tell(given))
    ase.io.write(tmp_path / "ase.extxyz", given)
    assert_same_cores(frames, read_frames(tmp_path / "ase.extxyz"))


def test_digest_tells_cores_apart_and_is_as_before_without(frames, random_frames, pair):
    frame = frames[0]
    others = [random_frames[0], replace(frame, core=~frame.core), replace(frame, stress=None)]
    assert len({frames_digest([each]) for each in [frame, *others]}) == 4
    as_before = "68ee0ba98a1659c9"
    assert frames_digest(pair).startswith(as_before)


def test_a_store_without_cores_stays_of_version_1(tmp_path, frames, random_frames):
    """So that programs of before read it; with cores they would train on every force."""
    for name, given, version in (("without.h5", random_frames, 1), ("with.h5", frames, 2)):
        write_store(given, tmp_path / name)
        with h5py.File(tmp_path / name) as file:
            assert file.attrs["version"] == version and ("core" in file) == (version == 2)
    with h5py.File(tmp_path / "with.h5", "r+") as file:
        del file["core"]
    with pytest.raises(InputError, match="core is missing"):
        read_frames(tmp_path / "with.h5")


@pytest.mark.parametrize("column, words", [("R:1", "1.5 0.5"), ("I:1", "1 0"), ("S:1", "Li1 Li2")])
def test_a_column_of_another_meaning_is_remarked_and_not_read(tmp_path, column, words):
    rows = [f"Li {2 * i} 0 0 0.1 0 0 {word}" for i, word in enumerate(words.split())]
    path = tmp_path / "a.extxyz"
    properties = f"Properties=species:S:1:pos:R:3:forces:R:3:core:{column}"
    path.write_text("\n".join(["2", properties, *rows]) + "\n")
    source = read_source(path)
    assert source.frames[0].core is None
    assert any("core is not read" in text for text in source.sentences())


def test_cores_that_do_not_fit_are_refused(frames):
    frame = replace(frames[0], core=np.ones(4, bool))
    with pytest.raises(InputError, match=r"core is of bool\[4\]; it must .* of the 5 atoms"):
        check_geometry(frame)
    with pytest.raises(InputError, match="core is of int64"):
        check_geometry(replace(frame, core=np.ones(5, int)))
    with pytest.raises(InputError, match="no atom is in its core"):
        check_frames([replace(frame, core=np.zeros(5, bool))])
