"""Which atoms are held, and that a setting which matches nothing is refused."""

from __future__ import annotations

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import fcc100
from ase.constraints import FixAtoms, FixBondLength, FixCartesian, FixScaled, Hookean
from md_models import COPPER, copper, settings

from limlff.errors import InputError
from limlff.md.runner import run_md
from limlff.md.simulation.check_events import check_events
from limlff.md.system.check_structure import check_structure
from limlff.md.system.structure import read_structure

HELD = [0, 5, 31]


def mobile(atoms: Atoms, **frozen) -> list[int]:
    """Indices of the atoms that move."""
    structure = check_structure(atoms, settings(frozen=frozen))
    return np.flatnonzero(structure.mobile).tolist()


def others(held: list[int]) -> list[int]:
    return [index for index in range(32) if index not in held]


@pytest.mark.parametrize("suffix", ["traj", "extxyz", "vasp"])
def test_atoms_that_the_file_holds_do_not_move(tmp_path, suffix, caplog):
    """FixAtoms in a trajectory, move_mask in extended XYZ, selective dynamics in a POSCAR."""
    atoms = copper()
    atoms.set_constraint(FixAtoms(HELD))
    path = tmp_path / f"start.{suffix}"
    ase.io.write(path, atoms)
    read = read_structure(path)
    if suffix != "traj":
        assert mobile(read) == others(HELD)
        return
    result = run_md(settings(steps=20), str(tmp_path / "run"), read, COPPER, progress=False)
    moved = np.linalg.norm(result.atoms.positions - atoms.positions, axis=1)
    assert moved[HELD].max() < 1e-12
    assert moved[others(HELD)].min() > 1e-4
    assert "holds 3 of 32 atoms fixed" in caplog.text
    assert mobile(read_structure(tmp_path / "run/final.extxyz")) == others(HELD)  # a next run's


@pytest.mark.parametrize("flag", ["F", "f", ".FALSE.", "false"])
def test_flags_of_a_poscar_are_read_as_fortran_reads_them(tmp_path, flag):
    head = "Li\n1.0\n10 0 0\n0 10 0\n0 0 10\nLi\n2\nselective\nDirect\n"
    path = tmp_path / "POSCAR"
    path.write_text(f"{head}0 0 0 {flag} {flag} {flag}\n.5 .5 .5 .TRUE. T t\n")
    assert mobile(read_structure(path)) == [1]
    path.write_text(f"{head}0 0 0 {flag} T {flag}\n.5 .5 .5 T T T\n")
    with pytest.raises(InputError, match="atom 0 is held fixed in some directions"):
        mobile(read_structure(path))
    path.write_text(f"{head}0 0 0 0 0 0\n.5 .5 .5 T T T\n")
    with pytest.raises(InputError, match="has the flag 0 of selective dynamics; write T or F"):
        read_structure(path)


@pytest.mark.parametrize(
    ("column", "held", "words"),
    [("Move_Mask", [0], ""), ("fixed", [], "fixed holds no atom"), ("group", [], "")],
)
def test_columns_of_extended_xyz_hold_atoms_or_it_is_said_that_they_do_not(
    tmp_path, caplog, column, held, words
):
    path = tmp_path / "start.extxyz"
    path.write_text(f"2\nProperties=species:S:1:pos:R:3:{column}:L:1\nCu 0 0 0 F\nCu 3 3 3 T\n")
    atoms = read_structure(path)
    assert [index for index in range(2) if index not in mobile(atoms)] == held
    assert (words in caplog.text) if words else ("holds no atom" not in caplog.text)


def test_atoms_held_by_file_and_by_settings_add_up_and_the_file_can_be_overruled():
    atoms = copper()
    atoms.set_constraint([FixAtoms([0]), FixAtoms([5])])
    assert mobile(atoms, indices=[31]) == others(HELD)
    assert mobile(atoms, indices=[31], from_structure=False) == others([31])
    atoms.set_constraint(Hookean(0, 1, 5.0, rt=2.0))
    assert mobile(atoms, from_structure=False) == others([])


