"""What tests share: compiled programs, and the folder of data and reference files, if any."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from limlff.compile_cache import keep_jax_programs

# Nearly all time of the tests is compilation. Every program is kept, small ones too, so that no
# module, worker or command started by a test compiles what another has compiled before.
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # as `limlff.cli.main` does, see there
keep_jax_programs()

import jax  # noqa: E402  (only after it knows where to keep programs)

# Tests call what is inside, too, which the library itself calls in its own precision only.
jax.config.update("jax_enable_x64", True)
jax.config.update("jax_default_matmul_precision", "highest")

# What runs under `nohup`, or in the background of a script, has signals ignored that tests send.
for _name, _handler in {
    "SIGHUP": signal.SIG_DFL,
    "SIGQUIT": signal.SIG_DFL,
    "SIGINT": signal.default_int_handler,
}.items():
    if hasattr(signal, _name):
        signal.signal(getattr(signal, _name), _handler)

_DEFAULT_SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with DFT frames and reference potentials; the test is skipped where it is missing."""
    data = os.environ.get("LIMLFF_DATA")
    beside_data = Path(data).parent if data else _DEFAULT_SHARED
    folder = Path(os.environ.get("LIMLFF_SHARED", beside_data))
    if not folder.is_dir():
        pytest.skip(f"no folder {folder} with DFT frames; set LIMLFF_SHARED to it")
    return folder


@pytest.fixture(scope="module", autouse=True)
def _memory_given_back() -> Iterator[None]:
    """After each module its programs, of which a worker would gather gigabytes, leave the memory.

    Others that need them read them from the folder of compiled programs.
    """
    yield
    if jax := sys.modules.get("jax"):
        jax.clear_caches()
        gc.collect()
        if sys.platform == "linux":  # what is free stays with the process until it is told
            ctypes.CDLL(None).malloc_trim(0)
