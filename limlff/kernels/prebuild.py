"""Write the LLVM bitcode that comes with the package: `python -m limlff.kernels.prebuild`."""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import llvmlite.binding as llvm
from numba import cfunc

from limlff.kernels.custom_call import call_float32, call_float64
from limlff.neighbors.cells import call_put_in_order, call_search
from limlff.neighbors.points import call_sort_points
from limlff.simd.machine_code import (
    ENTRY,
    FOLDER,
    MANIFEST,
    SIGNATURE,
    host_machine,
    source_digest,
)

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "moment_float32": call_float32,
    "moment_float64": call_float64,
    "neighbor_points": call_sort_points,
    "neighbor_search": call_search,
    "neighbor_order": call_put_in_order,
}

# What numba calls a function with: places for its result and for an exception, and the argument.
_WRAPPER = """
declare i32 @"{inner}"(ptr, ptr, ptr)
define i64 @{entry}(ptr %words) {{
  %result = alloca i64
  %exception = alloca ptr
  store i64 0, ptr %result
  store ptr null, ptr %exception
  %status = call i32 @"{inner}"(ptr %result, ptr %exception, ptr %words)
  %value = load i64, ptr %result
  ret i64 %value
}}
"""


def bitcode_of(function: Callable[[Any], Any]) -> bytes:
    """Optimised code of a function that needs nothing of Python or numba to run."""
    compiled = cfunc(SIGNATURE)(function)
    module = llvm.parse_bitcode(compiled._library._final_module.as_bitcode())
    inner = compiled.native_name.removeprefix("cfunc.")
    module.link_in(llvm.parse_assembly(_WRAPPER.format(inner=inner, entry=ENTRY)))
    for defined in [*module.functions, *module.global_variables]:
        if not defined.is_declaration and defined.name != ENTRY:
            defined.linkage = "internal"
    passes = llvm.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    options = llvm.create_pipeline_tuning_options()
    passes.run(module, llvm.create_pass_builder(host_machine(), options))
    errors = [variable.name for variable in module.global_variables if "pickle" in variable.name]
    if errors:
        raise SystemExit(f"{function.__name__} may raise errors of Python: {errors}; it must not")
    return module.as_bitcode()


def main() -> None:
    """Compile all functions and write them with a manifest."""
    FOLDER.mkdir(exist_ok=True)
    digests = {}
    for name, function in FUNCTIONS.items():
        packed = lzma.compress(bitcode_of(function), preset=9)
        (FOLDER / f"{name}.bc.xz").write_bytes(packed)
        digests[name] = sha256(packed).hexdigest()
        print(f"{name}: {len(packed)} bytes")
    manifest = {
        "triple": llvm.get_process_triple(),
        "llvm": ".".join(map(str, llvm.llvm_version_info)),
        "sources": source_digest(),
        "sha256": digests,
    }
    MANIFEST.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
