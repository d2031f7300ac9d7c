"""The JSON files of the mlearn benchmark (Zuo et al., J. Phys. Chem. A 124, 731, 2020).

A file is a list of {structure, group, description, num_atoms, outputs: {energy, forces,
virial_stress}}; the structure is pymatgen's dictionary. `virial_stress` is in kB, positive in
compression, and its shear components come in an order that differs between the elements: compared
with the derivative of the energies it is xy yz zx for Li and xy zx yz for Cu. For an element whose
order has not been established the stress is left out, unless the order is given.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from ase.data import atomic_numbers

from limlff.errors import InputError, shown
from limlff.frames.frame import Frame
from limlff.frames.opening import frame_of, open_text
from limlff.frames.source import FrameSource
from limlff.real_arrays import real_array
from limlff.strict_json import parse_json
from limlff.units import KILOBAR

SHEAR_ORDER = {"Li": ("xy", "yz", "zx"), "Cu": ("xy", "zx", "yz")}
"""Order of components 4 to 6 of `virial_stress` per element, as far as it has been established."""

_AXES = {"xy": (0, 1), "yz": (1, 2), "zx": (2, 0)}


def is_mlearn(path: Path) -> bool:
    """Whether a JSON file looks like one of mlearn's, judged by its beginning."""
    if ".json" not in path.suffixes:
        return False
    try:
        with open_text(path) as file:
            head = file.read(1 << 16)
    except UnicodeDecodeError:
        return False
    return head.lstrip().startswith("[") and ('"structure"' in head or '"outputs"' in head)


def read_mlearn(path: Path, shear_order: tuple[str, str, str] | None = None) -> FrameSource:
    """Read all frames of an mlearn JSON file, plain or compressed.

    Args:
        path: The file.
        shear_order: Order of the last three components of `virial_stress`, such as
            ("xy", "yz", "zx"); by default what is known of the element.

    Raises:
        InputError: If the file has not the form described.
    """
    source = FrameSource(str(path))
    try:
        with open_text(path) as file:
            entries = parse_json(file.read())
    except ValueError as error:
        raise InputError(f"{shown(path)}: is no valid JSON: {shown(str(error))}") from None
    if not isinstance(entries, list):
        raise InputError(
            f"{shown(path)}: holds {type(entries).__name__}; it must be a list of entries"
        )
    frames = []
    for index, entry in enumerate(entries):
        origin = frame_of(path, index)
        try:
            frames.append(_make_frame(entry, origin, shear_order, source))
        except InputError:
            raise
        except KeyError as error:
            raise InputError(f"{origin}: is no mlearn entry, {error!r} is missing") from None
        except (TypeError, AttributeError, IndexError, ValueError) as error:
            raise InputError(
                f"{origin}: is no mlearn entry, a value is of a wrong kind: {shown(str(error))}"
            ) from None
    source.frames = frames
    return source


def _make_frame(
    entry: dict[str, Any],
    origin: str,
    shear_order: tuple[str, str, str] | None,
    source: FrameSource,
) -> Frame:
    structure, outputs = entry["structure"], entry["outputs"]
    cell = real_array(structure["lattice"]["matrix"], (3, 3), "lattice.matrix", origin)
    symbols = [_symbol(site, origin) for site in structure["sites"]]
    shape = (len(symbols), 3)
    fractional = real_array([site["abc"] for site in structure["sites"]], shape, "abc", origin)
    energy, forces = outputs.get("energy"), outputs.get("forces")
    virial = outputs.get("virial_stress")
    order = shear_order or _known_order(symbols)
    stress = None
    if virial is not None and order is None:
        source.remark(
            "virial_stress left out: the order of its shear components is not known",
            origin,
            of_labels=True,
        )
    elif virial is not None and order is not None:
        stress = _stress(virial, order, origin)
    source.count_keys(
        energy=None if energy is None else "energy",
        forces=None if forces is None else "forces",
        stress=None if stress is None else "virial_stress",
    )
    return Frame(
        numbers=np.array([atomic_numbers[symbol] for symbol in symbols], int),
        positions=fractional @ cell,
        cell=cell,
        periodic=np.full(3, True),
        energy=None if energy is None else float(real_array(energy, (), "energy", origin)),
        forces=None if forces is None else real_array(forces, shape, "forces", origin),
        stress=stress,
        group=str(entry.get("group") or ""),
        origin=origin,
    )


def _symbol(site: dict[str, Any], origin: str) -> str:
    species = site["species"]
    if len(species) != 1 or species[0].get("occu", 1) != 1:
        raise InputError(
            f"{origin}: a site is shared by {shown(species)}; only whole atoms can be used"
        )
    symbol = species[0]["element"]
    if not isinstance(symbol, str) or not atomic_numbers.get(symbol):
        raise InputError(f"{origin}: {shown(symbol, 20)} is no element; write chemical symbols")
    return symbol


def _known_order(symbols: list[str]) -> tuple[str, str, str] | None:
    elements = set(symbols)
    return SHEAR_ORDER.get(elements.pop()) if len(elements) == 1 else None


def _stress(virial: Any, order: tuple[str, str, str], origin: str) -> np.ndarray:
    """Stress, positive in tension (eV/Å^3), of xx, yy, zz and the shears in `order` (kB)."""
    if set(order) != set(_AXES):
        raise InputError(f"{origin}: the order {order} is none of {', '.join(_AXES)}")
    components = real_array(virial, (6,), "virial_stress", origin)
    tensor = np.diag(components[:3])
    for name, value in zip(order, components[3:], strict=True):
        i, j = _AXES[name]
        tensor[i, j] = tensor[j, i] = value
    return -tensor * KILOBAR
