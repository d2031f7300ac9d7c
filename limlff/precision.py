"""Precision and start-up settings of jax: the only place where they are set.

Positions, integration, energy sums and files are float64, model arithmetic is float32 or float64 by
choice, and matrices are multiplied with the highest precision. All that others may call takes this
for its own calls (`own_precision`), so that the user's settings of jax stay as they are. Importing
this module refuses a jax that is known to compute wrong numbers.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

from limlff.errors import InputError

# jax 0.12's fusion through YNNPACK makes the model six times slower on CPU; switched off before
# jax starts, because XLA reads its flags once. Older versions do not know the flag and would abort.
_NO_YNN_FUSION = "--xla_cpu_experimental_ynn_fusion_type="

WRONG_JAX_VERSIONS = {
    "0.10.2": "it computes wrong numbers on CPU (jax issue 39103)",
    "0.11.0": "it crashes on broadcasts of high rank",
    "0.11.1": "it lacks the fixes of 0.11.2",
}


def refuse_wrong_jax(jax_version: str) -> None:
    """Raise if this version of jax cannot be trusted.

    Args:
        jax_version: Version as in `jax.__version__`.

    Raises:
        InputError: If the version is known to be wrong.
    """
    if jax_version in WRONG_JAX_VERSIONS:
        raise InputError(
            f"jax {jax_version} is installed, but {WRONG_JAX_VERSIONS[jax_version]}; "
            "install another: pip install 'jax>=0.10.1,!=0.10.2,!=0.11.0,!=0.11.1'"
        )


def _set_xla_flags(jax_version: str) -> None:
    major, minor = (int(part) for part in jax_version.split(".")[:2])
    flags = os.environ.get("XLA_FLAGS", "")
    if (major, minor) >= (0, 12) and "jax" not in sys.modules and "ynn_fusion" not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {_NO_YNN_FUSION}".strip()


refuse_wrong_jax(version("jax"))
_set_xla_flags(version("jax"))

import jax  # noqa: E402  (only after its version and flags are settled)


@contextmanager
def own_precision() -> Iterator[None]:
    """While open, or in a function that it decorates, jax works in float64 and without short cuts.

    Random numbers come from the generator for which runs are the same everywhere, and arrays of
    different kinds and ranks combine as in NumPy, whatever the user has chosen. It holds for this
    thread alone and ends with the block: what the user has set for other programs stays as it is.
    """
    with (
        jax.enable_x64(True),
        jax.default_matmul_precision("highest"),
        jax.numpy_dtype_promotion("standard"),
        jax.numpy_rank_promotion("allow"),
        jax.default_prng_impl("threefry2x32"),
        jax.threefry_partitionable(True),
    ):
        yield


def require_float64() -> None:
    """Refuse to go on in single precision, which jax would use in silence.

    Raises:
        InputError: If float64 is off in jax.
    """
    if not jax.config.jax_enable_x64:  # type: ignore[attr-defined]
        raise InputError(
            "jax_enable_x64 is off here, but positions and energies need float64; call this within "
            "`with limlff.precision.own_precision():`, or switch jax_enable_x64 on"
        )
