"""The modules of jax-md that are used here, without the rest of the package.

`import jax_md` takes 4 to 16 s, most of it for rigid bodies, neural networks and what they depend
on, which nothing here needs. Its modules are therefore imported with a stand-in for the package,
which is taken away afterwards: a later `import jax_md` by someone else gets the whole of it.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from typing import Any


def _import_alone(name: str) -> Any:
    """A module of jax-md, imported without running the package's own code."""
    if "jax_md" in sys.modules:
        return importlib.import_module(f"jax_md.{name}")
    found = importlib.util.find_spec("jax_md")
    if found is None or found.submodule_search_locations is None:
        return importlib.import_module(f"jax_md.{name}")  # whose error says what is missing
    stand_in = types.ModuleType("jax_md")
    stand_in.__path__ = list(found.submodule_search_locations)
    sys.modules["jax_md"] = stand_in
    try:
        return importlib.import_module(f"jax_md.{name}")
    finally:
        del sys.modules["jax_md"]


simulate = _import_alone("simulate")
partition = _import_alone("partition")
space = _import_alone("space")
