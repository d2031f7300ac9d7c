"""Extended XYZ: against ASE's own reader and writer, and the traps of label names."""

from __future__ import annotations

import gzip
import lzma
from pathlib import Path

import ase.io
import numpy as np
import pytest

from limlff.errors import InputError
from limlff.frames.comment import comment_pairs
from limlff.frames.digest import frames_digest
from limlff.frames.extxyz import read_extxyz, write_extxyz
from limlff.frames.read import read_frames

TWO_ATOMS = "Li 0 0 0 0.1 0.2 0.3\nLi 1.5 1.5 1.5 -0.1 -0.2 -0.3\n"
CELL = 'Lattice="3 0 0 0 3 0 0 0 3" Properties=species:S:1:pos:R:3:forces:R:3'


def write(path: Path, comment: str, rows: str = TWO_ATOMS) -> Path:
    path.write_text(f"{len(rows.splitlines())}\n{comment}\n{rows}", encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["mlearn-Li/test", "gpaw-Li-Cu/train", "xavier-Li-Cu/test"])
def test_agrees_with_the_reader_of_ase(shared, name):
    file = shared / "data" / f"{name}.extxyz"
    frames, images = read_frames(file), ase.io.read(file, index=":")
    assert len(frames) == len(images)
    for frame, atoms in zip(frames, images, strict=True):
        np.testing.assert_array_equal(frame.numbers, atoms.numbers)
        np.testing.assert_array_equal(frame.positions, atoms.positions)
        np.testing.assert_array_equal(frame.cell, atoms.cell)
        np.testing.assert_array_equal(frame.forces, atoms.get_forces())
        np.testing.assert_allclose(frame.stress, atoms.get_stress(voigt=False), atol=1e-12)
        assert frame.energy == atoms.get_potential_energy()
        assert frame.group == atoms.info["config_type"]
    assert frames[3].origin == f"{file.name}, frame 3"


def test_written_frames_come_back_bit_by_bit(tmp_path, random_frames, assert_same_frame):
    for name in ("frames.extxyz", "frames.extxyz.xz", "frames.xyz.gz"):
        write_extxyz(random_frames, tmp_path / name)
        again = read_frames(tmp_path / name)
        for frame, copy in zip(random_frames, again, strict=True):
            assert_same_frame(frame, copy)
        assert frames_digest(again) == frames_digest(random_frames)


def test_written_frames_are_understood_by_ase(tmp_path, random_frames):
    write_extxyz(random_frames, tmp_path / "frames.extxyz")
    for frame, atoms in zip(
        random_frames, ase.io.read(tmp_path / "frames.extxyz", index=":"), strict=True
    ):
        np.testing.assert_array_equal(atoms.positions, frame.positions)
        np.testing.assert_array_equal(atoms.cell, frame.cell)
        results = {} if atoms.calc is None else atoms.calc.results
        assert ("energy" in results) == (frame.energy is not None)
        assert ("forces" in results) == (frame.forces is not None)
        assert ("stress" in results) == (frame.stress is not None)


def test_frames_written_by_ase_are_read(tmp_path, random_frames, assert_same_frame):
    images = [frame.to_atoms() for frame in random_frames]
    ase.io.write(tmp_path / "ase.extxyz", images, format="extxyz")
    for frame, copy in zip(random_frames, read_frames(tmp_path / "ase.extxyz"), strict=True):
        assert_same_frame(frame, copy, 1e-8)  # ASE writes eight decimals


@pytest.mark.parametrize("suffix, module", [(".gz", gzip), (".xz", lzma)])
def test_compressed_files_are_read(tmp_path, shared, suffix, module):
    plain = shared / "data" / "gpaw-Li-Cu" / "test.extxyz"
    packed = tmp_path / f"test.extxyz{suffix}"
    packed.write_bytes(module.compress(plain.read_bytes()))
    assert frames_digest(read_frames(packed)) == frames_digest(read_frames(plain))


