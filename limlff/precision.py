"""Precision and start-up settings of jax: the only place where they are set.

Importing this module enables float64 (positions, integration, energy sums and files are float64;
model arithmetic is float32 or float64 by choice), asks for the highest matmul precision, and
refuses a jax that is known to compute wrong numbers.
"""

from __future__ import annotations

import os
import sys
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

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_default_matmul_precision", "highest")
