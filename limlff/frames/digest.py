"""Digest of frames, which identifies the training data in the card of a potential."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

from limlff.frames.frame import Frame


def frames_digest(frames: Iterable[Frame]) -> str:
    """SHA-256 over atoms, cells, labels, cores and groups of frames, in their order.

    File names do not enter: the same frames have the same digest in any file that keeps all digits.

    Args:
        frames: The frames; read once, one after the other.

    Returns:
        The digest, 64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for frame in frames:
        digest.update(_frame_bytes(frame))
    return digest.hexdigest()


def _frame_bytes(frame: Frame) -> bytes:
    labels = (frame.energy, frame.forces, frame.stress)
    present = [int(label is not None) for label in labels]
    core = [] if frame.core is None else [np.asarray(frame.core, "<i8")]
    present[-1] += 2 * len(core)  # not a number more: frames without a core keep their digest
    group = frame.group.encode()
    parts = [
        # lengths and presence first, so that no two different frames give the same bytes
        np.array([len(frame), len(group), *present], "<i8"),
        np.asarray(frame.numbers, "<i8"),
        np.asarray(frame.periodic, "<i8"),
        np.asarray(frame.cell, "<f8"),
        np.asarray(frame.positions, "<f8"),
        *(np.asarray(label, "<f8") for label in labels if label is not None),
        *core,
    ]
    # adding zero turns -0.0, which some writers lose, into 0.0
    return b"".join((part + 0).tobytes() for part in parts) + group