@pytest.mark.parametrize(
    "keys, energy, used",
    [
        ("energy=-1 free_energy=-2", -2, "free_energy"),
        ("free_energy=-2 energy=-1", -2, "free_energy"),
        ("energy=-1 energy_sigma0=-3", -1, "energy"),
        ("dft_energy=-5", -5, "dft_energy"),
        ("Energy=-6", -6, "Energy"),
        ("energy_sigma0=-3", None, None),
        ("dft_energy=-5 dft_free_energy=-7", -7, "dft_free_energy"),
    ],
)
def test_the_energy_that_belongs_to_the_forces_is_taken(tmp_path, keys, energy, used):
    source = read_extxyz(write(tmp_path / "a.extxyz", f"{CELL} {keys}"))
    assert source.frames[0].energy == energy
    assert source.label_keys.get("energy", {}) == ({used: 1} if used else {})


def test_a_reference_is_preferred_where_no_forces_decide(tmp_path):
    comment = 'Lattice="3 0 0 0 3 0 0 0 3" energy=-1 REF_energy=-4'
    file = write(tmp_path / "a.extxyz", comment, "Li 0 0 0\nLi 1.5 1.5 1.5\n")
    assert read_frames(file)[0].energy == -4


def test_a_key_passed_over_is_remarked_only_if_it_differs(tmp_path):
    differs = read_extxyz(write(tmp_path / "a.extxyz", f"{CELL} energy=-1 free_energy=-2"))
    same = read_extxyz(write(tmp_path / "b.extxyz", f"{CELL} energy=-2 free_energy=-2"))
    assert any("energy" in remark for remark in differs.remarks) and not same.remarks


def test_energy_and_forces_come_from_the_same_calculation(tmp_path):
    """Where reference forces and a model's forces are there, energy and forces do not mix."""
    rows = "Li 0 0 0 9 9 9 1 2 3\nLi 1.5 1.5 1.5 -9 -9 -9 -1 -2 -3\n"
    comment = (
        'Lattice="3 0 0 0 3 0 0 0 3" Properties=species:S:1:pos:R:3:forces:R:3:REF_forces:R:3 '
        "energy=-1 REF_energy=-2"
    )
    frame = read_frames(write(tmp_path / "a.extxyz", comment, rows))[0]
    assert frame.energy == -2
    np.testing.assert_array_equal(frame.forces[0], [1, 2, 3])
    reference_energy_only = comment.replace("REF_forces", "other")
    source = read_extxyz(write(tmp_path / "b.extxyz", reference_energy_only, rows))
    assert source.frames[0].energy == -2  # what is called the reference is, and that is said
    np.testing.assert_array_equal(source.frames[0].forces[0], [9, 9, 9])
    assert any("REF_energy is taken together with forces" in text for text in source.remarks)


def test_stress_as_six_or_nine_numbers_and_as_virial_is_the_same(tmp_path):
    """Six in ASE's order xx yy zz yz xz xy; virial = -stress * volume, here 27 Å^3."""
    expected = np.array([[1.0, 6, 5], [6, 2, 4], [5, 4, 3]]) * 1e-3
    voigt = "0.001 0.002 0.003 0.004 0.005 0.006"
    virial = " ".join(str(value) for value in (-27 * expected).ravel())
    full = " ".join(str(value) for value in expected.ravel())
    for number, text in enumerate(
        [f'stress="{voigt}"', f'stress="{full}"', f'virial="{virial}"', f'REF_virial="{virial}"']
    ):
        file = write(tmp_path / f"{number}.extxyz", f"{CELL} energy=-1 {text}")
        np.testing.assert_allclose(read_frames(file)[0].stress, expected, atol=1e-15)


def springs(cell: np.ndarray, places: np.ndarray) -> tuple[float, np.ndarray]:
    """Energy (eV) and virial (eV) of atoms in a cell, held by springs of 1 eV/Å^2, length 2.5 Å.

    The virial is GPUMD's: the sum over pairs of r_ij (x) F_ij with F_ij the force on j by i.
    """
    positions, energy, virial = places @ cell, 0.0, np.zeros((3, 3))
    images = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3), axis=-1).reshape(-1, 3) @ cell
    for i, first in enumerate(positions):
        for j, second in enumerate(positions):
            for image in images:
                r = second + image - first
                length = np.linalg.norm(r)
                if (i != j or np.any(image)) and length < 3.2:
                    energy += 0.25 * (length - 2.5) ** 2
                    virial += 0.5 * np.outer(r, -(length - 2.5) * r / length)
    return energy, virial


