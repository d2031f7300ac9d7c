"""DeepPot-SE against DeePMD-kit itself, in both directions."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import jax
import numpy as np
import pytest
from ase import Atoms
from ase.io import read
from predictions import predict_in_one_shape

from limlff.cli.main import main
from limlff.exchange.deepmd import import_deepmd
from limlff.potential_file import load_potential

OWN = Path(__file__).parent / "deepmd"
STORED = json.loads((OWN / "energies.json").read_text())


@pytest.mark.parametrize("name", ["li", "licu"])
def test_imported_model_gives_the_numbers_of_deepmd_kit(shared, tmp_path, name):
    """All stored frames; energies per atom and forces are stored with 8 decimals."""
    folder = shared / "reference/deepmd"
    file = tmp_path / "p.limlff"
    assert main(["import", str(folder / f"{name}_se_e2_a.dp"), str(file)]) == 0
    frames = read(folder / f"{name}.extxyz", ":")
    assert len(frames) == {"li": 8, "licu": 4}[name]
    for atoms, ours in zip(frames, predict_in_one_shape(load_potential(file), frames), strict=True):
        stored = atoms.arrays["dp_atomic_energy"]
        assert abs(ours.energy - atoms.get_potential_energy()) < 1e-9 * len(atoms)
        assert np.abs(ours.energies - stored).max() < 5.01e-9
        assert np.abs(ours.forces - atoms.get_forces()).max() < 1e-8
        assert np.abs(ours.virial - np.array(atoms.info["dp_virial"])).max() < 1e-9


def test_yaml_and_hdf5_hold_the_same_model(shared):
    folder = shared / "reference/deepmd"
    first, second = (import_deepmd(folder / f"li_se_e2_a{s}") for s in (".dp", ".yaml"))
    assert first.model == second.model
    assert first.card == second.card
    same = jax.tree.map(np.array_equal, first.parameters, second.parameters)
    assert all(jax.tree.leaves(same))


@pytest.mark.parametrize("name", sorted(STORED["energies"]))
def test_exported_model_gives_the_same_energies_in_deepmd_kit(name):
    """Time steps, unequal activations, one-sided nets, and more neighbors than `sel`."""
    structure = STORED["structure"]
    atoms = Atoms(structure["symbols"], structure["positions"], cell=structure["cell"], pbc=True)
    [ours] = predict_in_one_shape(import_deepmd(OWN / f"{name}.dp"), [atoms])
    expected = np.array(STORED["energies"][name])
    assert np.ptp(expected) > 1e-3
    assert np.abs(ours.energies - expected).max() < 1e-12


@pytest.mark.parametrize("suffix", [".dp", ".yaml"])
def test_export_and_import_keep_every_bit(shared, tmp_path, suffix):
    first, file, second = tmp_path / "1.limlff", tmp_path / f"out{suffix}", tmp_path / "2.limlff"
    original = shared / "reference/deepmd/licu_se_e2_a.dp"
    assert main(["import", str(original), str(first)]) == 0
    assert main(["export", str(first), str(file)]) == 0
    assert main(["import", str(file), str(second)]) == 0
    before, after = load_potential(first), load_potential(second)
    assert before.model == after.model
    assert np.array_equal(before.baseline, after.baseline)
    same = jax.tree.map(np.array_equal, before.parameters, after.parameters)
    assert all(jax.tree.leaves(same))


def test_exported_file_holds_the_arrays_of_the_original(shared, tmp_path):
    """The same arrays in the same places of the tree, as DeePMD-kit's own file."""
    original, copy = shared / "reference/deepmd/licu_se_e2_a.dp", tmp_path / "copy.dp"
    main(["import", str(original), str(tmp_path / "p.limlff")])
    main(["export", str(tmp_path / "p.limlff"), str(copy)])
    ours, theirs = _arrays(copy), _arrays(original)
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[place], theirs[place]) for place in theirs)


def _arrays(path: Path) -> dict[str, np.ndarray]:
    with h5py.File(path) as file:
        found = {}

        def walk(node, place, variables):
            if isinstance(node, dict | list):
                pairs = node.items() if isinstance(node, dict) else enumerate(node)
                for key, value in pairs:
                    walk(value, f"{place}/{key}", variables or key == "@variables")
            elif variables and node is not None:
                found[place] = np.array(file[node])

        walk(json.loads(file.attrs["json"]), "", False)
    return found


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("descriptor", "type"), "dpa1", "descriptor type is 'dpa1'"),
        (("descriptor", "exclude_types"), [[0, 1]], "exclude_types of the descriptor"),
        (("fitting", "numb_fparam"), 1, "numb_fparam is 1"),
        (("descriptor", "activation_function"), "silut:3", "'silut:3'"),
        (("descriptor", "neuron"), [2, 4, 8], "shape"),
        (("descriptor", "resnet_dt"), False, "layers, biases and time steps"),
        (("type_map",), ["Li", "Cu_surface"], "Cu_surface"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(tmp_path, capsys, place, value, message):
    file = tmp_path / "changed.dp"
    file.write_bytes((OWN / "pairs.dp").read_bytes())
    with h5py.File(file, "r+") as store:
        tree = json.loads(store.attrs["json"])
        node = tree["model"]
        for key in place[:-1]:
            node = node[key]
        node[place[-1]] = value
        store.attrs["json"] = json.dumps(tree)
    assert main(["import", str(file), str(tmp_path / "p.limlff")]) == 2
    assert message in capsys.readouterr().err


def test_statistics_that_depend_on_the_slot_are_refused(tmp_path, capsys):
    file = tmp_path / "changed.dp"
    file.write_bytes((OWN / "pairs.dp").read_bytes())
    with h5py.File(file, "r+") as store:
        tree = json.loads(store.attrs["json"])
        store[tree["model"]["descriptor"]["@variables"]["davg"]][0, 3, 0] += 1e-3
    assert main(["import", str(file), str(tmp_path / "p.limlff")]) == 2
    assert "differ between the slots" in capsys.readouterr().err


def test_types_can_be_named_on_import(tmp_path):
    potential = tmp_path / "p.limlff"
    arguments = ["import", str(OWN / "pairs.dp"), str(potential), "--elements", "Na", "Ag"]
    assert main(arguments) == 0
    assert load_potential(potential).elements == ("Na", "Ag")


@pytest.mark.parametrize("content", [b"", b"no model", b"a: [1\n"])
@pytest.mark.parametrize("suffix", [".dp", ".yaml", ".xyz"])
def test_file_that_is_no_model_is_refused(tmp_path, content, suffix):
    file = tmp_path / f"model{suffix}"
    file.write_bytes(content)
    assert main(["import", str(file), str(tmp_path / "p.limlff")]) == 2
    assert not (tmp_path / "p.limlff").exists()


def test_only_its_own_architecture_is_exported(tmp_path, capsys):
    assert main(["export", "li", str(tmp_path / "li.dp")]) == 2
    assert "'deepmd' potential" in capsys.readouterr().err
