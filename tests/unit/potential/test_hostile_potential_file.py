"""Potential files whose parts do not fit together, or were made to do harm: refused in one line."""

from __future__ import annotations

import io
import json
import re
import struct
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import numpy as np
import pytest
from archives import MODEL, npy, refused, write

from limlff.errors import InputError
from limlff.potential import Potential
from limlff.potential_file import load_potential, potential_digest, save_potential


@pytest.fixture(scope="module")
def potential() -> Potential:
    return Potential(MODEL, MODEL.initialize(jax.random.key(0)), np.array([-1.9]), {"notes": ""})


@pytest.fixture(scope="module")
def members(potential, tmp_path_factory) -> dict[str, bytes]:
    path = tmp_path_factory.mktemp("potential") / "whole.limlff"
    save_potential(potential, path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def with_header(text: str | bytes, data: bytes = b"\0" * 64) -> bytes:
    header = text if isinstance(text, bytes) else text.encode()
    header += b" " * (63 - (10 + len(header)) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def described(members: dict[str, bytes], change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """The members with a change of `potential.json`."""
    description = json.loads(members["potential.json"])
    change(description)
    return {**members, "potential.json": json.dumps(description).encode()}


def nan_in(array: np.ndarray) -> np.ndarray:
    changed = np.array(array)
    changed.flat[-1] = np.nan
    return changed


CHANGES = {
    "not a number": (nan_in, "not finite"),
    "infinite": (lambda a: np.full_like(a, np.inf), r"not finite, the first at \(0"),
    "beyond all bounds": (lambda a: np.full_like(a, -2e30), r"holds 2e\+30; the limit is 1e\+30"),
    "a number": (lambda a: np.array(1.0), "shape"),
    "one that would be repeated": (lambda a: np.ones(1), "shape"),
    "the same along an axis": (lambda a: np.ones((*a.shape[:-1], 1)), "shape"),
    "an axis more": (lambda a: a[None], "shape"),
    "transposed": (lambda a: np.ascontiguousarray(a.T), "shape"),
    "transposed in memory": (lambda a: np.asfortranarray(np.ones((3, 3))), "header"),
    "empty": (lambda a: a[:0], "shape"),
    "float32": (lambda a: a.astype(np.float32), "float32"),
    "whole numbers": (lambda a: a.astype(np.int64), "int64"),
    "complex": (lambda a: a.astype(complex), "header"),
    "objects": (lambda a: a.astype(object), "header"),
    "text": (lambda a: a.astype("U8"), "U8"),
    "other order of bytes": (lambda a: a.astype(">f8"), "header"),
}


@pytest.mark.parametrize("kind", CHANGES)
@pytest.mark.parametrize("name", ["linear", "net/layer1/weights", "net/layer0/bias"])
def test_array_that_does_not_fit_the_settings_is_refused(members, tmp_path, name, kind):
    """Broadcasting would give other energies, and compiled code hides a NaN in its tanh."""
    change, message = CHANGES[kind]
    member = f"parameters/{name}.npy"
    array = change(np.load(io.BytesIO(members[member])))
    path = write(tmp_path / "changed.limlff", {**members, member: npy(array)})
    said = refused(path)
    assert name in said and re.search(message, said), said


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["model"].update(cutoff=3.5), "but it says"),
        (lambda d: (d["model"].update(cutoff=3.5), d.update(cutoff=3.5)), "digest"),
        (lambda d: d["model"].update(repulsion=False), "digest"),
        (lambda d: d["model"].update(activation="silu"), "digest"),
        (lambda d: d["model"].update(hidden=[3]), "has no array|asks? for no array"),
        (lambda d: d["model"].update(hidden=[3, 3, 3]), "has no array"),
        (lambda d: d["model"].update(hidden=3), "hidden is 3"),
        (lambda d: d["model"].update(channels=3), "shape"),
        (lambda d: d["model"].update(channels=10**9), "channels is 1000000000"),
        (lambda d: d["model"].update(hidden=[4096] * 16, channels=1024), "parameters"),
        (lambda d: d["model"].update(chanels=2), "chanels"),
        (lambda d: d.update(model=[]), "model"),
        (lambda d: d.update(elements=["Cu"]), "Cu"),
        (lambda d: d.update(elements=3), "3"),
        (lambda d: d["units"].update(energy="kcal/mol"), "kcal/mol"),
        (lambda d: d.update(extra=1), "does not hold"),
        (lambda d: d.pop("card"), "does not hold"),
        (lambda d: d.update(card=[]), "card"),
        (lambda d: d["card"].update(training=5), "training"),
        (lambda d: d["card"].update(notes="\ud800"), "damaged"),
    ],
)
def test_changed_setting_is_refused(members, tmp_path, change, message):
    """With sums made anew and the digest of before, which binds settings and arrays together."""
    path = write(tmp_path / "changed.limlff", described(members, change), digest=True)
    assert re.search(message, refused(path))


def test_same_settings_and_another_way_to_write_them_are_the_same_potential(
    members, potential, tmp_path
):
    """A file of before had no digest, and may hold a whole number as cutoff."""

    def change(description: dict[str, Any]) -> None:
        description["model"].update(cutoff=4, channels=2.0)

    path = write(tmp_path / "before.limlff", described(members, change))
    loaded = load_potential(path)
    assert loaded.model == MODEL and type(loaded.model.cutoff) is float
    assert potential_digest(loaded) == potential_digest(potential)


