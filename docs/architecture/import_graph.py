"""Who imports whom in limlff, read from the source without running it.

All imports count alike: those at the top of a file, those inside functions, those for type checkers
only, and modules named in text, which are imported by name (`"limlff.models.mace:MaceModel"`).
"""

from __future__ import annotations

import ast
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
LIBRARY = HERE.parents[1] / "limlff"
NAMED_IN_TEXT = re.compile(r"limlff(\.\w+)+")


@dataclass(frozen=True)
class Floors:
    """The floors as they are written down.

    Attributes:
        packages: The packages of each floor, from top to bottom.
        files_beside: Package of every file in `limlff/` that is part of one.
        says: What each package is for.
    """

    packages: list[list[str]]
    files_beside: dict[str, str]
    says: dict[str, str]

    def package_of(self, file: str) -> str:
        """The package of a file, which is given relative to `limlff/`."""
        first = file.split("/")[0]
        return self.files_beside.get(first, first if "/" in file else "ground")

    def floor_of(self, package: str) -> int:
        """Number of a package's floor, counted from the top.

        Raises:
            KeyError: If the package stands on none.
        """
        for number, packages in enumerate(self.packages):
            if package in packages:
                return number
        raise KeyError(f"limlff/{package} stands on no floor; give it one in {HERE}/floors.toml")

    def allow(self, importer: str, imported: str) -> bool:
        """Whether one package may import another: itself, or one of a lower floor."""
        return importer == imported or self.floor_of(importer) < self.floor_of(imported)


def read_floors() -> Floors:
    """Read `floors.toml`."""
    written = tomllib.loads((HERE / "floors.toml").read_text(encoding="utf-8"))
    names = [name for packages in written["floors"] for name in packages]
    beside = {f"{name}.py": name for name in names}
    beside |= {file: name for name, files in written["files_beside"].items() for file in files}
    return Floors(written["floors"], beside, written["says"])


def imports_between_files(library: Path = LIBRARY) -> dict[str, set[str]]:
    """The files of the library that each of its files imports, all relative to the library."""
    files = {str(file.relative_to(library)): file for file in sorted(library.rglob("*.py"))}
    graph = {}
    for name, file in files.items():
        modules = imported_modules(ast.parse(file.read_text(encoding="utf-8")), library.name)
        found = {_file_of(module, library.name, set(files)) for module in modules}
        graph[name] = {other for other in found if other is not None} - {name}
    return graph


def imported_modules(tree: ast.AST, library: str = "limlff") -> set[str]:
    """Full names of the modules that a file imports from a library.

    A name that is taken from a module (`from limlff.frames import store`) counts as that module's
    part, which is a module itself or not.
    """
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"line {node.lineno}: write imports of {library} in full")
            found |= {f"{node.module}.{name.name}" for name in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            module = node.value.split(":")[0]
            found |= {module} if NAMED_IN_TEXT.fullmatch(module) else set()
    return {name for name in found if name.split(".")[0] == library}


def _file_of(module: str, library: str, files: set[str]) -> str | None:
    """The file that holds a module, or the name that is taken from one."""
    parts = module.split(".")[1:]
    while parts:
        path = "/".join(parts)
        for file in (f"{path}.py", f"{path}/__init__.py"):
            if file in files:
                return file
        parts = parts[:-1]
    return "__init__.py" if module == library else None


def imports_between_packages(
    graph: dict[str, set[str]], floors: Floors
) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """For each pair of packages the imports between their files, as (importer, imported)."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for importer, others in graph.items():
        for imported in sorted(others):
            pair = (floors.package_of(importer), floors.package_of(imported))
            if pair[0] != pair[1]:
                found.setdefault(pair, []).append((importer, imported))
    return found


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Groups of files in which each imports every other one, be it by way of others."""
    reached = {file: _reached_from(file, graph) for file in graph}
    groups = {
        tuple(sorted({other for other in others if file in reached[other]}))
        for file, others in reached.items()
        if file in others
    }
    return [list(group) for group in sorted(groups)]


def _reached_from(file: str, graph: dict[str, set[str]]) -> set[str]:
    """All files that a file imports, directly or by way of others."""
    reached: set[str] = set()
    ahead = set(graph[file])
    while ahead:
        reached |= ahead
        ahead = set().union(*(graph[other] for other in ahead)) - reached
    return reached
