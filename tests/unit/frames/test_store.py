"""HDF5 store: nothing is lost, nothing is invented, damage is seen."""

from __future__ import annotations

import resource

import h5py
import numpy as np
import pytest

from limlff.errors import InputError
from limlff.frames.digest import frames_digest
from limlff.frames.read import read_source
from limlff.frames.store import FrameStore, write_store


@pytest.fixture
def store_file(tmp_path, random_frames):
    file = tmp_path / "frames.h5"
    write_store(random_frames, file)
    return file


def test_frames_come_back_bit_by_bit(store_file, random_frames, assert_same_frame):
    with FrameStore(store_file) as store:
        assert len(store) == 4 and store.elements == ["Cu", "Li"]
        assert store.digest == frames_digest(random_frames)
        for index in range(-4, 4):
            assert_same_frame(random_frames[index], store[index])
            assert store[index].origin == random_frames[index].origin
        for frame, copy in zip(random_frames[1:3], store[1:3], strict=True):
            assert_same_frame(frame, copy)
        assert [frame.group for frame in store[::2]] == ["bulk", 'a "quoted" name']
        with pytest.raises(IndexError):
            store[4]


def test_a_set_longer_than_a_block_is_read_in_order(tmp_path, lithium):
    many = lithium * 3  # 723 frames, some blocks
    write_store(many, tmp_path / "many.h5")
    with FrameStore(tmp_path / "many.h5") as store:
        assert frames_digest(store) == frames_digest(many)
        assert store[500].energy == many[500].energy
        assert [len(frame) for frame in store[250:260]] == [len(frame) for frame in many[250:260]]


def test_presence_of_labels_is_said_by_the_mask(store_file, random_frames):
    """A label that is there and NaN stays there, so that the checks can refuse it."""
    with h5py.File(store_file) as file:
        for label in ("energy", "forces", "stress"):
            expected = [getattr(frame, label) is not None for frame in random_frames]
            assert file[f"has_{label}"][:].tolist() == expected
    source = read_source(store_file)
    assert source.label_keys == {
        "energy": {"energy": 3}, "forces": {"forces": 3}, "stress": {"stress": 1}
    }  # fmt: skip


def test_a_changed_value_is_seen_when_the_store_is_opened(store_file):
    with h5py.File(store_file, "r+") as file:
        file["forces"][2, 1] += 1e-12
    with pytest.raises(InputError, match="damaged"):
        FrameStore(store_file)
    with FrameStore(store_file, verify=False) as store:
        assert len(store) == 4


def test_a_mask_that_was_changed_is_seen(store_file):
    with h5py.File(store_file, "r+") as file:
        file["has_stress"][1] = True
    with pytest.raises(InputError, match="damaged"):
        FrameStore(store_file)


def test_foreign_newer_and_broken_files_are_refused(tmp_path, store_file):
    with h5py.File(tmp_path / "foreign.h5", "w") as file:
        file["x"] = np.zeros(3)
    with pytest.raises(InputError, match="not 'limlff-frames'"):
        FrameStore(tmp_path / "foreign.h5")
    (tmp_path / "broken.h5").write_bytes(store_file.read_bytes()[:3000])
    with pytest.raises(InputError, match=r"broken\.h5"):
        FrameStore(tmp_path / "broken.h5")
    with h5py.File(store_file, "r+") as file:
        file.attrs["version"] = 99
    with pytest.raises(InputError, match="version 99"):
        FrameStore(store_file)
    with pytest.raises(InputError, match="no such file"):
        FrameStore(tmp_path / "missing.h5")


def test_a_failed_write_leaves_the_old_store(store_file, random_frames):
    before = store_file.read_bytes()
    spoiled = [*random_frames, object()]
    with pytest.raises(TypeError):
        write_store(spoiled, store_file)  # type: ignore[list-item]
    assert store_file.read_bytes() == before
    assert [file.name for file in store_file.parent.iterdir()] == ["frames.h5"]


def test_a_full_disk_is_an_error_and_leaves_the_old_store(tmp_path, random_frames):
    """HDF5 would end the process with a segmentation fault."""
    file = tmp_path / "many.h5"
    write_store(random_frames, file)
    before = file.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        for limit in (1, 1000, 20_000, 200_000):
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
            with pytest.raises(OSError, match="File too large"):
                write_store(random_frames * 500, file)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert file.read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_digest_depends_on_every_part_of_a_frame_and_on_the_order(random_frames):
    from dataclasses import replace

    frame = random_frames[0]
    changed = [
        replace(frame, positions=frame.positions + 1e-12),
        replace(frame, numbers=frame.numbers[::-1]),
        replace(frame, cell=frame.cell * 1.0000001),
        replace(frame, periodic=~frame.periodic),
        replace(frame, energy=frame.energy + 1e-12),
        replace(frame, energy=None),
        replace(frame, forces=None),
        replace(frame, stress=-frame.stress),
        replace(frame, group="other"),
    ]
    digests = {frames_digest([other]) for other in [frame, *changed]}
    assert len(digests) == len(changed) + 1
    assert frames_digest(random_frames) != frames_digest(random_frames[::-1])
    moved = replace(frame, origin="elsewhere, frame 7")
    assert frames_digest([moved]) == frames_digest([frame])
