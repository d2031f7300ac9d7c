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
import zipfile
from pathlib import Path

import numpy as np

from limlff.atomic_file import replaced_when_whole
from limlff.card import check_card
from limlff.errors import InputError, shown
from limlff.models.arrays import check_array, check_names, check_positive, flatten_parameters
from limlff.models.registry import model_to_settings
from limlff.npy import array_to_bytes
from limlff.paths import user_path
from limlff.potential import Potential
from limlff.potential_members import (
    BASELINE,
    DESCRIPTION,
    FORMAT,
    FORMAT_VERSION,
    MANIFEST,
    UNITS,
    digest_of,
    json_bytes,
    member_of,
    potential_from,
    shapes_of,
)
from limlff.precision import own_precision
from limlff.strict_json import parse_json
from limlff.zip_members import DAMAGED, open_members

_TIMESTAMP = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can hold; any fixed one would do


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
    members = {DESCRIPTION: _description_bytes(potential, path), **_array_members(potential)}
    try:
        check_arrays(potential)
    except InputError as error:
        raise InputError(f"{path}: the potential cannot be written: {error}") from error
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}
    manifest = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "members": sums,
        "digest": digest_of(model_to_settings(potential.model), sums),
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name, data in [(MANIFEST, json_bytes(manifest)), *sorted(members.items())]:
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
            return potential_from(members)
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
    return digest_of(model_to_settings(potential.model), sums)


def check_arrays(potential: Potential) -> None:
    """Refuse a potential whose arrays are not those that its model asks for.

    Raises:
        InputError: If one is missing, unknown, of another shape or dtype, or not finite.
    """
    arrays = flatten_parameters(potential.parameters)
    expected = shapes_of(potential.model, set(arrays))
    check_names(set(arrays), expected)
    for name, array in arrays.items():
        check_array(name, _as_stored(name, array), expected[name])
    check_positive(potential.model, arrays)
    baseline = _as_stored("baseline", np.asarray(potential.baseline))
    check_array("baseline", baseline, (len(potential.elements),))


def _description_bytes(potential: Potential, path: Path) -> bytes:
    try:
        content = json_bytes(
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


def _array_members(potential: Potential) -> dict[str, bytes]:
    arrays = {BASELINE: np.asarray(potential.baseline)}
    for name, array in flatten_parameters(potential.parameters).items():
        arrays[member_of(name)] = array
    return {name: _array_bytes(name, array) for name, array in arrays.items()}


def _as_stored(name: str, array: np.ndarray) -> np.ndarray:
    if not np.can_cast(array.dtype, np.float64, "same_kind"):
        raise InputError(f"{name} is of {array.dtype}; parameters are real numbers")
    return np.asarray(array, np.float64)


def _array_bytes(name: str, array: np.ndarray) -> bytes:
    stored = _as_stored(name, array)
    if not np.all(np.isfinite(stored)):
        raise InputError(f"{name} holds values that are not finite; the training has diverged")
    return array_to_bytes(stored)
