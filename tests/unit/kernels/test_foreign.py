"""Places in XLA's C structures, against the header that the installed jaxlib brings."""

from __future__ import annotations

import shutil
import subprocess

import jax
import pytest

from limlff.kernels import foreign

PROGRAM = """
#include <stdio.h>
#include <stddef.h>
#include "xla/ffi/api/c_api.h"
int main() {
  printf("%zu %zu %zu %zu %zu %zu %zu %d %d",
    offsetof(XLA_FFI_CallFrame, extension_start),
    offsetof(XLA_FFI_CallFrame, args) + offsetof(XLA_FFI_Args, args),
    offsetof(XLA_FFI_CallFrame, rets) + offsetof(XLA_FFI_Rets, rets),
    offsetof(XLA_FFI_Buffer, data),
    offsetof(XLA_FFI_Metadata_Extension, metadata),
    offsetof(XLA_FFI_Metadata, api_version) + offsetof(XLA_FFI_Api_Version, major_version),
    offsetof(XLA_FFI_Metadata, api_version) + offsetof(XLA_FFI_Api_Version, minor_version),
    XLA_FFI_API_MAJOR, XLA_FFI_API_MINOR);
}
"""


def test_places_in_the_structures_are_those_of_the_header(tmp_path):
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    source, program = tmp_path / "offsets.c", tmp_path / "offsets"
    source.write_text(PROGRAM, encoding="utf-8")
    include = f"-I{jax.ffi.include_dir()}"
    subprocess.run([compiler, include, str(source), "-o", str(program)], check=True)
    printed = subprocess.run([str(program)], check=True, capture_output=True, text=True).stdout
    *places, major, minor = (int(word) for word in printed.split())
    words = (
        foreign.EXTENSION,
        foreign._ARGUMENTS,
        foreign._RESULTS,
        foreign._DATA,
        foreign._METADATA,
    )
    assert places == [*(8 * word for word in words), 4 * foreign._MAJOR[0], 4 * foreign._MINOR[0]]
    # XLA accepts functions written for an older minor version
    assert major == foreign._MAJOR[1] and minor >= foreign._MINOR[1]
