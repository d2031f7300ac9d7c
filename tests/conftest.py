"""What tests share: the folder of data and reference files, which may be missing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_DEFAULT_SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with DFT frames and reference potentials; the test is skipped where it is missing."""
    folder = Path(os.environ.get("LIMLFF_SHARED", _DEFAULT_SHARED))
    if not folder.is_dir():
        pytest.skip(f"no folder {folder} with DFT frames; set LIMLFF_SHARED to it")
    return folder