def test_lower_case_keys_of_gpumd_and_its_virial(tmp_path):
    """The stress that is read is the derivative of the energy with the strain, over the volume."""
    cell, places = np.diag([2.6, 2.7, 2.5]), np.array([[0.0, 0, 0], [0.5, 0.55, 0.45]])
    energy, virial = springs(cell, places)
    rows = "".join(f"Li {' '.join(map(repr, p.tolist()))} 0 0 0.1\n" for p in places @ cell)
    text = " ".join(map(repr, virial.ravel().tolist()))
    box = " ".join(map(repr, cell.ravel().tolist()))
    comment = (
        f'energy={float(energy)!r} Config_type=bulk LATTICE="{box}" virial="{text}" '
        'properties=Species:S:1:Pos:R:3:force:R:3 PBC="T T T"'
    )
    frame = read_frames(write(tmp_path / "train.xyz", comment, rows))[0]
    assert frame.periodic.all() and frame.group == "bulk" and frame.energy == energy
    np.testing.assert_array_equal(frame.cell, cell)
    np.testing.assert_array_equal(frame.forces[:, 2], 0.1)
    assert np.trace(virial) > 0 > np.trace(frame.stress)  # compressed springs push outwards
    step = 1e-5
    for axis in range(3):
        strain = np.eye(3)
        strain[axis, axis] += step
        stretched = springs(cell @ strain, places)[0]
        strain[axis, axis] -= 2 * step
        derivative = (stretched - springs(cell @ strain, places)[0]) / (2 * step)
        assert frame.stress[axis, axis] == pytest.approx(derivative / frame.volume, rel=1e-6)


@pytest.mark.parametrize(
    "comment, message",
    [
        ('cell="3 0 0 0 3 0 0 0 3"', "has a key cell but no Lattice"),
        ('Box="3 0 0 0 3 0 0 0 3"', "has a key Box but no Lattice"),
        ('unitcell_angstrom="3 3 3"', "has a key unitcell_angstrom but no Lattice"),
        ('lat="3 0 0 0 3 0 0 0 3"', "has a key lat but no Lattice"),
        ('pbc="T T T"', "its cell has no volume"),
        (f"{CELL} energy=", "energy has 0 numbers"),
        (f'{CELL} lattice="4 0 0 0 4 0 0 0 4"', "Lattice stands there twice"),
        (f"{CELL} energy=-1 energy=-2", "energy stands there twice"),
    ],
)
def test_a_cell_is_never_lost_and_a_key_never_overruled_in_silence(tmp_path, comment, message):
    with pytest.raises(InputError, match=message):
        read_frames(write(tmp_path / "a.extxyz", comment))


def test_what_is_not_read_is_remarked(tmp_path):
    comment = 'Lattice="3 0 0 0 3 0 0 0 3" Properties=species:S:1:pos:R:3 mace_energy=-1'
    source = read_extxyz(write(tmp_path / "a.extxyz", comment))
    assert source.frames[0].energy is None and source.frames[0].forces is None
    remarks = " ".join(source.sentences())
    assert "mace_energy is not read; name it energy" in remarks
    assert "only the first 4 of 7 columns are read" in remarks


@pytest.mark.parametrize(
    "words, columns, remark",
    [
        ("pe=-1", "forces:R:3", "pe is not read; name it energy"),
        ("energy=-1", "F:R:3", "F is not read; name it forces if"),
        ("energy=-1", "fx:R:1:fy:R:1:fz:R:1", "fx is not read; name it forces if"),
        ("energy=-1", "gradient:R:3", "name it forces, with the other sign, if"),
        ("energy=-1 energy_unit=Hartree", "forces:R:3", "energy_unit is not heeded"),
        ("energy=-1 converged=F", "forces:R:3", "converged says that something did not converge"),
        ("energy=-1 unconverged=True", "forces:R:3", "unconverged says that something did not"),
    ],
)
def test_words_that_may_change_what_labels_mean_are_remarked(tmp_path, words, columns, remark):
    comment = f"{CELL.partition('Properties')[0]} Properties=species:S:1:pos:R:3:{columns} {words}"
    assert remark in " ".join(read_extxyz(write(tmp_path / "a.extxyz", comment)).sentences())


