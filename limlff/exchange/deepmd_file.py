"""DeePMD-kit's backend-neutral files: a tree of settings with arrays as leaves.

`.dp` is HDF5 with the tree as JSON in the attribute `json` and the arrays as data sets that it
names; `.yaml` holds the arrays as nested lists with their dtype. Arrays stand below keys
`@variables`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from limlff.atomic_file import replaced_when_whole
from limlff.errors import InputError, shown
from limlff.hdf5_heaps import check_global_heaps_of
from limlff.models.arrays import MOST_PARAMETERS
from limlff.paths import check_is_file, user_path
from limlff.strict_json import DEEPEST, parse_json
from limlff.zip_members import DAMAGED

Tree = dict[str, Any]
"""Settings by name, nested; arrays where the file holds arrays."""

SUFFIXES = (".dp", ".yaml", ".yml")

_NUMBERS = "fiu"
"""Kinds of arrays."""
_LARGEST_YAML = 2**28
"""Bytes of a YAML file."""
_MOST_VALUES = 10**7
"""Values in a YAML file."""


def read_tree(path: Path) -> Tree:
    """Read a file.

    Raises:
        InputError: If it is missing, damaged, or no such file.
    """
    path = user_path(path)
    check_is_file(path)
    try:
        tree = _read_hdf5(path) if path.suffix == ".dp" else _read_yaml(path)
    except (OSError, *DAMAGED) as error:
        reason = shown(" ".join(str(error).split()), 200) or type(error).__name__
        raise InputError(
            f"{shown(path)}: cannot be read as a model of DeePMD-kit: {reason}"
        ) from error
    if not (isinstance(tree, dict) and isinstance(tree.get("model"), dict)):
        raise InputError(
            f"{shown(path)}: holds no model of DeePMD-kit; convert it to .dp or .yaml first"
        )
    return tree


def write_tree(tree: Tree, path: Path) -> None:
    """Write a file, completely or not at all.

    Raises:
        InputError: If it cannot be written.
    """
    stamped = {"software": "limlff", "version": version("limlff"), **tree}
    try:
        with replaced_when_whole(path) as temporary:
            if path.suffix == ".dp":
                _write_hdf5(stamped, temporary)
            else:
                _write_yaml(stamped, temporary)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


def _read_hdf5(path: Path) -> Tree:
    import h5py

    check_global_heaps_of(path)
    with h5py.File(path, "r") as file:
        text = file.attrs["json"]
        tree = parse_json(text if isinstance(text, bytes) else str(text).encode())
        left = MOST_PARAMETERS

        def array_of(name: Any) -> np.ndarray:
            nonlocal left
            # other kinds of links lead in circles or to other files
            if not isinstance(name, str) or not isinstance(
                file.get(name, getlink=True), h5py.HardLink
            ):
                raise ValueError(f"it has no array {shown(repr(name))}")
            found = file[name]
            if not isinstance(found, h5py.Dataset) or found.external or found.is_virtual:
                raise ValueError(f"{shown(name)} is no array in the file itself")
            if found.shape is None or found.dtype.kind not in _NUMBERS or found.size > left:
                size = list(found.shape or [])
                raise ValueError(f"{shown(name)} is {found.dtype}{size}, no array of a model")
            left -= found.size
            return np.array(found)

        return _with_leaves(tree, array_of)


def _write_hdf5(tree: Tree, path: Path) -> None:
    import h5py

    # in memory first: HDF5 itself ends the process when the disk is full
    with h5py.File(path.name, "w", driver="core", backing_store=False) as file:

        def store(array: Any) -> str:
            return str(file.create_dataset(f"variable_{len(file):04d}", data=array).name)

        file.attrs["json"] = json.dumps(_with_leaves(tree, store), separators=(",", ":"))
        file.flush()
        path.write_bytes(file.id.get_file_image())


def _read_yaml(path: Path) -> Tree:
    import yaml

    # the parser in C reads a model in seconds, that in Python in minutes
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    if path.stat().st_size > _LARGEST_YAML:
        raise ValueError(f"it is larger than {_LARGEST_YAML} bytes; convert it to .dp")
    try:
        tree = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    except yaml.YAMLError as error:
        raise ValueError(error) from error
    if not isinstance(tree, dict):
        raise ValueError("it is no mapping")
    _refuse_too_many(tree)
    return _with_leaves(tree, _array_of_yaml)


def _refuse_too_many(tree: Tree) -> None:
    """Refuse a tree that is too deep, or endless once the aliases in it are written out."""
    level: list[Any] = [tree]
    values = 0
    for _ in range(DEEPEST):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict | list):
                values += len(item)
                if values > _MOST_VALUES:
                    raise ValueError(f"it holds more than {_MOST_VALUES} values")
                below.extend(item.values() if isinstance(item, dict) else item)
        if not below:
            return
        level = below
    raise ValueError(f"it is nested more than {DEEPEST} levels deep")


def _array_of_yaml(leaf: Any) -> Any:
    if isinstance(leaf, dict) and leaf.get("@class") == "np.ndarray":
        if leaf["dtype"] not in ("float64", "float32", "int64", "int32"):
            raise ValueError(f"an array is of {shown(repr(leaf['dtype']))}")
        return np.asarray(leaf["value"], dtype=leaf["dtype"])
    return leaf


def _write_yaml(tree: Tree, path: Path) -> None:
    import yaml

    def as_lists(array: Any) -> Any:
        if not isinstance(array, np.ndarray):
            return array
        return {
            "@class": "np.ndarray",
            "@is_variable": True,
            "@version": 1,
            "dtype": array.dtype.name,
            "value": array.tolist(),
        }

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text = yaml.dump(_with_leaves(tree, as_lists), Dumper=dumper)
    path.write_text(text, encoding="utf-8")


def _with_leaves(tree: Any, change: Callable[[Any], Any], variables: bool = False) -> Any:
    """The tree with every array, or what stands for one, changed; missing ones stay missing."""
    if isinstance(tree, dict) and not (variables and "@is_variable" in tree):
        return {
            key: _with_leaves(value, change, variables or key == "@variables")
            for key, value in tree.items()
        }
    if isinstance(tree, list) and not variables:
        return [_with_leaves(item, change) for item in tree]
    return change(tree) if variables and tree is not None else tree
