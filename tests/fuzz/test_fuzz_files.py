"""Random settings, damaged files and odd structures: an answer of one line, or it simply works.

Everything goes through the command line in this process. What must not happen: a traceback, a hang,
or a file with a wrong bit that is read as if it were right.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import pytest
import yaml
from ase import Atoms
from ase.build import bulk
from damages import FUZZ, damages
from hypothesis import example, given
from hypothesis import strategies as st
from nested_values import finite
from reference_models import small_moment

from limlff.cli.main import main
from limlff.config import parse_config
from limlff.errors import InputError
from limlff.md.config import MDConfig
from limlff.md.output.checkpoint import (
    Checkpoint,
    DamagedCheckpoint,
    checkpoint_files,
    read_checkpoint,
    write_checkpoint,
)
from limlff.md.system.check_structure import check_structure
from limlff.md.system.state import initial_state
from limlff.md.system.structure import read_structure
from limlff.models.registry import build_model
from limlff.neighbors.host import Capacity, build_neighbors
from limlff.potential_file import load_potential, potential_digest, save_potential
from limlff.training.recipe import Recipe


def refused_in_one_line(capsys: pytest.CaptureFixture[str], words: list[object]) -> str:
    code = main([str(word) for word in words])
    message = capsys.readouterr().err
    assert code == 2, message
    assert message.count("\n") == 1 and "Traceback" not in message
    return message


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["npt", "nve", "li", "isotropic", "x", "deposit", "remove", "moment", "Li"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


def settings_of(kind: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Mappings that mostly use known keys, two levels deep, with any values."""
    keys = st.sampled_from(sorted(kind.model_fields))
    inner = {
        key
        for field in kind.model_fields.values()
        if hasattr(field.annotation, "model_fields")
        for key in field.annotation.model_fields
    }
    section = st.dictionaries(st.sampled_from(sorted(inner or {"a"})), VALUES, max_size=3)
    return st.dictionaries(keys, VALUES | section, max_size=6)


@FUZZ
@given(content=settings_of(MDConfig))
@example(content={"steps": 1, "seed": 10**30})
@example(content={"steps": 10**400})
@example(content={"steps": 1, "timestep_fs": math.inf})
@example(content={"steps": 1, "temperature_k": math.nan})
def test_any_md_settings_are_taken_or_refused(content):
    """And those taken hold only finite numbers."""
    try:
        config = parse_config({"steps": 5, **content}, MDConfig, "md.yaml")
    except InputError as error:
        assert str(error).startswith("md.yaml: ")
    else:
        assert finite(config.model_dump())


@FUZZ
@given(content=settings_of(Recipe))
@example(content={"epochs": math.inf})
@example(content={"model": {"architecture": "moment", "cutoff": "wide"}})
def test_any_recipe_is_taken_or_refused(content):
    try:
        recipe = parse_config({"elements": ["Li"], "data": [], **content}, Recipe, "recipe.yaml")
        build_model({**recipe.model, "elements": recipe.elements})
    except InputError as error:
        assert str(error)