@pytest.mark.parametrize(
    "words", ["converged=T", "cell_type=bcc", "unconverged=F", "force_field=x"]
)
def test_words_that_say_nothing_of_labels_are_passed_over(tmp_path, words):
    comment = f"{CELL} energy=-1 {words}"
    assert read_extxyz(write(tmp_path / "a.extxyz", comment)).sentences() == []


def test_stress_without_full_periodicity_is_dropped_and_remarked(tmp_path):
    comment = f'{CELL} energy=-1 stress="1 1 1 0 0 0" pbc="T T F"'
    source = read_extxyz(write(tmp_path / "slab.extxyz", comment))
    assert source.frames[0].stress is None
    assert source.frames[0].periodic.tolist() == [True, True, False]
    assert any("stress dropped" in remark for remark in source.remarks)


def test_missing_labels_stay_missing(tmp_path):
    file = write(tmp_path / "bare.xyz", "no keys at all", "Li 0 0 0\nCu 2 2 2\n")
    frame = read_frames(file)[0]
    assert (frame.energy, frame.forces, frame.stress) == (None, None, None)
    assert not frame.periodic.any() and not frame.cell.any()
    assert frame.symbols == ["Li", "Cu"]


def test_comment_lines_in_all_spellings():
    line = (
        'a=1 b="two words" c=\'x y\' d={1 2} e=[1, 2, 3] f="_JSON [[1, 0], [0, 1]]" '
        'g=[[1, 2], [3, 4]] h = spaced i="a \\"quoted\\" word"'
    )
    found = dict(comment_pairs(line))
    assert found["b"] == "two words" and found["c"] == "x y" and found["h"] == "spaced"
    assert found["g"] == "[[1, 2], [3, 4]]" and found["i"] == 'a "quoted" word'


@pytest.mark.parametrize(
    "comment, rows, message",
    [
        (f"{CELL} energy=abc", TWO_ATOMS, "frame 0: energy='abc' is no number"),
        (f'{CELL} energy=1 stress="1 2 3"', TWO_ATOMS, "3 components"),
        (f'{CELL} energy=1 stress="1 2 3 4 5 6 7 8 9"', TWO_ATOMS, "not symmetric"),
        (CELL, "Li 0 0 0 1 1 1\nXq 1 1 1 1 1 1\n", "Xq is no element"),
        (CELL, "Li 0 0 0 1 1 1\nLi 1 1 1\n", "line 4 has 4 columns"),
        (CELL, "Li 0 0 0 1 1 1\nLi 1 1 z 1 1 1\n", "could not convert"),
        (CELL.replace("3 0 0 0 3", "3 0 0 3"), TWO_ATOMS, "Lattice has 8 numbers"),
        (CELL.replace("0 0 3", "0 0 0"), TWO_ATOMS, "no volume"),
        (f'{CELL} pbc="T T"', TWO_ATOMS, "write three of T and F"),
        (CELL.replace("R:3:f", "R:x:f"), TWO_ATOMS, "name:type:columns"),
    ],
)
def test_what_cannot_be_understood_is_refused_by_name(tmp_path, comment, rows, message):
    file = write(tmp_path / "bad.extxyz", comment, rows)
    with pytest.raises(InputError, match=r"bad\.extxyz, frame 0") as caught:
        read_frames(file)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_cut_off_and_a_file_of_another_kind_are_refused(tmp_path):
    file = write(tmp_path / "a.extxyz", CELL)
    text = file.read_text()
    file.write_text(text + text[:60])
    with pytest.raises(InputError, match="frame 1: the file ends after 0 of 2 atoms"):
        read_frames(file)
    file.write_text("hello\nworld\n")
    with pytest.raises(InputError, match="number of atoms must stand there"):
        read_frames(file)
    file.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InputError):
        read_frames(file)
    (tmp_path / "b.extxyz.gz").write_bytes(b"not compressed")
    with pytest.raises(InputError):
        read_frames(tmp_path / "b.extxyz.gz")
