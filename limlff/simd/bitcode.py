"""LLVM bitcode of compiled functions, to come with the package."""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

import llvmlite.binding as llvm
from numba import cfunc

from limlff.simd.machine_code import (
    ENTRY,
    FOLDER,
    MANIFEST,
    SIGNATURE,
    Program,
    host_machine,
    source_digest,
)

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


def write_package(programs: Sequence[Program]) -> None:
    """Compile programs and write them where `limlff.simd.machine_code` looks, with a manifest."""
    FOLDER.mkdir(exist_ok=True)
    digests = {}
    for program in programs:
        packed = lzma.compress(bitcode_of(program.function), preset=9)
        (FOLDER / f"{program.name}.bc.xz").write_bytes(packed)
        digests[program.name] = sha256(packed).hexdigest()
        print(f"{program.name}: {len(packed)} bytes")
    manifest = {
        "triple": llvm.get_process_triple(),
        "llvm": ".".join(map(str, llvm.llvm_version_info)),
        "sources": {program.name: source_digest(program) for program in programs},
        "sha256": digests,
    }
    MANIFEST.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
