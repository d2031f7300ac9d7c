"""Damaged collections of text, through which HDF5 would go round without end."""

from __future__ import annotations

import io

import h5py
import numpy as np
import pytest

from limlff.errors import InputError
from limlff.exchange.deepmd_file import read_tree
from limlff.frames.frame import Frame
from limlff.frames.read import read_frames
from limlff.frames.store import write_store
from limlff.hdf5_heaps import check_global_heaps
from limlff.md.output.single_writer import open_for_reading


@pytest.fixture
def store(tmp_path):
    places = np.array([[0, 0, 0], [1.7, 1.7, 1.7]])
    frame = Frame(np.array([3, 3]), places, np.eye(3) * 3.4, np.ones(3, bool), -3.8, places)
    write_store([frame] * 4, tmp_path / "a.h5")
    return tmp_path / "a.h5"


def with_free_space_of_length(content: bytes, length: int) -> bytes:
    """The same with the length of the first free space replaced; HDF5 loops where it is zero."""
    place = content.index(b"GCOL") + 16
    while int.from_bytes(content[place : place + 2], "little"):
        place += 16 + -(-int.from_bytes(content[place + 8 : place + 16], "little") // 8) * 8
    return content[: place + 8] + length.to_bytes(8, "little") + content[place + 16 :]


def test_whole_files_pass(store):
    content = store.read_bytes()
    check_global_heaps(content)
    check_global_heaps(b"")
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        for name in range(300):  # many collections, full ones and ones with space left
            file.attrs[f"{name}"] = "lithium" * (name % 40)
        for name in range(0, 300, 3):
            del file.attrs[f"{name}"]
    assert memory.getvalue().count(b"GCOL") > 10
    check_global_heaps(memory.getvalue())


@pytest.mark.parametrize("length", [0, 8, 2**64 - 8])
def test_collection_that_leads_nowhere_is_refused_before_hdf5_reads_it(store, length, monkeypatch):
    damaged = with_free_space_of_length(store.read_bytes(), length)
    with pytest.raises(OSError, match="leads nowhere"):
        check_global_heaps(damaged)

    def opened(*_, **__):
        raise AssertionError("HDF5 was given the file")

    monkeypatch.setattr(h5py, "File", opened)
    for name in ("a.h5", "a.dp"):
        store.with_name(name).write_bytes(damaged)
    with pytest.raises(InputError, match=r"a\.h5: .*leads nowhere"):
        read_frames(store)
    with pytest.raises(InputError, match=r"a\.dp: .*leads nowhere"):
        read_tree(store.with_name("a.dp"))
    with pytest.raises(OSError, match="leads nowhere"):
        open_for_reading(store)


def test_text_that_looks_like_a_collection_is_none(tmp_path):
    """Neither a name in the data, nor one with a length that fits into no file."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = np.frombuffer(b"GCOL" + b"\1" + bytes(11) + b"GCOL" + b"\xff" * 5000, np.uint8)
    check_global_heaps((tmp_path / "a.h5").read_bytes())
