"""Files that are damaged, made to harm, or of other kinds: one line, at once, or the right data."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import time
from pathlib import Path

import numpy as np
import pytest
from refusals import refusal

from limlff.errors import InputError
from limlff.frames.comment import comment_pairs
from limlff.frames.read import read_frames
from limlff.frames.structure import read_structure

HEAD = 'Lattice="3.4 0 0 0 3.4 0 0 0 3.4" Properties={first}:pos:R:3 energy={energy}'


def write_extended(path: Path, first: str, word: str, energy: str = "-3.8") -> Path:
    path.write_text(f"1\n{HEAD.format(first=first, energy=energy)}\n{word} 0 0 0\n")
    return path


@pytest.mark.parametrize("word", ["200", "nan", "-3", "3.7", "0", "1e300", "inf"])
def test_atomic_numbers_are_those_of_elements(tmp_path, word):
    message = refusal(write_extended(tmp_path / "a.extxyz", "Z:R:1", word))
    assert "a.extxyz, frame 0: atom 0 has the atomic number" in message and "1 to 118" in message


@pytest.mark.parametrize(
    "first, word, message",
    [
        ("species:R:1", "3", "write species:S:1"),
        ("species:S:1", "X", "X is no element"),
        ("species:S:0", "Li", "at least one"),
        ("species:S:²", "Li", "name:type:columns"),
        ("species:Q:1", "Li", "name:type:columns"),
        ("species:S:99999", "Li", "at most 10000"),
        ("pos:R:3:species:S:1", "Li", "twice"),
    ],
)
def test_columns_are_named_as_they_can_be(tmp_path, first, word, message):
    assert message in refusal(write_extended(tmp_path / "a.extxyz", first, word))


@pytest.mark.parametrize("energy", ["1+2j", "2020-01-01", "abc", "1_000", '"1 2"'])
def test_an_energy_is_one_number(tmp_path, energy):
    assert "energy" in refusal(write_extended(tmp_path / "a.extxyz", "species:S:1", "Li", energy))


@pytest.mark.parametrize("count", ["-3", "0", "1_0", "9" * 5000, "3.7", "²"])
def test_the_number_of_atoms_is_a_number(tmp_path, count):
    (tmp_path / "a.extxyz").write_text(f"{count}\n\nLi 0 0 0\n")
    assert "the number of atoms must stand there" in refusal(tmp_path / "a.extxyz")


@pytest.mark.parametrize(
    "line",
    ["a" * 900_000, "a=[" * 300_000, 'a="' * 200_000, "a={" * 300_000, 'a="' + "\\" * 900_000,
     "=" * 900_000, " " * 900_000, "k " * 450_000],
)  # fmt: skip
def test_a_comment_line_is_read_in_time_that_grows_with_its_length(line):
    begin = time.process_time()
    comment_pairs(line)
    assert time.process_time() - begin < 4  # 0.3 s; a pattern that goes back takes minutes


def test_a_line_without_end_and_a_cell_that_cannot_be(tmp_path):
    file = tmp_path / "a.extxyz"
    file.write_text("1\n" + "a" * 3_000_000)
    assert "more than 1048576 characters" in refusal(file)
    for cell, message in (
        ("3 0 0 0 3 0 0 0 1e300", "the limit is 1e+06"),
        ("3 0 0 0 3 0 0 0 nan", "no volume"),
        ("30 0 0 0 30 0 0 0 0.1", "between opposite faces"),
    ):
        file.write_text(f'1\nLattice="{cell}"\nLi 0 0 0\n')
        assert message in refusal(file)
    file.write_text("1\n\nLi 0 0 1e7\n")
    assert "positions of atom 0 is 1e+07; the limit is 1e+06" in refusal(file)


PACKERS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


@pytest.mark.parametrize(
    "name, suffix, content",
    [
        ("a.extxyz", "gz", b"\0"),
        ("a.extxyz", "gz", b"1\n\nLi 0 0 0\n"),
        ("a.extxyz", "xz", b"\n"),
        ("a.extxyz", "bz2", b"\n"),
        ("a.json", "gz", b"["),
        ("OUTCAR", "gz", b"\n"),
    ],
)
def test_a_file_that_unpacks_without_end_is_refused_at_once(tmp_path, suffix, content, name):
    packed = tmp_path / f"{name}.{suffix}"
    packed.write_bytes(PACKERS[suffix](content * (20_000_000 // len(content))))
    assert "unpacks to more than 50 times its size" in refusal(packed)


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_damaged_compressed_file_is_refused_or_gives_the_same(tmp_path, suffix):
    text = "".join(
        f"1\n{HEAD.format(first='species:S:1', energy=-n / 7)}\nLi 0 0 {n}\n" for n in range(40)
    )
    whole, generator = PACKERS[suffix](text.encode()), np.random.default_rng(0)
    path = tmp_path / f"a.extxyz.{suffix}"
    for place in generator.integers(0, len(whole), 60):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(generator.integers(8))
        path.write_bytes(damaged)
        try:
            assert [frame.energy for frame in read_frames(path)] == [-n / 7 for n in range(40)]
        except InputError as error:
            assert "\n" not in str(error)


def test_what_is_no_ordinary_file_is_told_apart(tmp_path):
    os.mkfifo(tmp_path / "pipe.extxyz")
    (tmp_path / "folder.extxyz").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "empty.extxyz").touch()
    for name, word in (("pipe.extxyz", "pipe"), ("loop", "loop"), ("empty.extxyz", "is empty"),
                       ("folder.extxyz", "folder"), ("a\0b", "NUL"), ("x" * 5000, "too long"),
                       ("missing", "no such file"), ("/dev/zero", "device")):  # fmt: skip
        assert word in refusal(tmp_path / name)
        if name != "folder.extxyz":
            with pytest.raises(InputError, match=word):
                read_structure(tmp_path / name)
    (tmp_path / "two\nlines.extxyz").write_text("hi")
    refusal(tmp_path / "two\nlines.extxyz")


def test_names_with_an_at_sign_and_byte_order_marks_are_read(tmp_path, pair):
    atoms = pair[0].to_atoms()
    for suffix in ("extxyz", "traj", "json"):
        path = tmp_path / f"Li@300K.{suffix}"
        atoms.write(tmp_path / f"plain.{suffix}")
        (tmp_path / f"plain.{suffix}").rename(path)
        assert read_frames(path)[0].energy == -3.8 and len(read_structure(path)) == 2
    marked = tmp_path / "marked.extxyz"
    marked.write_bytes(b"\xef\xbb\xbf" + (tmp_path / "Li@300K.extxyz").read_bytes())
    assert read_frames(marked)[0].energy == -3.8
    atoms.write(tmp_path / "POSCAR")
    marked = tmp_path / "marked.vasp"
    marked.write_bytes(b"\xef\xbb\xbf" + (tmp_path / "POSCAR").read_bytes())
    assert len(read_structure(marked)) == 2


def test_messages_of_other_packages_are_put_into_words(tmp_path):
    (tmp_path / "a.txt").write_text("hello")
    assert "is of no kind that is known" in refusal(tmp_path / "a.txt")
    for name in ("POSCAR", "OUTCAR", "vasprun.xml", "a.traj", "a.cif", "a.pwo"):
        for content in (b"hello\nworld\n", b"\0" * 500, bytes(range(256)), b"\xff\xfe\0\1"):
            (tmp_path / name).write_bytes(content)
            message = refusal(tmp_path / name)
            assert "NoneType" not in message and "object" not in message


def test_a_number_of_atoms_far_beyond_the_file_is_no_endless_loop(tmp_path):
    """ASE's parser would go on reading at the end of the file."""
    (tmp_path / "dump.lammpstrj").write_text(
        "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n10000000000\nITEM: BOX BOUNDS pp pp pp\n"
        "0 1\n0 1\n0 1\nITEM: ATOMS id type x y z\n1 1 0 0 0\n"
    )
    assert "ends before all that it announces" in refusal(tmp_path / "dump.lammpstrj")
