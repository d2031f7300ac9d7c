"""Places in XLA's C structures, against the header that the installed jaxlib brings."""

from __future__ import annotations

import shutil
import subprocess

import jax
import pytest

from limlff.simd import foreign

PROGRAM = """
#include <stdio.h>
#include <stddef.h>
#include "xla/ffi/api/c_api.h"
int main() {
  printf("%zu %zu %zu %zu %zu %zu %zu %d %d %d %d ",
    offsetof(XLA_FFI_CallFrame, api),
    offsetof(XLA_FFI_CallFrame, args) + offsetof(XLA_FFI_Args, size),
    offsetof(XLA_FFI_CallFrame, rets) + offsetof(XLA_FFI_Rets, size),
    offsetof(XLA_FFI_Buffer, dtype),
    offsetof(XLA_FFI_Api, XLA_FFI_Error_Create),
    offsetof(XLA_FFI_Error_Create_Args, message),
    offsetof(XLA_FFI_Error_Create_Args, errc),
    XLA_FFI_DataType_S32, XLA_FFI_DataType_S64, XLA_FFI_DataType_F32, XLA_FFI_DataType_F64);
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
    new, printed = printed.split()[:11], " ".join(printed.split()[11:])
    *more, message, code, int32, int64, float32, float64 = map(int, new)
    more_words = (
        foreign._API,
        foreign._ARGUMENT_COUNT,
        foreign._RESULT_COUNT,
        foreign._TYPE,
        foreign._MAKE_ERROR,
    )
    assert more == [8 * word for word in more_words]
    assert (message, code) == (16, 24)  # the third and the fourth word of `error_of`
    types = {"int32": int32, "int64": int64, "float32": float32, "float64": float64}
    assert types == foreign.TYPES
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
