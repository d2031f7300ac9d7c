"""JSON, array files and stores that are damaged or made to harm: one line, at once."""

from __future__ import annotations

import json
import os

import h5py
import numpy as np
import pytest
from refusals import refusal

from limlff.frames.read import read_frames
from limlff.frames.store import write_store


@pytest.mark.parametrize(
    "change",
    [
        {"energy": "-3.8"}, {"energy": True}, {"energy": [1]}, {"energy": 10**400},
        {"forces": [[1, 2, 3, 4]] * 2}, {"forces": "x"}, {"forces": [[1, 2, 3], [1]]},
        {"virial_stress": 3}, {"virial_stress": [None] * 6},
    ],
)  # fmt: skip
def test_mlearn_json_of_the_wrong_kinds(tmp_path, change):
    site = {"species": [{"element": "Li", "occu": 1}]}
    entry = {
        "structure": {
            "lattice": {"matrix": [[3.4, 0, 0], [0, 3.4, 0], [0, 0, 3.4]]},
            "sites": [{**site, "abc": [0, 0, 0]}, {**site, "abc": [0.5, 0.5, 0.5]}],
        },
        "outputs": {"energy": -3.8, "forces": [[0, 0, 0]] * 2},
    }
    path = tmp_path / "a.json"
    path.write_text(json.dumps([entry]))
    assert read_frames(path)[0].energy == -3.8
    entry["outputs"].update(change)
    path.write_text(json.dumps([entry]))
    assert "a.json, frame 0" in refusal(path)
    entry["structure"]["sites"][0]["species"] = [{"element": ["Li"]}]
    path.write_text(json.dumps([entry]))
    assert "is no element" in refusal(path)


def test_mlearn_json_nested_ten_thousand_deep(tmp_path):
    (tmp_path / "a.json").write_text('[{"structure":' * 10_000)
    assert "nested too deep" in refusal(tmp_path / "a.json")


def header_of(shape: tuple[int, ...], kind: str = "<f8") -> bytes:
    """The beginning of an array file that claims a shape and holds nothing of it."""
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    return b"\x93NUMPY\x01\x00v\x00" + text.ljust(117).encode() + b"\n"


@pytest.mark.parametrize(
    "name, content",
    [
        ("box", np.zeros(9)),
        ("coord", np.array(3.0)),
        ("coord", np.zeros((2, 6), complex)),
        ("coord", np.zeros((2, 6), bool)),
        ("energy", np.zeros(2, "M8[s]")),
        ("energy", np.array(["-3.8", "-3.8"])),
        ("energy", header_of((10**14,))),
        ("energy", header_of((2,), "|O")),
        ("force", np.zeros((2, 6), [("a", "f8"), ("b", "f8")])),
        ("real_atom_types", np.full((2, 2), 0.5)),
        ("real_atom_types", np.full((2, 2), 7)),
    ],
)
def test_deepmd_arrays_of_the_wrong_kind_or_size(tmp_path, name, content):
    folder = tmp_path / "system" / "set.000"
    folder.mkdir(parents=True)
    (folder.parent / "type.raw").write_text("0\n0\n")
    (folder.parent / "type_map.raw").write_text("Li\n")
    np.save(folder / "coord.npy", [[0, 0, 0, 1.7, 1.7, 1.7]] * 2)
    np.save(folder / "box.npy", [np.eye(3).ravel() * 3.4] * 2)
    np.save(folder / "energy.npy", [-3.8, -3.8])
    assert len(read_frames(tmp_path / "system")) == 2
    if isinstance(content, bytes):
        (folder / f"{name}.npy").write_bytes(content)
    else:
        np.save(folder / f"{name}.npy", content)
    assert f"{name}.npy" in refusal(tmp_path / "system")


def test_deepmd_links_to_nowhere_and_pipes(tmp_path):
    folder = tmp_path / "system" / "set.000"
    folder.mkdir(parents=True)
    (folder.parent / "type.raw").write_text("0\n")
    (folder.parent / "type_map.raw").write_text("Li\n")
    np.save(folder / "coord.npy", [[0, 0, 0]])
    np.save(folder / "box.npy", [np.eye(3).ravel() * 3.4])
    (folder / "energy.npy").symlink_to("energy.npy")
    refusal(tmp_path / "system")
    (folder / "energy.npy").unlink()
    os.mkfifo(folder / "energy.npy")
    assert "pipe" in refusal(tmp_path / "system")


STORE_ARRAYS = ["numbers", "positions", "energy", "group", "offsets"]


@pytest.mark.parametrize("name", STORE_ARRAYS)
def test_store_that_points_elsewhere_or_claims_what_is_not_there(tmp_path, pair, name):
    os.mkfifo(tmp_path / "pipe")
    written = tmp_path / "whole.h5"
    write_store(pair, written)
    replacements = [
        h5py.SoftLink(f"/{name}"), h5py.ExternalLink(str(tmp_path / "pipe"), "/x"),
        h5py.ExternalLink(str(written), f"/{name}"), np.zeros((2, 7)), np.zeros(4, complex),
        np.array(3), h5py.Empty("f8"), "group", "terabytes", "elsewhere",
    ]  # fmt: skip
    for content in replacements:
        path = tmp_path / "a.h5"
        path.write_bytes(written.read_bytes())
        with h5py.File(path, "r+") as file:
            del file[name]
            if isinstance(content, str) and content == "group":
                file.create_group(name)
            elif isinstance(content, str) and content == "terabytes":
                file.create_dataset(name, (10**12,), "f8", chunks=(1000,))
            elif isinstance(content, str):
                file.create_dataset(name, (4,), "f8", external=[("/dev/zero", 0, 32)])
            elif isinstance(content, h5py.Empty):
                file.create_dataset(name, data=content)
            else:
                file[name] = content
        assert name in refusal(path)


@pytest.mark.parametrize("attribute", ["format", "version", "elements", "digest"])
def test_store_with_attributes_of_other_kinds(tmp_path, pair, attribute):
    path = tmp_path / "a.h5"
    for value in (np.zeros(3), 3.5, h5py.Empty("f8"), 10**18):
        write_store(pair, path)
        with h5py.File(path, "r+") as file:
            file.attrs[attribute] = value
        if attribute != "elements" or not isinstance(value, np.ndarray):
            refusal(path)
