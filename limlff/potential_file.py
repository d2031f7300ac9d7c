"""Potential files: a zip of JSON and arrays, without pickle.

Members: `manifest.json` (format, its version, sha256 of every other member, and a digest of what
decides the numbers, which binds settings and arrays together), `potential.json` (architecture and
settings, elements, cutoff, units, card), `baseline.npy`, and one `parameters/<path>.npy` per array,
where the path joins the keys of the nested dict. Nothing is compressed and all time stamps are the
same, so that one potential always gives the same bytes. Nothing is believed on reading: arrays must
be those that the settings ask for.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from limlff.atomic_file import replaced_when_whole
from limlff.card import check_card, check_recipe
from limlff.errors import InputError, shown
from limlff.models.arrays import (
    Shape,
    check_array,
    check_names,
    check_positive,
    expected_shapes,
    flatten_parameters,
    most_numbers,
    unflatten_parameters,
)
from limlff.models.contract import Model
from limlff.models.registry import build_model, model_to_settings
from limlff.npy import LONGEST_HEADER, array_from_bytes, array_to_bytes
from limlff.paths import user_path
from limlff.potential import Potential
from limlff.precision import own_precision
from limlff.strict_json import parse_json
from limlff.zip_members import DAMAGED, Members, open_members

FORMAT = "limlff-potential"
FORMAT_VERSION = 1
UNITS = {"energy": "eV", "length": "Å", "force": "eV/Å", "stress": "eV/Å^3"}

_MANIFEST = "manifest.json"
_DESCRIPTION = "potential.json"
_BASELINE = "baseline.npy"
_PARAMETERS = "parameters/"
_TIMESTAMP = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can hold; any fixed one would do
_LARGEST_JSON = 2**25
"""Bytes of a JSON member; a moment tensor potential with a large table has a tenth of them."""

_KEYS = {"model", "elements", "cutoff", "units", "card"}


def save_potential(potential: Potential, path: str | Path) -> None:
    """Write a potential to a file, at once or not at all.

    Args:
        potential: The potential; its card must hold only values that JSON can hold.
        path: The file, by custom with the suffix `.limlff`.

    Raises:
        InputError: If a parameter is not finite or not one that the model asks for, the card does
            not fit into JSON, or the file cannot be written.
    """
    path = user_path(path)
    members = {_DESCRIPTION: _description_bytes(potential, path), **_array_members(potential)}
    try:
        check_arrays(potential)
    except InputError as error:
        raise InputError(f"{path}: the potential cannot be written: {error}") from error
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}
    manifest = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "members": sums,
        "digest": _digest(model_to_settings(potential.model), sums),
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name, data in [(_MANIFEST, _json_bytes(manifest)), *sorted(members.items())]:
            information = zipfile.ZipInfo(name, _TIMESTAMP)
            information.create_system = 3  # the same bytes on every system
            archive.writestr(information, data)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replaced_when_whole(path) as temporary:
            temporary.write_bytes(content.getvalue())
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error


@own_precision()
def load_potential(path: str | Path) -> Potential:
    """Read a potential from a file and check that it is whole and fits together.

    Args:
        path: The file.

    Returns:
        The potential, its parameters in float64.

    Raises:
        InputError: If the file is missing, damaged, no potential, or of a newer format, or if its
            arrays are not those that its settings ask for.
    """
    path = user_path(path)
    name = shown(path)
    try:
        with open_members(path) as members:
            return _potential_from(members)
    except InputError as error:
        known = str(error).startswith(name)
        raise error if known else InputError(f"{name}: {error}") from error
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror or error}") from error
    except zipfile.BadZipFile as error:
        raise InputError(
            f"{name}: is no potential file, or is damaged ({shown(str(error))}); copy it again "
            "from its source"
        ) from error
    except DAMAGED as error:
        reason = shown(" ".join(str(error).split()), 200) or type(error).__name__
        raise InputError(f"{name}: is damaged ({reason}); copy it again from its source") from error


def potential_digest(potential: Potential) -> str:
    """Sha256 of what decides the numbers: settings, baseline and parameters, but not the card."""
    members = _array_members(potential)
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}
    return _digest(model_to_settings(potential.model), sums)


def check_arrays(potential: Potential) -> None:
    """Refuse a potential whose arrays are not those that its model asks for.

    Raises:
        InputError: If one is missing, unknown, of another shape or dtype, or not finite.
    """
    arrays = flatten_parameters(potential.parameters)
    expected = _shapes_of(potential.model, set(arrays))
    check_names(set(arrays), expected)
    for name, array in arrays.items():
        check_array(name, _as_stored(name, array), expected[name])
    check_positive(potential.model, arrays)
    baseline = _as_stored("baseline", np.asarray(potential.baseline))
    check_array("baseline", baseline, (len(potential.elements),))


def _json_bytes(value: Any) -> bytes:
    text = json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    return text.encode()


def _description_bytes(potential: Potential, path: Path) -> bytes:
    try:
        content = _json_bytes(
            {
                "model": model_to_settings(potential.model),
                "elements": list(potential.elements),
                "cutoff": potential.cutoff,
                "units": UNITS,
                "card": potential.card,
            }
        )
        check_card(parse_json(content)["card"])
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{path}: the potential's settings or card do not fit into JSON: {error}"
        ) from error
    return content


def _digest(settings: dict[str, Any], sums: Mapping[str, str]) -> str:
    """Sha256 of settings and of the sums of all arrays by their names."""
    digest = hashlib.sha256(_json_bytes(settings))
    for name in sorted(sums):
        if name != _DESCRIPTION:
            digest.update(name.encode())
            digest.update(bytes.fromhex(sums[name]))
    return digest.hexdigest()


def _array_members(potential: Potential) -> dict[str, bytes]:
    arrays = {_BASELINE: np.asarray(potential.baseline)}
    for name, array in flatten_parameters(potential.parameters).items():
        arrays[_member_of(name)] = array
    return {name: _array_bytes(name, array) for name, array in arrays.items()}


def _member_of(name: str) -> str:
    return f"{_PARAMETERS}{name}.npy"


def _as_stored(name: str, array: np.ndarray) -> np.ndarray:
    if not np.can_cast(array.dtype, np.float64, "same_kind"):
        raise InputError(f"{name} is of {array.dtype}; parameters are real numbers")
    return np.asarray(array, np.float64)


def _array_bytes(name: str, array: np.ndarray) -> bytes:
    stored = _as_stored(name, array)
    if not np.all(np.isfinite(stored)):
        raise InputError(f"{name} holds values that are not finite; the training has diverged")
    return array_to_bytes(stored)


def _potential_from(members: Members) -> Potential:
    """The potential in a zip; messages without its name."""
    if _MANIFEST not in members.names:
        raise InputError(f"is a zip but no potential file; it has no {_MANIFEST}")
    manifest = _manifest_from(members.read(_MANIFEST, _LARGEST_JSON))
    sums = manifest["members"]
    for name in members.names:
        if name != _MANIFEST and name not in sums:
            raise ValueError(f"{shown(name)} is not in the manifest")
    description = parse_json(_read(members, sums, _DESCRIPTION, _LARGEST_JSON))
    model = _model_from(description)
    names = sums.keys() - {_DESCRIPTION, _BASELINE}
    foreign = [name for name in names if not (name[:11] == _PARAMETERS and name[-4:] == ".npy")]
    if foreign:
        raise ValueError(f"{shown(min(foreign))} is no member of a potential")
    found = {name.removeprefix(_PARAMETERS).removesuffix(".npy") for name in names}
    expected = _shapes_of(model, found)
    check_names(found, expected)

    def array_of(member: str, shape: Shape) -> np.ndarray:
        data = _read(members, sums, member, 8 * most_numbers(shape) + LONGEST_HEADER)
        try:
            array = array_from_bytes(data)
        except ValueError as error:
            raise ValueError(f"{shown(member)} {error}") from error
        check_array(member, array, shape)
        return array

    arrays = {name: array_of(_member_of(name), shape) for name, shape in expected.items()}
    check_positive(model, arrays)
    baseline = array_of(_BASELINE, (len(model.elements),))
    if "digest" in manifest and manifest["digest"] != _digest(description["model"], sums):
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
        raise ValueError(f"{_DESCRIPTION} does not hold {', '.join(sorted(_KEYS))}")
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
    check_recipe(description["card"], parse_json(_json_bytes(model_to_settings(model))))
    return model


def _shapes_of(model: Model, names: set[str]) -> dict[str, Shape]:
    """Shapes that the model asks for, with those of its uncertainty if one of them is there."""
    from limlff.models.readouts import KEY, uncertainty_shapes

    shapes = expected_shapes(model)
    if any(name.startswith(f"{KEY}/") for name in names):
        shapes.update({f"{KEY}/{name}": shape for name, shape in uncertainty_shapes(model).items()})
    return shapes
