"""Remarks on the keys of a frame: labels that are ignored, ambiguous or not understood."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from limlff.errors import shown
from limlff.frames.convergence import find_convergence_key
from limlff.frames.labels import LabelKeys, looks_like_label
from limlff.frames.source import FrameSource

_UNIT = re.compile(r"(\w+_)?units?", re.IGNORECASE)


def remark_on_keys(
    info: Mapping[str, str],
    columns: Iterable[str],
    keys: LabelKeys,
    origin: str,
    source: FrameSource,
) -> None:
    """Remark which labels are ignored, mixed or not read, and which keys have no effect.

    Args:
        info: Keys of the frame and their values.
        columns: Names of values per atom.
        keys: The keys that are taken.
        origin: File and frame.
        source: Takes the remarks.
    """
    names = list(columns)
    for key, taken in keys.passed_over:
        # the same text twice is no choice that a user need know of
        if key in names or info[key] != info[taken]:
            source.remark(f"{key} is there too, and {taken} was taken", origin, of_labels=True)
    if keys.is_mixed:
        source.remark(
            f"{keys.energy} is taken together with {keys.forces}; make sure that both are of one "
            "calculation",
            origin,
            of_labels=True,
        )
    for label, chosen, given in (
        ("energy", keys.energy, list(info)),
        ("forces", keys.forces, names),
        ("stress", keys.stress, list(info)),
    ):
        unknown = [] if chosen else [key for key in given if looks_like_label(key, label)]
        if unknown:
            source.remark(_not_read(unknown[0], label), origin, of_labels=True)
    for key in filter(_UNIT.fullmatch, info):
        source.remark(
            f"{shown(key, 40)} is not heeded: energies are taken in eV, lengths in Å", origin
        )
    remark_on_convergence(info, origin, source)


def _not_read(key: str, label: str) -> str:
    sign = ", with the other sign," if "grad" in key.lower() else ""
    return f"{shown(key, 40)} is not read; name it {label}{sign} if it is the label"


def remark_on_convergence(info: Mapping[str, Any], origin: str, source: FrameSource) -> None:
    """Remark a key that reports missing convergence, of the electrons or of the relaxation."""
    key = find_convergence_key(info)
    if key is not None:
        source.remark(
            f"{shown(key, 40)} says that something did not converge; remove the frame if that is "
            "its electronic steps",
            origin,
        )
