"""Potential files, imports and settings of models made of extremes and wrong types.

Values are drawn from what breaks programs, not from around what is right: any of them is refused in
one line, or is taken, and then the potential is whole and of the kinds that its model declares.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import math
import zipfile
from pathlib import Path
from typing import Any

import h5py
import jax
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from limlff.config import parse_config
from limlff.errors import InputError
from limlff.exchange.deepmd import export_deepmd, import_deepmd
from limlff.exchange.mtp import export_mtp, import_mtp
from limlff.models.arrays import check_array, expected_shapes, flatten_parameters
from limlff.models.deepmd import DeepPotSE
from limlff.models.moment import MomentModel
from limlff.models.mtp import MomentTensorPotential
from limlff.models.registry import build_model
from limlff.models.settings import configuration_of
from limlff.potential import Potential
from limlff.potential_file import load_potential, save_potential
from limlff.training.model_settings import trainable_configurations
from limlff.training.recipe import Recipe

FUZZ = settings(
    max_examples=200,
    deadline=20_000,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

NUMBERS = [None, True, False, 0, -1, 1, 2, 3, 16.0, 8.5, -0.0, 1e300, 1e-300]
LARGE = [10**30, 10**400, 2**63, math.nan, math.inf, -math.inf, "9" * 5000]
TEXTS = ["", "5e0", "no", "maybe", "Li", "Zz", "object", "tanh", "float64", "<f8", "|O", "../x"]
SCALARS = st.sampled_from([*NUMBERS, *LARGE, *TEXTS, "\x1b[31m", "\ud800", "\0"])
EXTREMES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(SCALARS.map(str), inner, max_size=3)
    ),
    max_leaves=5,
)


def in_one_line(error: InputError) -> None:
    message = str(error)
    assert message.isprintable() and len(message) < 1500, message


def check_kinds(model: Any) -> None:
    """Every setting is of the kind that the model declares, as if it was given so."""
    values = {field.name: getattr(model, field.name) for field in dataclasses.fields(model)}
    strict = configuration_of(type(model)).model_validate(values, strict=True)
    assert all(type(getattr(strict, name)) is type(value) for name, value in values.items())
    assert hash(model) == hash(type(model)(**values))


@st.composite
def settings_of_a_model(draw: st.DrawFn) -> dict[str, Any]:
    name = draw(st.sampled_from(sorted(trainable_configurations())))
    kind = trainable_configurations()[name]
    known = st.sampled_from([key for key in kind.model_fields if key != "elements"])
    chosen = draw(st.dictionaries(known, EXTREMES, min_size=1, max_size=3))
    needed = {"sel": [20]} if name == "deepmd" else {}
    return {"architecture": name, **needed, **chosen}


@FUZZ
@given(content=settings_of_a_model())
@example(content={"architecture": "moment", "cutoff": 5})
@example(content={"architecture": "mtp", "level": 0, "scalars": [3], "basic": [[0, 0, 0, 0]]})
def test_settings_of_models_are_of_their_kinds_or_refused(content):
    data = [{"name": "a", "files": ["a.xyz"]}]
    try:
        model = build_model({**content, "elements": ["Li"]})
    except InputError as error:
        in_one_line(error)
        with pytest.raises(InputError) as refusal:
            parse_config({"elements": ["Li"], "model": content, "data": data}, Recipe, "r.yaml")
        in_one_line(refusal.value)
    else:
        check_kinds(model)
        recipe = parse_config({"elements": ["Li"], "model": content, "data": data}, Recipe, "r")
        assert build_model({**recipe.model, "elements": recipe.elements}) == model


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray:
    """Arrays of any kind and shape with values at the ends of what numbers hold."""
    shape = draw(st.lists(st.integers(0, 4), max_size=4))
    dtype = draw(st.sampled_from(["<f8", ">f8", "<f4", "<f2", "<i8", "?", "<c16", "<U3", "|S2"]))
    array = np.ones(shape, dtype)
    if array.size and array.dtype.kind == "f":
        array.flat[0] = draw(st.sampled_from([math.nan, math.inf, -math.inf, 0.0]))
    return array


HEADERS = st.text(
    st.sampled_from("{}()[]'<f8,: 0129descrshapefortranodTrueFalse\x00\x1b"), max_size=90
)


@st.composite
def changes_of_members(draw: st.DrawFn) -> Any:
    """A change of the members of a potential file, whose sums are made anew afterwards."""
    kind = draw(st.sampled_from(["array", "header", "json", "missing", "more"]))
    place, value, array = draw(st.integers(0, 10**6)), draw(EXTREMES), draw(arrays())
    header, data = draw(HEADERS).encode(), draw(st.binary(max_size=40))
    name = draw(st.sampled_from(["../x", "parameters/x.npy", "parameters/.npy", "x.pkl", "é"]))

    def change(members: dict[str, bytes]) -> dict[str, bytes]:
        names = sorted(each for each in members if each.endswith(".npy"))
        chosen = names[place % len(names)]
        if kind == "array":
            return {**members, chosen: npy(array)}
        if kind == "header":
            start = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little")
            return {**members, chosen: start + header + data}
        if kind == "missing":
            return {each: content for each, content in members.items() if each != chosen}
        if kind == "more":
            return {**members, name: npy(array)}
        description = json.loads(members["potential.json"])
        set_somewhere(description, place, value)
        return {**members, "potential.json": json.dumps(description).encode()}

    return change


def npy(array: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.lib.format.write_array(content, array, allow_pickle=False)
    return content.getvalue()


def set_somewhere(tree: Any, place: int, value: Any) -> None:
    """Replace one of all values of a nested mapping."""
    places: list[tuple[Any, Any]] = []
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        keys = range(len(node)) if isinstance(node, list) else list(node)
        places += [(node, key) for key in keys]
        waiting += [node[key] for key in keys if isinstance(node[key], dict | list)]
    node, key = places[place % len(places)]
    node[key] = value


@pytest.fixture(scope="module")
def members(tmp_path_factory) -> dict[str, bytes]:
    model = MomentModel(("Li",), cutoff=4.0, radial=3, channels=2, max_degree=1, hidden=(3, 3))
    card = {"licence": "x", "training": {"steps": 3}, "errors": {"train": {"a": {"frames": 1}}}}
    potential = Potential(model, model.initialize(jax.random.key(0)), np.array([-1.9]), card)
    path = tmp_path_factory.mktemp("potential") / "whole.limlff"
    save_potential(potential, path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@FUZZ
@given(change=changes_of_members())
def test_any_member_of_a_potential_is_taken_whole_or_refused(tmp_path, members, change):
    """With right sums, so that only what is in the members is left to judge by."""
    path = tmp_path / "made.limlff"
    changed = change({name: data for name, data in members.items() if name != "manifest.json"})
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in changed.items()}
    manifest = {"format": "limlff-potential", "version": 1, "members": sums}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {"manifest.json": json.dumps(manifest).encode(), **changed}.items():
            archive.writestr(name, data)
    try:
        potential = load_potential(path)
    except InputError as error:
        in_one_line(error)
        assert "made.limlff" in str(error)
    else:
        check_whole(potential)


def check_whole(potential: Potential) -> None:
    check_kinds(potential.model)
    shapes = expected_shapes(potential.model)
    found = flatten_parameters(potential.parameters)
    assert found.keys() == shapes.keys()
    for name, shape in shapes.items():
        check_array(name, found[name], shape)
    assert np.isfinite(potential.baseline).all()


@pytest.fixture(scope="module")
def graph(tmp_path_factory) -> Path:
    model = DeepPotSE(("Li",), sel=(9,), embedding=(2, 4), axis=2, fitting=(4, 4))
    path = tmp_path_factory.mktemp("graph") / "graph.dp"
    export_deepmd(Potential(model, model.initialize(jax.random.key(0)), np.zeros(1)), path)
    return path


@FUZZ
@given(place=st.integers(0, 10**6), value=EXTREMES)
def test_any_value_in_a_graph_of_deepmd_is_taken_or_refused(tmp_path, graph, place, value):
    path = tmp_path / "made.dp"
    path.write_bytes(graph.read_bytes())
    with h5py.File(path, "r+") as file:
        tree = json.loads(file.attrs["json"])
        set_somewhere(tree, place, value)
        file.attrs["json"] = json.dumps(tree)
    try:
        potential = import_deepmd(path)
    except InputError as error:
        in_one_line(error)
    else:
        check_whole(potential)


ODD = ["{}", "{1}", "{{1}}", "{nan}", "{{0, 0, 0, 0}}", "{" * 5000, "", "x", "\x1b", "RBChebyshev"]
WORDS = st.sampled_from([*ODD, "-1", "0", "1_0", "99999999", "nan", "1e300", "1e400", "9" * 5000])


@FUZZ
@given(place=st.integers(0, 10**6), word=WORDS, half=st.booleans())
def test_any_line_in_a_file_of_mlip_is_taken_or_refused(tmp_path, place, word, half):
    model = MomentTensorPotential(("Li",), level=6, radial=3)
    path = tmp_path / "Li.mtp"
    export_mtp(Potential(model, model.initialize(jax.random.key(0)), np.zeros(1)), path)
    lines = path.read_text().splitlines()
    line = lines[place % len(lines)]
    name, equals, _ = line.partition("=")
    lines[place % len(lines)] = line[: len(line) // 2] if half else f"{name}{equals} {word}"
    path.write_text("\n".join(lines))
    try:
        potential = import_mtp(path)
    except InputError as error:
        in_one_line(error)
    else:
        check_whole(potential)
