"""Potential files made by hand, and how a potential file is refused."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from limlff.errors import InputError
from limlff.models.moment import MomentModel
from limlff.potential_file import load_potential

MODEL = MomentModel(("Li",), cutoff=4.0, radial=3, channels=2, max_degree=1, hidden=(3, 3))


def write(
    path: Path,
    members: dict[str, bytes],
    *,
    sealed: bool = True,
    digest: bool = False,
    compression: int = zipfile.ZIP_STORED,
) -> Path:
    """A file with these members: sums made anew where sealed, the digest of before where kept."""
    manifest = json.loads(members["manifest.json"])
    if sealed:
        others = {name: data for name, data in members.items() if name != "manifest.json"}
        sums = {name: hashlib.sha256(data).hexdigest() for name, data in others.items()}
        manifest["members"] = sums
    if not digest:
        manifest.pop("digest", None)
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in {**members, "manifest.json": json.dumps(manifest).encode()}.items():
            archive.writestr(name, data)
    return path


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_potential(path)
    message = str(caught.value)
    assert path.name in message and len(message) < 600
    assert message.isprintable(), message
    return message


def npy(array: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.lib.format.write_array(content, array, allow_pickle=True)
    return content.getvalue()