@FUZZ
@given(content=st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
@example(content=b"steps: 5\nsteps: [")
@example(content=b"\xff\xfe")
@example(content=b"&a [*a]")
@example(content=b"!!python/object/apply:os.system ['true']")
def test_any_bytes_as_configuration_are_refused(tmp_path, capsys, content):
    path = tmp_path / "md.yaml"
    path.write_bytes(content)
    refused_in_one_line(capsys, ["md", path, "--out", tmp_path / "out", "--quiet"])
    refused_in_one_line(capsys, ["train", path, "--out", tmp_path / "out", "--quiet"])


@FUZZ
@given(override=st.text(max_size=30))
@example(override="output.thermo_every.x=3")
@example(override="steps=[")
@example(override="=3")
@example(override="events=[{kind: deposit}]")
def test_any_override_is_taken_or_refused(tmp_path, capsys, override):
    path = tmp_path / "md.yaml"
    path.write_text("steps: 5\n")  # no structure: refused in any case, but never with a traceback
    words = ["md", path, "--out", tmp_path / "out", "--quiet", f"--set={override}"]
    refused_in_one_line(capsys, words)


@pytest.fixture(scope="module")
def potential_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("potential") / "small.limlff"
    save_potential(small_moment(), path)
    return path


@FUZZ
@given(damage=damages())
def test_damaged_potential_is_refused_or_the_same(tmp_path, potential_file, damage):
    """A bit that nothing depends on may change, as in a time stamp; a number may not."""
    path = tmp_path / "damaged.limlff"
    path.write_bytes(damage(potential_file.read_bytes()))
    try:
        found = load_potential(path)
    except InputError as error:
        assert "damaged.limlff" in str(error) and "\n" not in str(error)
    else:
        assert potential_digest(found) == potential_digest(load_potential(potential_file))


@pytest.fixture(scope="module")
def checkpoint_file(tmp_path_factory) -> Path:
    rng, atoms = np.random.default_rng(0), 20
    state = initial_state(
        rng.normal(size=(atoms, 3)), rng.normal(size=(atoms, 3)), np.eye(3) * 9, np.arange(2), 3
    )
    checkpoint = Checkpoint(
        state=state,
        numbers=np.full(atoms, 3),
        masses=np.full(atoms, 6.94),
        mobile=np.ones(atoms),
        coupled=np.ones(atoms),
        periodic=np.ones(3, bool),
        list_positions=rng.normal(size=(atoms, 3)),
        list_cell=np.eye(3) * 9,
        capacity=Capacity(40, 128),
        written={"thermo_bytes": 12, "frames": 1},
        event_counts=np.zeros(0, np.int64),
        above_since=np.full(atoms, -1),
        assessed_since=np.array(20),
        highest_values=np.array([1.5, np.inf]),
        highest_places=np.array([[20, 0, 3], [30, 2, 29]]),
        conserved=1.5,
        config="{}",
        potential="abc",
    )
    folder = tmp_path_factory.mktemp("checkpoints")
    write_checkpoint(folder, checkpoint)
    return checkpoint_files(folder)[0]


@FUZZ
@given(damage=damages())
def test_damaged_checkpoint_is_always_noticed(tmp_path, checkpoint_file, damage):
    content = checkpoint_file.read_bytes()
    path = tmp_path / checkpoint_file.name
    path.write_bytes(damage(content))
    if path.read_bytes() == content:
        return
    with pytest.raises(DamagedCheckpoint):
        read_checkpoint(path)


@FUZZ
@given(content=st.binary(max_size=2000), others=st.booleans())
def test_any_bytes_as_checkpoint_end_resume_in_one_line(tmp_path, capsys, content, others):
    folder = tmp_path / "run" / "checkpoints"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"step_{10:012d}.h5").write_bytes(content)
    (folder / f"step_{20:012d}.h5").write_bytes(content if others else b"")
    refused_in_one_line(capsys, ["resume", folder.parent, "--quiet"])


NUMBERS = st.floats(-30.0, 30.0) | st.sampled_from([0.0, 1e-300, 1e12, -1e12, math.nan, math.inf])


@FUZZ
@given(
    positions=st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=0, max_size=6),
    cell=st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=3, max_size=3),
    periodic=st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
@example(positions=[(0, 0, 0)], cell=[(1e12, 0, 0), (0, 1, 0), (0, 0, 1)], periodic=(1, 1, 1))
@example(positions=[(0, 0, 0)], cell=[(0.01, 0, 0), (0, 0.01, 0), (0, 0, 9)], periodic=(1, 1, 1))
@example(positions=[(0, 0, 0)], cell=[(5, 0, 0), (5, 1e-5, 0), (0, 0, 5)], periodic=(1, 1, 1))
@example(positions=[(1e12, 0, 0)], cell=[(5, 0, 0), (0, 5, 0), (0, 0, 5)], periodic=(1, 1, 1))
def test_any_structure_is_refused_or_has_neighbors(positions, cell, periodic):
    config = MDConfig(steps=5)
    atoms = Atoms(f"Li{len(positions)}", positions, cell=cell, pbc=periodic)
    try:
        structure = check_structure(atoms, config)
        full = atoms.cell.complete().array
        neighbors, _ = build_neighbors(atoms.positions, full, structure.periodic, 4.0)
    except InputError as error:
        assert "\n" not in str(error)
        return
    mask = np.asarray(neighbors.mask)
    assert mask.sum() < 1_000_000
    if not any(periodic):
        distances = np.linalg.norm(atoms.positions[:, None] - atoms.positions[None], axis=2)
        assert mask.sum() == (distances < 4.0).sum() - len(atoms)


@FUZZ
@given(damage=damages(), suffix=st.sampled_from(["extxyz", "cif", "vasp", "xyz"]))
def test_damaged_structure_file_is_refused_or_read(tmp_path, damage, suffix):
    atoms = bulk("Li", "bcc", a=3.44, cubic=True)
    path = tmp_path / f"start.{suffix}"
    ase.io.write(path, atoms)
    path.write_bytes(damage(path.read_bytes()))
    try:
        check_structure(read_structure(path), MDConfig(steps=5))
    except InputError as error:
        assert "start." in str(error)


def test_settings_that_are_taken_can_be_written_and_read_back():
    config = MDConfig.model_validate(
        {"steps": 5, "events": [{"kind": "remove", "every": 3, "above_z_angstrom": 9.0}]}
    )
    text = yaml.safe_dump(config.model_dump(mode="json"))
    assert parse_config(yaml.safe_load(text), MDConfig, "again") == config
