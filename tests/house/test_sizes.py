"""Files, functions and lists of parameters are as long as one can take in at once.

A file counts all of its lines; a function those from `def` to its end, with its docstring and with
functions inside it. Parameters are all that can be given, without `self` and `cls`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LONGEST_FILE = 300
LONGEST_FUNCTION = 50
MOST_PARAMETERS = 7

TILES = "a tile of a compiled kernel: each register and pointer is a parameter of its own"

# Exceptions with their reasons. An entry that is no longer needed fails, too.
FUNCTIONS: dict[str, str] = {}
PARAMETERS = {
    "limlff/kernels/contractions.py:_sums_of_harmonics.fill": TILES,
    "limlff/kernels/contractions.py:_sums_of_radial.fill": TILES,
    "limlff/kernels/contractions.py:_tile_of_moments.add": TILES,
    "limlff/kernels/contractions.py:_tile_of_harmonics.tile": TILES,
    "limlff/kernels/contractions.py:_tiles_of_radial.tiles": TILES,
    "limlff/kernels/contractions.py:pull_back_to_harmonics": TILES,
    "limlff/kernels/contractions.py:pull_back_to_radial": TILES,
    "limlff/simd/products.py:_add_one": TILES,
    "limlff/simd/products.py:_add_to.add": TILES,
    "limlff/simd/products.py:add_products": TILES,
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources(*folders: str) -> dict[str, str]:
    """Text of every Python file below some folders, by its path in the project."""
    files = [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]
    return {str(file.relative_to(ROOT)): file.read_text(encoding="utf-8") for file in files}


def functions_in(tree: ast.AST, within: str = "") -> Iterator[tuple[str, Function]]:
    """Every function of a file, with the names of the classes and functions around it."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.ClassDef, *Function.__args__)):
            name = f"{within}{node.name}"
            if not isinstance(node, ast.ClassDef):
                yield name, node
            yield from functions_in(node, f"{name}.")
        else:
            yield from functions_in(node, within)


def functions_of_the_library() -> dict[str, Function]:
    """Every function of limlff, named `file:class.function`."""
    return {
        f"{file}:{name}": function
        for file, text in sources("limlff").items()
        for name, function in functions_in(ast.parse(text))
    }


def lines_of(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def parameters_of(function: Function) -> int:
    given = function.args
    names = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    names += [one.arg for one in (given.vararg, given.kwarg) if one is not None]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def too_large(sizes: dict[str, int], limit: int, excepted: dict[str, str]) -> list[str]:
    """What is too large without being excepted, and exceptions that are not needed."""
    large = {name for name, size in sizes.items() if size > limit}
    beyond = [f"{name}: {sizes[name]}, the limit is {limit}" for name in large - set(excepted)]
    needless = [f"{name}: take it out of the list" for name in set(excepted) - large]
    return sorted(beyond) + sorted(needless)


def test_files_are_short():
    sizes = {
        file: len(text.splitlines())
        for file, text in sources("limlff", "benchmarks", "docs", "tests").items()
    }
    assert too_large(sizes, LONGEST_FILE, {}) == []


def test_functions_are_short():
    sizes = {name: lines_of(function) for name, function in functions_of_the_library().items()}
    assert too_large(sizes, LONGEST_FUNCTION, FUNCTIONS) == []


def test_functions_take_few_parameters():
    sizes = {name: parameters_of(function) for name, function in functions_of_the_library().items()}
    assert too_large(sizes, MOST_PARAMETERS, PARAMETERS) == []


SOURCE = """
class A:
    def f(self, a, *b, c=1, **d):
        'What it does.'

        def g(): ...
"""


def test_sizes_are_counted_as_said():
    found = dict(functions_in(ast.parse(SOURCE)))
    assert {name: lines_of(function) for name, function in found.items()} == {"A.f": 4, "A.f.g": 1}
    assert parameters_of(found["A.f"]) == 4
