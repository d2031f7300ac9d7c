"""Machine code of compiled functions, from LLVM code that comes with the package or else by numba.

numba takes 15 s of one core for the moment kernel, most of them to find types and to optimise. What
it arrives at is kept in the package, as LLVM bitcode, which becomes code for the CPU at hand in
0.7 s; the code is kept too, in the cache.
Where that is not possible (another architecture than x86-64 Linux, an older LLVM, edited sources),
numba compiles the functions and keeps the result, see `limlff.compile_cache`.

`python -m limlff.kernels.prebuild` makes the bitcode; a test says when that is due.
"""

from __future__ import annotations

import ctypes
import json
import lzma
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any

import llvmlite.binding as llvm
from numba import cfunc, types

from limlff.atomic_file import replaced_when_whole
from limlff.compile_cache import cache_folder, is_private, numba_cache

PACKAGE = Path(__file__).parent.parent
FOLDER = Path(__file__).parent / "prebuilt"
MANIFEST = FOLDER / "manifest.json"
ENTRY = "limlff_entry"
_DIGEST = 32  # bytes of a sha256
SIGNATURE = types.int64(types.CPointer(types.int64))

_kept: list[Any] = []  # code is gone with the object that holds it
_LOCK = Lock()  # the engines of LLVM are made one after the other


@dataclass(frozen=True)
class Program:
    """A function to be compiled.

    Attributes:
        name: Name under which its bitcode comes with the package.
        function: Its source, a function of a module that numba can compile. It takes a pointer to
            8-byte words and returns such a word.
        sources: Files whose functions and constants end up in its code, besides those of
            `limlff.simd`: patterns within the package.
    """

    name: str
    function: Callable[[Any], Any]
    sources: tuple[str, ...]


@cache
def source_digest(program: Program) -> str:
    """Digest of the sources of a program."""
    digest = sha256()
    for pattern in ("simd/*.py", *program.sources):
        for file in sorted(PACKAGE.glob(pattern)):
            digest.update(file.read_bytes())
    return digest.hexdigest()


@cache
def address_of(program: Program) -> int:
    """Address of a program's machine code, which follows the C calling convention."""
    with _LOCK:
        address = _from_package(program)
        if address is None:
            compiled = _by_numba(program)
            _kept.append(compiled)
            address = int(compiled.address)
    return address


@cache
def callable_of(program: Program) -> Callable[[int], int]:
    """The program for Python, to be called with an address; other threads run meanwhile."""
    return ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(address_of(program))


def _by_numba(program: Program) -> Any:
    with numba_cache(source_digest(program)) as kept:
        try:
            return cfunc(SIGNATURE, cache=kept)(program.function)
        except Exception:  # a damaged cache can raise anything
            if not kept:
                raise
    return cfunc(SIGNATURE)(program.function)


def _from_package(program: Program) -> int | None:
    """Address of code made from bitcode; None if there is none that fits."""
    name = program.name
    try:
        manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
        packed = (FOLDER / f"{name}.bc.xz").read_bytes()
    except (OSError, ValueError):
        return None
    fits = (
        manifest["triple"] == llvm.get_process_triple()
        and manifest["sources"].get(name) == source_digest(program)
        and manifest["sha256"].get(name) == sha256(packed).hexdigest()
    )
    if not fits:
        return None
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = host_machine()
    code = _kept_code(name, packed, machine)
    if code is None:
        return None
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _kept.append(engine)
    return int(engine.get_function_address(ENTRY))


def _kept_code(name: str, packed: bytes, machine: llvm.TargetMachine) -> bytes | None:
    """Code of the CPU at hand from bitcode, kept in the cache; None if LLVM cannot read it.

    What is kept carries its digest, since damaged code would end the process without a word.
    """
    cpu = f"{llvm.get_host_cpu_name()} {llvm.get_host_cpu_features().flatten()}"
    key = sha256(packed + f"{cpu} {llvm.llvm_version_info}".encode()).hexdigest()
    folder = cache_folder()
    file = folder and folder / f"{name}-{key[:16]}.code"
    with suppress(OSError):  # of a file that cannot be read
        if file and file.is_file() and is_private(file):
            content = file.read_bytes()
            if sha256(content[_DIGEST:]).digest() == content[:_DIGEST]:
                return content[_DIGEST:]
    try:
        code = machine.emit_object(llvm.parse_bitcode(lzma.decompress(packed)))
    except RuntimeError:  # of a newer LLVM than this one
        return None
    if file:
        with suppress(OSError), replaced_when_whole(file) as temporary:
            temporary.write_bytes(sha256(code).digest() + code)
    return code


def host_machine() -> llvm.TargetMachine:
    """The CPU at hand."""
    return llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        codemodel="jitdefault",
        jit=True,
    )
