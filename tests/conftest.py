"""What tests share: compiled programs, and the folder of data and reference files, if any."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from limlff.compile_cache import keep_jax_programs

keep_jax_programs()  # most of the tests' time is compilation, and many compile the same

_DEFAULT_SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with DFT frames and reference potentials; the test is skipped where it is missing."""
    folder = Path(os.environ.get("LIMLFF_SHARED", _DEFAULT_SHARED))
    if not folder.is_dir():
        pytest.skip(f"no folder {folder} with DFT frames; set LIMLFF_SHARED to it")
    return folder