@pytest.mark.parametrize("kind", [FixCartesian, FixScaled])
def test_constraint_of_all_directions_holds_and_of_none_does_not(kind):
    atoms = copper()
    atoms.set_constraint([kind(3, (True, True, True)), kind(4, (False, False, False))])
    assert mobile(atoms) == others([3])


@pytest.mark.parametrize(
    ("constraint", "words"),
    [
        (FixCartesian(3, (True, False, False)), "atom 3 is held fixed in some directions"),
        (FixScaled([3], (False, False, True)), "atom 3 is held fixed in some directions"),
        (FixBondLength(0, 1), "FixBondLength"),
        (FixAtoms([77]), "does not have"),
    ],
)
def test_constraint_that_cannot_be_kept_is_refused_with_a_way_out(constraint, words):
    atoms = copper()
    atoms.constraints = [constraint]
    with pytest.raises(InputError, match=words):
        mobile(atoms)


@pytest.mark.parametrize(
    ("frozen", "words"),
    [
        ({"elements": ["Li"]}, r"frozen\.elements names Li, but the atoms are Cu"),
        ({"elements": ["Cu", "Ni"]}, r"frozen\.elements names Ni"),
        ({"below_z_angstrom": -0.5}, r"the lowest atom is at 0\.00 Å; it names no atom"),
        ({"indices": [3, 32]}, "frozen index 32 does not exist"),
    ],
)
def test_name_height_or_index_that_matches_no_atom_is_refused(frozen, words):
    with pytest.raises(InputError, match=words):
        mobile(copper(), **frozen)


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([{"kind": "remove", "element": "Cu", "every": 5}], None),
        ([{"kind": "remove", "element": "Li", "every": 5}], "nothing to remove|knows only"),
        ([{"kind": "remove", "element": "cu", "every": 5}], "did you mean 'Cu'"),
        ([{"kind": "remove", "above_z_angstrom": 30.0, "every": 5}], None),
        ([{"kind": "remove", "above_z_angstrom": -3.0, "every": 5}], "would remove all"),
        ([{"kind": "deposit", "element": "cu", "every": 5}], "did you mean 'Cu'"),
    ],
)
def test_event_whose_element_or_height_makes_no_sense_is_refused(events, words):
    atoms = fcc100("Cu", (2, 2, 3), a=3.66, vacuum=10.0)
    config = settings(events=events)
    structure = check_structure(atoms, config)
    if words is None:
        check_events(config, structure, atoms, COPPER)
        return
    with pytest.raises(InputError, match=words):
        check_events(config, structure, atoms, COPPER)


def test_removal_of_an_element_of_which_all_atoms_are_frozen_is_refused():
    atoms = copper()
    config = settings(
        frozen={"indices": list(range(31))},
        events=[{"kind": "remove", "element": "Cu", "every": 5}],
    )
    check_events(config, check_structure(atoms, config), atoms, COPPER)
    held = check_structure(atoms, config)
    held.mobile[:] = 0.0
    with pytest.raises(InputError, match="no Cu moves"):
        check_events(config, held, atoms, COPPER)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.txt", b"hello\n", "of no kind that is known"),
        ("a.cif", b"", "is empty"),
        ("a.xyz", b"5\n\nLi 0 0 0\n", "ends after 1 of 5 atoms"),
        ("a.vasp", b"x\n1.0\n", "damaged"),
    ],
)
def test_structure_that_cannot_be_read_is_told_in_words_of_its_own(tmp_path, name, content, words):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=words) as refusal:
        read_structure(path)
    assert "NoneType" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_structure_with_a_byte_order_mark_is_read(tmp_path):
    path = tmp_path / "a.xyz"
    path.write_bytes(b"\xef\xbb\xbf1\n\nLi 0 0 0\n")
    assert read_structure(path).get_chemical_symbols() == ["Li"]


def test_structure_with_an_at_sign_in_its_name_is_read(tmp_path):
    path = tmp_path / "Cu@300K.extxyz"
    ase.io.write(tmp_path / "plain.extxyz", copper())
    (tmp_path / "plain.extxyz").rename(path)
    assert len(read_structure(path)) == 32
