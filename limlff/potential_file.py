"""Potential files: a zip of JSON and arrays, without pickle.

Members: `manifest.json` (format, its version, sha256 of every other member), `potential.json`
(architecture and settings, elements, cutoff, units, card), `baseline.npy`, and one
`parameters/<path>.npy` per array, where the path joins the keys of the nested dict. Nothing is
compressed and all time stamps are the same, so that one potential always gives the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from limlff.atomic_file import replaced_when_whole
from limlff.errors import InputError
from limlff.models.contract import Parameters
from limlff.models.registry import build_model, model_to_settings
from limlff.potential import Potential

SUFFIX = ".limlff"
FORMAT = "limlff-potential"
FORMAT_VERSION = 1
UNITS = {"energy": "eV", "length": "Å", "force": "eV/Å", "stress": "eV/Å^3"}

_MANIFEST = "manifest.json"
_DESCRIPTION = "potential.json"
_BASELINE = "baseline.npy"
_PARAMETERS = "parameters/"
_TIMESTAMP = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can hold; any fixed one would do


def save_potential(potential: Potential, path: str | Path) -> None:
    """Write a potential to a file, at once or not at all.

    Args:
        potential: The potential; its card must hold only values that JSON can hold.
        path: The file, by custom with the suffix `.limlff`.

    Raises:
        InputError: If a parameter is not finite, the card does not fit into JSON, or the file
            cannot be written.
    """
    path = Path(path)
    members = {_DESCRIPTION: _description_bytes(potential, path), **_array_members(potential)}
    manifest = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "members": {name: hashlib.sha256(data).hexdigest() for name, data in members.items()},
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


def load_potential(path: str | Path) -> Potential:
    """Read a potential from a file and check that it is whole.

    Args:
        path: The file.

    Returns:
        The potential, its parameters in float64.

    Raises:
        InputError: If the file is missing, damaged, no potential, or of a newer format.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = _checked_members(archive, path)
        return _potential_from(members, path)
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except zipfile.BadZipFile as error:
        raise InputError(
            f"{path}: is no potential file, or is damaged ({error}); copy it again from its source"
        ) from error
    except (KeyError, ValueError, TypeError, EOFError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: is damaged ({reason}); copy it again from its source") from error


def potential_digest(potential: Potential) -> str:
    """Sha256 of what decides the numbers: settings, baseline and parameters, but not the card."""
    digest = hashlib.sha256(_json_bytes(model_to_settings(potential.model)))
    for name, data in sorted(_array_members(potential).items()):
        digest.update(name.encode())
        digest.update(hashlib.sha256(data).digest())
    return digest.hexdigest()


def flatten_parameters(parameters: Parameters) -> dict[str, np.ndarray]:
    """Arrays of a nested dict by the path of their keys, joined by '/'."""
    flat: dict[str, np.ndarray] = {}
    for key, value in parameters.items():
        if not isinstance(key, str) or "/" in key or not key:
            raise ValueError(
                f"parameter key {key!r} is no string free of '/'; rename it in the model"
            )
        if isinstance(value, dict):
            flat.update({f"{key}/{rest}": leaf for rest, leaf in flatten_parameters(value).items()})
        else:
            flat[key] = np.asarray(value)
    return flat


def unflatten_parameters(flat: dict[str, np.ndarray]) -> Parameters:
    """The nested dict of arrays from what `flatten_parameters` made of it."""
    nested: dict[str, Any] = {}
    for path, leaf in flat.items():
        *sections, key = path.split("/")
        target = nested
        for section in sections:
            target = target.setdefault(section, {})
        target[key] = leaf
    return nested


def _json_bytes(value: Any) -> bytes:
    text = json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    return text.encode()


def _description_bytes(potential: Potential, path: Path) -> bytes:
    try:
        return _json_bytes(
            {
                "model": model_to_settings(potential.model),
                "elements": list(potential.elements),
                "cutoff": potential.cutoff,
                "units": UNITS,
                "card": potential.card,
            }
        )
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{path}: the potential's settings or card do not fit into JSON: {error}"
        ) from error


def _array_members(potential: Potential) -> dict[str, bytes]:
    arrays = {_BASELINE: np.asarray(potential.baseline)}
    for name, array in flatten_parameters(potential.parameters).items():
        arrays[f"{_PARAMETERS}{name}.npy"] = array
    return {name: _array_bytes(name, array) for name, array in arrays.items()}


def _array_bytes(name: str, array: np.ndarray) -> bytes:
    # little-endian on every machine, so that the bytes and the digest do not depend on it
    array = np.asarray(array, order="C")
    if not np.all(np.isfinite(array)):
        raise InputError(f"{name} holds values that are not finite; the training has diverged")
    content = io.BytesIO()
    little_endian = array.astype(array.dtype.newbyteorder("<"), copy=False)
    np.lib.format.write_array(content, little_endian, version=(1, 0), allow_pickle=False)
    return content.getvalue()


def _checked_members(archive: zipfile.ZipFile, path: Path) -> dict[str, bytes]:
    """Contents of the members, each compared with its sha256 in the manifest."""
    if _MANIFEST not in archive.namelist():
        raise InputError(f"{path}: is a zip but no potential file; it has no {_MANIFEST}")
    manifest = json.loads(archive.read(_MANIFEST))
    if manifest["format"] != FORMAT:
        raise InputError(f"{path}: has the format {manifest['format']!r}, not {FORMAT!r}")
    if manifest["version"] > FORMAT_VERSION:
        raise InputError(
            f"{path}: has format version {manifest['version']}, this limlff reads up to "
            f"{FORMAT_VERSION}; install a newer limlff"
        )
    members = {}
    for name, expected in manifest["members"].items():
        members[name] = archive.read(name)
        if hashlib.sha256(members[name]).hexdigest() != expected:
            raise ValueError(f"{name} does not have the sha256 of the manifest")
    return members


def _potential_from(members: dict[str, bytes], path: Path) -> Potential:
    description = json.loads(members[_DESCRIPTION])
    model = build_model(description["model"])
    if list(model.elements) != description["elements"] or model.cutoff != description["cutoff"]:
        raise InputError(
            f"{path}: its settings give {', '.join(model.elements)} with cutoff {model.cutoff} Å, "
            f"but it says {', '.join(description['elements'])} and {description['cutoff']} Å"
        )
    arrays = {
        name.removeprefix(_PARAMETERS).removesuffix(".npy"): _array_from(data)
        for name, data in members.items()
        if name.startswith(_PARAMETERS)
    }
    baseline = _array_from(members[_BASELINE])
    if baseline.shape != (len(model.elements),):
        raise ValueError(
            f"the baseline has shape {baseline.shape} for {len(model.elements)} elements"
        )
    return Potential(model, unflatten_parameters(arrays), baseline, description["card"])


def _array_from(data: bytes) -> np.ndarray:
    return np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
