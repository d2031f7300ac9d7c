"""Moment tensor potentials in the text format of MLIP-2 (`.mtp`).

The format numbers the types; their chemical symbols have to be given. Numbers are written with as
many digits as are needed to read the same bits back.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from limlff.atomic_file import replaced_when_whole
from limlff.errors import InputError, shown
from limlff.exchange.elements import refuse_unknown_elements
from limlff.models.mtp import MomentTensorPotential
from limlff.models.registry import name_of_architecture
from limlff.paths import check_is_file, user_path
from limlff.potential import Potential
from limlff.potential_file import check_arrays
from limlff.precision import own_precision
from limlff.strict_json import parse_json
from limlff.zip_members import DAMAGED

SUFFIXES = (".mtp",)

_BASIS = "RBChebyshev"
_PAIR = re.compile(r"(\d{1,3})-(\d{1,3})")
_LARGEST_FILE = 2**27
"""Bytes; a potential of level 28 has a fiftieth of them."""


@own_precision()
def import_mtp(path: Path, elements: list[str] | None = None) -> Potential:
    """Read a potential of MLIP-2.

    Args:
        path: The file.
        elements: Chemical symbols of its types, in their order. Without them the name of the file
            must be that of the only type.

    Raises:
        InputError: If it cannot be read, is not trained, or the symbols do not suit it.
    """
    path = user_path(path)
    check_is_file(path)
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise ValueError(f"it is larger than {_LARGEST_FILE} bytes")
        potential = _potential_of(_parse(path.read_text(encoding="utf-8")), elements, path)
        check_arrays(potential)
        return potential
    except InputError as error:
        raise InputError(f"{shown(path)}: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{shown(path)}: cannot be read: {shown(str(error))}") from error
    except DAMAGED as error:
        reason = shown(" ".join(str(error).split()), 200) or type(error).__name__
        raise InputError(
            f"{shown(path)}: is no potential of MLIP-2, or is damaged ({reason})"
        ) from error


def export_mtp(potential: Potential, path: Path) -> None:
    """Write a moment tensor potential for MLIP-2; the baseline goes into its species energies.

    Raises:
        InputError: If it is of another architecture, or the file cannot be written.
    """
    if not isinstance(potential.model, MomentTensorPotential):
        raise InputError(
            f"{path}: only an 'mtp' potential can be written for MLIP-2, this one is "
            f"'{name_of_architecture(type(potential.model))}'"
        )
    try:
        with replaced_when_whole(path) as temporary:
            temporary.write_text(_text_of(potential), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


def _parse(text: str) -> dict[str, Any]:
    """Values by name, as strings, numbers or nested lists; `radial_coeffs` by pair of types."""
    first, *lines = text.splitlines() or [""]
    if not first.startswith("MTP"):
        raise ValueError("it does not begin with MTP")
    fields: dict[str, Any] = {}
    pairs: dict[tuple[int, int], list[list[float]]] = {}
    rows: list[list[float]] = []
    for line in lines:
        name, equals, value = (part.strip() for part in line.partition("="))
        if equals and name in fields:
            raise ValueError(f"{shown(name)} stands twice")
        if equals:
            fields[name] = _braces_as_lists(value) if value.startswith("{") else value
        elif name.startswith("{"):
            rows.append(_braces_as_lists(name))
        elif pair := _PAIR.fullmatch(name):
            rows = pairs.setdefault((int(pair[1]), int(pair[2])), [])
    if "alpha_moments_count" not in fields:
        raise ValueError("it has no alpha_moments_count")
    return {**fields, "radial_coeffs": pairs}


def _braces_as_lists(text: str) -> Any:
    """Nested numbers in braces."""
    return parse_json(text.replace("{", "[").replace("}", "]").encode())


def _potential_of(fields: dict[str, Any], elements: list[str] | None, path: Path) -> Potential:
    if fields["radial_basis_type"] != _BASIS:
        raise InputError(
            f"radial_basis_type is {shown(fields['radial_basis_type'])}, but only {_BASIS} can be "
            "imported"
        )
    if "moment_coeffs" not in fields:
        raise InputError("has no moment_coeffs; train it in MLIP-2, or here by its level")
    number = int(fields["species_count"])
    symbols = elements or [path.stem]
    if len(symbols) != number or (elements is None and number > 1):
        raise InputError(
            f"has {number} types, which have no names in this format; give the symbol of "
            f"each by --elements"
        )
    refuse_unknown_elements(symbols)
    model = MomentTensorPotential(
        elements=tuple(symbols),
        cutoff=float(fields["max_dist"]),
        shortest=float(fields["min_dist"]),
        radial=int(fields["radial_basis_size"]),
        level=0,
        basic=tuple(map(tuple, fields["alpha_index_basic"])),
        products=tuple(map(tuple, fields["alpha_index_times"])),
        scalars=tuple(fields["alpha_moment_mapping"]),
    )
    radial = np.array(
        [[fields["radial_coeffs"][i, j] for j in range(number)] for i in range(number)], float
    )
    parameters = {
        "radial": radial,
        "species": _numbers(fields["species_coeffs"], number),
        "coefficients": _numbers(fields["moment_coeffs"], len(model.scalars)),
        "statistics": {
            "scaling": np.array(float(fields["scaling"])),
            "scale": np.ones(len(model.scalars)),
        },
    }
    card = {"imported_from": f"MLIP-2 {fields.get('version', '')}".strip()}
    return Potential(model, parameters, np.zeros(number), card)


def _numbers(values: list[float], expected: int) -> np.ndarray:
    if len(values) != expected:
        raise ValueError(f"{len(values)} coefficients are there, {expected} are needed")
    return np.array(values, float)


def _text_of(potential: Potential) -> str:
    model, parameters = potential.model, potential.parameters
    assert isinstance(model, MomentTensorPotential)
    table, statistics = model.table, parameters["statistics"]
    types = range(len(model.elements))
    radial = np.asarray(parameters["radial"], float)
    rows = [
        line
        for i in types
        for j in types
        for line in [f"\t\t{i}-{j}", *(f"\t\t\t{_braces(row)}" for row in radial[i, j])]
    ]
    values = len(table.basic) + len({product[3] for product in table.products})
    species = np.asarray(potential.baseline) + np.asarray(parameters["species"], float)
    coefficients = np.asarray(parameters["coefficients"]) * np.asarray(statistics["scale"])
    lines = [
        "MTP",
        "version = 1.1.0",
        "potential_name = MTP1m",
        f"scaling = {float(statistics['scaling'])!r}",
        f"species_count = {len(model.elements)}",
        "potential_tag = ",
        f"radial_basis_type = {_BASIS}",
        f"\tmin_dist = {model.shortest!r}",
        f"\tmax_dist = {model.cutoff!r}",
        f"\tradial_basis_size = {model.radial}",
        f"\tradial_funcs_count = {model.functions}",
        "\tradial_coeffs",
        *rows,
        f"alpha_moments_count = {values}",
        f"alpha_index_basic_count = {len(table.basic)}",
        f"alpha_index_basic = {_nested(table.basic)}",
        f"alpha_index_times_count = {len(table.products)}",
        f"alpha_index_times = {_nested(table.products)}",
        f"alpha_scalar_moments = {len(table.scalars)}",
        f"alpha_moment_mapping = {_nested(table.scalars)}",
        f"species_coeffs = {_braces(species)}",
        f"moment_coeffs = {_braces(coefficients)}",
    ]
    return "\n".join(lines) + "\n"


def _braces(numbers: np.ndarray) -> str:
    return "{" + ", ".join(repr(float(number)) for number in numbers) + "}"


def _nested(numbers: tuple[Any, ...]) -> str:
    return json.dumps(numbers).replace("[", "{").replace("]", "}")
