"""Potential files: the same potential back, the same bytes, and nothing damaged accepted."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace

import jax
import numpy as np
import pytest

from limlff.catalog import find_potential, find_workflow
from limlff.errors import InputError
from limlff.models.arrays import flatten_parameters, unflatten_parameters
from limlff.models.moment import MomentModel
from limlff.potential import Potential
from limlff.potential_file import load_potential, potential_digest, save_potential


@pytest.fixture(scope="module")
def potential() -> Potential:
    model = MomentModel(("Li", "Cu"), radial=3, channels=2, max_degree=2, hidden=(4,))
    card = {"licence": "Apache-2.0", "errors": {"force_mae_ev_per_angstrom": 0.01}, "note": "Å, µ"}
    return Potential(model, model.initialize(jax.random.PRNGKey(1)), np.array([-1.9, -3.7]), card)


@pytest.fixture
def file(potential, tmp_path):
    path = tmp_path / "small.limlff"
    save_potential(potential, path)
    return path


def rewrite(path, name: str, change) -> None:
    """Change one member without telling the manifest."""
    with zipfile.ZipFile(path) as archive:
        members = {each: archive.read(each) for each in archive.namelist()}
    members[name] = change(members[name])
    with zipfile.ZipFile(path, "w") as archive:
        for each, data in members.items():
            archive.writestr(each, data)


def test_what_was_saved_comes_back_to_the_last_bit(potential, file):
    loaded = load_potential(file)
    assert loaded.model == potential.model
    assert loaded.card == potential.card
    assert np.array_equal(loaded.baseline, potential.baseline)
    saved, back = flatten_parameters(potential.parameters), flatten_parameters(loaded.parameters)
    assert saved.keys() == back.keys()
    for name, array in saved.items():
        assert back[name].dtype == array.dtype == np.float64
        assert np.array_equal(back[name], array), name
    assert jax.tree.structure(loaded.parameters) == jax.tree.structure(potential.parameters)


def test_the_same_potential_gives_the_same_bytes(file, tmp_path):
    save_potential(load_potential(file), tmp_path / "again.limlff")
    assert (tmp_path / "again.limlff").read_bytes() == file.read_bytes()


def test_digest_follows_the_numbers_and_not_the_card(potential):
    digest = potential_digest(potential)
    assert potential_digest(replace(potential, card={"note": "other"})) == digest
    assert potential_digest(replace(potential, baseline=np.array([-1.9, -3.6]))) != digest
    flat = flatten_parameters(potential.parameters)
    flat["mixing"] = flat["mixing"].copy()
    flat["mixing"].flat[0] = np.nextafter(flat["mixing"].flat[0], 1)
    changed = replace(potential, parameters=unflatten_parameters(flat))
    assert potential_digest(changed) != digest


def test_file_is_readable_without_limlff(file):
    """JSON and arrays in a plain zip: any program can read them."""
    with zipfile.ZipFile(file) as archive:
        description = json.loads(archive.read("potential.json"))
        array = np.load(io.BytesIO(archive.read("parameters/mixing.npy")), allow_pickle=False)
    assert description["elements"] == ["Li", "Cu"]
    assert description["units"]["energy"] == "eV"
    assert array.ndim == 4


def test_every_truncation_is_refused_in_one_line(file):
    whole = file.read_bytes()
    for length in [0, 1, 10, len(whole) // 2, len(whole) - 1]:
        file.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"small\.limlff: is ") as caught:
            load_potential(file)
        assert "\n" not in str(caught.value)


def test_no_flipped_bit_changes_the_potential_unnoticed(file, potential):
    whole, digest = file.read_bytes(), potential_digest(potential)
    refused = 0
    for place in range(0, len(whole), 41):
        damaged = bytearray(whole)
        damaged[place] ^= 0x10
        file.write_bytes(damaged)
        try:
            assert potential_digest(load_potential(file)) == digest  # a bit that means nothing
        except InputError:
            refused += 1
    assert refused > len(whole) / 41 / 2


def test_changed_member_is_noticed_by_its_sha256(file):
    rewrite(file, "baseline.npy", lambda data: data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(InputError, match=r"damaged \(baseline\.npy does not have the sha256"):
        load_potential(file)


def test_newer_format_is_refused_with_advice(file):
    rewrite(file, "manifest.json", lambda data: data.replace(b'"version": 1', b'"version": 2'))
    with pytest.raises(InputError, match=r"format version 2.*reads up to 1; install a newer"):
        load_potential(file)


def test_other_zip_and_other_file_are_refused(tmp_path):
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(InputError, match="no potential file"):
        load_potential(other)
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    with pytest.raises(InputError, match="no potential file"):
        load_potential(text)


def test_missing_file_and_folder_are_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        load_potential(tmp_path / "nothing.limlff")
    with pytest.raises(InputError, match="cannot be read"):
        load_potential(tmp_path)


def test_diverged_parameters_are_not_saved(potential, tmp_path):
    flat = flatten_parameters(potential.parameters)
    flat["linear"] = np.full_like(flat["linear"], np.nan)
    diverged = replace(potential, parameters=unflatten_parameters(flat))
    with pytest.raises(InputError, match="not finite"):
        save_potential(diverged, tmp_path / "bad.limlff")
    assert list(tmp_path.iterdir()) == []


def test_failed_write_leaves_the_old_file_and_no_other(file, potential, monkeypatch):
    before = file.read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(InputError, match="No space left"):
        save_potential(replace(potential, card={}), file)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_catalog_takes_names_files_and_folders(file, monkeypatch, tmp_path):
    folder = tmp_path / "potentials" / "mine"
    folder.mkdir(parents=True)
    shipped = folder / "mine.limlff"
    shipped.write_bytes(file.read_bytes())
    monkeypatch.setattr("limlff.catalog._ROOTS", (tmp_path,))
    assert find_potential("mine") == shipped
    assert find_potential(folder).resolve() == shipped
    assert find_potential(file) == file
    with pytest.raises(InputError, match="did you mean 'mine'"):
        find_potential("mina")
    with pytest.raises(InputError, match="no such study"):
        find_workflow("healing/unknown")
