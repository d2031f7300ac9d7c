"""YAML as limlff reads and writes it: strict, without surprises, and bounded in size.

Plain scalars are those of YAML 1.2: `1e-3` and `5e0` are numbers, `010` is ten, and `no`, `on`,
`1:30` and `2026-01-01` are text. A key that stands twice is refused. Keys are always text.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import Any

import yaml

from limlff.errors import InputError, shown
from limlff.paths import check_is_file

LARGEST_FILE = 1_000_000
"""Bytes of a YAML file; a recipe with thousands of files has a tenth of them."""

DEEPEST = 30
"""Levels of nesting; the deepest configuration has six."""

MOST_VALUES = 100_000
"""Values of a file after aliases are written out."""

_MERGE = "tag:yaml.org,2002:merge"
_TAG = "tag:yaml.org,2002:"
_SCALARS = (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
    ("merge", r"<<", "<"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
)
"""Kind, pattern and first characters of plain scalars: the core schema of YAML 1.2, and merges."""


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the scalars of YAML 1.2 and bounds on depth and size."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = self._values = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self._depth, self._values = self._depth + 1, self._values + 1
        if self._depth > DEEPEST or self._values > MOST_VALUES:
            line = self.peek_event().start_mark.line + 1
            raise _Refused(
                f"line {line} is nested more than {DEEPEST} levels deep; flatten it"
                if self._depth > DEEPEST
                else f"holds more than {MOST_VALUES} values by line {line}; is it the right file?"
            )
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_int(self, node: yaml.ScalarNode) -> int:
        text = str(self.construct_scalar(node))
        prefix = text[:2]
        base = {"0o": 8, "0x": 16}.get(prefix, 10)
        try:
            return int(text[2:] if base != 10 else text, base)
        except ValueError as error:
            raise _Refused(
                f"line {_line(node)}: {shown(text, 30)} is no whole number that can be used"
            ) from error

    def construct_float(self, node: yaml.ScalarNode) -> float:
        text = str(self.construct_scalar(node)).lower()
        try:
            return float(text.replace(".inf", "inf").replace(".nan", "nan"))
        except ValueError as error:
            raise _Refused(f"line {_line(node)}: {shown(text, 30)} is no number") from error


class _Dumper(yaml.SafeDumper):
    """Puts into quotes what YAML 1.1 or 1.2 would take for something else than text."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    """Line ends other than those of Unix are lost but for double quotes, which escape them."""
    style = '"' if any(sign in text for sign in "\r\x85\u2028\u2029") else None
    return dumper.represent_scalar(f"{_TAG}str", text, style=style)


_Dumper.add_representer(str, _represent_text)


class _Refused(Exception):
    """Why a document is refused, in words that need no file name."""


_Loader.yaml_implicit_resolvers = {}  # without those of YAML 1.1
_Loader.yaml_constructors = {
    tag: constructor
    for tag, constructor in yaml.SafeLoader.yaml_constructors.items()
    if tag not in {f"{_TAG}{kind}" for kind in ("binary", "set", "omap", "pairs", "timestamp")}
}
for _kind, _pattern, _first in _SCALARS:
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(f"{_TAG}{_kind}", re.compile(f"^(?:{_pattern})$"), _first)
_Loader.add_constructor(f"{_TAG}int", _Loader.construct_int)
_Loader.add_constructor(f"{_TAG}float", _Loader.construct_float)


def read_mapping(path: Path) -> dict[str, Any]:
    """The settings in a YAML file.

    Args:
        path: The file: UTF-8, or UTF-16 with a byte order mark.

    Raises:
        InputError: If it cannot be read, is too large, no valid YAML, no mapping at its top, or
            holds a key twice.
    """
    check_is_file(path)
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise InputError(f"{shown(path)}: cannot be read: {error.strerror}") from error
    if len(content) > LARGEST_FILE:
        raise InputError(
            f"{shown(path)}: is larger than {LARGEST_FILE} bytes, too large for settings; is it "
            "the right file?"
        )
    value = parse_yaml(_decode(content, path), shown(path))
    if value is None:
        raise InputError(f"{shown(path)}: is empty; write settings as 'key: value' into it")
    if not isinstance(value, dict):
        what = "a list" if isinstance(value, list) else f"{shown(value, 40)!r}"
        raise InputError(f"{shown(path)}: holds {what}, not a mapping of settings 'key: value'")
    return value


def parse_yaml(text: str, source: str) -> Any:
    """The value of a YAML document.

    Args:
        text: One document.
        source: Its name in messages.

    Raises:
        InputError: If it is no valid YAML, holds a key twice, or is too deep or too large.
    """
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _check(node, {})
        return loader.construct_document(node)
    except _Refused as refusal:
        raise InputError(f"{source}: {refusal}") from None
    except yaml.YAMLError as error:
        raise InputError(f"{source}: is no valid YAML: {_reason(error)}") from error
    except (ValueError, TypeError, RecursionError) as error:  # of tags such as !!set and !!binary
        raise InputError(f"{source}: is no valid YAML: {shown(str(error))}") from error


def dump_yaml(content: dict[str, Any]) -> str:
    """Settings as YAML which `read_mapping` reads back to the same values.

    Args:
        content: Text, numbers, truth values, null, and lists and mappings of them.
    """
    text: str = yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    return text


def _decode(content: bytes, path: Path) -> str:
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(
            f"{shown(path)}: line {line} is no UTF-8 text; is it the right file? Save it as UTF-8"
        ) from error


def _check(node: yaml.Node, sizes: dict[int, int]) -> int:
    """Refuse keys that are no text or stand twice, and aliases that grow without bound.

    Args:
        node: A node of the document, whose scalars are not built yet.
        sizes: Values in nodes seen before, by identity; 0 while a node is looked at.

    Returns:
        Number of values in it, with all its aliases written out.
    """
    if id(node) in sizes:
        if not sizes[id(node)]:
            raise _Refused(f"line {_line(node)} holds itself by an alias; write it out")
        return sizes[id(node)]
    sizes[id(node)] = 0
    inner: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        _check_keys(node)
        inner = [value for _, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        inner = node.value
    size = 1 + sum(_check(each, sizes) for each in inner)
    if size > MOST_VALUES:
        raise _Refused(
            f"line {_line(node)} holds more than {MOST_VALUES} values once its aliases are written "
            "out; leave aliases of aliases out"
        )
    sizes[id(node)] = size
    return size


def _check_keys(node: yaml.MappingNode) -> None:
    lines: dict[str, int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _Refused(f"line {_line(key)}: a key is a list or a mapping; keys are words")
        if key.value in lines:
            first, second = lines[key.value], _line(key)
            where = f"lines {first} and {second}" if first != second else f"line {first}"
            raise _Refused(f"key '{shown(key.value)}' stands twice, in {where}; remove one of them")
        lines[key.value] = _line(key)
        if key.tag != _MERGE:
            key.tag = f"{_TAG}str"


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _reason(error: yaml.YAMLError) -> str:
    """What PyYAML found, in one line without the text around it."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return shown(" ".join(str(error).split()), 200)
    mark = error.problem_mark or error.context_mark
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    problem = " ".join(filter(None, (error.context, error.problem)))
    if "\\t" in problem:
        problem = "a tab, where YAML allows only spaces; replace tabs by spaces"
    elif "another document" in problem:
        problem = "a second document begins; keep one to a file"
    return shown(f"{where}{problem}", 200)