def test_settings_other_than_those_of_the_training_are_refused(potential, tmp_path):
    """Though all sums and the digest are right: arrays have the same shapes at any cutoff."""
    recipe = {"model": {"architecture": "moment", "cutoff": 4, "hidden": [3, 3]}, "seed": 0}
    card = {"training": {"recipe": recipe}}
    save_potential(replace(potential, card=card), tmp_path / "right.limlff")
    assert load_potential(tmp_path / "right.limlff").model == MODEL
    recipe["model"]["cutoff"] = 5.0
    save_potential(replace(potential, card=card), tmp_path / "other.limlff")
    assert "its cutoff is 4.0, but it was trained with 5.0" in refused(tmp_path / "other.limlff")


HEADERS = {
    "931 TiB": "{'descr': '<f8', 'fortran_order': False, 'shape': (128000000000000,), }",
    "overflow": "{'descr': '<f8', 'fortran_order': False, 'shape': (%s,), }" % ("9" * 400),
    "below zero": "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }",
    "expression": "{'descr': '<f8', 'fortran_order': False, 'shape': (__import__('os'),), }",
    "syntax": "{'descr': '<f8', ",
    "nothing": "",
    "deep": "(" * 500,
    "control": b"\x00\x1b[31m",
    "record": "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (8,), }",
    "objects": "{'descr': '|O', 'fortran_order': False, 'shape': (8,), }",
    "text without end": "{'descr': '<U1000000000', 'fortran_order': False, 'shape': (1,), }",
    "nothing many times": "{'descr': '<U0', 'fortran_order': False, 'shape': (10000000000000,), }",
    "long": "{'descr': '<f8', 'fortran_order': False, 'shape': (8,), }" + " " * 60_000,
}


@pytest.mark.parametrize("kind", HEADERS)
def test_header_of_an_array_is_not_believed(members, tmp_path, kind):
    changed = {**members, "parameters/linear.npy": with_header(HEADERS[kind])}
    assert "linear" in refused(write(tmp_path / "header.limlff", changed))


@pytest.mark.parametrize("depth", [33, 900, 100_000])
@pytest.mark.parametrize("member", ["potential.json", "manifest.json"])
def test_deep_nests_are_refused(members, tmp_path, member, depth):
    nest = b'{"a":' * depth + b"1" + b"}" * depth
    content = members[member].replace(b"{", b'{"nest": ' + nest + b",", 1)
    path = tmp_path / "deep.limlff"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {**members, member: content}.items():
            archive.writestr(name, data)
    refused(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"null", b"[]", b'"text"', b"{", b"\xff", b"NaN", b'{"a": 1, "a": 2}', b"9" * 9999],
)
@pytest.mark.parametrize("member", ["potential.json", "manifest.json"])
def test_other_json_is_refused(members, tmp_path, member, content):
    path = tmp_path / "json.limlff"
    if member == "potential.json":
        write(path, {**members, member: content})
    else:
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in {**members, member: content}.items():
                archive.writestr(name, data)
    refused(path)


def test_members_are_those_of_the_manifest_and_of_the_settings(members, tmp_path):
    path = tmp_path / "members.limlff"
    for name in ("parameters/more.npy", "notes.pkl", "../x", "parameters/uncertainty/center.npy"):
        extra = {**members, name: members["baseline.npy"]}
        assert "damaged" in refused(write(path, extra, sealed=False))
        refused(write(path, extra))
    for name in members.keys() - {"manifest.json"}:
        fewer = {each: data for each, data in members.items() if each != name}
        refused(write(path, fewer, sealed=False))
        refused(write(path, fewer))
    write(path, members)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns of a name that stands twice
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("baseline.npy", members["baseline.npy"])
    assert "twice" in refused(path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressed_members_are_refused_whole_or_damaged(members, tmp_path, compression):
    """They could be damaged inside, or unpack to more than the memory holds."""
    path = write(tmp_path / "packed.limlff", members, compression=compression)
    content = path.read_bytes()
    assert "compressed" in refused(path)
    for place in range(40, len(content) // 2, 97):
        path.write_bytes(content[:place] + b"\xa5\x5a" + content[place + 2 :])
        refused(path)


def test_bytes_of_the_directory_may_be_anything(members, potential, tmp_path):
    path = write(tmp_path / "directory.limlff", members, digest=True)
    content, generator = path.read_bytes(), np.random.default_rng(0)
    start, digest = content.index(b"PK\x01\x02"), potential_digest(potential)
    for _ in range(150):
        changed = bytearray(content)
        for place in generator.integers(start, len(content), generator.integers(1, 4)):
            changed[place] = generator.choice([0, 255, generator.integers(256)])
        path.write_bytes(changed)
        try:
            loaded = load_potential(path)
        except InputError as error:
            assert str(error).isprintable() and "directory.limlff" in str(error)
        else:
            assert potential_digest(loaded) == digest


def test_what_could_not_be_loaded_again_is_not_saved(potential, tmp_path):
    path = tmp_path / "bad.limlff"
    for parameters, message in (
        ({**potential.parameters, "linear": np.zeros((1, 1))}, "shape"),
        ({**potential.parameters, "more": np.zeros(1)}, "no array .more"),
        ({**potential.parameters, "linear": np.zeros((1, 6), complex)}, "real numbers"),
    ):
        with pytest.raises(InputError, match=message):
            save_potential(Potential(MODEL, parameters, np.zeros(1)), path)
    with pytest.raises(InputError, match="training of its card"):
        save_potential(Potential(MODEL, potential.parameters, np.zeros(1), {"training": 3}), path)
    assert not path.exists()


def test_parameters_of_single_precision_are_saved_in_double(potential, tmp_path):
    single = jax.tree.map(lambda leaf: np.asarray(leaf, np.float32), potential.parameters)
    path = tmp_path / "single.limlff"
    save_potential(Potential(MODEL, single, np.array([-1.9], np.float32)), path)
    linear = load_potential(path).parameters["mixing"]
    assert linear.dtype == np.float64
    assert np.array_equal(linear, single["mixing"])
