"""Checkpoints of a training: whole or not there, two are kept, a damaged one is passed over."""

from __future__ import annotations

import zipfile
from dataclasses import asdict

import numpy as np
import pytest

from limlff.errors import InputError
from limlff.npy import array_to_bytes
from limlff.training.checkpoint import find_checkpoints, load_checkpoint, save_checkpoint
from limlff.training.progress import Progress

LIKE = {"state": {"a": np.zeros((2, 3), np.float32), "step": np.zeros((), np.int32)}}


def arrays_of(step):
    return {
        "state": {
            "a": np.random.default_rng(step).normal(size=(2, 3)).astype(np.float32),
            "step": np.array(step, np.int32),
        }
    }


def test_the_last_two_are_kept_and_the_latest_comes_back_bit_for_bit(tmp_path):
    for step in (1, 2, 10):
        save_checkpoint(tmp_path, step, arrays_of(step), {"score": 0.1 + 0.2 * step})
    assert len(find_checkpoints(tmp_path)) == len(list(tmp_path.iterdir())) == 2
    arrays, header = load_checkpoint(tmp_path, LIKE)
    np.testing.assert_array_equal(arrays["state"]["a"], arrays_of(10)["state"]["a"])
    assert arrays["state"]["a"].dtype == np.float32 and arrays["state"]["step"] == 10
    assert header["score"] == 0.1 + 0.2 * 10


def test_damaged_checkpoints_are_passed_over(tmp_path):
    for step in (1, 2):
        save_checkpoint(tmp_path, step, arrays_of(step), {})
    latest, before = find_checkpoints(tmp_path)
    content = bytearray(latest.read_bytes())
    latest.write_bytes(content[: len(content) // 2])
    assert load_checkpoint(tmp_path, LIKE)[0]["state"]["step"] == 1
    content[content.index(b"NUMPY") + 140] ^= 1  # within the data of the first array
    latest.write_bytes(content)
    assert load_checkpoint(tmp_path, LIKE)[0]["state"]["step"] == 1
    before.write_bytes(b"")
    with pytest.raises(InputError, match="checkpoints are damaged"):
        load_checkpoint(tmp_path, LIKE)


def test_folder_without_checkpoint_and_other_shapes_are_refused(tmp_path):
    with pytest.raises(InputError, match="no checkpoint"):
        load_checkpoint(tmp_path, LIKE)
    save_checkpoint(tmp_path, 1, {"state": {"a": np.zeros((2, 4), np.float32)}}, {})
    with pytest.raises(InputError, match=r"float32\[2, 4\].* asks for float32\[2, 3\]"):
        load_checkpoint(tmp_path, LIKE)


def test_failed_write_leaves_the_last_checkpoint_alone(tmp_path, monkeypatch):
    save_checkpoint(tmp_path, 1, arrays_of(1), {})

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="No space"):
        save_checkpoint(tmp_path, 2, arrays_of(2), {})
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-000000001.npz"]


def members_of(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(path, changes, compression=zipfile.ZIP_STORED):
    members = {**members_of(path), **changes}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def header_of(text):
    return array_to_bytes(np.array(text))


@pytest.mark.parametrize(
    "changes",
    [
        {"header.npy": header_of("[" * 50_000 + "]" * 50_000)},
        {"header.npy": header_of("[]")},
        {"header.npy": header_of("{}")},
        {"header.npy": header_of('{"version": "1"}')},
        {"header.npy": header_of('{"version": 1, "version": 1}')},
        {"header.npy": array_to_bytes(np.zeros(3))},
        {"['state']['a'].npy": b"\x93NUMPY\x01\x00\x76\x00" + b"(" * 118},
        {
            "['state']['a'].npy": array_to_bytes(np.zeros((2, 3), np.float32)).replace(
                b"(2, 3), }                       ", b"(2, 300000000000000), }         "
            )
        },
    ],
)
def test_checkpoint_made_to_do_harm_is_passed_over(tmp_path, changes):
    """No evaluated header, no memory that its arrays only claim."""
    for step in (1, 2):
        save_checkpoint(tmp_path, step, arrays_of(step), {})
    latest = find_checkpoints(tmp_path)[0]
    assert members_of(latest).keys() >= changes.keys()
    rewrite(latest, changes)
    assert load_checkpoint(tmp_path, LIKE)[0]["state"]["step"] == 1


def test_compressed_checkpoint_is_passed_over_and_a_newer_one_refused(tmp_path):
    for step in (1, 2):
        save_checkpoint(tmp_path, step, arrays_of(step), {})
    latest = find_checkpoints(tmp_path)[0]
    rewrite(latest, {}, zipfile.ZIP_DEFLATED)
    assert load_checkpoint(tmp_path, LIKE)[0]["state"]["step"] == 1
    rewrite(latest, {"header.npy": header_of('{"version": 99}')})
    with pytest.raises(InputError, match="newer limlff"):
        load_checkpoint(tmp_path, LIKE)


@pytest.mark.parametrize(
    "change",
    [{"epoch": -1}, {"epoch": "3"}, {"sums": 5}, {"history": {}}, {"best_score": []}, {"more": 1}],
)
def test_progress_of_another_kind_is_refused(change):
    whole = asdict(Progress())
    assert Progress.restored(whole) == Progress()
    with pytest.raises(InputError, match="checkpoint"):
        Progress.restored({**whole, **change})
    with pytest.raises(InputError, match="checkpoint"):
        Progress.restored(None)
