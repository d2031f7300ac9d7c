"""Members of a potential file: their names, and the potential that is read from them.

What is wrong is said without the name of the file, which its reader knows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from limlff.card import check_card, check_recipe
from limlff.errors import InputError, shown
from limlff.models.arrays import (
    Shape,
    check_array,
    check_names,
    check_positive,
    expected_shapes,
    most_numbers,
    unflatten_parameters,
)
from limlff.models.contract import Model
from limlff.models.readouts import KEY, uncertainty_shapes
from limlff.models.registry import build_model, model_to_settings
from limlff.npy import LONGEST_HEADER, array_from_bytes
from limlff.potential import Potential
from limlff.strict_json import parse_json
from limlff.zip_members import Members

FORMAT = "limlff-potential"
FORMAT_VERSION = 1
UNITS = {"energy": "eV", "length": "Å", "force": "eV/Å", "stress": "eV/Å^3"}

MANIFEST = "manifest.json"
DESCRIPTION = "potential.json"
BASELINE = "baseline.npy"
_PARAMETERS = "parameters/"
_LARGEST_JSON = 2**25
"""Bytes of a JSON member; a moment tensor potential with a large table has a tenth of them."""

_KEYS = {"model", "elements", "cutoff", "units", "card"}


def json_bytes(value: Any) -> bytes:
    """JSON of which the same value always gives the same bytes."""
    text = json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    return text.encode()


def member_of(name: str) -> str:
    """The member that holds an array of the model."""
    return f"{_PARAMETERS}{name}.npy"


def digest_of(settings: dict[str, Any], sums: Mapping[str, str]) -> str:
    """Sha256 of settings and of the sums of all arrays by their names."""
    digest = hashlib.sha256(json_bytes(settings))
    for name in sorted(sums):
        if name != DESCRIPTION:
            digest.update(name.encode())
            digest.update(bytes.fromhex(sums[name]))
    return digest.hexdigest()


def potential_from(members: Members) -> Potential:
    """Read the potential in a zip.

    Raises:
        InputError: If it is no potential, of a newer format, or not what its settings ask for.
        ValueError: If it is damaged.
    """
    if MANIFEST not in members.names:
        raise InputError(f"is a zip but no potential file; it has no {MANIFEST}")
    manifest = _manifest_from(members.read(MANIFEST, _LARGEST_JSON))
    sums = manifest["members"]
    for name in members.names:
        if name != MANIFEST and name not in sums:
            raise ValueError(f"{shown(name)} is not in the manifest")
    description = parse_json(_read(members, sums, DESCRIPTION, _LARGEST_JSON))
    model = _model_from(description)
    names = sums.keys() - {DESCRIPTION, BASELINE}
    foreign = [name for name in names if not (name[:11] == _PARAMETERS and name[-4:] == ".npy")]
    if foreign:
        raise ValueError(f"{shown(min(foreign))} is no member of a potential")
    found = {name.removeprefix(_PARAMETERS).removesuffix(".npy") for name in names}
    expected = shapes_of(model, found)
    check_names(found, expected)

    def array_of(member: str, shape: Shape) -> np.ndarray:
        data = _read(members, sums, member, 8 * most_numbers(shape) + LONGEST_HEADER)
        try:
            array = array_from_bytes(data)
        except ValueError as error:
            raise ValueError(f"{shown(member)} {error}") from error
        check_array(member, array, shape)
        return array

    arrays = {name: array_of(member_of(name), shape) for name, shape in expected.items()}
    check_positive(model, arrays)
    baseline = array_of(BASELINE, (len(model.elements),))
    if "digest" in manifest and manifest["digest"] != digest_of(description["model"], sums):
        raise ValueError("settings and arrays do not have the digest of the manifest")
    return Potential(model, unflatten_parameters(arrays), baseline, description["card"])


def _manifest_from(data: bytes) -> dict[str, Any]:
    manifest = parse_json(data)
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        found = manifest.get("format") if isinstance(manifest, dict) else manifest
        raise InputError(f"has the format {shown(repr(found))}, not {FORMAT!r}")
    version, sums = manifest.get("version"), manifest.get("members")
    if type(version) is not int or version < 1:
        raise ValueError(f"the version of its format is {shown(repr(version))}")
    if version > FORMAT_VERSION:
        raise InputError(
            f"has format version {shown(repr(version))}, this limlff reads up to {FORMAT_VERSION}; "
            "install a newer limlff"
        )
    if not isinstance(sums, dict) or not all(isinstance(each, str) for each in sums.values()):
        raise ValueError("its manifest has no sums of its members")
    unknown = sorted(manifest.keys() - {"format", "version", "members", "digest"})
    if unknown:
        raise ValueError(f"its manifest holds {shown(unknown[0])!r}, which limlff does not write")
    return manifest


def _read(members: Members, sums: dict[str, str], name: str, most: int) -> bytes:
    """Content of a member, compared with its sha256 in the manifest."""
    data = members.read(name, most)
    if hashlib.sha256(data).hexdigest() != sums.get(name):
        raise ValueError(f"{shown(name)} does not have the sha256 of the manifest")
    return data


def _model_from(description: Any) -> Model:
    if not isinstance(description, dict) or description.keys() != _KEYS:
        raise ValueError(f"{DESCRIPTION} does not hold {', '.join(sorted(_KEYS))}")
    model = build_model(description["model"])
    elements, cutoff = description["elements"], description["cutoff"]
    if list(model.elements) != elements or model.cutoff != cutoff:
        raise InputError(
            f"its settings give {', '.join(model.elements)} with cutoff {model.cutoff} Å, but it "
            f"says {shown(repr(elements))} and {shown(repr(cutoff))} Å"
        )
    if description["units"] != UNITS:
        raise InputError(f"its units are {shown(repr(description['units']))}, not {UNITS}")
    check_card(description["card"])
    check_recipe(description["card"], parse_json(json_bytes(model_to_settings(model))))
    return model


def shapes_of(model: Model, names: set[str]) -> dict[str, Shape]:
    """Shapes that the model asks for, with those of its uncertainty if one of them is there."""
    shapes = expected_shapes(model)
    if any(name.startswith(f"{KEY}/") for name in names):
        shapes.update({f"{KEY}/{name}": shape for name, shape in uncertainty_shapes(model).items()})
    return shapes
